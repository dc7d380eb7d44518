"""Bookings by telephone: held for a link, or confirmed on the word of staff who took the money."""

import re
import uuid
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from booking.database import transaction
from booking.domain.errors import (
    DatesUnavailable,
    ListingNotFound,
    PlanChanged,
    PriceChanged,
    RefundRefused,
    StayRuleBroken,
    TransitionRefused,
)
from booking.domain.money import Money
from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.domain.policy import HOLD_GRACE
from booking.domain.pricing import Quote
from booking.domain.states import AttemptPurpose, CancelReason, DueStatus, PaymentMethod, RefundStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.language import language
from booking.models import Booking, Listing, StayRequest
from booking.services import care, phone, reconciliation, refunds, reservations, settlement, verification
from booking.services.instance import get_identity
from booking.services.phone import Agreement, PhoneRequest
from booking.services.reservations import Placed
from booking.services.settlement import HouseReceipt
from booking.services.timeline import Cause
from tests.support.cards import cards_of, consent_of
from tests.support.club import Visitor
from tests.support.crowd import rush
from tests.support.later import let_pay_later
from tests.support.plans import DAYS_BEFORE, PERCENT, ask_for_deposit, balance_of, pay_balance
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


# --- by the listing's plan -----------------------------------------------------------------------------------------


def _by_plan(shop: Shop, **changes: Any) -> PhoneRequest:
    """The wish of somebody who was told what guests of this listing pay when."""
    wish = _wish(shop, stay=(stay := shop.stay(ahead=60)), shown_total=shop.total(stay))
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        mark = listing.schedule(wish.shown_total, wish.stay.arrive, shop.clock.now()).mark
    return replace(wish, shown_plan=mark, **changes)


def test_a_link_for_a_deposit_asks_for_it_and_the_balance_is_owed_as_everybodys(shop: Shop) -> None:
    ask_for_deposit(shop)
    wish = _by_plan(shop)
    deposit = wish.shown_total.percent(PERCENT)

    booking_id = _book(shop, wish).booking_id

    (attempt,) = shop.attempts(booking_id)
    assert (attempt.purpose, attempt.amount_minor) == (AttemptPurpose.DEPOSIT, deposit.minor)
    shop.work()
    (letter,) = shop.mailer.letters
    speak = language("en")
    rest = wish.shown_total - deposit
    assert speak.money(deposit) in letter.subject
    assert f"Pay {speak.money(deposit)} by then" in letter.text
    assert f"the balance of {speak.money(rest)} until" in letter.text
    shop.pay(booking_id)
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert balance_of(shop, booking_id).amount == rest
    pay_balance(shop, booking_id)
    assert balance_of(shop, booking_id).status is DueStatus.PAID
    assert _balanced(shop)


def test_staff_may_ask_for_the_whole_price_and_what_the_house_took_is_always_whole(shop: Shop) -> None:
    ask_for_deposit(shop)

    by_link = _book(shop, replace(_by_plan(shop), shown_plan=""))
    in_cash = _book(shop, replace(_by_plan(shop), method=PaymentMethod.CASH, stay=shop.stay(ahead=81)))

    for placed in (by_link, in_cash):
        booking = shop.booking(placed.booking_id)
        assert (booking.plan, booking.first_payment) == (None, booking.amount)
    assert shop.attempts(by_link.booking_id)[0].purpose is AttemptPurpose.BOOKING
    assert shop.state(in_cash.booking_id) == ("confirmed", "paid")


def test_a_plan_that_changed_while_staff_was_typing_books_nothing(shop: Shop) -> None:
    ask_for_deposit(shop)
    wish = _by_plan(shop)
    ask_for_deposit(shop, PaymentPlan(PlanKind.DEPOSIT, PERCENT + 10, DAYS_BEFORE))

    with pytest.raises(PlanChanged):
        _book(shop, wish)

    assert shop.count(Booking) == 0


def test_the_plan_is_that_of_the_agreed_price_and_frozen(shop: Shop) -> None:
    ask_for_deposit(shop)
    agreement = Agreement(Money(20000, EUR), "comes every year")
    with shop.app.app_context():
        listing = db.session.get_one(Listing, shop.listing_id)
        stay = shop.stay(ahead=60)
        mark = listing.schedule(agreement.total, stay.arrive, shop.clock.now()).mark

    booking_id = _book(shop, replace(_by_plan(shop), agreement=agreement, shown_plan=mark)).booking_id
    ask_for_deposit(shop, PaymentPlan(PlanKind.DEPOSIT, 90, DAYS_BEFORE))

    assert shop.booking(booking_id).first_payment == Money(6000, EUR)
    assert shop.booking(booking_id).plan["text"]  # type: ignore[index]


def test_a_listing_that_takes_requests_is_booked_by_telephone_at_once(shop: Shop) -> None:
    with shop.app.app_context(), transaction() as session:
        session.get_one(Listing, shop.listing_id).takes_requests = True

    booking_id = _book(shop, _wish(shop)).booking_id
    shop.pay(booking_id)

    assert shop.count(StayRequest) == 0
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_more_time_for_a_deposit_is_mailed_with_the_deposit(shop: Shop) -> None:
    ask_for_deposit(shop)
    booking_id = shop.book(shop.stay(ahead=60))

    with shop.app.app_context():
        care.give_more_time(shop.runtime, booking_id, 60, ADA)
    shop.work()

    booking, speak = shop.booking(booking_id), language("en")
    letter = shop.mailer.letters[-1]
    assert f"Pay {speak.money(booking.first_payment)} by then" in letter.text


# --- a card for later: only the guest can agree to that --------------------------------------------------------------


@pytest.fixture
def guest(small_shop: Shop) -> tuple[Shop, int, Visitor, str]:
    """Booked for by telephone to pay later, at the page of the booking that the mail leads to."""
    let_pay_later(small_shop)
    booking_id = _book(small_shop, _by_plan(small_shop)).booking_id
    small_shop.work()
    visitor = Visitor.of(small_shop)
    link = re.search(r"/m/\S+", small_shop.mailer.letters[-1].text)
    assert link
    assert visitor.post(link[0], link[0]).status_code == 303
    page = visitor.get(f"/b/{small_shop.booking(booking_id).reference}").text
    return small_shop, booking_id, visitor, page


def test_the_mail_asks_for_a_card_and_says_what_is_charged_when(guest: tuple[Shop, int, Visitor, str]) -> None:
    shop, booking_id, _, _ = guest

    letter, schedule = shop.mailer.letters[-1], shop.booking(booking_id).schedule

    assert letter.subject.startswith("Leave a card to book")
    assert "Nothing is charged before the day below" in letter.text
    assert f"Your card is charged with {language('en').money(schedule.later)} on" in letter.text
    assert f"Pay {language('en').money(schedule.total)} by then" not in letter.text


def test_the_guest_agrees_on_the_page_and_the_card_confirms(guest: tuple[Shop, int, Visitor, str]) -> None:
    shop, booking_id, visitor, page = guest
    assert consent_of(shop, booking_id) is None
    shown = re.search(r'name="card_consent" value="(\w+)"', page)
    assert shown
    reference = shop.booking(booking_id).reference

    answer = visitor.post("/pay/resume", f"/b/{reference}", reference=reference, card_consent=shown[1])

    assert (answer.status_code, "/c/pay/" in answer.headers["Location"]) == (303, True)
    agreed = consent_of(shop, booking_id)
    assert agreed is not None
    assert unescape(agreed.text[0]) in unescape(page)
    shop.pay(booking_id)
    shop.work()
    assert shop.state(booking_id) == ("confirmed", "unpaid")
    assert len(cards_of(shop, booking_id)) == 1
    assert "card_consent" not in visitor.get(f"/b/{reference}").text


@pytest.mark.parametrize("shown", ["", "0123456789abcdef"])
def test_nobody_gets_to_leave_a_card_under_words_they_did_not_see(
    guest: tuple[Shop, int, Visitor, str], shown: str
) -> None:
    shop, booking_id, visitor, _ = guest
    reference = shop.booking(booking_id).reference

    answer = visitor.post("/pay/resume", f"/b/{reference}", reference=reference, card_consent=shown)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/b/{reference}")
    assert consent_of(shop, booking_id) is None


def test_a_hold_until_tomorrow_is_told_with_its_day(guest: tuple[Shop, int, Visitor, str]) -> None:
    shop, booking_id, _, page = guest
    until = shop.booking(booking_id).hold_until
    assert until is not None

    told = language("en").moment(until - HOLD_GRACE, "Europe/Berlin")

    assert f"Your nights are held until <strong>{told}</strong>" in page
