"""A member in a browser without JavaScript: the mailed link, joining, a cheaper stay, and the end of it at Stripe."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Guest
from tests.support.club import GRACE, mailed_link, open_club, the_membership

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [320, 1280])
def test_a_guest_joins_stays_for_less_and_cancels(new_guest: Callable[..., Guest], width: int) -> None:
    guest = new_guest(width)
    shop = guest.shop
    open_club(shop)

    guest.open("/")
    guest.page.get_by_role("link", name="Club", exact=True).click()
    assert guest.heading == "Stay for less, as a member"
    assert not guest.scrolls_sideways()
    guest.page.get_by_label("E-mail address").fill(GRACE)
    guest.press("Send me a link")
    assert guest.heading == "Look in your mailbox"
    guest.open(mailed_link(shop, GRACE))
    guest.press("Sign me in")
    assert guest.heading == "My account"

    guest.press("See what can be joined")
    guest.page.get_by_role("checkbox").check()
    guest.press("Join and pay: Harbour Club")
    guest.fill_card("4242 4242 4242 4242")
    guest.press("Subscribe")
    guest.page.wait_for_url(f"{shop.url}/club/account")
    assert "You are a member." in guest.page.inner_text("main")
    assert not guest.scrolls_sideways()

    guest.go_to_review(shop.stay())
    assert "Members’ rate, 10 % less" in guest.page.inner_text("main")
    assert not guest.scrolls_sideways()

    guest.open("/club/account")
    guest.press("Change card or cancel")
    guest.page.wait_for_url(f"{shop.stripe.url}/p/session/*")
    assert "Harbour Club" in guest.page.inner_text("body")
    guest.press("Cancel at the end of the period")
    shop.stripe.settle_down()
    guest.open("/club/account")
    assert "You have cancelled." in guest.page.inner_text("main")
    assert the_membership(shop).cancels_at is not None
