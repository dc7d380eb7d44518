"""Scenario 24, its races and orders: two staff at once, and the news of a refund in every order it can come in."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from booking.domain.errors import RefundRefused
from booking.domain.money import Money
from booking.domain.states import RefundStatus
from booking.services import refunds
from tests.support.shop import Shop

SLOW_TO_REFUND, FAILS_TO_REFUND = "4000000000007726", "4000000000005126"


def _paid(shop: Shop, number: int = 0, card: str = "4242424242424242") -> int:
    booking_id = shop.book(shop.stay(ahead=30 + 4 * number), browser=f"grace-{number}")
    shop.pay(booking_id, card)
    return booking_id


def _order(shop: Shop, booking_id: int, minor: int, token: str) -> int:
    with shop.app.app_context():
        return refunds.order_refund(shop.runtime, booking_id, Money(minor, "eur"), "ada@example.org", token)


@pytest.mark.usefixtures("patience")
def test_scenario_24_two_staff_at_once_never_send_back_more_than_came(shop: Shop) -> None:
    booking_id = _paid(shop)
    total = shop.booking(booking_id).amount_minor
    barrier = threading.Barrier(4)

    def order(number: int) -> str:
        barrier.wait()
        try:
            return f"refund {_order(shop, booking_id, total // 2 + 1, f'form-{number}')}"
        except RefundRefused as error:
            return error.user_message

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(order, range(4)))
    shop.work()

    assert answers.count("That is more than is left to refund.") == 3
    (row,) = shop.refunds(booking_id)
    assert row.amount_minor == total // 2 + 1
    (charge,) = shop.stripe_client().charges.list().data
    assert charge.amount_refunded == row.amount_minor


def test_scenario_24_the_news_of_a_slow_refund_ends_the_same_in_every_order(shop: Shop) -> None:
    kinds = ("refund.created", "refund.updated", "charge.refunded")
    for number, order in enumerate(permutations(range(len(kinds)))):
        booking_id = _paid(shop, number, SLOW_TO_REFUND)
        shop.stripe.hold_webhooks()
        _order(shop, booking_id, 4000, f"form-{number}")
        shop.work()
        shop.pass_time(minutes=2)
        news = [shop.stripe.events(kind)[-1]["id"] for kind in kinds]

        shop.stripe.release([news[index] for index in order])
        shop.stripe.post("delivery", {"mode": "normal"})

        (refund,) = shop.refunds(booking_id)
        assert refund.status is RefundStatus.SUCCEEDED, order
        assert shop.state(booking_id) == ("confirmed", "partially_refunded")
        assert shop.mails(booking_id).count("refund_sent") == 1


def test_scenario_24_the_news_of_a_refund_that_fails_late_ends_the_same_in_every_order(shop: Shop) -> None:
    for number, order in enumerate(permutations(range(3))):
        booking_id = _paid(shop, number, FAILS_TO_REFUND)
        shop.stripe.hold_webhooks()
        _order(shop, booking_id, 4000, f"form-{number}")
        shop.work()
        shop.pass_time(minutes=2)
        news = [shop.stripe.events(kind)[-1]["id"] for kind in ("refund.created", "charge.refunded", "refund.failed")]

        shop.stripe.release([news[index] for index in order])
        shop.stripe.post("delivery", {"mode": "normal"})
        shop.work()

        (refund,) = shop.refunds(booking_id)
        booking = shop.booking(booking_id)
        assert refund.status is RefundStatus.FAILED, order
        assert (booking.status, booking.payment_status, booking.refund_failed) == ("confirmed", "paid", True), order
        assert shop.mails(booking_id).count("refund_failed") == 1
