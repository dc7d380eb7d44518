"""A program that takes its time over everything, for tests of who gets a thread first."""

import time
from collections.abc import Callable
from typing import Any

SECONDS = 0.3


def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The same for everybody."""
    time.sleep(SECONDS)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]
