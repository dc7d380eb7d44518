"""Writes a paper as a PDF file, in the way that banks can read: A4, black on white, letters of 12 points.

The only place that imports `reportlab`.
"""

import io
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from booking.domain.papers import Paper, WrittenPaper
from booking.gateways.plain_text import one_line

_WIDTH, _HEIGHT, _MARGIN = 595, 842, 57  # A4 in points, and two centimetres
_TEXT, _HEADING, _TITLE, _FOOT = 12, 13, 16, 9
_LEADING = 16
_ROWS = (_HEIGHT - 2 * _MARGIN) // _LEADING - 1  # of one page, with room for its foot
_FONT = "DejaVu Sans"

Row = tuple[int, str]  # size of the letters, and the words; an empty row is a gap


def build_paper_writer(font: Path) -> Callable[[Paper], WrittenPaper]:
    """A writer whose files hold the letters they need, so that they look the same everywhere."""

    def write(paper: Paper) -> WrittenPaper:
        return _write(paper, _load(font))

    return write


def _write(paper: Paper, face: Any) -> WrittenPaper:
    rows = _cut(list(_rows(paper, face)), paper.most_pages)
    pages = [rows[first : first + _ROWS] for first in range(0, len(rows), _ROWS)]
    return WrittenPaper(_draw(paper, face, pages), len(pages))


def _rows(paper: Paper, face: Any) -> Iterator[Row]:
    yield from _wrapped(paper.title, _TITLE, face)
    for part in paper.parts:
        yield (_TEXT, "")
        yield from _wrapped(part.heading, _HEADING, face)
        for line in part.lines:
            yield from _wrapped(line, _TEXT, face)


def _cut(rows: list[Row], most_pages: int) -> list[Row]:
    """As many rows as the pages take. What is left out is counted: nobody should think that it is all."""
    most = most_pages * _ROWS
    if len(rows) <= most:
        return rows
    return [*rows[: most - 1], (_TEXT, f"... and {len(rows) - most + 1} more lines, left out for length.")]


def _wrapped(text: str, size: int, face: Any) -> Iterator[Row]:
    """One line of text as the rows it needs. A word that is wider than the page goes on in the next row."""
    row = ""
    for word in _drawable(one_line(text), face).split(" "):
        for piece in _pieces(word, size, face):
            longer = f"{row} {piece}" if row else piece
            if _fits(longer, size, face):
                row = longer
            else:
                yield (size, row)
                row = piece
    yield (size, row)


def _pieces(word: str, size: int, face: Any) -> Iterator[str]:
    while not _fits(word, size, face):
        end = next(end for end in range(len(word) - 1, 0, -1) if end == 1 or _fits(word[:end], size, face))
        yield word[:end]
        word = word[end:]
    yield word


def _fits(text: str, size: int, face: Any) -> bool:
    return bool(face.stringWidth(text, size) <= _WIDTH - 2 * _MARGIN)


def _drawable(text: str, face: Any) -> str:
    """A letter that the font does not have stands as its number in Unicode: better than a box that says nothing."""
    known = face.face.charToGlyph
    return "".join(char if ord(char) in known else f"[U+{ord(char):04X}]" for char in text)


def _draw(paper: Paper, face: Any, pages: list[list[Row]]) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    # `invariant` leaves out the time of writing, so that the same paper is the same file.
    canvas = Canvas(file, pagesize=(_WIDTH, _HEIGHT), invariant=1)
    canvas.setTitle(paper.title)
    for number, rows in enumerate(pages, 1):
        for index, (size, words) in enumerate(rows):
            canvas.setFont(face.fontName, size)
            canvas.drawString(_MARGIN, _HEIGHT - _MARGIN - index * _LEADING, words)
        canvas.setFont(face.fontName, _FOOT)
        canvas.drawString(_MARGIN, _MARGIN - _LEADING, _drawable(f"{paper.foot} - page {number} of {len(pages)}", face))
        canvas.showPage()
    canvas.save()
    return file.getvalue()


@lru_cache(maxsize=1)
def _load(font: Path) -> Any:
    """Read at the first file: few processes ever write one."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    face = TTFont(_FONT, str(font))
    registerFont(face)
    return face
