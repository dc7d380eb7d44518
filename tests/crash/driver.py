"""Runs stories in children that may be killed: `python -m tests.crash.driver`, orders and answers as lines of JSON.

A process of its own with a single thread, so that it may fork: each child has everything imported already, and most of
what it will say compiled, and dies by SIGKILL where it is told to, with its transaction, its connections and its
thoughts.
"""

import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from booking import crashpoints
from tests.crash.stories import STORIES
from tests.crash.teller import Teller
from tests.support.compiled import compile_once
from tests.support.shop import dispose


def main() -> None:
    compile_once()
    for line in sys.stdin:
        order = json.loads(line)
        answer = _in_a_child(order) if order["folder"] else _warm_up(order)
        print(json.dumps(answer), flush=True)


def _warm_up(order: dict[str, Any]) -> dict[str, Any]:
    """Tell a story here, before the first child is born: what it compiles, each child has from its birth on."""
    with tempfile.TemporaryDirectory() as folder:
        teller = Teller(Path(folder), order["database_url"], order["stripe_url"])
        teller.tell(STORIES[order["story"]])
    dispose(teller.app)
    return {}


def _in_a_child(order: dict[str, Any]) -> dict[str, Any]:
    child = os.fork()
    if child == 0:
        _run_and_exit(order)
    _, status = os.waitpid(child, 0)
    return {"killed": os.WIFSIGNALED(status), "exit": os.waitstatus_to_exitcode(status)}


def _run_and_exit(order: dict[str, Any]) -> None:
    code = 1
    try:
        folder = Path(order["folder"])
        crashpoints.arm(_visitor(folder, order.get("kill_at")))
        Teller(folder, order["database_url"], order["stripe_url"]).tell(STORIES[order["story"]])
        code = 0
    except BaseException:
        (Path(order["folder"]) / "trace").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def _visitor(folder: Path, kill_at: str | int | None) -> Any:
    """Writes down each point of this life, and ends it at one: at the first of a name, or at the n-th of any."""
    visited, count = (folder / "visited").open("w", encoding="utf-8"), 0

    def visit(name: str) -> None:
        nonlocal count
        if name.startswith("tests."):
            return  # the teller's own
        count += 1
        visited.write(name + "\n")
        visited.flush()
        if kill_at in (name, count):
            os.kill(os.getpid(), signal.SIGKILL)

    return visit


if __name__ == "__main__":
    main()
