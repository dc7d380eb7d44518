"""Money for what a guest still owes beside the first payment: paid once, or sent back."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from booking.domain.errors import TransitionRefused
from booking.domain.money import Money
from booking.domain.states import (
    AttemptChannel,
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import EvidenceState
from booking.models import Attempt, Booking, Due
from booking.services import dues, reservations, settlement, timeline
from booking.services.cases import Outcome
from booking.services.timeline import Cause
from tests.support.memory_shop import ADA, IDENTITY, OWED, WEBHOOK, MemoryShop
from tests.support.plans import THIRTY

S = EvidenceState


@pytest.fixture
def owing(desk: MemoryShop) -> MemoryShop:
    """Booking 1 is confirmed and owes a balance, which attempt 2 can be paid in."""
    desk.paid()
    desk.owe()
    desk.ask_due(2)
    return desk


def _due(desk: MemoryShop) -> Due:
    (due,) = desk.rows(Due)
    return due


def _told(desk: MemoryShop) -> tuple[str, dict[str, Any]]:
    """Key and payload of the last mail."""
    return desk.mails()[-1]


# --- money for it ---------------------------------------------------------------------------------------------------


def test_the_attempt_of_a_due_says_what_it_is_for(owing: MemoryShop) -> None:
    attempt = owing.attempt(1, 2)

    assert (attempt.purpose, attempt.due_id, attempt.amount_minor) == (AttemptPurpose.BALANCE, 1, 4200)
    assert attempt.params["metadata"]["purpose"] == "balance"
    assert owing.attempt(1).purpose is AttemptPurpose.BOOKING


def test_the_price_and_what_is_owed_can_be_paid_side_by_side_but_each_in_one_session(desk: MemoryShop) -> None:
    desk.paid()
    desk.owe()
    desk.ask_due(2)

    with pytest.raises(Exception, match=r"due_id"):
        desk.ask_due(3)


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
    assert owing.story(1, "confirmed") == [("payment_received", "payment 2"), ("due_paid", "due 1, balance")]
    assert (owing.steps(1, "due_paid")[0].at, owing.steps(1, "due_paid")[0].source) == (owing.now, Source.WEBHOOK)
    assert owing.attempt(1, 2).status is AttemptStatus.PAID
    facts = {"due_amount": {"minor": 4200, "currency": "eur"}}
    assert _told(owing) == ("mail:balance_paid:1:1", {"mail": "balance_paid", "booking_id": 1, "facts": facts})


def test_told_twice_it_is_paid_once(owing: MemoryShop) -> None:
    owing.settle(owing.evidence(1, number=2))
    before = owing.all_rows()

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.ALREADY

    assert owing.all_rows() == before


def test_a_second_payment_of_the_same_goes_back(owing: MemoryShop) -> None:
    with owing.open() as session:
        session.execute(update(Attempt).where(Attempt.number == 2).values(status=AttemptStatus.SUPERSEDED))
    owing.ask_due(3)
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


@pytest.mark.parametrize("is_after_a_second_page", [False, True])
def test_what_the_house_gave_up_goes_back_and_both_sides_hear_of_it(
    owing: MemoryShop, is_after_a_second_page: bool
) -> None:
    """Also where two pages were open: each payment has letters of its own."""
    with owing.open() as session:
        session.get_one(Due, 1).status = DueStatus.WAIVED
        session.get_one(Attempt, 2).status = AttemptStatus.SUPERSEDED
    if is_after_a_second_page:
        owing.ask_due(3)
        owing.settle(owing.evidence(1, number=3))

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.LATE

    refund, payment_id = owing.refund(1 + is_after_a_second_page), 2 + is_after_a_second_page
    assert (refund.payment_id, refund.amount) == (payment_id, OWED)
    assert (refund.reason, refund.status) == (RefundReason.ALREADY_CANCELLED, RefundStatus.REQUESTED)
    note = "The guest paid what the house had given up; that payment is being refunded in full."
    back = {"refund": {"minor": 4200, "currency": "eur"}}
    assert owing.mails()[-2:] == [
        (f"mail:not_owed:1:{payment_id}", {"mail": "not_owed", "booking_id": 1, "facts": back}),
        (f"mail:duplicate:1:{payment_id}", {"mail": "duplicate", "booking_id": 1, "facts": {}, "note": note}),
    ]


def test_a_damage_stays_owed_where_the_booking_was_cancelled(desk: MemoryShop) -> None:
    desk.paid()
    desk.owe(DueKind.DAMAGE)
    desk.ask_due(2)
    with desk.open() as session:
        booking = session.get_one(Booking, 1)
        timeline.move(session, booking, BookingStatus.CANCELLED, "cancelled", WEBHOOK, desk.now,
                      cancel_reason=CancelReason.STAFF, cancelled_at=desk.now)  # fmt: skip

    assert desk.settle(desk.evidence(1, number=2)).outcome is Outcome.DUE_PAID

    assert desk.steps(1, "due_paid")[0].note == "due 1, damage"
    assert _told(desk) == ("mail:receipt:1:due-1", {"mail": "receipt", "booking_id": 1, "facts": {}})


def test_of_what_was_decided_while_this_transaction_waited_for_its_lock_nothing_is_paid_again(
    owing: MemoryShop,
) -> None:
    evidence = owing.evidence(1, number=2)

    with owing.open() as session:
        due = session.get_one(Due, 1)
        assert due.status is DueStatus.OPEN
        owing.house.raw.execute("UPDATE due SET status = 'paid'")
        assert settlement.settle(session, evidence, WEBHOOK, owing.now, IDENTITY).outcome is Outcome.DUPLICATE
        assert due.status is DueStatus.PAID


def test_an_amount_that_is_another_one_since_its_page_was_made_is_not_taken_for_it(owing: MemoryShop) -> None:
    evidence = owing.evidence(1, number=2)
    with owing.open() as session:
        session.get_one(Due, 1).amount_minor = 4300

    assert owing.settle(evidence).outcome is Outcome.DUPLICATE

    assert (owing.refund().amount, _due(owing).status) == (OWED, DueStatus.OPEN)


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

    (step,) = owing.steps(1, "card_declined")
    assert (step.at, step.source, step.note) == (owing.now, Source.WEBHOOK, "")
    assert owing.attempt(1, 2).decline_code == "insufficient_funds"


def test_a_saved_card_that_says_no_ends_its_try_and_the_guest_hears_why(owing: MemoryShop) -> None:
    with owing.open() as session:
        session.get_one(Attempt, 2).channel = AttemptChannel.OFF_SESSION
    declined = owing.evidence(1, S.DECLINED, number=2, decline_code="insufficient_funds")

    assert owing.settle(declined).outcome is Outcome.DECLINED
    assert owing.settle(declined).outcome is Outcome.NOTHING

    assert (owing.attempt(1, 2).status, _due(owing).status) == (AttemptStatus.FAILED, DueStatus.OPEN)
    assert owing.story(1, "confirmed") == [("charge_failed", "attempt 2")]
    assert [payload["mail"] for _, payload in owing.mails()][2:3] == ["charge_failed"]


def test_a_slow_payment_keeps_the_due_open_until_its_result(owing: MemoryShop) -> None:
    assert owing.settle(owing.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING
    assert owing.settle(owing.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.NOTHING
    assert _due(owing).status is DueStatus.OPEN
    (step,) = owing.steps(1, "due_processing")
    assert (step.at, step.source, step.note) == (owing.now, Source.WEBHOOK, "")
    assert owing.attempt(1, 2).status is AttemptStatus.PROCESSING

    assert owing.settle(owing.evidence(1, number=2)).outcome is Outcome.DUE_PAID


def test_an_open_session_changes_nothing(owing: MemoryShop) -> None:
    assert owing.settle(owing.evidence(1, S.OPEN, number=2)).outcome is Outcome.NOTHING
    assert _due(owing).status is DueStatus.OPEN


# --- how a balance begins -------------------------------------------------------------------------------------------


@pytest.fixture
def planned(desk: MemoryShop) -> MemoryShop:
    """Booking 1, 30 April to 3 May for 477 euros, has paid its deposit: the balance is 333.90 until 16 April."""
    desk.ask_for(THIRTY)
    desk.settle(desk.evidence(desk.place(desk.stay(ahead=60))))
    return desk


def test_a_deposit_leaves_the_rest_to_be_paid_until_the_day_that_was_agreed(planned: MemoryShop) -> None:
    due = _due(planned)

    assert (due.booking_id, due.kind, due.status) == (1, DueKind.BALANCE, DueStatus.OPEN)
    assert (due.amount, due.due_on) == (Money(33390, "eur"), date(2027, 4, 16))
    assert planned.story(1) == [
        ("payment_received", "payment 1"),
        ("confirmed", ""),
        ("balance_owed", "due 1, until 2027-04-16"),
    ]
    (step,) = planned.steps(1, "balance_owed")
    assert (step.at, step.source, step.stripe_event_id) == (planned.now, Source.WEBHOOK, "evt_1")
    assert planned.booking(1).payment_status is PaymentStatus.PAID


def test_who_pays_all_at_once_owes_nothing(desk: MemoryShop) -> None:
    desk.paid()

    assert desk.rows(Due) == []


@pytest.mark.parametrize(
    ("paid_on", "due_on"),
    [
        (date(2027, 4, 12), date(2027, 4, 16)),
        (date(2027, 4, 13), date(2027, 4, 16)),
        (date(2027, 4, 14), date(2027, 4, 17)),
        (date(2027, 4, 27), date(2027, 4, 30)),
        (date(2027, 4, 29), date(2027, 4, 30)),
    ],
    ids=str,
)
def test_who_paid_with_a_method_that_took_days_has_three_days_for_the_balance_and_never_longer_than_to_arrival(
    desk: MemoryShop, paid_on: date, due_on: date
) -> None:
    desk.ask_for(THIRTY)
    booking_id = desk.place(desk.stay(ahead=60))
    desk.settle(desk.evidence(booking_id, S.PROCESSING))
    desk.clock.at += paid_on - desk.now.date()

    desk.settle(desk.evidence(booking_id))

    assert _due(desk).due_on == due_on


def test_a_balance_is_begun_with_a_confirmation_or_not_at_all(planned: MemoryShop) -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        dues.open_balance(db.session(), planned.booking(1), WEBHOOK, planned.now)


def test_what_was_committed_of_a_balance_before_the_lock_was_had_counts(planned: MemoryShop) -> None:
    with planned.open() as session:
        due = session.get_one(Due, 1)
        assert due.amount_minor == 33390
        planned.house.raw.execute("UPDATE due SET amount_minor = 5000")
        assert dues.find_open_balance(session, 1) is due
        assert due.amount_minor == 5000


# --- how it ends without money --------------------------------------------------------------------------------------


def _cancel(desk: MemoryShop) -> None:
    reservations.cancel_booking(desk.runtime, 1, CancelReason.STAFF, Cause(Source.STAFF, ADA), None, "form")


def test_a_cancelled_booking_takes_its_balance_with_it_and_nothing_else(desk: MemoryShop) -> None:
    desk.paid()
    other = desk.place(desk.stay(ahead=80), browser="linus")
    desk.settle(desk.evidence(other))
    desk.owe(DueKind.BALANCE, other)
    desk.owe(DueKind.DAMAGE)
    desk.owe(DueKind.BALANCE, 1, DueStatus.PAID)
    desk.owe()

    _cancel(desk)

    assert [due.status for due in desk.rows(Due)] == [DueStatus.OPEN, DueStatus.OPEN, DueStatus.PAID, DueStatus.WAIVED]
    assert desk.story(1, "confirmed") == [("cancelled", ""), ("due_waived", "due 4, balance")]
    (step,) = desk.steps(1, "due_waived")
    assert (step.at, step.source, step.actor) == (desk.now, Source.STAFF, ADA)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (AttemptStatus.CREATING, AttemptStatus.SUPERSEDED),
        (AttemptStatus.OPEN, AttemptStatus.SUPERSEDED),
        (AttemptStatus.PROCESSING, AttemptStatus.PROCESSING),
        (AttemptStatus.EXPIRED, AttemptStatus.EXPIRED),
    ],
)
def test_the_page_of_a_balance_is_given_up_with_it_where_nobody_has_paid_in_it(
    owing: MemoryShop, before: AttemptStatus, after: AttemptStatus
) -> None:
    owing.owe(DueKind.DAMAGE)
    owing.ask_due(3, due_id=2)
    with owing.open() as session:
        session.get_one(Attempt, 2).status = before

    _cancel(owing)

    assert [attempt.status for attempt in owing.attempts(1)] == [AttemptStatus.PAID, after, AttemptStatus.CREATING]


def test_who_owes_nothing_is_cancelled_without_a_word_of_it(desk: MemoryShop) -> None:
    desk.paid()

    _cancel(desk)

    assert desk.story(1, "confirmed") == [("cancelled", "")]


@pytest.mark.parametrize(
    ("status", "kind", "booking", "is_owed"),
    [
        (DueStatus.OPEN, DueKind.BALANCE, BookingStatus.CONFIRMED, True),
        (DueStatus.OPEN, DueKind.BALANCE, BookingStatus.CANCELLED, False),
        (DueStatus.OPEN, DueKind.DAMAGE, BookingStatus.CANCELLED, True),
        (DueStatus.PAID, DueKind.BALANCE, BookingStatus.CONFIRMED, False),
        (DueStatus.WAIVED, DueKind.DAMAGE, BookingStatus.CONFIRMED, False),
    ],
)
def test_a_balance_is_owed_only_with_the_stay_that_it_belongs_to(
    status: DueStatus, kind: DueKind, booking: BookingStatus, is_owed: bool
) -> None:
    assert dues.is_owed(Booking(status=booking), Due(kind=kind, status=status)) is is_owed


# --- what a change of the stay makes of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "nights", "note"),
    [
        (90, 4, "due 1: 396.90 EUR until 2027-05-16"),
        (60, 2, "due 1: 198.90 EUR until 2027-04-16"),
        (16, 3, "due 1: 297.90 EUR until 2027-03-04"),
        (2, 3, "due 1: 297.90 EUR until 2027-03-03"),
    ],
)
def test_what_a_change_costs_more_or_less_goes_into_the_balance_and_its_day_moves_with_the_stay(
    planned: MemoryShop, ahead: int, nights: int, note: str
) -> None:
    """Its day is no nearer than in three days, unless the guest arrives before."""
    planned.change_stay(1, planned.stay(nights, ahead))

    assert planned.story(1, "stay_changed") == [("balance_changed", note)]
    (step,) = planned.steps(1, "balance_changed")
    assert (step.at, step.source, step.actor) == (planned.now, Source.STAFF, ADA)
    due, booking = _due(planned), planned.booking(1)
    assert due.amount + Money(14310, "eur") == booking.amount
    assert note == f"due 1: {due.amount.major} EUR until {due.due_on}"


@pytest.mark.parametrize(
    ("currency", "owed", "less", "left"),
    [("eur", 500, -450, 50), ("eur", 500, -451, None), ("gbp", 500, -470, 30), ("gbp", 500, -471, None)],
)
def test_a_balance_takes_a_difference_as_long_as_something_is_left_that_can_be_charged(
    currency: str, owed: int, less: int, left: int | None
) -> None:
    due, difference = Due(amount_minor=owed, currency=currency), Money(less, currency)
    if left is not None:
        assert dues.after_change(due, difference) == Money(left, currency)
        return
    with pytest.raises(TransitionRefused) as refused:
        dues.after_change(due, difference)
    assert refused.value.user_message == (
        "The balance that is still owed is too small to take this difference. "
        "Change the stay at the price it has now, or let the balance be paid first."
    )
