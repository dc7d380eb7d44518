"""The simulator's pages in a real browser: axe finds nothing, nothing scrolls sideways, buttons need no script."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from stripe import StripeClient

from tests.support import servers
from tests.support.servers import FakeStripe

pytestmark = pytest.mark.browser
WINDOWS = [(scheme, width) for scheme in ("light", "dark") for width in (360, 1280)]
NARROWEST = 320
# 3-D Secure; pays and is disputed.
ASKING, DISPUTED = "4000002760003184", "4000000000000259"


@dataclass
class Street:
    """A simulator in which each kind of page has something to show."""

    stripe: FakeStripe
    paths: dict[str, str]

    @property
    def api(self) -> Any:
        return _client(self.stripe)

    def address(self, page: str) -> str:
        return self.stripe.url + self.paths[page]


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    with servers.fakestripe() as stripe:
        yield Street(stripe, _build(stripe))


def _build(stripe: FakeStripe) -> dict[str, str]:
    """Addresses of pages in all their states, by name."""
    stripe.post("webhook", {"url": "http://127.0.0.1:9/nobody", "secrets": ["whsec_test"]})
    api = _client(stripe)
    opened, paid, disputed, asking, expired = (_open(api) for _ in range(5))
    stripe.pay(paid, wait=False)
    stripe.pay(disputed, DISPUTED, wait=False)
    intent = stripe.pay(asking, ASKING, wait=False)["payment_intent"]["id"]
    api.checkout.sessions.expire(expired)
    stripe.post("clock", {"advance": 10})
    dispute = api.disputes.list().data[0]
    stripe.post("faults", [{"kind": "status_500", "path_prefix": "/v1/refunds"}])
    stripe.post("delivery", {"mode": "hold"})
    stripe.resend(stripe.events("checkout.session.completed")[0]["id"])
    return {
        "pay": f"/c/pay/{opened}",
        "pay, filled in": f"/c/pay/{opened}?card=4242424242424242",
        "paid": f"/c/pay/{paid}",
        "expired": f"/c/pay/{expired}",
        "missing": "/c/pay/cs_test_none",
        "3-D Secure": f"/c/3ds/{intent}",
        "test cards": f"/test-cards?session={opened}",
        "dashboard": "/",
        "list": "/dashboard/sessions",
        "events": "/dashboard/events",
        "requests": "/dashboard/requests",
        "found": "/dashboard/find?q=seaview",
        "session": f"/dashboard/object/{opened}",
        "dispute": f"/dashboard/object/{dispute.id}",
        "delivery": f"/dashboard/object/{stripe.get('deliveries')[-1]['id']}",
        "nothing": "/dashboard/object/none",
        **_build_billing(api),
    }


def _build_billing(api: Any) -> dict[str, str]:
    """Pages that know a customer: saving a card, subscribing, and the portal."""
    customer = api.customers.create({"email": "ada@example.com", "payment_method": "pm_card_visa"})
    product = api.products.create({"name": "Winter club"})
    recurring = {"product": product.id, "currency": "eur", "unit_amount": 1500, "recurring": {"interval": "month"}}
    items = [{"price": api.prices.create(recurring).id}]
    method = api.customers.payment_methods.list(customer.id).data[0].id
    subscription = api.subscriptions.create({"customer": customer.id, "items": items, "default_payment_method": method})
    back = {"success_url": "http://shop.test/", "cancel_url": "http://shop.test/"}
    setup = api.checkout.sessions.create({"mode": "setup", "currency": "eur", "customer": customer.id, **back})
    joining = {"mode": "subscription", "line_items": [{**items[0], "quantity": 1}], **back}
    portal = api.billing_portal.sessions.create({"customer": customer.id, "return_url": "http://shop.test/"})
    return {
        "save a card": _path(setup.url),
        "subscribe": _path(api.checkout.sessions.create(joining).url),
        "portal": _path(portal.url),
        "subscription": f"/dashboard/object/{subscription.id}",
        "customer": f"/dashboard/object/{customer.id}",
    }


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _client(stripe: FakeStripe) -> Any:
    return StripeClient("sk_test_street", base_addresses={"api": stripe.url}).v1


def _open(api: Any, back_to: str = "http://shop.test/") -> str:
    price = {
        "currency": "eur",
        "unit_amount": 42000,
        "product_data": {"name": "Seaview Cottage", "description": "3 nights"},
    }
    session = api.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": back_to,
            "cancel_url": back_to,
            "custom_text": {"submit": {"message": "See you soon"}},
        }
    )
    return str(session.id)


PAGES = """pay|pay, filled in|paid|expired|missing|3-D Secure|test cards|dashboard|list|events|requests|found|session|
dispute|delivery|nothing|save a card|subscribe|portal|subscription|customer""".replace("\n", "").split("|")


@pytest.fixture
def show(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a window of its own."""
    contexts = []

    def open_page(address: str, *, script: bool = False) -> Page:
        context = chromium.new_context(java_script_enabled=script)
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(show: Callable[..., Page], street: Street, name: str) -> None:
    page = show(street.address(name), script=True)
    for scheme, width in WINDOWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})

        results = Axe().run(page)

        assert results.violations_count == 0, f"{scheme}, {width}: {results.generate_report()}"


def test_axe_finds_no_violation_where_a_form_was_filled_in_wrongly(show: Callable[..., Page], street: Street) -> None:
    page = show(street.address("pay"), script=True)
    page.get_by_role("button", name="Pay ").click()

    assert page.get_by_role("alert").count() == 1
    assert Axe().run(page).violations_count == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_narrowest_phone_and_asks_nobody_else(chromium: Browser, street: Street, name: str) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": NARROWEST, "height": 800})
    page, asked, complaints = context.new_page(), set(), []
    page.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))
    page.on("console", lambda said: complaints.append(said.text) if "Failed to load" not in said.text else None)

    page.goto(street.address(name))

    assert page.evaluate("document.documentElement.scrollWidth") == NARROWEST
    assert asked == {street.stripe.url}
    assert complaints == []
    context.close()


def test_a_guest_pays_with_the_keyboard_alone(show: Callable[..., Page], street: Street) -> None:
    session = _open(street.api, f"{street.stripe.url}/_fake/healthz")
    page = show(f"{street.stripe.url}/c/pay/{session}?card=4000002760003184")

    page.get_by_label("Postal code").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Pay €420.00"
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/3ds/*")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/_fake/healthz")


def test_a_button_of_the_dashboard_works_without_script(show: Callable[..., Page], street: Street) -> None:
    session = _open(street.api)
    page = show(f"{street.stripe.url}/dashboard/object/{session}")

    page.get_by_label("Test card").select_option("4000000000009995")
    page.get_by_role("button", name="Pay with this card").click()
    assert "insufficient funds" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="Expire").click()

    assert "200: expired" in page.get_by_role("status").inner_text()
    assert page.url.startswith(f"{street.stripe.url}/dashboard/object/{session}?note=")


def test_a_form_on_another_site_presses_nothing(show: Callable[..., Page], street: Street) -> None:
    page = show(street.stripe.url)
    page.route(
        "http://evil.test/", lambda route: route.fulfill(content_type="text/html", body=_trap(street.stripe.url))
    )
    page.goto("http://evil.test/")

    with page.expect_response("**/dashboard/press") as answer:
        page.get_by_role("button").click()

    assert answer.value.status == 403
    assert requests.get(f"{street.stripe.url}/_fake/state", timeout=5).json()["counts"]["checkout.session"] > 0


def _trap(url: str) -> str:
    return f"""<form method="post" action="{url}/dashboard/press">
    <input name="path" value="/_fake/reset"><button>You have won</button></form>"""
