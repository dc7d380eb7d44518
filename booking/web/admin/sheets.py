"""A table as a file to keep: sent as it is written, so that ten thousand rows need no more memory than ten."""

from collections.abc import Iterable, Sequence

from flask import Response, stream_with_context

from booking.domain.spreadsheet import Row, write_sheet


def send_sheet(name: str, head: Sequence[str], rows: Iterable[Row]) -> Response:
    """The answer that a browser saves as `name`.csv; `rows` is read while the answer goes out."""
    answer = Response(stream_with_context(write_sheet(head, rows)), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
