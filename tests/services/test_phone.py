"""Bookings by telephone: held for a link, or confirmed on the word of staff who took the money."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from booking.database import transaction
from booking.domain.errors import (
    DatesUnavailable,
    ListingNotFound,
    PriceChanged,
    RefundRefused,
    StayRuleBroken,
    TransitionRefused,
)
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.states import CancelReason, PaymentMethod, RefundStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import Booking
from booking.services import phone, reconciliation, refunds, reservations, settlement, verification
from booking.services.instance import get_identity
from booking.services.phone import Agreement, PhoneRequest
from booking.services.reservations import Placed
from booking.services.settlement import HouseReceipt
from booking.services.timeline import Cause
from tests.support.crowd import rush
from tests.support.shop import GRACE, LINUS, Shop

ADA = "ada@example.org"
STAFF = Cause(Source.STAFF, ADA)
EUR = "eur"


def _wish(shop: Shop, method: PaymentMethod = PaymentMethod.STRIPE, **changes: Any) -> PhoneRequest:
    stay = shop.stay()
    return replace(PhoneRequest(shop.listing_id, stay, 2, GRACE, shop.total(stay), method, uuid.uuid4().hex), **changes)


def _book(shop: Shop, wish: PhoneRequest) -> Placed:
    with shop.app.app_context():
        return phone.place_by_phone(shop.runtime, wish, ADA)


def _balanced(shop: Shop) -> bool:
    with shop.app.app_context():
        return verification.compare_with_stripe(shop.runtime).differences == ()


# --- a link ---------------------------------------------------------------------------------------------------------


def test_a_link_holds_the_nights_for_almost_a_day_and_is_paid_like_any_other(shop: Shop) -> None:
    placed = _book(shop, _wish(shop))

    assert shop.state(placed.booking_id) == ("pending", "unpaid")
    (attempt,) = shop.attempts(placed.booking_id)
    assert attempt.session_id is not None
    assert 23 * 3600 < (attempt.expires_at - shop.clock.now()).total_seconds() < 24 * 3600
    assert shop.mails(placed.booking_id) == ["payment_link"]
    shop.work()
    (letter,) = shop.mailer.letters
    assert (letter.to, "/m/" in letter.text, "€" in letter.subject) == (GRACE.email, True, True)
    shop.pay(placed.booking_id)
    assert shop.state(placed.booking_id) == ("confirmed", "paid")
    assert [step.actor for step in shop.timeline(placed.booking_id)][:1] == [ADA]
    assert _balanced(shop)


def test_a_link_that_nobody_pays_lets_the_nights_go_by_itself(shop: Shop) -> None:
    placed = _book(shop, _wish(shop))

    shop.pass_time(hours=25)

    assert shop.state(placed.booking_id) == ("expired", "unpaid")
    assert shop.nights(placed.booking_id) == []


def test_a_silent_stripe_keeps_nobody_from_booking(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def silence(*_args: object) -> None:
        raise GatewayUnavailable("silence", is_silent=True)

    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "open_checkout", silence)
        placed = _book(shop, _wish(shop))
    assert shop.attempts(placed.booking_id)[0].session_id is None

    shop.check_out(placed.booking_id)
    shop.pay(placed.booking_id)

    assert shop.state(placed.booking_id) == ("confirmed", "paid")


# --- paid to the house ----------------------------------------------------------------------------------------------

HOUSE = [method for method in PaymentMethod if method is not PaymentMethod.STRIPE]


@pytest.mark.parametrize("method", HOUSE)
def test_money_that_the_house_took_confirms_at_once_and_stripe_knows_nothing_of_it(
    shop: Shop, method: PaymentMethod
) -> None:
    wish = _wish(shop, method, receipt_note="receipt 17")

    placed = _book(shop, wish)

    assert placed.is_confirmed
    assert shop.state(placed.booking_id) == ("confirmed", "paid")
    (payment,) = shop.payments(placed.booking_id)
    assert (payment.method, payment.payment_intent_id, payment.attempt_id) == (method, None, None)
    assert (payment.amount, payment.source) == (wish.shown_total, Source.STAFF)
    assert shop.mails(placed.booking_id) == ["confirmed", "new_booking"]
    received = next(step for step in shop.timeline(placed.booking_id) if step.kind == "payment_received")
    assert (received.actor, received.note) == (ADA, f"payment 1, {method.replace('_', ' ')}: receipt 17")
    assert {night.hold_until for night in shop.nights(placed.booking_id)} == {None}
    assert _balanced(shop)


def test_what_the_house_took_it_hands_back_itself_and_stripe_is_never_asked(shop: Shop) -> None:
    placed = _book(shop, _wish(shop, PaymentMethod.CASH))
    booking = shop.booking(placed.booking_id)

    with shop.app.app_context():
        refunds.order_refund(shop.runtime, booking.id, Money(5000, EUR), ADA, "form-1")
        assert reconciliation.reconcile(shop.runtime, at_once=False) == []
        refunds.send_refund(shop.runtime, 1)
    shop.work()
    (refund,) = shop.refunds(booking.id)
    assert (refund.status, refund.idempotency_key, refund.params) == (RefundStatus.REQUESTED, None, None)
    assert shop.state(booking.id) == ("confirmed", "refund_pending")

    with shop.app.app_context():
        for _ in range(2):
            assert refunds.note_handed_over(shop.runtime, refund.id, ADA) == booking.id

    assert shop.refunds(booking.id)[0].status is RefundStatus.SUCCEEDED
    assert shop.state(booking.id) == ("confirmed", "partially_refunded")
    assert shop.causes(booking.id, "refund_succeeded") == ["staff"]
    assert _balanced(shop)


def test_a_cancelled_guest_who_paid_cash_is_owed_it_until_staff_says_it_is_done(shop: Shop) -> None:
    placed = _book(shop, _wish(shop, PaymentMethod.CASH))
    amount = shop.booking(placed.booking_id).amount

    with shop.app.app_context():
        reservations.cancel_booking(shop.runtime, placed.booking_id, CancelReason.STAFF, STAFF, amount, "form")
    shop.work()

    assert shop.state(placed.booking_id) == ("cancelled", "refund_pending")
    with shop.app.app_context():
        refunds.note_handed_over(shop.runtime, shop.refunds(placed.booking_id)[0].id, ADA)
    assert shop.state(placed.booking_id) == ("cancelled", "refunded")


def test_a_refund_through_stripe_cannot_be_noted_as_handed_over(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    with shop.app.app_context():
        refund_id = refunds.order_refund(shop.runtime, booking_id, Money(100, EUR), ADA, "form-1")

        for wrong in (refund_id, 99):
            with pytest.raises(RefundRefused):
                refunds.note_handed_over(shop.runtime, wrong, ADA)
    assert shop.refunds(booking_id)[0].status is RefundStatus.REQUESTED


@pytest.mark.parametrize("what", ["attempt", "amount", "confirmed", "not staff", "nobody", "stripe"])
def test_a_receipt_confirms_nothing_but_a_booking_that_waits_for_exactly_it(shop: Shop, what: str) -> None:
    booking_id = shop.book(shop.stay())
    if what == "confirmed":
        shop.pay(booking_id)
    amount = shop.booking(booking_id).amount
    receipt = HouseReceipt(booking_id, PaymentMethod.CASH, amount)
    cause = {"not staff": Cause(Source.WEB, ADA), "nobody": Cause(Source.STAFF)}.get(what, STAFF)
    if what == "amount":
        receipt = replace(receipt, amount=amount - Money(1, EUR))
    if what == "stripe":
        receipt = replace(receipt, method=PaymentMethod.STRIPE)
    before = shop.state(booking_id)

    with shop.app.app_context():
        identity = get_identity(shop.runtime)
        with pytest.raises((TransitionRefused, ValueError)), transaction() as session:
            settlement.settle(session, receipt, cause, shop.clock.now(), identity)

    assert shop.state(booking_id) == before
    assert all(payment.is_with_stripe for payment in shop.payments(booking_id))


# --- the price ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("difference", [-5000, 5000, 1])
def test_an_agreed_price_has_a_line_of_its_own_and_its_reason_is_kept(shop: Shop, difference: int) -> None:
    wish = _wish(shop)
    total = wish.shown_total + Money(difference, EUR)

    placed = _book(shop, replace(wish, agreement=Agreement(total, "regular guest")))

    booking = shop.booking(placed.booking_id)
    quote = Quote.from_json(booking.quote)
    assert (booking.amount, quote.total) == (total, total)
    assert sum((line.total for line in quote.lines), Money(0, EUR)) == total
    assert (quote.lines[-1].kind, quote.lines[-1].total.minor) == ("agreed", difference)
    (step,) = [step for step in shop.timeline(booking.id) if step.kind == "price_agreed"]
    assert step.note.endswith(": regular guest")
    assert shop.attempts(booking.id)[0].amount_minor == total.minor


@pytest.mark.parametrize(
    ("total", "reason"),
    [(Money(0, EUR), "why"), (Money(-1, EUR), "why"), (Money(100, "usd"), "why"), (Money(100, EUR), "  ")],
)
def test_no_price_without_a_reason_and_none_of_nothing(shop: Shop, total: Money, reason: str) -> None:
    with pytest.raises(StayRuleBroken):
        _book(shop, _wish(shop, agreement=Agreement(total, reason)))

    assert shop.count(Booking) == 0


# --- refused --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_booked_leaves_nothing(shop: Shop) -> None:
    stay = shop.stay()
    shop.place(stay, LINUS, browser="linus")

    with pytest.raises(DatesUnavailable):
        _book(shop, _wish(shop, PaymentMethod.CASH))
    with pytest.raises(PriceChanged):
        _book(shop, replace(_wish(shop), stay=shop.stay(ahead=60), shown_total=Money(1, EUR)))
    with pytest.raises(ListingNotFound):
        _book(shop, replace(_wish(shop), listing_id=99))
    with pytest.raises(StayRuleBroken):
        _book(shop, replace(_wish(shop), guests=40))

    assert shop.count(Booking) == 1


@pytest.mark.parametrize("method", [PaymentMethod.STRIPE, PaymentMethod.CASH])
def test_one_form_is_one_booking_however_often_and_fast_it_is_sent(shop: Shop, method: PaymentMethod) -> None:
    with shop.app.app_context():
        listing = db.session.get_one(phone.Listing, shop.listing_id)
        listing.units.append(type(listing.units[0])(name="Another"))
        db.session.commit()
    wish = _wish(shop, method)

    answers = [*rush(lambda _number: _book(shop, wish), range(4)), _book(shop, wish)]

    assert {answer.booking_id for answer in answers if isinstance(answer, Placed)} == {1}
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(shop.payments(1)) == (method is PaymentMethod.CASH)
