"""What scripts add to the stay page and the search form, in a real browser; and that nothing needs them."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from booking.domain.dates import Stay
from tests.browser.conftest import Guest
from tests.support.servers import wait_until
from tests.support.shop import Shop, add_listing

pytestmark = pytest.mark.browser

NewGuest = Callable[..., Guest]


@pytest.fixture
def stay(small_shop: Shop) -> Stay:
    """Some nights in the middle of a month, so that both months of the calendar are known."""
    first = (small_shop.clock.today().replace(day=1) + timedelta(days=70)).replace(day=1)
    return Stay(first + timedelta(days=9), first + timedelta(days=13))


@pytest.fixture
def page(new_guest: NewGuest) -> Page:
    """A window in which scripts run."""
    return new_guest(script=True).page


def open_stay(page: Page, shop: Shop, question: str) -> None:
    """Open the stay page and mark it, so that a page loaded anew is told from one that was changed in place."""
    page.goto(f"{shop.url}/stays/harbour-loft?{question}")
    page.wait_for_selector("[role=grid]")
    page.evaluate("window.wasHere = true")


def is_same_page(page: Page) -> bool:
    return bool(page.evaluate("window.wasHere === true"))


def focused_day(page: Page) -> str:
    return str(page.evaluate("document.activeElement.dataset.day"))


def is_in_calendar(page: Page) -> bool:
    return bool(page.evaluate("document.activeElement.localName === 'calendar-month'"))


def press_in_calendar(page: Page, key: str) -> None:
    """Press a key that moves to another day, and wait until the calendar has drawn it."""
    at = "document.activeElement.shadowRoot.activeElement.ariaLabel"
    before = page.evaluate(at)
    page.keyboard.press(key)
    wait_until(lambda: page.evaluate(at) != before)


def day(wanted: date) -> str:
    return f'[data-day="{wanted}"]'


def said(page: Page) -> str:
    return page.locator("main > [role=status]").inner_text()


def total(page: Page) -> str:
    return page.locator("#quote .figure").inner_text()


# --- the calendar by keyboard ---


def test_arrow_keys_walk_over_the_days_and_weeks(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"month={stay.arrive:%Y-%m}")
    start = stay.arrive
    page.focus(day(start))
    monday = start - timedelta(days=start.weekday())
    first_shown = max(monday, start.replace(day=1))

    steps = [
        ("ArrowRight", start + timedelta(days=1)),
        ("ArrowDown", start + timedelta(days=8)),
        ("ArrowUp", start + timedelta(days=1)),
        ("ArrowLeft", start),
        ("Home", first_shown),
        ("End", monday + timedelta(days=6)),
    ]
    for key, wanted in steps:
        page.keyboard.press(key)
        assert focused_day(page) == str(wanted), key
    assert is_same_page(page)


def test_taken_nights_can_be_reached_and_tell_so(page: Page, small_shop: Shop, stay: Stay) -> None:
    small_shop.book(stay)
    open_stay(page, small_shop, f"month={stay.arrive:%Y-%m}")
    page.focus(day(stay.arrive - timedelta(days=1)))

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")

    assert focused_day(page) == str(stay.arrive + timedelta(days=1))
    assert "not available" in page.evaluate("document.activeElement.textContent")


def test_page_keys_turn_the_month_and_keep_the_day(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"month={stay.arrive:%Y-%m}")
    page.focus(day(stay.arrive))
    next_month = (stay.arrive.replace(day=1) + timedelta(days=32)).replace(day=stay.arrive.day)
    month_after = (next_month.replace(day=1) + timedelta(days=32)).replace(day=stay.arrive.day)

    page.keyboard.press("PageDown")
    assert focused_day(page) == str(next_month)
    page.keyboard.press("PageDown")
    wait_until(lambda: focused_day(page) == str(month_after))
    assert f"{month_after:%B}" in said(page)
    page.keyboard.press("PageUp")
    wait_until(lambda: focused_day(page) == str(next_month))

    assert is_same_page(page)


def test_tab_comes_to_one_day_and_goes_on_behind_the_calendar(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"month={stay.arrive:%Y-%m}")

    assert page.locator("[data-day][tabindex='0']").count() == 1
    page.locator("[data-day][tabindex='0']").focus()
    page.keyboard.press("Tab")

    assert not page.evaluate("document.querySelector('#nights').contains(document.activeElement)")


def test_a_stay_is_chosen_and_priced_by_keyboard_alone_on_one_page(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"month={stay.arrive:%Y-%m}")
    page.focus(day(stay.arrive))

    page.keyboard.press("Enter")
    page.wait_for_selector(".months[data-arrive]")
    assert focused_day(page) == str(stay.arrive)
    assert "Now choose the day you leave" in said(page)
    for _ in range(stay.nights):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_selector("#quote .figure")

    assert is_same_page(page)
    assert f"arrive={stay.arrive}&leave={stay.leave}" in page.url
    assert total(page) in said(page)
    assert (page.input_value("#arrive"), page.input_value("#leave")) == (str(stay.arrive), str(stay.leave))
    assert page.locator("#bar .button").inner_text() == "Continue"


# --- the preview ---


def test_pointing_at_a_day_to_leave_shows_the_nights_and_their_price(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"arrive={stay.arrive}&guests=2")
    before = page.locator("[data-pick]").inner_text()

    page.hover(day(stay.leave))

    price = f"€{small_shop.total(stay).major:,.2f}"
    assert f"4 nights, {price} all in" in page.locator("[data-pick]").inner_text()
    nights = page.eval_on_selector_all(".is-preview [data-day]", "all => all.map(one => one.dataset.day)")
    assert nights == [str(night) for night in stay]
    page.hover("h1")
    assert page.locator(".is-preview").count() == 0
    assert page.locator("[data-pick]").inner_text() == before


# --- the live price ---


def test_another_number_of_guests_changes_the_total_in_place(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"arrive={stay.arrive}&leave={stay.leave}&guests=2")
    page.get_by_text("Dates and guests").click()
    before = total(page)

    page.fill("#guests", "3")
    page.locator("#guests").blur()

    price = f"€{small_shop.total(stay, 3).major:,.2f}"
    expect(page.locator("#quote .figure")).to_have_text(price)
    assert price != before
    assert is_same_page(page)
    assert "guests=3" in page.url
    assert price in said(page)
    assert "guests=3" in str(page.locator("#bar .button").get_attribute("href"))


def test_a_rule_that_is_broken_is_told_at_the_field_and_goes_when_it_is_mended(
    page: Page, small_shop: Shop, stay: Stay
) -> None:
    open_stay(page, small_shop, f"arrive={stay.arrive}&leave={stay.leave}&guests=2")
    page.get_by_text("Dates and guests").click()

    page.fill("#guests", "9")
    page.locator("#guests").blur()
    expect(page.locator("#guests-wrong")).to_contain_text("This stay sleeps 4.")
    expect(page.locator("#guests")).to_have_attribute("aria-invalid", "true")
    page.fill("#guests", "4")
    page.locator("#guests").blur()

    expect(page.locator("#quote .figure")).to_be_visible()
    expect(page.locator("#guests-wrong")).to_be_empty()
    expect(page.locator("#guests")).to_have_attribute("aria-invalid", "false")
    assert is_same_page(page)


def test_an_answer_that_comes_too_late_is_not_shown(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"arrive={stay.arrive}&leave={stay.leave}&guests=2")
    page.get_by_text("Dates and guests").click()
    held: list[Route] = []
    page.route(re.compile("guests=3"), lambda route: held.append(route))

    page.fill("#guests", "3")
    page.locator("#guests").blur()
    with page.expect_response(re.compile("guests=4")):
        wait_until(lambda: page.evaluate("true") and held)
        page.fill("#guests", "4")
        page.locator("#guests").blur()
    expect(page.locator("#quote .figure")).to_have_text(f"€{small_shop.total(stay, 4).major:,.2f}")
    held[0].continue_()
    page.wait_for_load_state("networkidle")

    assert total(page) == f"€{small_shop.total(stay, 4).major:,.2f}"
    assert "guests=4" in page.url
    assert is_same_page(page)


def test_where_the_price_cannot_be_fetched_the_page_is_loaded_anew(page: Page, small_shop: Shop, stay: Stay) -> None:
    open_stay(page, small_shop, f"arrive={stay.arrive}&guests=2")
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('no network')); }")

    page.click(day(stay.leave))
    page.wait_for_selector("#quote .figure")

    assert not is_same_page(page)
    assert f"leave={stay.leave}" in page.url


def test_a_link_to_another_stay_is_left_to_the_browser(page: Page, small_shop: Shop, stay: Stay) -> None:
    add_listing(small_shop.app, "dune-house", name="Dune House", max_guests=9, position=1)
    open_stay(page, small_shop, f"arrive={stay.arrive}&leave={stay.leave}&guests=6")

    page.click("#quote .near a")
    page.wait_for_url("**/stays/dune-house**")

    assert page.locator("h1").inner_text() == "Dune House"


# --- small windows ---


@pytest.mark.parametrize("width", [320, 360])
def test_the_bar_never_covers_what_the_keyboard_is_at(
    new_guest: NewGuest, small_shop: Shop, stay: Stay, width: int
) -> None:
    guest = new_guest(width, script=True)
    open_stay(guest.page, small_shop, f"arrive={stay.arrive}&leave={stay.leave}&guests=2")
    covered = """() => {
      const at = document.activeElement, bar = document.querySelector("#bar");
      if (at === document.body) return "end";
      const box = at.getBoundingClientRect();
      const isUnder = box.bottom > bar.getBoundingClientRect().top;
      return isUnder && at.closest("main") && !bar.contains(at) ? at.outerHTML : "";
    }"""

    for _ in range(80):
        guest.page.keyboard.press("Tab")
        found = guest.page.evaluate(covered)
        if found == "end":
            break
        assert found == ""

    assert not guest.scrolls_sideways()


# --- two months under the search form ---


def test_two_dates_are_picked_by_keyboard_in_the_calendar_that_comes_with_the_focus(
    page: Page, small_shop: Shop
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{small_shop.url}/stays")
    page.wait_for_load_state("networkidle")
    assert not any("cally" in url for url in asked)

    page.focus("#arrive")
    page.wait_for_selector(".range:popover-open")
    assert page.evaluate("document.activeElement.id") == "arrive"
    page.keyboard.press("Alt+ArrowDown")
    wait_until(lambda: is_in_calendar(page))
    press_in_calendar(page, "PageDown")
    page.keyboard.press("Enter")
    for _ in range(3):
        press_in_calendar(page, "ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".range:popover-open", state="detached")

    arrive, leave = (date.fromisoformat(page.input_value(name)) for name in ("#arrive", "#leave"))
    assert (leave - arrive).days == 3
    assert page.evaluate("document.activeElement.id") == "arrive"
    assert {"/".join(url.split("/")[:3]) for url in asked} == {small_shop.url}
    page.keyboard.press("Enter")
    page.wait_for_url(f"**arrive={arrive}&leave={leave}**")


def test_escape_closes_the_two_months_and_typing_goes_on_in_the_field(page: Page, small_shop: Shop) -> None:
    page.goto(f"{small_shop.url}/stays")
    page.focus("#leave")
    page.wait_for_selector(".range:popover-open")
    page.keyboard.press("F4")
    wait_until(lambda: is_in_calendar(page))

    page.keyboard.press("Escape")

    page.wait_for_selector(".range:popover-open", state="detached")
    assert page.evaluate("document.activeElement.id") == "leave"
    assert (page.input_value("#arrive"), page.input_value("#leave")) == ("", "")


def test_days_that_have_passed_cannot_be_picked_and_one_day_picked_twice_is_one_night(
    page: Page, small_shop: Shop
) -> None:
    page.goto(f"{small_shop.url}/stays")
    today = date.fromisoformat(str(page.get_attribute("#arrive", "min")))
    page.focus("#arrive")
    page.wait_for_selector(".range:popover-open")
    page.keyboard.press("Alt+ArrowDown")
    wait_until(lambda: is_in_calendar(page))

    for key in ("ArrowLeft", "PageUp", "Enter", "Enter"):
        page.keyboard.press(key)

    page.wait_for_selector(".range:popover-open", state="detached")
    picked = [page.input_value(name) for name in ("#arrive", "#leave")]
    assert picked == [str(today), str(today + timedelta(days=1))]


def test_from_the_end_of_the_two_months_the_keyboard_goes_on_with_the_guests(page: Page, small_shop: Shop) -> None:
    page.goto(f"{small_shop.url}/stays")
    page.focus("#leave")
    page.wait_for_selector(".range:popover-open")
    page.focus(".range > button")

    page.keyboard.press("Tab")

    page.wait_for_selector(".range:popover-open", state="detached")
    assert page.evaluate("document.activeElement.id") == "guests"


def test_the_two_months_close_when_the_guest_goes_on(page: Page, small_shop: Shop) -> None:
    page.goto(f"{small_shop.url}/stays")
    page.focus("#arrive")
    page.wait_for_selector(".range:popover-open")

    page.focus("#guests")

    page.wait_for_selector(".range:popover-open", state="detached")
    assert page.evaluate("document.activeElement.id") == "guests"


# --- without scripts ---


def test_without_scripts_two_clicks_give_a_price_and_every_day_can_be_reached_with_tab(
    new_guest: NewGuest, small_shop: Shop, stay: Stay
) -> None:
    guest = new_guest(320)
    guest.open(f"/stays/harbour-loft?month={stay.arrive:%Y-%m}")

    assert guest.page.locator("[role=grid], a[tabindex]").count() == 0
    guest.page.click(day(stay.arrive))
    guest.page.click(day(stay.leave))

    assert total(guest.page) == f"€{small_shop.total(stay).major:,.2f}"
    assert not guest.scrolls_sideways()
