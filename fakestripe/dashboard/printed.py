"""Prints an object as indented JSON in pieces, so that a page can make links of the ids in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from fakestripe.store import Record

# A whole string that looks like an id: a prefix, an underscore, letters and digits.
ID = re.compile(r'"([a-z]{2,6}(?:_test)?_[A-Za-z0-9]{6,80})"')
Piece = tuple[str, str]


def printed(record: Record, leads_somewhere: Callable[[str], bool]) -> list[Piece]:
    """Text, and after it the id that follows, or nothing."""
    text = json.dumps(record, indent=2, ensure_ascii=False)
    pieces, end = [], 0
    for match in ID.finditer(text):
        if leads_somewhere(match[1]):
            pieces.append((text[end : match.start(1)], match[1]))
            end = match.end(1)
    return [*pieces, (text[end:], "")]
