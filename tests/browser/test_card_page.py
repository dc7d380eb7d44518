"""Paying on a page of the shop in a real Chromium: the fields stand in a frame, and the policy lets it in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from booking.database import transaction
from booking.domain.states import DueKind, DueStatus
from booking.models import Property
from tests.support.cards import dues_of, owe
from tests.support.servers import wait_until
from tests.support.shop import Shop, Visitor

pytestmark = pytest.mark.browser
GOOD, NO_FUNDS, ASKS = "4242 4242 4242 4242", "4000 0000 0000 9995", "4000 0027 6000 3184"


@pytest.fixture
def offering(small_shop: Shop) -> Iterator[Shop]:
    with small_shop.app.app_context(), transaction() as session:
        for place in session.scalars(select(Property)):
            place.pays_on_page = True
    settings = small_shop.runtime.settings
    for name, value in (("stripe_publishable_key", "pk_test_0123456789abcdef"), ("app_base_url", small_shop.url)):
        object.__setattr__(settings, name, value)
    yield small_shop
    object.__setattr__(settings, "stripe_publishable_key", "")


@pytest.fixture
def page(offering: Shop, chromium: Browser) -> Iterator[Page]:
    """A browser with JavaScript, at the page on which something is owed."""
    visitor = Visitor(offering.url)
    visitor.book_and_pay("harbour-loft", offering.stay())
    booking = offering.bookings()[-1]
    offering.pay(booking.id)
    due_id = owe(offering, booking.id, offering.clock.today(), kind=DueKind.DAMAGE)
    context = chromium.new_context(java_script_enabled=True)
    for one in visitor.web.cookies:
        context.add_cookies([{"name": one.name, "value": one.value or "", "url": offering.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(f"{offering.url}/b/{booking.reference}/pay/{due_id}")
    page.get_by_role("button", name="Pay on this page").first.click()
    yield page
    assert complaints == []
    context.close()


def _type(page: Page, number: str) -> None:
    frame = page.frame_locator("#card-fields iframe")
    frame.get_by_label("Card number").fill(number)
    frame.get_by_label("Expiry date").fill("12 / 34")
    frame.get_by_label("Security code").fill("123")
    page.locator("#card-pay:enabled").click()


def _is_paid(shop: Shop) -> bool:
    return dues_of(shop, shop.bookings()[-1].id)[0].status is DueStatus.PAID


def test_a_guest_types_a_card_and_it_is_paid(offering: Shop, page: Page) -> None:
    _type(page, GOOD)

    wait_until(lambda: _is_paid(offering), 20, "the payment")
    page.wait_for_url(f"{offering.url}/b/*")
    assert len(offering.payments(offering.bookings()[-1].id)) == 2


def test_a_bank_that_asks_is_answered_on_its_own_page(offering: Shop, page: Page) -> None:
    _type(page, ASKS)
    page.get_by_role("button", name="Complete").click()

    wait_until(lambda: _is_paid(offering), 20, "the payment")


def test_a_card_that_is_refused_is_told_in_our_words_and_another_one_pays(offering: Shop, page: Page) -> None:
    _type(page, NO_FUNDS)
    page.get_by_text("there is not enough money, or a limit is reached").wait_for()
    assert not _is_paid(offering)

    _type(page, GOOD)
    wait_until(lambda: _is_paid(offering), 20, "the payment")


def test_what_is_typed_wrongly_is_said_beside_the_field_and_nothing_is_sent(offering: Shop, page: Page) -> None:
    _type(page, "4242")

    page.frame_locator("#card-fields iframe").get_by_text("Your card number is incomplete.").wait_for()
    assert page.locator("#card-pay:enabled").count() == 1
    assert not _is_paid(offering)
