"""Card numbers where none belong. Guests do paste them into messages; the shop must neither keep nor repeat them."""

import re
import unicodedata

# Digits in groups, as a card shows them: the groups stand apart by one sign at most.
_DIGITS = re.compile(r"\d+(?:[ \u00a0._-]\d+)*", re.ASCII)
_GROUP = re.compile(r"\d+", re.ASCII)
_SHORTEST, _LONGEST = 13, 19
# No card of any brand that guests pay with begins otherwise; it keeps most other long numbers out.
_FIRST_DIGITS = "23456"
MASK = "••••"


def has_card_number(text: str) -> bool:
    """Whether some digits in a text could be the number of a card: 13 to 19 of them, with a check digit that fits."""
    return bool(_find_numbers(_plain(text)))


def without_card_numbers(text: str) -> str:
    """The text with four dots in place of each such number. A text without any comes back as it was."""
    plain = _plain(text)
    found = _find_numbers(plain)
    if not found:
        return text
    for first, last in reversed(found):
        plain = plain[:first] + MASK + plain[last:]
    return plain


def _plain(text: str) -> str:
    """The text with every kind of digit written as a plain one; nothing else is touched."""
    return "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text)


def _find_numbers(text: str) -> list[tuple[int, int]]:
    return [span for run in _DIGITS.finditer(text) for span in _spans_in(text, run.start(), run.end())]


def _spans_in(text: str, first: int, last: int) -> list[tuple[int, int]]:
    """Where in a run of groups numbers of cards begin and end: whole groups only, the longest first, none twice."""
    groups = [group.span() for group in _GROUP.finditer(text, first, last)]
    found: list[tuple[int, int]] = []
    for at, (start, _) in enumerate(groups):
        if found and start < found[-1][1]:
            continue
        ends = (end for _, end in reversed(groups[at:]) if _is_card_number(text[start:end]))
        found += [(start, end) for end in ends][:1]
    return found


def _is_card_number(text: str) -> bool:
    digits = "".join(letter for letter in text if letter.isdigit())
    return _SHORTEST <= len(digits) <= _LONGEST and digits[0] in _FIRST_DIGITS and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
