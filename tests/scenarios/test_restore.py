"""Scenario 30: the database is lost, and a copy two hours old is brought back. No money may vanish with the rest."""

from dataclasses import dataclass

from sqlalchemy import select

from booking.domain.money import Money
from booking.domain.states import RefundReason
from booking.models import WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.services import reconciliation, refunds, verification
from booking.services.stripes_lists import Finding
from tests.support import backup
from tests.support.shop import GRACE, LINUS, Shop


@dataclass
class TwoHours:
    """What happened between the copy and the loss."""

    paid_since: int  # held when the copy was made, paid after
    refunded_since: int  # paid when the copy was made, part of it sent back after
    made_since: int  # unknown to the copy from beginning to end: its booking's id
    session: str  # ... and its Checkout Session
    intent: str  # ... and its payment


def _lose_two_hours(shop: Shop) -> TwoHours:
    refunded = shop.book(shop.stay(ahead=30), browser="one")
    shop.pay(refunded)
    held = shop.book(shop.stay(ahead=40), browser="two")
    restore = backup.take(shop)
    shop.pay(held)
    made = shop.book(shop.stay(ahead=50), LINUS, "linus")
    shop.pay(made)
    with shop.app.app_context():
        refunds.order_refund(shop.runtime, refunded, Money(5000, "eur"), "ada@example.org", "form-1")
    shop.work()
    shop.pass_time(hours=2)
    lost = TwoHours(held, refunded, made, shop.session_of(made), shop.payments(made)[0].payment_intent_id)
    shop.stripe.drop_webhooks()
    restore()
    shop.mailer.letters.clear()
    return lost


def _reconcile(shop: Shop) -> list[Finding]:
    with shop.app.app_context():
        return reconciliation.reconcile(shop.runtime)


def _differences(shop: Shop) -> tuple[str, ...]:
    with shop.app.app_context():
        return verification.compare_with_stripe(shop.runtime).differences


def test_scenario_30_a_restored_copy_is_brought_up_to_date_from_stripe_and_no_money_vanishes(shop: Shop) -> None:
    lost = _lose_two_hours(shop)
    assert shop.state(lost.paid_since) == ("pending", "unpaid")
    assert shop.state(lost.refunded_since) == ("confirmed", "paid")
    assert len(shop.bookings()) == 2

    findings = _reconcile(shop)
    shop.work()

    assert shop.state(lost.paid_since) == ("confirmed", "paid")
    assert shop.causes(lost.paid_since, "confirmed") == ["reconcile"]
    assert shop.state(lost.refunded_since) == ("confirmed", "partially_refunded")
    assert [(row.reason, row.amount_minor) for row in shop.refunds(lost.refunded_since)] == [
        (RefundReason.EXTERNAL, 5000)
    ]
    (problem,) = [finding.text for finding in findings if finding.is_problem]
    assert problem == f"session {lost.session} carries our id, but no attempt here knows it and it is PAID"
    assert [problem in letter.text for letter in shop.mailer.letters].count(True) == 1
    # Each cent that Stripe has is either in the ledger or named, with the payment it came by.
    (difference,) = _differences(shop)
    assert difference.startswith(lost.intent)


def test_scenario_30_reconciling_again_repairs_nothing_twice_and_goes_on_naming_what_is_missing(shop: Shop) -> None:
    lost = _lose_two_hours(shop)
    _reconcile(shop)

    again = _reconcile(shop)
    shop.work()

    assert [(finding.is_problem, lost.session in finding.text) for finding in again] == [(True, True)]
    assert len(shop.payments(lost.paid_since)) == len(shop.refunds(lost.refunded_since)) == 1
    told = [letter.subject for letter in shop.mailer.letters if lost.session in letter.text]
    assert len(told) == 1
    assert len(shop.mailer.subjects_to(GRACE.email)) == len(set(shop.mailer.subjects_to(GRACE.email)))


def test_scenario_30_events_sent_again_are_taken_in_or_kept_for_staff(shop: Shop) -> None:
    lost = _lose_two_hours(shop)
    events = shop.stripe.events("checkout.session.completed")

    answers = {event["data"]["object"]["id"]: shop.stripe.resend(event["id"])[0]["status"] for event in events}
    shop.work()

    known = {shop.session_of(booking_id): 200 for booking_id in (lost.paid_since, lost.refunded_since)}
    assert answers == {**known, lost.session: 404}
    assert shop.state(lost.paid_since) == ("confirmed", "paid")
    kept = [row for row in shop._read(select(WebhookEvent)) if row.outcome is InboxOutcome.UNMATCHED]
    assert [row.object_id for row in kept] == [lost.session]
    assert any("Was a backup restored?" in letter.text for letter in shop.mailer.letters)


def test_scenario_30_a_guest_who_gets_the_number_of_a_lost_booking_does_not_get_its_money(shop: Shop) -> None:
    lost = _lose_two_hours(shop)
    newcomer = shop.book(shop.stay(ahead=50), GRACE, "grace")
    assert newcomer == lost.made_since  # numbers are given again, and Stripe still has the old one on the lost payment

    _reconcile(shop)
    for event in shop.stripe.events("payment_intent.succeeded"):
        shop.stripe.resend(event["id"])

    assert shop.state(newcomer) == ("pending", "unpaid")
    assert shop.payments(newcomer) == []
    assert lost.intent in _differences(shop)[0]
