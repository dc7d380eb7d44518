"""What a guest who cancels on a day may do and gets back."""

from datetime import date, timedelta

import pytest

from booking.domain.cancelling import CancelDoor, Standing, cancel_door, cancelling
from booking.domain.money import Money
from booking.domain.states import BookingStatus, PaymentStatus
from booking.domain.terms import CancellationTerms
from tests.support.deals import make_deal, noon

ARRIVE = date(2027, 3, 12)
TOTAL = Money(42000, "eur")
DEAL = make_deal(TOTAL, CancellationTerms.in_two_steps(7, 2, 50), ARRIVE)


def standing(
    status: BookingStatus = BookingStatus.CONFIRMED,
    paid: PaymentStatus = PaymentStatus.PAID,
    *,
    is_held: bool = False,
    needs_review: bool = False,
    disputed: bool = False,
) -> Standing:
    return Standing(status, paid, is_held, needs_review, disputed)


@pytest.mark.parametrize(
    ("days", "back", "kept"), [(8, 42000, 0), (7, 42000, 0), (6, 21000, 21000), (2, 21000, 21000), (1, 0, 42000)]
)
def test_what_comes_back_follows_the_frozen_terms_to_the_day(days: int, back: int, kept: int) -> None:
    found = cancelling(standing(), DEAL, TOTAL, noon(ARRIVE - timedelta(days=days)))

    assert (found.back.minor, found.kept.minor, found.days_before) == (back, kept, days)


def test_money_that_went_back_before_counts_towards_what_is_due() -> None:
    found = cancelling(standing(), DEAL, Money(32000, "eur"), noon(ARRIVE - timedelta(days=3)))

    assert (found.back.minor, found.kept.minor) == (11000, 21000)


def test_never_more_comes_back_than_is_still_here() -> None:
    found = cancelling(standing(), DEAL, Money(1000, "eur"), noon(ARRIVE - timedelta(days=3)))

    assert (found.back.minor, found.kept.minor) == (0, 1000)


@pytest.mark.parametrize(
    ("of", "days", "door"),
    [
        (standing(), 0, CancelDoor.OPEN),
        (standing(), -1, CancelDoor.CLOSED),
        (standing(disputed=True), 5, CancelDoor.ASK_HOUSE),
        (standing(needs_review=True), 5, CancelDoor.ASK_HOUSE),
        (standing(BookingStatus.PENDING, PaymentStatus.PROCESSING), 5, CancelDoor.ASK_HOUSE),
        (standing(BookingStatus.PENDING, PaymentStatus.UNPAID, is_held=True), 5, CancelDoor.LET_GO),
        (standing(BookingStatus.PENDING, PaymentStatus.UNPAID), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.CANCELLED, PaymentStatus.REFUNDED), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.EXPIRED, PaymentStatus.UNPAID), 5, CancelDoor.CLOSED),
    ],
)
def test_the_way_out_depends_on_how_the_booking_stands(of: Standing, days: int, door: CancelDoor) -> None:
    assert cancel_door(of, ARRIVE, ARRIVE - timedelta(days=days)) is door
