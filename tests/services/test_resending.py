"""Mail that somebody asks for: once for each form, written anew, and never what is not so any more."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from booking import create_app
from booking.database import transaction
from booking.domain.errors import BookingNotFound, TooManyTries
from booking.domain.money import Money
from booking.domain.states import BookingStatus, CancelReason, RefundReason, RefundStatus, Source
from booking.extensions import db
from booking.models import Attempt, Booking, OutboxRow, Payment, Refund
from booking.services import resending
from booking.services.notifications import GuestMail, StaffNotice, tell_guest, tell_staff
from booking.services.resending import Resent
from booking.services.timeline import Cause
from tests.support.shop import MemoryMailer, ShiftedClock, Shop, add_listing, dispose, make_settings, outfit

ADA = "ada@example.org"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def house(database_url: str) -> Iterator[Shop]:
    """A shop without Stripe, on each database in turn, with one confirmed booking, number 1."""
    app: Flask = create_app(make_settings(database_url, stripe_api_base="http://127.0.0.1:1"))
    clock, mailer = ShiftedClock(), MemoryMailer()
    outfit(app, clock, mailer)
    shop = Shop(app, None, clock, mailer, "", add_listing(app))  # type: ignore[arg-type]
    shop.place(shop.stay())
    put(shop, status=BookingStatus.CONFIRMED, confirmed_at=NOON, hold_until=None)
    yield shop
    dispose(app)


def put(house: Shop, **values: Any) -> None:
    with house.app.app_context(), transaction() as session:
        session.execute(update(Booking).where(Booking.id == 1).values(**values))


def tell(house: Shop, kind: GuestMail, **more: Any) -> int:
    """Ask for a mail as an event would; the id of its row."""
    with house.app.app_context(), transaction() as session:
        tell_guest(session, session.get_one(Booking, 1), kind, house.clock.now(), **more)
    with house.app.app_context():
        return db.session.scalars(select(OutboxRow.id).order_by(OutboxRow.id.desc())).first() or 0


def pay(house: Shop) -> None:
    with house.app.app_context(), transaction() as session:
        attempt_id = session.scalars(select(Attempt.id)).one()
        paid = {"payment_intent_id": "pi_1", "amount_minor": 42000, "currency": "eur", "captured_at": NOON}
        payment = Payment(booking_id=1, attempt_id=attempt_id, source=Source.WEBHOOK, **paid)
        session.add(payment)
        session.flush()
        back = {"amount_minor": 2000, "currency": "eur", "reason": RefundReason.GOODWILL, "token": "t" * 32}
        session.add(Refund(booking_id=1, payment_id=payment.id, status=RefundStatus.SUCCEEDED, **back))


def again(house: Shop, row_id: int, form: str = "a" * 32, booking_id: int = 1) -> Resent:
    with house.app.app_context():
        return resending.send_again(house.runtime, booking_id, row_id, ADA, form)


def receipt(house: Shop, form: str = "a" * 32) -> Resent:
    with house.app.app_context():
        return resending.mail_receipt(house.runtime, 1, Cause(Source.STAFF, ADA), form)


def test_mail_goes_out_once_more_with_the_facts_of_its_event_and_a_message_id_of_its_own(house: Shop) -> None:
    row_id = tell(house, GuestMail.REFUND_SENT, fact_id=7, refund=Money(2000, "eur"))
    house.work()

    assert again(house, row_id) is Resent.ASKED
    house.work()

    first, second = house.mailer.letters
    assert first.subject == second.subject
    assert "€20.00" in second.subject
    assert first.message_id != second.message_id


def test_double_click_sends_one_and_another_page_sends_another(house: Shop) -> None:
    row_id = tell(house, GuestMail.CONFIRMED)
    house.work()

    assert [again(house, row_id), again(house, row_id), again(house, row_id, "b" * 32)] == [Resent.ASKED] * 3
    house.work()

    assert len(house.mailer.letters) == 3
    steps = [(step.kind, step.actor, step.note) for step in house.timeline(1) if step.kind == "mail_sent_again"]
    assert steps == [("mail_sent_again", ADA, "confirmed")] * 2


def test_mail_that_was_sent_again_can_be_sent_again(house: Shop) -> None:
    tell(house, GuestMail.CONFIRMED)
    for form in "abcdef":
        house.work()
        with house.app.app_context():
            newest = db.session.scalars(select(OutboxRow.id).order_by(OutboxRow.id.desc())).first() or 0
        assert again(house, newest, form * 32) is Resent.ASKED

    with house.app.app_context():
        assert max(len(key) for key in db.session.scalars(select(OutboxRow.dedupe_key))) < 120


def test_mail_goes_to_the_address_that_holds_now(house: Shop) -> None:
    row_id = tell(house, GuestMail.CONFIRMED)
    house.work()
    put(house, guest_email="hopper@example.org")

    again(house, row_id)
    house.work()

    assert [letter.to for letter in house.mailer.letters] == ["grace@example.org", "hopper@example.org"]


def test_mail_that_is_still_being_tried_is_not_asked_for_twice(house: Shop) -> None:
    assert again(house, tell(house, GuestMail.CONFIRMED)) is Resent.ON_ITS_WAY


def test_mail_that_is_not_true_any_more_is_not_sent_again(house: Shop) -> None:
    row_id = tell(house, GuestMail.CONFIRMED)
    house.work()
    put(house, status=BookingStatus.CANCELLED, cancel_reason=CancelReason.STAFF)

    assert again(house, row_id) is Resent.NOT_TRUE
    assert house.mails(1) == ["confirmed"]


def test_mail_to_staff_or_of_another_booking_is_no_guests_mail(house: Shop) -> None:
    with house.app.app_context(), transaction() as session:
        tell_staff(session, StaffNotice.NEW_BOOKING, house.clock.now(), session.get_one(Booking, 1))
    house.work()
    other = house.place(house.stay(ahead=60), browser="linus").booking_id
    row_id = tell(house, GuestMail.CONFIRMED)
    house.work()

    assert again(house, 1) is Resent.NO_SUCH_MAIL
    assert again(house, row_id, booking_id=other) is Resent.NO_SUCH_MAIL
    assert again(house, 999) is Resent.NO_SUCH_MAIL
    with pytest.raises(BookingNotFound):
        again(house, row_id, booking_id=999)


def test_receipt_holds_what_was_paid_and_what_went_back(house: Shop) -> None:
    pay(house)

    assert [receipt(house), receipt(house)] == [Resent.ASKED, Resent.ASKED]
    house.work()

    (letter,) = house.mailer.letters
    assert letter.subject.startswith("Receipt: Harbour Loft")
    assert "Paid on Saturday 21 November 2026: €420.00" in letter.text
    assert "−€20.00\nStays with the house: €400.00" in letter.text
    assert [step.kind for step in house.timeline(1)][-1] == "receipt_asked"


def test_nothing_paid_gives_no_receipt(house: Shop) -> None:
    assert receipt(house) is Resent.NOTHING_PAID
    assert house.mails(1) == []


def test_erased_guest_gets_no_receipt(house: Shop) -> None:
    pay(house)
    put(house, erased_at=NOON)

    assert receipt(house) is Resent.NOT_TRUE


def test_nobody_is_flooded(house: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resending, "check_limit", _refuse)

    for asked in (lambda: again(house, 1), lambda: receipt(house)):
        with pytest.raises(TooManyTries):
            asked()


def _refuse(_runtime: Any, what: str, who: str, limit: int, _per: Any) -> None:
    assert (what, who, limit) == ("mail-again", "1", resending.MOST_AN_HOUR)
    raise TooManyTries(retry_after=1)
