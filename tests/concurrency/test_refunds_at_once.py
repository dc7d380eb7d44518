"""Two members of staff press "Refund" at the same moment, many times each: one refund goes out."""

from typing import Any

import pytest

from booking.domain.errors import RefundRefused
from booking.domain.money import Money
from booking.models import Refund
from booking.services import refunds
from tests.support.crowd import rush
from tests.support.shop import Shop

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("patience")]
STAFF = ("ada@example.org", "bea@example.org")
PART = Money(2000, "eur")


def _click(shop: Shop, clicks: int, *, with_what_was_shown: bool) -> list[int | Exception]:
    """Both have the page open; half of the clicks are of each, in turn."""
    shop.pay(shop.book(shop.stay()))
    left = shop.booking(1).amount if with_what_was_shown else None

    def press(number: int) -> int:
        who = STAFF[number % 2]
        with shop.app.app_context():
            return refunds.order_refund(shop.runtime, 1, PART, who, f"form of {who}", left=left)

    return rush(press, range(clicks))


def test_twenty_clicks_of_two_people_are_one_refund(shop: Shop) -> None:
    answers: list[Any] = _click(shop, 20, with_what_was_shown=True)

    assert shop.count(Refund) == 1
    assert {answer for answer in answers if isinstance(answer, int)} == {1}
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(refused) == 10
    assert {type(answer) for answer in refused} == {RefundRefused}
    shop.work()
    assert [refund.amount for refund in shop.refunds(1)] == [PART]


def test_control_without_what_each_was_shown_both_people_refund(shop: Shop) -> None:
    _click(shop, 20, with_what_was_shown=False)

    assert sorted(refund.requested_by for refund in shop.refunds(1)) == sorted(STAFF)
    assert shop.count(Refund) == 2
