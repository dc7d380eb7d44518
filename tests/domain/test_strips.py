"""domain/strips: the nights of a unit as strips that fill the window, whatever stands at its edges."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.strips import Strip, Window, lay_out

FIRST = date(2027, 2, 27)


def row(owners: str, nights: int) -> list[tuple[int, str | None, bool, bool]]:
    """One letter for each night from the one before the window on; a dot is a free one."""
    taken = {FIRST + timedelta(days=number - 1): owner for number, owner in enumerate(owners) if owner != "."}
    strips = lay_out(taken, Window(FIRST, nights))
    return [(strip.nights, strip.owner, strip.began_before, strip.goes_on) for strip in strips]


@pytest.mark.parametrize(
    ("owners", "strips"),
    [
        (".....", [(3, None, False, False)]),
        (".aaa.", [(3, "a", False, False)]),
        ("aaaaa", [(3, "a", True, True)]),
        ("aaa..", [(2, "a", True, False), (1, None, False, False)]),
        ("..aaa", [(1, None, False, False), (2, "a", False, True)]),
        (".aab.", [(2, "a", False, False), (1, "b", False, False)]),
        ("baaac", [(3, "a", False, False)]),
        ("b.a.a", [(1, None, False, False), (1, "a", False, False), (1, None, False, False)]),
        ("aabaa", [(1, "a", True, False), (1, "b", False, False), (1, "a", False, True)]),
    ],
)
def test_nights_in_a_row_of_one_owner_are_one_strip(owners: str, strips: list[tuple[int, str, bool, bool]]) -> None:
    assert row(owners, 3) == strips


@given(st.text("ab.", min_size=62, max_size=62))
def test_strips_fill_the_window_and_say_whose_each_night_is(owners: str) -> None:
    taken = {FIRST + timedelta(days=number - 1): owner for number, owner in enumerate(owners) if owner != "."}

    strips: list[Strip[str]] = lay_out(taken, Window(FIRST, 60))

    told = "".join((strip.owner or ".") * strip.nights for strip in strips)
    assert told == owners[1:-1]
    assert [strip.first for strip in strips[1:]] == [strip.end for strip in strips[:-1]]
    assert all(one.owner != other.owner for one, other in pairwise(strips))


def test_a_window_knows_its_months() -> None:
    months = Window(FIRST, 60).months

    assert [(month[0], len(month)) for month in months] == [(FIRST, 2), (date(2027, 3, 1), 31), (date(2027, 4, 1), 27)]
    assert Window(date(2028, 2, 28), 3).days[1] == date(2028, 2, 29)
