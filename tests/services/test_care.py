"""Notes, the guest's own link, and more time to pay."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.domain.errors import DatesUnavailable, TransitionRefused
from booking.domain.states import AttemptStatus
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import AccessLink
from booking.services import access, care
from booking.services.checkout import HandoffOutcome
from tests.support.shop import LINUS, Shop

ADA = "ada@example.org"


def _more(shop: Shop, booking_id: int, minutes: int = 180) -> HandoffOutcome:
    with shop.app.app_context():
        return care.give_more_time(shop.runtime, booking_id, minutes, ADA)


def test_a_note_is_kept_with_its_author_and_a_double_click_keeps_one(small_shop: Shop) -> None:
    booking_id = small_shop.place(small_shop.stay()).booking_id
    with small_shop.app.app_context():
        for text in ("Asked for a cot. ", "Asked for a cot.", "Comes by ferry."):
            care.add_note(small_shop.runtime, booking_id, text, ADA)

    notes = [(step.note, step.actor) for step in small_shop.timeline(booking_id) if step.kind == "note"]
    assert notes == [("Asked for a cot.", ADA), ("Comes by ferry.", ADA)]


def test_the_link_that_staff_hands_over_opens_the_booking_and_is_kept_as_a_hash(small_shop: Shop) -> None:
    placed = small_shop.place(small_shop.stay())
    with small_shop.app.app_context():
        link = care.make_guest_link(small_shop.runtime, placed.booking_id, ADA)
        opened = access.open_link(small_shop.runtime, link.rsplit("/", 1)[1])
        assert opened is not None
        assert opened.reference == placed.reference
        stored = db.session.scalars(select(AccessLink.token_hash)).all()
    assert all(link.rsplit("/", 1)[1] not in row for row in stored)
    assert small_shop.timeline(placed.booking_id)[-1].kind == "link_made"


def test_more_time_is_a_new_session_and_the_old_one_is_ended_first(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    assert _more(shop, booking_id) is HandoffOutcome.PAY

    first, second = shop.attempts(booking_id)
    assert (first.status, second.status) == (AttemptStatus.EXPIRED, AttemptStatus.OPEN)
    booking = shop.booking(booking_id)
    assert booking.hold_until is not None
    assert timedelta(minutes=185) < booking.hold_until - shop.clock.now() < timedelta(minutes=191)
    assert {night.hold_until for night in shop.nights(booking_id)} == {booking.hold_until}
    assert shop.mails(booking_id) == ["payment_link"]
    shop.work()
    (letter,) = shop.mailer.letters
    assert "Pay €" in letter.subject
    assert "/m/" in letter.text
    shop.pay(booking_id)
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_a_guest_who_pays_the_old_page_at_that_moment_is_confirmed_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.drop_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), wait=False)

    assert _more(shop, booking_id) is HandoffOutcome.CONFIRMED
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.payments(booking_id)) == 1


def test_without_an_answer_the_nights_are_held_and_the_next_click_opens_the_page(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id = shop.place(shop.stay()).booking_id

    def silence(*_args: object) -> None:
        raise GatewayUnavailable("silence", is_silent=True)

    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "open_checkout", silence)
        with pytest.raises(GatewayUnavailable):
            _more(shop, booking_id, care.LONGEST_MINUTES)
    until = shop.booking(booking_id).hold_until
    assert until is not None
    assert until - shop.clock.now() > timedelta(hours=23)

    assert shop.check_out(booking_id).outcome is HandoffOutcome.PAY
    shop.pay(booking_id)
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_nobody_gets_more_time_for_what_is_paid_or_gone(shop: Shop) -> None:
    booking_id, stay = shop.book(shop.stay()), shop.stay()
    shop.clock.offset += timedelta(hours=2)
    shop.place(stay, LINUS, browser="linus")

    with pytest.raises(DatesUnavailable):
        _more(shop, booking_id)

    assert len(shop.attempts(booking_id)) == 1
    other = shop.book(shop.stay(ahead=60), LINUS, browser="linus2")
    shop.pay(other)
    with pytest.raises(TransitionRefused):
        _more(shop, other)
