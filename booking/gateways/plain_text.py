"""Text that people typed, made fit for a header, a letter or a calendar: nothing in it may steer what shows it."""

import unicodedata

# Control characters, half characters, and the two that end a line in Unicode.
_BREAKS = ("Cc", "Cs", "Zl", "Zp")
# These turn the direction of all the text that follows them. Marks of a single letter's direction stay.
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def one_line(text: str) -> str:
    """Text on one line: whatever somebody typed, it cannot begin a header or a line of its own."""
    visible = "".join(" " if unicodedata.category(char) in _BREAKS else char for char in text.translate(_TURNS))
    return " ".join(visible.split())


def some_lines(text: str) -> str:
    """Text with the line breaks that were typed, and nothing else that cannot be seen."""
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(lines).strip()
