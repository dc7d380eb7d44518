"""Reserve now, pay later: a card is kept, the stay is confirmed without money, and the card is charged on its day."""

from datetime import timedelta

import pytest

from booking.domain.errors import PlanChanged
from booking.domain.states import AttemptPurpose, AttemptStatus, CancelReason, DueStatus, Source
from booking.services import cards, checkout, reconciliation, reservations
from booking.services.timeline import Cause
from tests.support.cards import ALWAYS_ASKS, SAYS_NO, cards_of, come_to, consent_of, place_with_card, swap_card, sweep
from tests.support.later import book_for_later, let_pay_later
from tests.support.plans import DAYS_BEFORE, balance_of, dues_of, start_balance
from tests.support.shop import GRACE, LINUS, Shop

DAY = timedelta(days=1)


def test_a_card_confirms_the_stay_and_is_charged_on_its_day(verified: Shop) -> None:
    shop = verified
    booking_id = book_for_later(shop)

    booking, due = shop.booking(booking_id), balance_of(shop, booking_id)
    assert shop.state(booking_id) == ("confirmed", "unpaid")
    assert shop.payments(booking_id) == []
    assert (due.status, due.amount, due.due_on) == (DueStatus.OPEN, booking.amount, booking.arrive - DAYS_BEFORE * DAY)
    (card,), consent = cards_of(shop, booking_id), consent_of(shop, booking_id)
    assert (card.last4, consent.text[0][:22]) == ("4242", "The rest of the price,")
    assert shop.mails(booking_id).count("confirmed") == 1

    come_to(shop, due.due_on - 2 * DAY)
    sweep(shop)
    assert shop.mails(booking_id).count("charge_announced") == 1
    assert shop.payments(booking_id) == []

    come_to(shop, due.due_on)
    sweep(shop)
    sweep(shop)
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert [payment.amount for payment in shop.payments(booking_id)] == [booking.amount]
    assert balance_of(shop, booking_id).status is DueStatus.PAID


def test_what_stripe_is_asked_for_takes_no_money_and_keeps_a_card(verified: Shop) -> None:
    booking_id = book_for_later(verified)

    (attempt,) = verified.attempts(booking_id)
    assert (attempt.purpose, attempt.status) == (AttemptPurpose.GUARANTEE, AttemptStatus.PAID)
    assert (attempt.params["mode"], attempt.params["allowed_payment_method_types"]) == ("setup", ["card"])
    assert "line_items" not in attempt.params
    assert attempt.params["metadata"]["purpose"] == "guarantee"
    assert verified.stripe_client().payment_intents.list().data == []


def test_a_bank_that_wants_its_owner_is_answered_on_a_page_that_the_guest_is_sent(verified: Shop) -> None:
    shop = verified
    booking_id = book_for_later(shop)
    swap_card(shop, booking_id, ALWAYS_ASKS)

    come_to(shop, balance_of(shop, booking_id).due_on)
    sweep(shop)
    assert shop.state(booking_id) == ("confirmed", "failed")
    assert shop.mails(booking_id).count("charge_failed") == 1

    start_balance(shop, booking_id)
    shop.pay(booking_id)
    shop.work()
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert balance_of(shop, booking_id).status is DueStatus.PAID


def test_a_card_that_is_refused_for_good_leaves_the_stay_to_the_house(verified: Shop) -> None:
    shop = verified
    booking_id = book_for_later(shop)
    swap_card(shop, booking_id, SAYS_NO)
    due_on = balance_of(shop, booking_id).due_on

    for day in range(6):
        come_to(shop, due_on + day * DAY)
        sweep(shop)

    assert shop.state(booking_id) == ("confirmed", "failed")
    assert shop.mails(booking_id).count("charge_failed") == 3
    assert shop.mails(booking_id).count("staff_charge_failed") == 1


def test_whoever_cancels_before_the_day_owes_nothing_and_the_card_is_forgotten(verified: Shop) -> None:
    shop = verified
    booking_id = book_for_later(shop)

    with shop.app.app_context():
        nothing = shop.booking(booking_id).amount * 0
        cause = Cause(Source.WEB)
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.GUEST, cause, nothing, "f" * 32)
        cards.forget_old_cards(shop.runtime)
    shop.work()

    assert shop.booking(booking_id).status == "cancelled"
    assert shop.payments(booking_id) == shop.refunds(booking_id) == []
    assert balance_of(shop, booking_id).status is DueStatus.WAIVED
    assert cards_of(shop, booking_id)[0].detached_at is not None


def test_a_stay_that_is_near_is_paid_in_full_at_once(verified: Shop) -> None:
    booking_id = book_for_later(verified, ahead=DAYS_BEFORE + 1)

    assert verified.state(booking_id) == ("confirmed", "paid")
    assert dues_of(verified, booking_id) == []


def test_without_webhooks_the_way_back_and_the_reconciler_confirm(verified: Shop) -> None:
    shop = verified
    shop.stripe.drop_webhooks()
    by_the_way_back = book_for_later(shop)
    shop.come_back(shop.session_of(by_the_way_back))
    assert shop.state(by_the_way_back) == ("confirmed", "unpaid")

    by_looking = book_for_later(shop, ahead=90)
    shop.pass_time(minutes=10)
    with shop.app.app_context():
        list(reconciliation.reconcile(shop.runtime))
    shop.work()
    assert shop.state(by_looking) == ("confirmed", "unpaid")
    assert shop.causes(by_looking, "confirmed") == ["reconcile"]
    assert [len(cards_of(shop, one)) for one in (by_the_way_back, by_looking)] == [1, 1]


def test_news_that_comes_twice_confirms_once(verified: Shop) -> None:
    shop = verified
    booking_id = book_for_later(shop)

    (event,) = shop.stripe.events("checkout.session.completed")
    shop.stripe.resend(event["id"], times=5, concurrency=5)
    shop.come_back(shop.session_of(booking_id))
    shop.work()

    assert shop.causes(booking_id, "confirmed") == ["webhook"]
    assert len(dues_of(shop, booking_id)) == len(cards_of(shop, booking_id)) == 1
    assert shop.mails(booking_id).count("confirmed") == 1


def test_a_card_that_comes_for_nights_that_are_gone_ends_the_booking_without_money(verified: Shop) -> None:
    shop = verified
    let_pay_later(shop)
    stay = shop.stay(ahead=60)
    late = place_with_card(shop, stay)
    shop.check_out(late)
    session_id = shop.session_of(late)
    shop.clock.offset += timedelta(minutes=60)  # Stripe's clock is behind: its page is still open
    winner = place_with_card(shop, stay, LINUS, "linus")
    shop.check_out(winner)

    shop.stripe.pay(session_id)
    shop.stripe.settle_down()
    shop.work()

    assert shop.state(late) == ("cancelled", "unpaid")
    assert shop.booking(late).cancel_reason is CancelReason.DATES_UNAVAILABLE
    assert shop.mails(late).count("dates_gone") == 1
    told = {letter.to: letter.text for letter in shop.mailer.letters[-2:]}
    assert "Nothing was charged, and your card is not kept." in told[GRACE.email]
    assert "Nothing was charged, and the card is forgotten." in told["ada@example.org"]
    with shop.app.app_context():
        cards.forget_old_cards(shop.runtime)
        checkout.abandon_checkout(shop.runtime, winner, Cause(Source.WEB))
    shop.work()
    assert all(card.detached_at for card in cards_of(shop, late))


def test_nobody_pays_later_who_has_not_agreed_that_the_card_is_charged(verified: Shop) -> None:
    let_pay_later(verified)

    with pytest.raises(PlanChanged):
        verified.place(verified.stay(ahead=60))  # its form carries no name of any words
