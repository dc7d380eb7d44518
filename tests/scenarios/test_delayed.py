"""Scenarios 12, 13: methods whose money comes, or does not come, days later."""

from datetime import timedelta

import pytest

from booking.domain.errors import DatesUnavailable
from booking.domain.states import AttemptStatus, CancelReason
from booking.services import reservations
from tests.support.shop import GRACE, LINUS, Shop


def _complete_by_debit(shop: Shop, booking_id: int) -> str:
    """Grace orders her bank to pay; the payment's id."""
    return str(shop.pay(booking_id, method="sepa_debit")["payment_intent"]["id"])


def _settle(shop: Shop, intent_id: str, outcome: str) -> None:
    shop.stripe.post(f"payments/{intent_id}/settle", {"outcome": outcome})
    shop.stripe.settle_down()


def test_scenario_12_the_success_comes_before_the_news_that_it_is_awaited(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    _settle(shop, _complete_by_debit(shop, booking_id), "succeeded")
    (completed,) = shop.stripe.events("checkout.session.completed")
    (succeeded,) = shop.stripe.events("checkout.session.async_payment_succeeded")
    assert completed["data"]["object"]["payment_status"] == "unpaid"

    shop.stripe.release([succeeded["id"]])
    at_once = shop.state(booking_id)
    shop.stripe.release([completed["id"]])

    assert at_once == shop.state(booking_id) == ("confirmed", "paid")
    assert shop.attempts(booking_id)[0].status is AttemptStatus.PAID
    assert len(shop.causes(booking_id, "confirmed")) == 1
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]
    assert [night.hold_until for night in shop.nights(booking_id)] == [None] * 3


def test_scenario_13_a_delayed_payment_fails_after_three_days_and_the_nights_are_free_only_then(shop: Shop) -> None:
    stay = shop.stay(ahead=60)
    booking_id = shop.book(stay)
    intent_id = _complete_by_debit(shop, booking_id)
    shop.work()
    shop.clock.offset += timedelta(days=3)  # the shop's alone: fakestripe's banks answer after minutes
    with shop.app.app_context():
        assert reservations.expire_holds(shop.runtime) == []
    with pytest.raises(DatesUnavailable):
        shop.place(stay, LINUS, "linus")
    assert shop.state(booking_id) == ("pending", "processing")

    _settle(shop, intent_id, "failed")
    shop.work()

    assert shop.state(booking_id) == ("cancelled", "failed")
    assert shop.booking(booking_id).cancel_reason is CancelReason.PAYMENT_FAILED
    assert shop.refunds(booking_id) == shop.payments(booking_id) == []
    assert len(shop.mailer.subjects_to(GRACE.email)) == 2  # that it is awaited, and that it failed
    assert shop.place(stay, LINUS, "linus").booking_id
