"""A program whose only thread is busy until somebody who books stands in line, for tests of who is served when."""

import itertools
import time
from collections.abc import Callable
from typing import Any

from patient_worker import PatientWorker

# With this in its address a request keeps its thread.
BUSY = "/admin/busy"
_numbers = itertools.count(1)
_workers: list["KnownWorker"] = []


class KnownWorker(PatientWorker):
    """The shop's worker, which the program can look at."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _workers.append(self)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Which number a request had among all that were served."""
    number = b"" if environ["PATH_INFO"] == "/healthz" else b"%d" % next(_numbers)
    if environ["PATH_INFO"] == BUSY:
        _be_busy()
    start_response("200 OK", [("Content-Length", str(len(number)))])
    return [number]


def _be_busy() -> None:
    print(BUSY, flush=True)
    while not any(conn.seen.startswith(b"POST ") for conn in list(_workers[-1]._first)):
        time.sleep(0.01)
