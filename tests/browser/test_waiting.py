"""The three small scripts of the checkout: waiting for news, counting a hold's minutes, counting letters."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.shop import GRACE, Shop, Visitor

pytestmark = pytest.mark.browser
LATE = "This takes longer than usual. We will e-mail you; you can close this page."
MOST_SECONDS = 1000


@pytest.fixture
def page(chromium: Browser, small_shop: Shop) -> Page:
    """A window with JavaScript, whose clock a test moves."""
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def _paid_unheard(shop: Shop) -> str:
    """Somebody has paid, Stripe's news of it is lost, and Stripe answers no question; the session."""
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    shop.stripe.post("faults", [{"kind": "status_500", "method": "GET", "path_prefix": "/v1/checkout", "times": 999}])
    return shop.session_of(booking_id)


def test_a_waiting_page_finds_out_by_itself_that_the_payment_is_confirmed(small_shop: Shop, page: Page) -> None:
    session_id = _paid_unheard(small_shop)
    page.goto(f"{small_shop.url}/pay/return?session_id={session_id}")
    expect(page.locator("h1")).to_have_text("We are confirming your payment")

    small_shop.stripe.post("faults", [])

    expect(page.locator("h1")).to_have_text("You're booked, Grace")


def test_a_waiting_page_asks_less_and_less_and_stops_after_two_minutes(small_shop: Shop, page: Page) -> None:
    session_id = _paid_unheard(small_shop)
    asked: list[str] = []
    page.route(
        "**/pay/state?*", lambda route: (asked.append(route.request.url), route.fulfill(json={"state": "confirming"}))
    )
    page.clock.install()
    page.goto(f"{small_shop.url}/pay/return?session_id={session_id}")

    status = page.get_by_role("status")
    for _ in range(MOST_SECONDS):  # answers come in real time, between the seconds of the page's own clock
        page.clock.run_for(1000)
        if LATE in (status.text_content() or ""):
            break

    expect(status).to_have_text(LATE)
    assert len(asked) == 18
    expect(page.get_by_role("link", name="Check again")).to_be_visible()


def test_a_hold_is_counted_beside_the_clock_and_spoken_of_twice(small_shop: Shop, page: Page) -> None:
    visitor = Visitor(small_shop.url)
    visitor.book_and_pay("harbour-loft", small_shop.stay(), GRACE)
    page.context.add_cookies([{"name": "stay", "value": visitor.web.cookies["stay"], "url": small_shop.url}])
    page.clock.install()
    page.goto(f"{small_shop.url}/pay/cancelled")
    counter, told = page.locator("[data-until]"), page.locator("[data-told]")
    expect(counter).to_contain_text("minutes left")
    expect(counter).to_have_attribute("aria-live", "off")
    expect(told).to_have_text("")

    spoken = []
    for _ in range(36):
        page.clock.run_for(60_000)
        words = told.text_content()
        spoken += [words] if words and words not in spoken else []

    assert spoken == ["5 minutes left", "1 minute left"]
    expect(counter).to_have_text("The time is over")


def test_a_wrong_clock_of_the_visitor_counts_no_other_minutes(small_shop: Shop, page: Page) -> None:
    visitor = Visitor(small_shop.url)
    visitor.book_and_pay("harbour-loft", small_shop.stay(), GRACE)
    page.context.add_cookies([{"name": "stay", "value": visitor.web.cookies["stay"], "url": small_shop.url}])
    page.clock.install(time="2020-01-01T00:00:00Z")

    page.goto(f"{small_shop.url}/pay/cancelled")

    expect(page.locator("[data-until]")).to_have_text("35 minutes left")


def test_letters_that_are_left_are_counted_while_one_types(small_shop: Shop, page: Page) -> None:
    stay = small_shop.stay()
    page.goto(f"{small_shop.url}/stays/harbour-loft/book?arrive={stay.arrive}&leave={stay.leave}&guests=2")

    page.get_by_label("Message to the house").fill("By boat")

    expect(page.locator(".counter")).to_have_text("493 characters left")
