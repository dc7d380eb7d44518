"""From search to departure with a deposit: what is owed is asked for, paid, and agrees with Stripe's own list."""

import uuid
from datetime import timedelta

from booking.domain.states import CancelReason, DueStatus, RefundReason, Source
from booking.extensions import db
from booking.queries.bookings import get_booking_file
from booking.queries.search import find_stays
from booking.services import attempts, reconciliation, reservations, verification
from booking.services.checkout import HandoffOutcome
from booking.services.timeline import Cause
from tests.support.plans import (
    ADA,
    DAYS_BEFORE,
    PERCENT,
    ask_for_deposit,
    balance_of,
    book_with_deposit,
    go_to_noon,
    start_balance,
    write_about_balances,
)
from tests.support.shop import GRACE, Shop, patched

DAY = timedelta(days=1)


def test_a_stay_with_a_deposit_from_the_search_to_the_departure(verified: Shop) -> None:
    shop = verified
    ask_for_deposit(shop)
    stay = shop.stay(ahead=60)
    with shop.app.app_context():
        (offer,) = find_stays(db.session(), stay, 2, shop.clock.now()).offers
    assert offer.schedule.now == offer.total.percent(PERCENT)
    assert offer.schedule.due_on == stay.arrive - DAYS_BEFORE * DAY

    booking_id = shop.book(stay)
    shop.pay(booking_id)
    shop.work()
    due = balance_of(shop, booking_id)
    assert (shop.state(booking_id), due.status) == (("confirmed", "paid"), DueStatus.OPEN)
    assert shop.payments(booking_id)[0].amount == offer.schedule.now

    go_to_noon(shop, due.due_on - 7 * DAY)
    assert write_about_balances(shop) == [f"booking {booking_id}: balance due"]
    assert any(subject.startswith("Please pay €") for subject in shop.mailer.subjects_to(GRACE.email))

    handoff = start_balance(shop, booking_id)
    assert handoff.outcome is HandoffOutcome.PAY
    shop.pay(booking_id)
    shop.work()
    assert balance_of(shop, booking_id).status is DueStatus.PAID
    assert sum(payment.amount_minor for payment in shop.payments(booking_id)) == offer.total.minor
    assert shop.mailer.subjects_to(GRACE.email)[-1].startswith("Paid in full")

    go_to_noon(shop, stay.leave + DAY)
    assert write_about_balances(shop) == []
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_nothing_cancels_a_stay_whose_balance_nobody_paid(verified: Shop) -> None:
    booking_id = book_with_deposit(verified)
    due = balance_of(verified, booking_id)

    go_to_noon(verified, due.due_on + DAY)
    assert write_about_balances(verified) == [f"booking {booking_id}: balance overdue"]
    go_to_noon(verified, verified.booking(booking_id).leave + DAY)
    with verified.app.app_context():
        reservations.expire_holds(verified.runtime)
        file = get_booking_file(db.session(), booking_id, verified.clock.now())

    assert verified.state(booking_id) == ("confirmed", "paid")
    assert [owed.is_overdue(file.today) for owed in file.owed] == [True]


def test_webhooks_off_for_good_end_in_the_same_state(verified: Shop) -> None:
    verified.stripe.drop_webhooks()
    booking_id = book_with_deposit(verified)
    with verified.app.app_context():
        reconciliation.reconcile(verified.runtime)
    start_balance(verified, booking_id)
    verified.pay(booking_id)
    with verified.app.app_context():
        reconciliation.reconcile(verified.runtime)

    assert verified.state(booking_id) == ("confirmed", "paid")
    assert balance_of(verified, booking_id).status is DueStatus.PAID


def test_a_balance_that_is_paid_in_two_pages_goes_back_once(verified: Shop) -> None:
    booking_id = book_with_deposit(verified)
    start_balance(verified, booking_id)
    first = verified.session_of(booking_id)
    verified.clock.offset += timedelta(minutes=32)  # the first page is too old for the shop, and Stripe still takes it
    with patched(attempts, "end_given_up", lambda *_: False):
        start_balance(verified, booking_id)
    verified.pay(booking_id)

    verified.stripe.pay(first)
    verified.stripe.settle_down()

    (refund,) = verified.refunds(booking_id)
    assert (refund.reason, refund.amount) == (RefundReason.DUPLICATE, balance_of(verified, booking_id).amount)
    assert balance_of(verified, booking_id).status is DueStatus.PAID
    assert verified.state(booking_id)[0] == "confirmed"


def test_another_amount_for_the_balance_needs_a_person(shop: Shop) -> None:
    booking_id = book_with_deposit(shop)
    start_balance(shop, booking_id)
    event = ["--booking-id", str(booking_id), "--event-type", "checkout.session.completed", "--wrong-amount"]

    result = shop.app.test_cli_runner().invoke(args=["test-webhook", *event])

    assert "200" in result.output, result.output
    assert shop.booking(booking_id).needs_review
    assert shop.state(booking_id)[0] == "confirmed"
    assert balance_of(shop, booking_id).status is DueStatus.OPEN


def test_late_money_for_the_balance_of_a_cancelled_stay_goes_back_by_itself(verified: Shop) -> None:
    booking_id = book_with_deposit(verified)
    start_balance(verified, booking_id)
    verified.stripe.drop_webhooks()
    verified.stripe.pay(verified.session_of(booking_id))
    cause = Cause(Source.STAFF, ADA)
    with verified.app.app_context():
        paid = verified.payments(booking_id)[0].amount
        reservations.cancel_booking(verified.runtime, booking_id, CancelReason.STAFF, cause, paid, uuid.uuid4().hex)
        reconciliation.reconcile(verified.runtime)

    reasons = {refund.reason for refund in verified.refunds(booking_id)}
    assert reasons == {RefundReason.CANCELLATION, RefundReason.ALREADY_CANCELLED}
    verified.work()
    verified.stripe.settle_down()
    with verified.app.app_context():
        reconciliation.reconcile(verified.runtime)
        assert verification.compare_with_stripe(verified.runtime).differences == ()
    assert verified.state(booking_id) == ("cancelled", "refunded")
