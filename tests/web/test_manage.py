"""A guest's own booking, its calendar file, and the links that lead to it."""

import re
from datetime import UTC, date, datetime
from html import unescape

import pytest
from icalendar import Calendar

from booking.database import transaction
from booking.domain.money import Money
from booking.domain.states import CancelReason, Source
from booking.gateways.calendar_file import StayFacts, calendar_file
from booking.models import Booking
from booking.models.instance import LinkPurpose
from booking.services import access
from booking.services.reservations import cancel_booking
from booking.services.timeline import Cause
from tests.support.shop import GRACE, Visitor, fields_of


@pytest.fixture
def shop(small_shop):
    return small_shop


@pytest.fixture
def grace(shop):
    visitor = Visitor(shop.url)
    visitor.book_and_pay("harbour-loft", shop.stay())
    return visitor


def text_of(response):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def page_of(shop, visitor):
    return visitor.get(f"/b/{shop.bookings()[0].reference}")


def test_a_paid_booking_greets_its_guest_with_everything_needed(shop, grace):
    booking = shop.bookings()[0]
    shop.pay(booking.id)

    page = page_of(shop, grace)

    words = text_of(page)
    assert "You're booked, Grace" in words
    assert f"{booking.reference[:4]}-{booking.reference[4:]}" in words
    assert "1 Quay, Seal Harbour" in words
    assert f"Paid €{booking.amount.major:.2f}" in words
    assert "Free cancellation until" in words
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert GRACE.email not in page.text


def test_an_unpaid_booking_says_until_when_it_is_held(shop, grace):
    words = text_of(page_of(shop, grace))

    assert "No payment for these nights has reached us yet" in words
    assert "othing was charged" not in words
    assert "othing has been charged" not in words
    assert re.search(r"held until \d\d:\d\d", words)


def test_an_unpaid_booking_whose_time_is_over_says_so(shop, grace):
    shop.clock.offset = shop.booking(shop.bookings()[0].id).hold_until - datetime.now(UTC)

    assert "The time to pay has passed" in text_of(page_of(shop, grace))


def test_a_cancelled_booking_says_where_the_money_is(shop, grace):
    booking = shop.bookings()[0]
    shop.pay(booking.id)
    with shop.app.app_context():
        cancel_booking(
            shop.runtime, booking.id, CancelReason.STAFF, Cause(Source.STAFF, "ada"), Money(1000, "eur"), "f" * 32
        )

    words = text_of(page_of(shop, grace))
    assert "This booking is cancelled" in words
    assert "€10.00 is on its way back to you" in words

    shop.work()
    shop.stripe.settle_down()
    assert "Sent back −€10.00" in text_of(page_of(shop, grace))


def test_a_stranger_is_told_that_there_is_no_such_booking_just_as_for_one_that_is_none(shop, grace):
    real = page_of(shop, Visitor(shop.url))
    none = Visitor(shop.url).get("/b/ZZZZZZZZ")

    assert real.status_code == none.status_code == 404
    # Each page links to itself in the other language, and so repeats what was asked for; nothing else may differ.
    assert real.text.replace(shop.bookings()[0].reference, "ZZZZZZZZ") == none.text
    assert 'href="/manage"' in real.text


def test_the_calendar_file_covers_the_nights_as_whole_days(shop, grace):
    booking = shop.bookings()[0]
    assert grace.get(f"/b/{booking.reference}/calendar.ics").status_code == 404
    shop.pay(booking.id)

    answer = grace.get(f"/b/{booking.reference}/calendar.ics")

    assert answer.headers["Content-Type"].startswith("text/calendar")
    event = Calendar.from_ical(answer.text).walk("VEVENT")[0]
    assert (event["dtstart"].dt, event["dtend"].dt) == (booking.arrive, booking.leave)
    assert str(event["uid"]) == f"{booking.reference}@127.0.0.1"
    assert Visitor(shop.url).get(f"/b/{booking.reference}/calendar.ics").status_code == 404


def test_a_cancelled_entry_replaces_the_one_before():
    facts = StayFacts("R@h", 'Loft, "x"; y', date(2027, 3, 12), date(2027, 3, 16), "1 Quay", "a\nb", True, 1)

    text = calendar_file(facts)

    event = Calendar.from_ical(text).walk("VEVENT")[0]
    assert (str(event["status"]), event["sequence"], str(event["uid"])) == ("CANCELLED", 1, "R@h")
    assert "DTSTART;VALUE=DATE:20270312" in text
    assert calendar_file(facts) == text


@pytest.mark.parametrize(
    ("reference", "email"),
    [("right", GRACE.email), ("right", "linus@example.org"), ("ZZZZ", GRACE.email)],
)
def test_asking_for_a_link_always_gets_the_same_answer(shop, grace, reference, email):
    reference = shop.bookings()[0].reference if reference == "right" else reference
    linus = Visitor(shop.url)
    form = fields_of(linus.get("/manage").text)

    answer = linus.post("/manage", {**form, "reference": reference, "email": email})

    assert (answer.status_code, answer.headers["Location"]) == (303, "/manage?sent=1")
    assert "Look in your mailbox" in text_of(linus.get("/manage", sent="1"))


def test_a_mistyped_lookup_keeps_what_was_typed(shop):
    linus = Visitor(shop.url)
    form = fields_of(linus.get("/manage").text)

    answer = linus.post("/manage", {**form, "reference": "h7k2-m9ol", "email": ""})

    assert answer.status_code == 422
    assert 'value="h7k2-m9ol"' in answer.text
    assert "<title>Error: " in answer.text


def test_an_empty_lookup_names_both_fields(shop):
    linus = Visitor(shop.url)

    answer = linus.post("/manage", {**fields_of(linus.get("/manage").text), "reference": "", "email": ""})

    assert answer.status_code == 422
    assert "Enter the reference from your mail." in text_of(answer)
    assert "Enter the address you booked with." in text_of(answer)


def token_for(shop, purpose):
    with shop.app.app_context(), transaction() as session:
        booking = session.get_one(Booking, 1)
        return access.mint_link(session, booking, purpose, shop.clock.now()), booking.reference


def test_a_link_opens_the_booking_by_its_button_only(shop, grace):
    token, reference = token_for(shop, LinkPurpose.LOOKUP)
    other = Visitor(shop.url)

    page = other.get(f"/m/{token}")
    assert ">Open my booking</button>" in page.text
    assert other.get(f"/b/{reference}").status_code == 404

    answer = other.post(f"/m/{token}", fields_of(page.text))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/b/{reference}")
    assert other.get(f"/b/{reference}").status_code == 200
