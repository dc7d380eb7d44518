"""A policy of three steps, in a browser without JavaScript: what the pages promise is what comes back."""

import pytest

from booking.database import transaction
from booking.extensions import db
from booking.models import Booking, CancellationPolicy, CancellationTier, Listing
from tests.browser.conftest import Guest
from tests.support.shop import Shop

pytestmark = pytest.mark.browser

# 30 days before arrival everything, 14 days 60 percent, 3 days 20 percent; the tourist tax always.
STEPS = {30: 100, 14: 60, 3: 20}


def _give_policy(shop: Shop, **values: object) -> None:
    with shop.app.app_context(), transaction() as session:
        listing = session.get_one(Listing, shop.listing_id)
        tiers = [CancellationTier(days_before=days, percent=percent) for days, percent in STEPS.items()]
        policy = CancellationPolicy(property_id=listing.property_id, name="Three steps", tiers=tiers, **values)
        session.add(policy)
        listing.policy = policy


@pytest.mark.parametrize(("ahead", "percent"), [(20, 60), (5, 20), (1, 0)])
def test_a_guest_who_cancels_under_three_steps_gets_back_what_the_pages_said(
    guest: Guest, small_shop: Shop, ahead: int, percent: int
) -> None:
    _give_policy(small_shop)
    stay = small_shop.stay(nights=3, ahead=ahead)
    total, tax = small_shop.total(stay).minor, 3 * 2 * 350
    due = f"€{((total - tax) * percent // 100 + tax) / 100:,.2f}"

    guest.go_to_review(stay)
    promised = guest.page.locator("main").inner_text()
    guest.press("Book and pay")
    guest.pay()
    (booking,) = small_shop.bookings()
    guest.open(f"/b/{booking.reference}/cancel")
    shown = guest.page.locator("main").inner_text()
    guest.press(f"Cancel and get {due} back")
    small_shop.work()
    small_shop.stripe.settle_down()

    assert (f"{due} back until" if percent else f"{due} comes back: it is owed only for a stay") in promised
    assert f"Cancel now: {due} back" in shown
    assert small_shop.state(booking.id)[0] == "cancelled"
    (refund,) = small_shop.refunds(booking.id)
    assert f"€{refund.amount.major:,.2f}" == due
    assert small_shop.broken_promises() == []


def test_second_thoughts_give_everything_back_and_the_review_page_says_until_when(
    guest: Guest, small_shop: Shop
) -> None:
    _give_policy(small_shop, grace_hours=24)
    stay = small_shop.stay(nights=2, ahead=5)

    guest.go_to_review(stay)
    promised = guest.page.locator("main").inner_text()
    guest.press("Book and pay")
    guest.pay()
    (booking,) = small_shop.bookings()
    guest.open(f"/b/{booking.reference}/cancel")
    guest.press(f"Cancel and get €{small_shop.total(stay).major:,.2f} back")

    with small_shop.app.app_context():
        until = db.session.get_one(Booking, booking.id).deal.grace_until
    assert until is not None
    assert f"Free cancellation until {until.day} {until:%B %Y, %H:}" in promised
    assert small_shop.state(booking.id)[0] == "cancelled"
    assert booking.terms["text"][0] == "Free cancellation for 24 hours after booking."
