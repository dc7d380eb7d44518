"""Money for what a guest still owes beside the first payment: paid once, or sent back."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from booking.domain.money import Money
from booking.domain.states import (
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentStatus,
    RefundReason,
)
from booking.gateways.payments import EvidenceState
from booking.models import Attempt, Booking, Due
from booking.services import attempts, timeline
from booking.services.cases import Outcome
from tests.support.memory_shop import IDENTITY, WEBHOOK, MemoryShop

S = EvidenceState
OWED = Money(4200, "eur")


@pytest.fixture
def owing(desk: MemoryShop) -> MemoryShop:
    """Booking 1 is confirmed and owes a balance, which attempt 2 can be paid in."""
    desk.paid()
    _owe(desk, DueKind.BALANCE)
    return desk


def _owe(desk: MemoryShop, kind: DueKind) -> None:
    with desk.open() as session:
        day = session.get_one(Booking, 1).arrive - timedelta(days=7)
        session.add(Due(booking_id=1, kind=kind, status=DueStatus.OPEN, due_on=day,
                        amount_minor=OWED.minor, currency=OWED.currency))  # fmt: skip
    _ask_again(desk, 2)


def _ask_again(desk: MemoryShop, number: int) -> None:
    with desk.open() as session:
        booking = session.get_one(Booking, 1)
        wanted = attempts.Wanted(AttemptPurpose.BALANCE, OWED, booking.stay, booking.guests, due_id=1)
        attempts.write_wanted(session, desk.runtime, booking, wanted, number, desk.now, IDENTITY)


def _due(desk: MemoryShop) -> Due:
    (due,) = desk.rows(Due)
    return due


def test_the_attempt_of_a_due_says_what_it_is_for(owing: MemoryShop) -> None:
    attempt = owing.attempt(1, 2)

    assert (attempt.purpose, attempt.due_id, attempt.amount_minor) == (AttemptPurpose.BALANCE, 1, 4200)
    assert attempt.params["metadata"]["purpose"] == "balance"
    assert owing.attempt(1).purpose is AttemptPurpose.BOOKING


def test_the_price_and_what_is_owed_can_be_paid_side_by_side_but_each_in_one_session(desk: MemoryShop) -> None:
    desk.paid()
    _owe(desk, DueKind.BALANCE)

    with pytest.raises(Exception, match=r"due_id"):
        _ask_again(desk, 3)


def test_a_payment_makes_it_paid_and_the_booking_keeps_its_stay(owing: MemoryShop) -> None:
    before = owing.booking(1).stay

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.DUE_PAID

    booking = owing.booking(1)
    assert _due(owing).status is DueStatus.PAID
    assert (booking.status, booking.payment_status, booking.stay) == (
        BookingStatus.CONFIRMED,
        PaymentStatus.PAID,
        before,
    )
    assert owing.steps(1, "due_paid")[0].note == "due 1, balance"
    assert owing.attempt(1, 2).status is AttemptStatus.PAID


def test_told_twice_it_is_paid_once(owing: MemoryShop) -> None:
    owing.settle(owing.evidence(1, number=2))
    before = owing.all_rows()

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.ALREADY

    assert owing.all_rows() == before


def test_a_second_payment_of_the_same_goes_back(owing: MemoryShop) -> None:
    with owing.open() as session:
        session.execute(update(Attempt).where(Attempt.number == 2).values(status=AttemptStatus.SUPERSEDED))
    _ask_again(owing, 3)
    owing.settle(owing.evidence(1, number=2))

    assert owing.settle(owing.evidence(1, number=3)).outcome is Outcome.DUPLICATE

    assert (owing.refund().reason, owing.refund().amount) == (RefundReason.DUPLICATE, OWED)


@pytest.mark.parametrize("status", [DueStatus.WAIVED, DueStatus.OPEN])
def test_money_for_a_balance_that_nobody_owes_any_more_goes_back(owing: MemoryShop, status: DueStatus) -> None:
    """Waived, or its booking cancelled."""
    with owing.open() as session:
        session.get_one(Due, 1).status = status
        if status is DueStatus.OPEN:
            booking = session.get_one(Booking, 1)
            timeline.move(session, booking, BookingStatus.CANCELLED, "cancelled", WEBHOOK, owing.now,
                          cancel_reason=CancelReason.STAFF, cancelled_at=owing.now)  # fmt: skip

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.LATE

    assert owing.refund().amount == OWED
    assert _due(owing).status is status


def test_a_damage_stays_owed_where_the_booking_was_cancelled(desk: MemoryShop) -> None:
    desk.paid()
    _owe(desk, DueKind.DAMAGE)
    with desk.open() as session:
        booking = session.get_one(Booking, 1)
        timeline.move(session, booking, BookingStatus.CANCELLED, "cancelled", WEBHOOK, desk.now,
                      cancel_reason=CancelReason.STAFF, cancelled_at=desk.now)  # fmt: skip

    assert desk.settle(desk.evidence(1, number=2)).outcome is Outcome.DUE_PAID


def test_a_wrong_amount_is_never_taken_for_it(owing: MemoryShop) -> None:
    wrong = owing.evidence(1, number=2, amount=Money(1, "eur"))

    assert owing.settle(wrong).outcome is Outcome.NEEDS_REVIEW

    assert _due(owing).status is DueStatus.OPEN
    assert owing.booking(1).needs_review


@pytest.mark.parametrize(("state", "ended"), [(S.EXPIRED, AttemptStatus.EXPIRED), (S.FAILED, AttemptStatus.FAILED)])
def test_what_was_not_paid_stays_owed_and_the_stay_stays(
    owing: MemoryShop, state: EvidenceState, ended: AttemptStatus
) -> None:
    assert owing.settle(owing.evidence(1, state, number=2, decline_code="expired_card")).outcome is Outcome.CLOSED

    assert (_due(owing).status, owing.attempt(1, 2).status) == (DueStatus.OPEN, ended)
    assert owing.attempt(1, 2).decline_code == "expired_card"
    assert owing.booking(1).status is BookingStatus.CONFIRMED
    assert owing.settle(owing.evidence(1, state, number=2)).outcome is Outcome.NOTHING


def test_a_declined_card_is_remembered_and_late_news_of_it_is_not(owing: MemoryShop) -> None:
    declined = owing.evidence(1, S.DECLINED, number=2, decline_code="insufficient_funds")

    assert owing.settle(declined).outcome is Outcome.DECLINED
    owing.settle(owing.evidence(1, number=2))
    assert owing.settle(declined).outcome is Outcome.NOTHING

    assert len(owing.steps(1, "card_declined")) == 1


def test_a_slow_payment_keeps_the_due_open_until_its_result(owing: MemoryShop) -> None:
    assert owing.settle(owing.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING
    assert owing.settle(owing.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.NOTHING
    assert _due(owing).status is DueStatus.OPEN

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.DUE_PAID


def test_an_open_session_changes_nothing(owing: MemoryShop) -> None:
    assert owing.settle(owing.evidence(1, S.OPEN, number=2)).outcome is Outcome.NOTHING
    assert _due(owing).status is DueStatus.OPEN
