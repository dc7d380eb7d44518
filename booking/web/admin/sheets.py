"""A table as a file to keep: sent as it is written, so that ten thousand rows need no more memory than ten."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from flask import Response, stream_with_context
from sqlalchemy.orm import Session

from booking.domain.spreadsheet import Row, write_sheet
from booking.web.admin.blueprint import reader


def send_sheet(name: str, head: Sequence[str], read: Callable[[Session], Iterable[Row]]) -> Response:
    """The answer that a browser saves as `name`.csv.

    `read` is asked for its rows while the answer goes out, when the session in which the request read is closed: it
    is given one that lives as long as the answer.
    """

    def pieces() -> Iterator[str]:
        yield from write_sheet(head, read(reader()))

    answer = Response(stream_with_context(pieces()), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
