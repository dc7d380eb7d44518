"""Runs stories in children that may be killed: `python -m tests.crash.driver`, orders and answers as lines of JSON.

A process of its own with a single thread, so that it may fork: each child has everything imported already, and most of
what it will say compiled, and dies by SIGKILL where it is told to, with its transaction, its connections and its
thoughts.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from booking import crashpoints, create_app
from booking.extensions import db
from booking.services import verification
from tests.crash.stories import STORIES
from tests.crash.teller import Teller
from tests.support.compiled import compile_once
from tests.support.shop import make_settings


def main() -> None:
    compile_once()
    _warm_up()
    for line in sys.stdin:
        print(json.dumps(_in_a_child(json.loads(line))), flush=True)


def _warm_up() -> None:
    """Compile what every story says before the first child is born, on a database in memory that ends with it."""
    app = create_app(make_settings("sqlite:///:memory:"))
    with app.app_context():
        db.create_all()
        verification.verify(app.extensions["holdfast"])
        db.session.remove()
        db.engine.dispose()


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
