"""Money that the house took itself, through the one door: what a receipt confirms, and what it does not."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, update

from booking.domain.errors import DatesUnavailable, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import (
    AttemptStatus,
    BookingStatus,
    DueKind,
    DueStatus,
    PaymentMethod,
    PaymentStatus,
    Source,
)
from booking.models import Attempt, Booking, Due, Payment
from booking.services import settlement
from booking.services.cases import Outcome
from booking.services.settlement import HouseReceipt, Settled
from booking.services.timeline import Cause
from tests.support.memory_shop import ADA, IDENTITY, OWED, MemoryShop

STAFF = Cause(Source.STAFF, ADA)
EUR = "eur"
NOT_THIS_MONEY = "This booking does not wait for exactly this money."
NOTHING_OWED = "Nothing is owed here any more."
NOT_A_WORD = "a receipt is the word of a member of staff about money that Stripe never had"
WORDS = [
    (PaymentMethod.CASH, "", "payment 1, cash"),
    (PaymentMethod.BANK_TRANSFER, "on 3 March", "payment 1, bank transfer: on 3 March"),
    (PaymentMethod.CARD_TERMINAL, "receipt 17", "payment 1, card terminal: receipt 17"),
]


def _write(desk: MemoryShop, browser: str = "desk") -> int:
    """A booking that staff has written: its guest cannot pay it at Stripe."""
    booking_id = desk.place(browser=browser)
    with desk.open() as session:
        session.execute(delete(Attempt).where(Attempt.booking_id == booking_id))
    return booking_id


def _receipt(desk: MemoryShop, booking_id: int, **changes: Any) -> HouseReceipt:
    return replace(HouseReceipt(booking_id, PaymentMethod.CASH, desk.booking(booking_id).amount), **changes)


@pytest.fixture
def owing(desk: MemoryShop) -> MemoryShop:
    """Booking 1 is confirmed and owes a balance, which is due 1."""
    desk.paid()
    desk.owe()
    return desk


DUE_RECEIPT = HouseReceipt(1, PaymentMethod.CASH, OWED, due_id=1)


# --- for a booking --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "note", "words"), WORDS)
def test_money_that_the_house_took_confirms_the_booking_on_the_word_of_staff(
    desk: MemoryShop, method: PaymentMethod, note: str, words: str
) -> None:
    booking_id = _write(desk)

    settled = desk.settle(_receipt(desk, booking_id, method=method, note=note), STAFF)

    assert settled == Settled(Outcome.CONFIRMED, booking_id)
    booking, payment = desk.booking(booking_id), desk.payment_of(booking_id)
    assert (booking.status, booking.payment_status) == (BookingStatus.CONFIRMED, PaymentStatus.PAID)
    assert (booking.confirmed_at, booking.confirmed_via, booking.hold_until) == (desk.now, Source.STAFF, None)
    assert (payment.method, payment.amount, payment.captured_at) == (method, booking.amount, desk.now)
    assert (payment.source, payment.payment_intent_id, payment.attempt_id) == (Source.STAFF, None, None)
    assert desk.nights(booking_id) == [(booking.unit_id, None)] * 3
    assert desk.story(booking_id) == [("payment_received", words), ("confirmed", "")]
    steps = desk.steps(booking_id, "payment_received") + desk.steps(booking_id, "confirmed")
    assert [(step.at, step.source, step.actor) for step in steps] == [(desk.now, Source.STAFF, ADA)] * 2
    assert [payload["mail"] for _, payload in desk.mails()] == ["confirmed", "new_booking"]


def test_a_confirmation_on_the_word_of_staff_is_logged_without_a_session(
    desk: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", settlement.logger.name)
    booking_id = _write(desk)

    desk.settle(_receipt(desk, booking_id), STAFF)

    (line,) = [line for line in caplog.records if line.name == settlement.logger.name]
    assert line.getMessage() == f"Booking {booking_id} confirmed successfully via staff"
    said = (line.levelname, line.event, line.booking, line.cause, line.stripe_event, line.session)  # type: ignore[attr-defined]
    assert said == ("INFO", "booking_confirmed", desk.booking(booking_id).reference, "staff", None, None)


def test_a_receipt_moves_the_guest_where_their_unit_is_taken_and_an_equal_one_is_free(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id = _write(desk)
    desk.outlast(booking_id)
    quick = desk.place(desk.booking(booking_id).stay, browser="linus")

    settled = desk.settle(_receipt(desk, booking_id), STAFF)

    assert settled == Settled(Outcome.MOVED, booking_id)
    assert desk.booking(booking_id).unit_id != desk.booking(quick).unit_id
    assert desk.nights(booking_id) == [(desk.booking(booking_id).unit_id, None)] * 3


def test_where_the_nights_are_gone_nothing_of_the_receipt_is_recorded(desk: MemoryShop) -> None:
    booking_id = _write(desk)
    desk.outlast(booking_id)
    desk.place(desk.booking(booking_id).stay, browser="linus")
    receipt, before = _receipt(desk, booking_id), desk.all_rows()

    with pytest.raises(DatesUnavailable):
        desk.settle(receipt, STAFF)

    assert desk.all_rows() == before


def test_nights_that_nobody_else_paid_for_in_time_are_still_to_be_had(desk: MemoryShop) -> None:
    booking_id = _write(desk)
    desk.outlast(booking_id)
    desk.outlast(desk.place(desk.booking(booking_id).stay, browser="linus"))

    assert desk.settle(_receipt(desk, booking_id), STAFF).outcome is Outcome.CONFIRMED
    assert [end for _, end in desk.nights(booking_id)] == [None] * 3


@pytest.mark.parametrize("what", ["open at Stripe", "ended at Stripe", "confirmed", "in review", "one cent less"])
def test_a_receipt_confirms_nothing_but_a_booking_that_waits_for_exactly_it(desk: MemoryShop, what: str) -> None:
    booking_id = desk.place() if what.endswith("Stripe") else _write(desk)
    receipt = _receipt(desk, booking_id)
    if what == "ended at Stripe":
        desk.try_again(booking_id)
    if what == "confirmed":
        desk.settle(receipt, STAFF)
    if what == "in review":
        with desk.open() as session:
            session.get_one(Booking, booking_id).needs_review = True
    if what == "one cent less":
        receipt = replace(receipt, amount=receipt.amount - Money(1, EUR))
    before = desk.all_rows()

    with pytest.raises(TransitionRefused) as refused:
        desk.settle(receipt, STAFF)

    assert (refused.value.user_message, desk.all_rows()) == (NOT_THIS_MONEY, before)


def test_what_others_pay_at_stripe_keeps_nobody_from_paying_the_house(two_units: MemoryShop) -> None:
    two_units.place(browser="linus")
    booking_id = _write(two_units)

    assert two_units.settle(_receipt(two_units, booking_id), STAFF).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("cause", "method"),
    [
        (Cause(Source.WEB, ADA), PaymentMethod.CASH),
        (Cause(Source.STAFF), PaymentMethod.CASH),
        (STAFF, PaymentMethod.STRIPE),
    ],
    ids=str,
)
def test_only_staff_gives_its_word_and_never_about_money_of_stripes(
    desk: MemoryShop, cause: Cause, method: PaymentMethod
) -> None:
    receipt = _receipt(desk, _write(desk), method=method)
    before = desk.all_rows()

    with pytest.raises(ValueError, match=r".") as refused:
        desk.settle(receipt, cause)

    assert (str(refused.value), desk.all_rows()) == (NOT_A_WORD, before)


# --- for what is owed beside ----------------------------------------------------------------------------------------


def test_a_balance_that_the_house_took_is_paid_and_the_guest_is_told(owing: MemoryShop) -> None:
    settled = owing.settle(replace(DUE_RECEIPT, method=PaymentMethod.BANK_TRANSFER, note="on 3 March"), STAFF)

    assert settled == Settled(Outcome.DUE_PAID, 1)
    _, payment = owing.rows(Payment)
    (due,) = owing.rows(Due)
    assert due.status is DueStatus.PAID
    assert (payment.booking_id, payment.method, payment.amount) == (1, PaymentMethod.BANK_TRANSFER, OWED)
    assert owing.story(1, "confirmed") == [
        ("payment_received", "payment 2, bank transfer: on 3 March"),
        ("due_paid", "due 1, balance"),
    ]
    (paid,) = owing.steps(1, "due_paid")
    assert (paid.at, paid.source, paid.actor) == (owing.now, Source.STAFF, ADA)
    facts = {"due_amount": {"minor": 4200, "currency": EUR}}
    assert owing.mails()[-1] == ("mail:balance_paid:1:1", {"mail": "balance_paid", "booking_id": 1, "facts": facts})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("no such due", NOTHING_OWED),
        ("of another booking", NOTHING_OWED),
        ("paid", NOTHING_OWED),
        ("waived", NOTHING_OWED),
        ("its booking is over", NOTHING_OWED),
        ("in review", NOT_THIS_MONEY),
        ("one cent less", NOT_THIS_MONEY),
        ("open at Stripe", NOT_THIS_MONEY),
        ("given up at Stripe", NOT_THIS_MONEY),
    ],
)
def test_a_receipt_pays_nothing_but_what_is_owed_and_can_be_paid_nowhere_else(
    owing: MemoryShop, what: str, why: str
) -> None:
    receipt = replace(DUE_RECEIPT, due_id=9) if what == "no such due" else DUE_RECEIPT
    receipt = replace(receipt, amount=Money(4199, EUR)) if what == "one cent less" else receipt
    if what == "of another booking":
        other = owing.place(owing.stay(ahead=60), browser="linus")
        owing.settle(owing.evidence(other))
        receipt = replace(receipt, due_id=owing.owe(booking_id=other))
    if what.endswith("Stripe"):
        owing.ask_due(2, status=AttemptStatus.SUPERSEDED if what.startswith("given up") else AttemptStatus.CREATING)
    with owing.open() as session:
        booking, due = session.get_one(Booking, 1), session.get_one(Due, 1)
        booking.needs_review = what == "in review"
        booking.status = BookingStatus.EXPIRED if what == "its booking is over" else booking.status
        due.status = {"paid": DueStatus.PAID, "waived": DueStatus.WAIVED}.get(what, due.status)
    before = owing.all_rows()

    with pytest.raises(TransitionRefused) as refused:
        owing.settle(receipt, STAFF)

    assert (refused.value.user_message, owing.all_rows()) == (why, before)


def test_a_page_that_has_ended_and_one_for_something_else_keep_nobody_from_paying_the_house(owing: MemoryShop) -> None:
    owing.owe(DueKind.DAMAGE)
    owing.ask_due(2, status=AttemptStatus.EXPIRED)

    assert owing.settle(replace(DUE_RECEIPT, due_id=2), STAFF).outcome is Outcome.DUE_PAID
    assert owing.settle(DUE_RECEIPT, STAFF).outcome is Outcome.DUE_PAID


def test_a_damage_is_paid_with_a_receipt_even_where_the_booking_is_over(owing: MemoryShop) -> None:
    owing.owe(DueKind.DAMAGE)
    owing.ask_due(2)
    with owing.open() as session:
        session.execute(update(Booking).values(status=BookingStatus.EXPIRED))

    assert owing.settle(replace(DUE_RECEIPT, due_id=2), STAFF).outcome is Outcome.DUE_PAID

    assert owing.steps(1, "due_paid")[0].note == "due 2, damage"
    assert owing.mails()[-1] == ("mail:receipt:1:due-2", {"mail": "receipt", "booking_id": 1, "facts": {}})


def test_what_was_paid_while_the_receipt_was_typed_is_not_paid_again(owing: MemoryShop) -> None:
    with owing.open() as session:
        due = session.get_one(Due, 1)
        assert due.status is DueStatus.OPEN
        owing.house.raw.execute("UPDATE due SET status = 'paid'")
        with pytest.raises(TransitionRefused):
            settlement.settle(session, DUE_RECEIPT, STAFF, owing.now, IDENTITY)
        assert due.status is DueStatus.PAID
