"""The shop writes in transaction() alone: on PostgreSQL its reads are no transaction, and nothing takes a write back.

Tests write as they like. What the shop's own code writes outside is an error in whichever test meets it.
"""

import sys
from collections.abc import Iterator
from types import FrameType

from sqlalchemy import Connection, Engine, event

from booking.database import is_for_writing
from tests.support.servers import ROOT

SHOP = str(ROOT / "booking")
# These hear of each commit, whoever makes it.
LISTENERS = (f"{SHOP}/database.py", f"{SHOP}/models")
# Migrations have transactions of their own, and a drill writes what it stages into a scratch database of its own.
APART = (str(ROOT / "tests"), str(ROOT / "migrations"), f"{SHOP}/drill")


def watch_for_strays() -> None:
    """For the whole run."""
    event.listen(Engine, "before_cursor_execute", _refuse_stray)


def _refuse_stray(connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
    if not statement.startswith(("INSERT", "UPDATE", "DELETE")) or is_for_writing(connection):
        return
    writer = next((frame for frame in _frames() if frame.f_code.co_filename.startswith((SHOP, *APART))), None)
    if writer is not None and not writer.f_code.co_filename.startswith(APART):
        raise AssertionError(f"{writer.f_code.co_filename}:{writer.f_lineno} writes outside transaction(): {statement}")


def _frames() -> Iterator[FrameType]:
    """From the statement outwards, without those that only listen."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if not frame.f_code.co_filename.startswith((*LISTENERS, __file__)):
            yield frame
        frame = frame.f_back
