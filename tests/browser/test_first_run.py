"""The first-run wizard in a real browser without script: from an empty database to a booking paid and given back."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from booking import create_app
from booking.domain.dates import Stay
from booking.extensions import db
from booking.gateways.pictures import PictureFolder
from booking.models import Closure, Listing, Night, Photo, Property
from booking.services import job_work, staff
from tests.support import servers
from tests.support.browser import press_first
from tests.support.pictures import draw, with_place
from tests.support.servers import FakeStripe
from tests.support.shop import SECRET, MemoryMailer, ShiftedClock, Shop, make_settings, outfit

ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"


@pytest.fixture
def empty_shop(sqlite_url: str, stripe: FakeStripe, tmp_path: Path) -> Iterator[Shop]:
    """A shop just installed: a member of staff, and nothing else."""
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    stripe.post("webhook", {"url": f"{url}/webhooks/stripe/", "secrets": [SECRET]})
    settings = make_settings(sqlite_url, stripe_api_base=stripe.url, app_base_url=url, media_dir=tmp_path / "media")
    app = create_app(settings)
    clock, mailer = ShiftedClock(), MemoryMailer()
    outfit(app, clock, mailer)
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], pictures=PictureFolder(settings.media_dir))
    shop = Shop(app, stripe, clock, mailer, url)
    with app.app_context():
        staff.create_staff(shop.runtime, ADA, "Ada Lovelace", PASSWORD)
    with servers.serving(app, port):
        yield shop
        stripe.post("delivery", {"mode": "drop"})
    assert shop.broken_promises() == []
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def ada(chromium: Browser, empty_shop: Shop) -> Iterator[Page]:
    """Ada's telephone, signed in."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{empty_shop.url}/admin/")
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    yield page
    context.close()


def press(page: Page, name: str) -> None:
    """Press the button, or follow the link, that says this."""
    press_first(page.get_by_role("main").get_by_role("button", name=name), page.get_by_role("link", name=name))


def describe_house(page: Page) -> None:
    page.get_by_label("Name of the house").fill("Seal Harbour")
    page.get_by_label("E-mail address for guests").fill("hello@example.org")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    press(page, "Keep and go on")


def make_listing(page: Page) -> None:
    page.get_by_label("Name").fill("Harbour Loft")
    page.get_by_label("Price of a night").fill("120")
    page.get_by_label("Guests at most").fill("4")
    press(page, "Keep and go on")


def pay(page: Page) -> None:
    """Pay on Stripe's page with the card that always works."""
    values = {"cardNumber": "4242424242424242", "cardExpiry": "12 / 40", "cardCvc": "123", "billingName": "Ada"}
    for name, value in values.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=billingCountry]", "CZ")
    page.fill("[name=billingPostalCode]", "110 00")
    page.get_by_role("button", name="Pay ").click()


def work(shop: Shop) -> None:
    shop.work()
    with shop.app.app_context():
        job_work.run_due(shop.runtime)


@pytest.mark.browser
def test_from_an_empty_database_to_a_test_booking_that_is_given_back(
    empty_shop: Shop, ada: Page, tmp_path: Path
) -> None:
    shop = empty_shop
    assert ada.locator("h1").inner_text() == "Setting up your shop"

    describe_house(ada)
    assert ada.locator("h2").inner_text() == "Something to book"
    make_listing(ada)
    assert ada.locator("h2").inner_text() == "A photo"

    photo = tmp_path / "IMG_0001.jpg"
    photo.write_bytes(draw((1200, 800), exif=with_place()))
    ada.get_by_label("Photos").set_input_files(photo)
    press(ada, "Send the photos")
    assert ada.locator("h1").inner_text() == "Taking in photos"
    work(shop)
    ada.reload()
    assert "IMG_0001.jpg: kept" in ada.content()
    press(ada, "Go on setting up")

    assert ada.locator("h2").first.inner_text() == "Stripe"
    assert "no event has arrived yet" in ada.content()
    press(ada, "Ask Stripe about the address")
    press(ada, "Go on to the test booking")
    press(ada, "Make a test booking")
    assert ada.url.startswith(f"{shop.stripe.url}/c/pay/")
    pay(ada)
    ada.wait_for_url(f"{shop.url}/admin/setup**")
    shop.stripe.settle_down()
    ada.reload()

    booking = shop.bookings()[0]
    assert shop.state(booking.id) == ("confirmed", "paid")
    assert "arrived" in ada.locator("dl.facts").inner_text()
    press(ada, "Cancel it and refund €240.00")
    assert "€240.00" in ada.get_by_role("main").inner_text()
    press(ada, "Cancel ")
    work(shop)
    shop.stripe.settle_down()
    ada.goto(f"{shop.url}/admin/setup")

    assert shop.state(booking.id) == ("cancelled", "refunded")
    assert "everything works" in ada.content()
    assert [refund.amount_minor for refund in shop.refunds(booking.id)] == [24000]
    assert shop.count(Night) == 0
    press(ada, "To the desk")
    assert ada.locator("h1").inner_text().startswith("Today")


@pytest.mark.browser
def test_the_wizard_can_be_left_anywhere_and_goes_on_there(empty_shop: Shop, ada: Page) -> None:
    shop = empty_shop
    ada.get_by_label("Name of the house").fill("Seal Harbour")
    ada.get_by_label("Time zone").fill("Mars/Olympus")
    ada.get_by_label("E-mail address for guests").fill("hello@example.org")
    press(ada, "Keep and go on")
    assert "This is no time zone." in ada.content()
    assert ada.get_by_label("Name of the house").input_value() == "Seal Harbour"
    assert shop.count(Property) == 0

    describe_house(ada)
    ada.goto(f"{shop.url}/admin/")
    assert ada.locator("h1").inner_text().startswith("Today")
    ada.goto(f"{shop.url}/admin/setup")
    make_listing(ada)
    press(ada, "Skip this for now")
    press(ada, "Go on to the test booking")
    press(ada, "Make a test booking")
    ada.goto(f"{shop.url}/admin/setup")
    assert "The nights are held until you have paid." in ada.content()
    press(ada, "Go to Stripe's page")
    assert len(shop.bookings()) == 1
    pay(ada)
    ada.wait_for_url(f"{shop.url}/admin/setup**")
    assert shop.state(shop.bookings()[0].id) == ("confirmed", "paid")
    assert shop.count(Photo) == 0


@pytest.mark.browser
def test_nights_are_closed_and_opened_again(empty_shop: Shop, ada: Page) -> None:
    shop = empty_shop
    describe_house(ada)
    make_listing(ada)
    stay: Stay = shop.stay(4)

    ada.goto(f"{shop.url}/admin/closures")
    ada.get_by_label("First night").fill(stay.arrive.isoformat())
    ada.get_by_label("Free again from").fill(stay.leave.isoformat())
    ada.get_by_label("Reason").fill("Painting")
    press(ada, "Close nights")
    assert shop.count(Night) == 4
    with shop.app.app_context():
        slug = db.session.query(Listing).one().slug
    ada.goto(f"{shop.url}/stays/{slug}?arrive={stay.arrive}&leave={stay.leave}&guests=2")
    assert "Continue" not in [button.inner_text() for button in ada.get_by_role("button").all()]

    ada.goto(f"{shop.url}/admin/closures")
    press(ada, "Reopen")
    assert (shop.count(Closure), shop.count(Night)) == (0, 0)


def test_the_pages_of_an_empty_shop_are_friendly(app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/stays", "/de/", "/terms", "/privacy", "/accessibility", "/manage", "/sitemap.xml"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "None" not in answer.text.split(), path
    assert "Nothing is on sale here yet." in client.get("/").text
