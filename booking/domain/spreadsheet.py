"""Tables as text that a spreadsheet opens and never executes: CSV by RFC 4180. Rows in, pieces of a file out."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import filterfalse, islice, takewhile

Cell = str | int | Decimal | date | datetime | None
Row = Sequence[Cell]

# Without it Excel takes UTF-8 for the code page of the machine, and "Ödegård" for something else. What else reads
# CSV knows the mark and skips it (Python: "utf-8-sig").
BYTE_ORDER_MARK = "\ufeff"
ROWS_AT_ONCE = 200

# With one of these a cell is a formula. Their full-width, small and raised forms are folded into them before.
_FORMULA = frozenset("=+-@\u2212")
# Excel in German splits at ";" whatever the file says, and some readers at every line break: what then stands first
# in a cell of its own must be as harmless as what stands first in this one.
_CELL_ENDS = re.compile(r"(?<=[;\t\n])|(?<=\r)(?!\n)")


def write_sheet(head: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """The file piece by piece, `ROWS_AT_ONCE` rows each: however long it is, no more of it is in memory."""
    yield BYTE_ORDER_MARK + _written([head])
    left = iter(rows)
    while piece := list(islice(left, ROWS_AT_ONCE)):
        yield _written(piece)


def harmless(text: str) -> str:
    """The same text, with an apostrophe before whatever a spreadsheet would take for the beginning of a formula."""
    first, *later = _CELL_ENDS.split(text)
    is_risky = _is_formula(first) or _hides_something(first)
    return ("'" if is_risky else "") + first + "".join("'" + part if _is_formula(part) else part for part in later)


def _written(rows: Iterable[Row]) -> str:
    piece = io.StringIO()
    csv.writer(piece, quoting=csv.QUOTE_NONNUMERIC).writerows(map(_cells, rows))
    return piece.getvalue()


def _cells(row: Row) -> list[str | int | Decimal]:
    return [_cell(value) for value in row]


def _cell(value: Cell) -> str | int | Decimal:
    """Numbers stay numbers, without signs of thousands; days and moments are ISO 8601, moments in UTC."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return harmless(value) if isinstance(value, str) else value


def _is_formula(text: str) -> bool:
    """Whether the first sign that can be seen begins a formula."""
    return unicodedata.normalize("NFKC", next(filterfalse(_is_unseen, text), " ")) in _FORMULA


def _hides_something(text: str) -> bool:
    """Whether it begins with a tab, carriage return or NUL: some readers drop them and look at what follows."""
    return any(unicodedata.category(sign) == "Cc" for sign in takewhile(_is_unseen, text))


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign)[0] in ("Z", "C")  # separators, controls and marks that only steer
