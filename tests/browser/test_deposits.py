"""A deposit and its balance in a browser without JavaScript: what the pages say is what is charged, twice."""

import pytest

from booking.domain.states import DueStatus
from tests.browser.conftest import Guest
from tests.support.plans import ask_for_deposit, balance_of
from tests.support.shop import Shop

pytestmark = pytest.mark.browser


def test_a_guest_pays_the_deposit_and_then_the_balance(guest: Guest, small_shop: Shop) -> None:
    ask_for_deposit(small_shop)
    stay = small_shop.stay(ahead=60)
    total = small_shop.total(stay)
    now = total.percent(30)
    deposit, balance = (f"€{amount.major:,.2f}" for amount in (now, total - now))

    guest.go_to_review(stay)
    promised = guest.page.locator("main").inner_text()
    guest.press(f"Book and pay {deposit}")
    asked = guest.page.locator("h1").inner_text()
    guest.pay()

    assert f"You pay {deposit} now, and the balance of {balance} until" in promised
    assert f"Together that is €{total.major:,.2f}, all in." in promised
    assert deposit in asked
    assert guest.heading == "You're booked, Grace"
    shown = guest.page.locator("main").inner_text()
    assert f"you have paid {deposit}" in shown
    assert f"The balance of {balance} is to be paid until" in shown
    booking_id = small_shop.bookings()[0].id
    assert balance_of(small_shop, booking_id).status is DueStatus.OPEN

    guest.press(f"Pay the balance of {balance}")
    assert balance in guest.page.locator("h1").inner_text()
    guest.pay()

    assert guest.heading == "You're booked, Grace"
    assert "balance" not in guest.page.locator("main").inner_text().lower()
    assert balance_of(small_shop, booking_id).status is DueStatus.PAID
    assert small_shop.broken_promises() == []


def test_whoever_goes_back_from_stripe_can_pay_the_balance_later(guest: Guest, small_shop: Shop) -> None:
    ask_for_deposit(small_shop)
    guest.book(small_shop.stay(ahead=60))
    guest.pay()
    page = guest.path

    guest.press("Pay the balance of €")
    first = guest.session_id()
    guest.page.get_by_role("link", name="Back").click()
    assert guest.heading == "Nothing is waiting to be paid"
    guest.open(page)
    guest.press("Pay the balance of €")

    assert guest.session_id() == first


def test_the_plan_that_changed_is_shown_before_anything_is_paid(guest: Guest, small_shop: Shop) -> None:
    guest.go_to_review(small_shop.stay(ahead=60))
    ask_for_deposit(small_shop)

    guest.press("Book and pay €")

    assert "When you pay has changed" in guest.page.locator("main").inner_text()
    assert small_shop.bookings() == []
    guest.press("Book and pay €")
    assert guest.session_id()
