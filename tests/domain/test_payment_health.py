"""Shares, ranks and words of the page about paying."""

from decimal import Decimal

import pytest

from booking.domain.payment_health import Waits, percent


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(0, 0, None), (0, 3, "0.0"), (1, 3, "33.3"), (2, 3, "66.7"), (3, 3, "100.0")]
)
def test_a_share_has_one_decimal_and_none_of_nothing(part: int, whole: int, share: str | None) -> None:
    assert percent(part, whole) == (Decimal(share) if share else None)


def test_half_and_nineteen_of_twenty_took_no_longer() -> None:
    assert Waits.of(range(1, 21)) == Waits(20, 10, 19, 20)
    assert Waits.of([7]) == Waits(1, 7, 7, 7)
    assert Waits.of([-3]) == Waits(1, 0, 0, 0)  # a clock that is behind
    assert Waits.of([]) == Waits()
