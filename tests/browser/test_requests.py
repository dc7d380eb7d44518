"""Requests to book in browsers without script: a guest asks, the host accepts one and declines another."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from booking.database import transaction
from booking.models import Listing
from booking.services import staff, verification
from tests.browser.conftest import GOOD_CARD, Guest
from tests.support.shop import Shop

pytestmark = pytest.mark.browser
ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"


@pytest.fixture
def ada(new_guest: Callable[..., Guest], small_shop: Shop) -> Guest:
    """Ada at the desk, signed in."""
    with small_shop.app.app_context():
        staff.create_staff(small_shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    ada = new_guest()
    ada.open("/admin/")
    ada.page.get_by_label("E-mail address").fill(ADA)
    ada.page.get_by_label("Password").fill(PASSWORD)
    ada.press("Sign in")
    return ada


def _take_requests(ada: Guest) -> None:
    ada.open(f"/admin/listings/{ada.shop.listing_id}")
    ada.page.get_by_label("Guests ask, and the house accepts").check()
    ada.page.locator("section[aria-labelledby=asking]").get_by_role("button", name="Keep").click()
    assert "Kept." in ada.page.locator("main").inner_text()


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


def test_a_guest_asks_and_the_host_accepts(ada: Guest, new_guest: Callable[..., Guest], small_shop: Shop) -> None:
    _take_requests(ada)
    grace = new_guest()
    booking_id = _ask(grace, ahead=30)
    assert grace.heading == "Your request is with the house"
    assert "Nothing has been charged." in grace.page.locator("main").inner_text()

    ada.open("/admin/")
    ada.page.get_by_role("link", name="Answer by").click()
    ada.press("Accept and charge")
    assert "Accepted: the payment has come" in ada.page.locator("main").inner_text()
    grace.open(f"/b/{small_shop.booking(booking_id).reference}")

    assert grace.heading.startswith("You're booked")
    assert small_shop.state(booking_id) == ("confirmed", "paid")
    _in_order(small_shop)
    assert grace.complaints == ada.complaints == []


def test_a_guest_asks_and_the_host_declines(ada: Guest, new_guest: Callable[..., Guest], small_shop: Shop) -> None:
    with small_shop.app.app_context(), transaction() as session:
        session.execute(update(Listing).values(takes_requests=True))
    grace = new_guest()
    booking_id = _ask(grace, ahead=50)

    ada.open("/admin/requests")
    ada.page.get_by_role("link", name=small_shop.booking(booking_id).reference).click()
    ada.page.get_by_label("What the guest reads").fill("The roof is being mended.")
    ada.press("Decline and let the sum go")
    grace.open(f"/b/{small_shop.booking(booking_id).reference}")

    assert grace.heading == "Your request was not accepted"
    told = grace.page.locator("main").inner_text()
    assert "The roof is being mended." in told
    assert "Nothing was charged." in told
    assert small_shop.state(booking_id) == ("cancelled", "unpaid")
    _in_order(small_shop)


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
