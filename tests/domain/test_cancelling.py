"""What a guest who cancels on a day may do and gets back."""

from datetime import date, timedelta

import pytest

from booking.domain.cancelling import CancelDoor, Ending, Standing, cancel_door, cancelling, outcome
from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.states import BookingStatus, PaymentStatus
from booking.domain.terms import CancellationTerms, Deal, Grace, Tier
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
    is_no_show: bool = False,
) -> Standing:
    return Standing(status, paid, is_held, needs_review, disputed, is_no_show)


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
        (standing(is_no_show=True), 0, CancelDoor.CLOSED),
        (standing(disputed=True), 5, CancelDoor.ASK_HOUSE),
        (standing(needs_review=True), 5, CancelDoor.ASK_HOUSE),
        (standing(BookingStatus.PENDING, PaymentStatus.PROCESSING), 5, CancelDoor.ASK_HOUSE),
        (standing(BookingStatus.PENDING, PaymentStatus.UNPAID, is_held=True), 5, CancelDoor.LET_GO),
        (standing(BookingStatus.PENDING, PaymentStatus.UNPAID), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.CANCELLED, PaymentStatus.REFUNDED), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.EXPIRED, PaymentStatus.UNPAID), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.CANCELLED, PaymentStatus.PAID, disputed=True), 5, CancelDoor.CLOSED),
        (standing(BookingStatus.EXPIRED, PaymentStatus.UNPAID, needs_review=True), 5, CancelDoor.CLOSED),
    ],
)
def test_the_way_out_depends_on_how_the_booking_stands(of: Standing, days: int, door: CancelDoor) -> None:
    today = ARRIVE - timedelta(days=days)

    assert cancel_door(of, ARRIVE, today) is door
    assert cancelling(of, DEAL, TOTAL, noon(today)).door is door


NIGHTS_AND_TAX = Quote(
    1,
    2,
    (
        QuoteLine(LineKind.NIGHT, 1, Money(39000, "eur"), Money(39000, "eur")),
        QuoteLine(LineKind.TOURIST_TAX, 1, Money(3000, "eur"), Money(3000, "eur")),
    ),
    TOTAL,
)
STEPS = (Tier(7, 100), Tier(1, 50))
PLAIN = make_deal(NIGHTS_AND_TAX, CancellationTerms(STEPS), ARRIVE)
FAIR = make_deal(NIGHTS_AND_TAX, CancellationTerms(STEPS, None, frozenset({LineKind.TOURIST_TAX})), ARRIVE)
JUST_BOOKED = make_deal(NIGHTS_AND_TAX, CancellationTerms(grace=Grace(24)), ARRIVE, noon(date(2027, 3, 9)))
TAX = Money(3000, "eur")


@pytest.mark.parametrize(
    ("ending", "deal", "day", "back", "why"),
    [
        (Ending.GUEST, PLAIN, 5, 42000, "It is early enough: by the terms everything comes back."),
        (Ending.GUEST, PLAIN, 6, 21000, "It is 6 days before arrival: by the terms 50 percent comes back."),
        (Ending.GUEST, PLAIN, 11, 21000, "It is 1 day before arrival: by the terms 50 percent comes back."),
        (Ending.GUEST, PLAIN, 12, 0, "Later, nothing comes back."),
        (Ending.GUEST, FAIR, 12, 3000, "Later, only the tourist tax comes back: nobody has stayed."),
        (Ending.GUEST, FAIR, 13, 0, "The stay has begun: by the terms nothing comes back."),
        (Ending.GUEST, JUST_BOOKED, 10, 42000,
         "It is still within the time for second thoughts after booking: everything comes back."),
        (Ending.HOUSE, PLAIN, 12, 42000, "A guest whom the house cancels gets everything back."),
        (Ending.NO_SHOW, PLAIN, 13, 0, "Nobody came and nobody cancelled: by the terms nothing comes back."),
        (Ending.NO_SHOW, FAIR, 13, 3000,
         f"Nobody came and nobody cancelled: {TAX} is owed only for a stay, and comes back."),
    ],
)  # fmt: skip
def test_each_ending_says_what_comes_back_and_why(ending: Ending, deal: Deal, day: int, back: int, why: str) -> None:
    found = outcome(ending, deal, TOTAL, noon(date(2027, 3, day)))

    assert (found.back.minor, found.kept.minor, str(found.why)) == (back, 42000 - back, why)
