"""How much of each page is looked at: enough in every run, everything in `make torture` (`PAGE_LOOKS=all`).

Every page in every state is looked at in each run. What is left to the night is the same page in the other colours, on
the other widths and in the other language, where faults of its own are rare and looks are dear.
"""

import os
from collections.abc import Sequence
from typing import Any
from zlib import crc32

EVERYTHING = os.environ.get("PAGE_LOOKS") == "all"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
ALL_RULES: dict[str, Any] = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
# Dark and light are the same page but for its colours.
OF_COLOURS: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
                              "resultTypes": ["violations"]}  # fmt: skip
Look = tuple[str, int, dict[str, Any]]  # colours, width, what axe-core is asked


def looks(*widths: int) -> list[Look]:
    """What axe-core is asked about one page: all rules on each width in both colours, or on the narrowest alone."""
    if EVERYTHING:
        return [(scheme, width, ALL_RULES) for scheme in ("light", "dark") for width in widths]
    return [("light", widths[0], ALL_RULES), ("dark", widths[-1], OF_COLOURS)]


def each_or_one(names: Sequence[str], ways: Sequence[Any]) -> list[tuple[str, Any]]:
    """Every page in each of several ways; or every page in one of them, always the same for the same name."""
    if EVERYTHING:
        return [(name, way) for name in names for way in ways]
    return [(name, ways[crc32(name.encode()) % len(ways)]) for name in names]
