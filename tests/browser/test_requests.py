"""A request to book that its guest withdraws, in a browser without script; the answers are in the long stories."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from booking.database import transaction
from booking.models import Listing
from booking.services import verification
from tests.browser.conftest import GOOD_CARD, Guest
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def _ask(grace: Guest, ahead: int) -> int:
    grace.go_to_review(grace.shop.stay(ahead=ahead))
    assert grace.heading == "Check, then ask"
    assert "This is a request" in grace.page.locator("main").inner_text()
    grace.press("Request and authorise")
    grace.pay(GOOD_CARD)
    grace.shop.stripe.settle_down()
    return grace.shop.bookings()[-1].id


def _in_order(shop: Shop) -> None:
    """The ledger and Stripe's own list agree, and every promise holds."""
    shop.stripe.settle_down()
    shop.work()
    with shop.app.app_context():
        compared = verification.compare_with_stripe(shop.runtime)
    assert compared.differences == ()
    assert shop.broken_promises() == []


def test_a_guest_withdraws(new_guest: Callable[..., Guest], small_shop: Shop) -> None:
    with small_shop.app.app_context(), transaction() as session:
        session.execute(update(Listing).values(takes_requests=True))
    grace = new_guest()
    booking_id = _ask(grace, ahead=70)
    grace.open(f"/b/{small_shop.booking(booking_id).reference}")

    grace.press("Withdraw request")
    assert grace.heading == "Withdraw this request?"
    grace.press("Withdraw request")

    assert grace.heading == "These nights were let go"
    assert "Nothing was charged." in grace.page.locator("main").inner_text()
    assert small_shop.state(booking_id) == ("cancelled", "unpaid")
    _in_order(small_shop)
