"""A table as a file to keep: sent as it is written, so that ten thousand rows need no more memory than ten."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from flask import Response
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from booking.domain.spreadsheet import Row, write_sheet
from booking.extensions import db

Read = Callable[[Session], Iterable[Row]]


def send_sheet(name: str, head: Sequence[str], read: Read) -> Response:
    """The answer that a browser saves as `name`.csv; `read` is asked for its rows while the answer goes out."""
    answer = Response(_pieces(db.engine, head, read), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _pieces(engine: Engine, head: Sequence[str], read: Read) -> Iterator[str]:
    # The session of the request is closed before the answer goes out. One of its own, tied to no request, ends with
    # the answer: at its end, or where the reader hangs up.
    with Session(engine) as session:
        yield from write_sheet(head, read(session))
