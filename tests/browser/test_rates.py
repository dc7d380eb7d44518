"""Prices in a real browser without script: Ada adds a season and a code, Grace sees the one and uses the other."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from booking.domain.pricing import Quote
from booking.services import staff
from tests.browser.conftest import Guest
from tests.support.shop import Shop

ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"

pytestmark = pytest.mark.browser


@pytest.fixture
def ada(chromium: Browser, small_shop: Shop) -> Iterator[Page]:
    """Ada's telephone, signed in, on the page of all rates."""
    with small_shop.app.app_context():
        staff.create_staff(small_shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{small_shop.url}/admin/rates")
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    yield page
    context.close()


def _press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).or_(page.get_by_role("link", name=name, exact=True)).first.click()


def _lines(shop: Shop) -> dict[str, int]:
    """What the newest booking's quote charges for, by the host's names."""
    quote = Quote.from_json(shop.bookings()[-1].quote)
    return {line.name: line.total.minor for line in quote.lines if line.name}


def test_a_season_that_staff_adds_is_what_a_guest_pays(guest: Guest, small_shop: Shop, ada: Page) -> None:
    stay = small_shop.stay()
    before = small_shop.total(stay)

    _press(ada, "Harbour Loft")
    _press(ada, "Add a season")
    ada.get_by_label("Name", exact=True).fill("Regatta week")
    ada.get_by_label("First night").fill(stay.arrive.isoformat())
    ada.get_by_label("Last night").fill(stay.leave.isoformat())
    ada.get_by_label("A night", exact=True).fill("250")
    _press(ada, "Preview")
    assert "Regatta week" in ada.locator("section[aria-labelledby=examples]").inner_text()
    assert small_shop.total(stay) == before
    _press(ada, "Save")
    assert ada.get_by_role("link", name="Regatta week").is_visible()

    guest.open(f"/stays/harbour-loft?arrive={stay.arrive}&leave={stay.leave}&guests=2")
    assert "3 nights × €250.00, Regatta week" in guest.page.locator("#quote").inner_text()
    guest.book(stay)
    guest.pay()

    booking = small_shop.bookings()[-1]
    assert guest.heading == "You're booked, Grace"
    assert booking.amount.minor == 3 * 25000 + 3 * 2 * 350
    assert _lines(small_shop) == {"Regatta week": 75000}
    assert small_shop.broken_promises() == []


def test_a_code_that_staff_makes_is_used_once_and_the_ledger_balances(
    new_guest: Callable[..., Guest], small_shop: Shop, ada: Page
) -> None:
    _press(ada, "Taxes, extras and codes of Seal Harbour Stays")
    _press(ada, "Add a code")
    ada.get_by_label("Code").fill("regatta")
    ada.get_by_label("Or percent off the nights").fill("10")
    ada.get_by_label("For how many bookings").fill("1")
    _press(ada, "Save")
    _press(ada, "Add an extra")
    ada.get_by_label("Name", exact=True).fill("Breakfast")
    ada.get_by_label("Amount").fill("12.50")
    ada.get_by_label("Counted").select_option("guest_night")
    _press(ada, "Save")

    grace = new_guest(390)
    _go_to_details(grace, small_shop)
    grace.page.get_by_label("Breakfast, €12.50 for each guest and night").check()
    grace.page.get_by_label("Code (optional)").fill("Regatta")
    grace.press("Only show the price")
    shown = grace.page.locator(".summary").inner_text()
    assert "Code REGATTA" in shown
    assert "Breakfast, 6 × €12.50" in shown
    _say_who_comes(grace)
    grace.press("Book and pay €")
    grace.pay()
    assert grace.heading == "You're booked, Grace"

    linus = new_guest(390)
    _go_to_details(linus, small_shop, ahead=60)
    linus.page.get_by_label("Code (optional)").fill("REGATTA")
    _say_who_comes(linus)
    assert "This code has been used up." in linus.page.locator("main").inner_text()
    assert linus.page.get_by_label("Full name").input_value() == "Grace Hopper"

    assert len(small_shop.bookings()) == 1
    assert _lines(small_shop).keys() == {"REGATTA", "Breakfast"}
    assert small_shop.state(1) == ("confirmed", "paid")
    assert small_shop.broken_promises() == []
    ada.reload()
    ada.goto(f"{small_shop.url}/admin/rates/property/1")
    assert "1 of 1" in ada.locator("main").inner_text()


def _go_to_details(guest: Guest, shop: Shop, ahead: int = 30) -> None:
    stay = shop.stay(ahead=ahead)
    guest.open(f"/stays/harbour-loft/book?arrive={stay.arrive}&leave={stay.leave}&guests=2")


def _say_who_comes(guest: Guest) -> None:
    guest.page.get_by_label("Full name").fill("Grace Hopper")
    guest.page.get_by_label("E-mail address").fill("grace@example.org")
    guest.press("Continue to review")
