"""Shares, ranks and words of the page about paying."""

from decimal import Decimal

import pytest

from booking.domain.payment_health import Moved, Secured, Tries, Waits, percent


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (0, 0, None),
        (0, 3, "0.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (3, 3, "100.0"),
        (1, 16, "6.3"),
        (1, 2000, "0.1"),
        (1, 2001, "0.0"),
    ],
)
def test_a_share_has_one_decimal_and_none_of_nothing(part: int, whole: int, share: str | None) -> None:
    assert percent(part, whole) == (Decimal(share) if share else None)


def test_half_and_nineteen_of_twenty_took_no_longer() -> None:
    assert Waits.of(range(1, 21)) == Waits(20, 10, 19, 20)
    assert Waits.of(range(200, 0, -1)) == Waits(200, 100, 190, 200)
    assert Waits.of([7]) == Waits(1, 7, 7, 7)
    assert Waits.of([-3]) == Waits(1, 0, 0, 0)  # a clock that is behind
    assert Waits.of([]) == Waits()


def test_months_add_up_figure_by_figure() -> None:
    assert Tries(1, 2, 3, 4) + Tries(10, 20, 30, 40) == Tries(11, 22, 33, 44)
    assert Secured(1, 2, 3, 4, 5, 6, 7) + Secured(10, 20, 30, 40, 50, 60, 70) == Secured(11, 22, 33, 44, 55, 66, 77)
    assert Moved(1, 2, 3, 4, 5, 6, 7, 8) + Moved(10, 20, 30, 40, 50, 60, 70, 80) == Moved(
        11, 22, 33, 44, 55, 66, 77, 88
    )


def test_what_was_not_looked_at_or_never_tried_counts_in_no_share() -> None:
    tries = Tries(paid=3, paid_after_decline=1, declined=1, left=9)
    secured = Secured(without=6, challenged=1, silent=2, other=1, unknown=50, saved=8, wanted=2)

    assert (tries.tried, tries.success, Tries(left=9).success) == (4, Decimal("75.0"), None)
    assert (secured.cards, secured.share, secured.wanted_share) == (10, Decimal("40.0"), Decimal("25.0"))
    assert (Secured(unknown=5).share, Secured().wanted_share) == (None, None)
