"""Letters: complete in text alone, safe whatever a guest typed, with the fact in the subject."""

import re
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest
from icalendar import Calendar
from jinja2 import UndefinedError

from booking.config import ROOT
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.policy import CancellationTerms, refund_steps
from booking.domain.pricing import Rates, quote
from booking.gateways.letters import build_letter_writer, dates, money, one_line
from booking.gateways.mail import compose
from booking.services.notifications import GuestMail, StaffNotice

STAY = Stay(date(2027, 3, 12), date(2027, 3, 15))
TOTAL = Money(47700, "eur")
KINDS = [kind.value for kind in (*GuestMail, *StaffNotice)]
write = build_letter_writer(ROOT / "templates")


def facts(**changes: object) -> dict[str, object]:
    terms = CancellationTerms(7, 2, 50)
    values: dict[str, object] = {
        "to": "grace@example.org",
        "reply_to": "hello@sealharbour.example",
        "message_id": "<abc@stay.example.org>",
        "base_url": "https://stay.example.org",
        "sent_at": datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        "refund": None,
        "property_name": "Seal Harbour Stays",
        "property_address": "Tovaerkskajen 7",
        "contact_email": "hello@sealharbour.example",
        "contact_phone": "+45 55 50 17 23",
        "check_in_from": "15:00",
        "check_out_by": "11:00",
        "timezone": "Europe/Copenhagen",
        "has_booking": True,
        "booking_id": 17,
        "reference": "H7K2M9QX",
        "listing_name": "Harbour Loft",
        "unit_name": "",
        "guest_name": "Grace Hopper",
        "guest_email": "grace@example.org",
        "guest_phone": "",
        "guest_message": "",
        "guests": 2,
        "stay": STAY,
        "total": TOTAL,
        "quote": quote(Rates("eur", 12800, 16400, 0, 350), STAY, 2),
        "refund_steps": refund_steps(TOTAL, terms, STAY.arrive),
        "is_cancelled_by_guest": True,
        "calendar_uid": "H7K2M9QX@stay.example.org",
        "stay_url": "https://stay.example.org/stays/harbour-loft",
        "link": "https://stay.example.org/m/secret",
        "note": "",
    }
    return {**values, **changes}


class Tags(HTMLParser):
    """Every tag of a page, and which are still open at its end."""

    VOID = ("meta", "br", "link", "img", "hr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_is_complete_in_both_forms(kind: str) -> None:
    letter = write(kind, facts(refund=Money(23850, "eur")))

    assert "H7K2M9QX" in letter.subject
    for form in (letter.text, letter.html):
        assert "Harbour Loft" in form
        assert not re.search(r"None|\{\{|\{%|Undefined", form)
        assert "https://stay.example.org/" in form
    assert max(len(line) for line in letter.text.splitlines()) < 900
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("kind", [kind.value for kind in StaffNotice if kind is not StaffNotice.NEW_BOOKING])
def test_staff_notice_needs_no_booking(kind: str) -> None:
    bare = {
        name: value for name, value in facts().items() if name not in ("reference", "stay", "quote", "listing_name")
    }

    letter = write(kind, {**bare, "has_booking": False, "note": "Session cs_1 names booking 99."})

    assert "Session cs_1 names booking 99." in letter.text
    assert "\n" not in letter.subject


@pytest.mark.parametrize("kind", KINDS)
def test_html_is_well_formed_small_and_loads_nothing_from_afar(kind: str) -> None:
    page = write(kind, facts()).html
    tags = Tags(page)

    assert tags.open == []
    assert len(page.encode()) < 40_000
    assert not [tag for tag, _ in tags.seen if tag in ("img", "script", "link", "iframe", "object", "form")]
    assert "url(" not in page
    assert all(attrs.get("role") == "presentation" for tag, attrs in tags.seen if tag == "table")
    assert ("html", {"lang": "en", "dir": "ltr"}) in tags.seen
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags.seen
    links = [attrs["href"] for tag, attrs in tags.seen if tag == "a"]
    assert links
    assert all(str(link).startswith("https://stay.example.org/") for link in links)


def test_text_of_the_confirmation_is_enough_to_travel_with() -> None:
    letter = write("confirmed", facts())

    assert letter.subject == "Booked: Harbour Loft, 12-15 March 2027 (H7K2M9QX)"
    assert letter.text == (
        "Hello Grace Hopper,\n\n"
        "Your stay is booked and paid. We look forward to seeing you.\n\n"
        "Harbour Loft, 12-15 March 2027\n"
        "Arrive:    Fri 12 March 2027, from 15:00\n"
        "Leave:     Mon 15 March 2027, by 11:00\n"
        "Stay:      3 nights, 2 guests\n"
        "Reference: H7K2M9QX\n\n"
        "2 weekend nights × €164.00: €328.00\n"
        "1 night × €128.00: €128.00\n"
        "Tourist tax, 2 × 3 × €3.50: €21.00\n"
        "Total: €477.00\n\n"
        "Free cancellation until Fri 5 March 2027.\n"
        "After that €238.50 back until Wed 10 March 2027.\n\n"
        "See, change or cancel your booking (this link is yours alone, so keep it to yourself):\n"
        "https://stay.example.org/m/secret\n\n"
        "The attached file puts the stay into your calendar.\n\n"
        "Seal Harbour Stays\n"
        "Tovaerkskajen 7\n"
        "hello@sealharbour.example · +45 55 50 17 23\n"
    )


@pytest.mark.parametrize(("kind", "status", "sequence"), [("confirmed", "CONFIRMED", 0), ("cancelled", "CANCELLED", 1)])
def test_calendar_entry_is_attached_and_replaces_the_one_before(kind: str, status: str, sequence: int) -> None:
    (attached,) = write(kind, facts()).attachments
    calendar = Calendar.from_ical(attached.text)
    (event,) = calendar.walk("VEVENT")

    assert attached.params == (("method", "PUBLISH"),)
    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("PUBLISH", status, sequence)
    assert event["UID"] == "H7K2M9QX@stay.example.org"
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (STAY.arrive, STAY.leave)


def test_other_mails_attach_nothing() -> None:
    assert write("refund_sent", facts()).attachments == ()


HOSTILE = "Grace\r\nBcc: linus@example.org\r\n\r\n<script>alert(1)</script>\x00\u2028{{ 7 * 7 }}"


def test_name_with_line_breaks_begins_no_header_of_its_own() -> None:
    letter = write("new_booking", facts(listing_name=HOSTILE, guest_name=HOSTILE, to="grace@example.org\r\nBcc: x@y.z"))

    message = message_from_bytes(compose(letter, "Holdfast <a@b.example>").as_bytes(), policy=policy.default)

    assert message["Bcc"] is None
    assert "\n" not in letter.subject
    assert "\n" not in letter.to


def test_markup_in_names_is_escaped_in_html_and_plain_in_text() -> None:
    letter = write("new_booking", facts(guest_name="<b>Grace & Co</b> {{ 7 * 7 }}"))

    assert "<b>Grace & Co</b> {{ 7 * 7 }} has booked" in letter.text
    assert "&lt;b&gt;Grace &amp; Co&lt;/b&gt;" in letter.html
    assert "<b>Grace" not in letter.html
    assert "49" not in letter.subject


def test_missing_fact_is_an_error_and_never_a_hole() -> None:
    bare = {name: value for name, value in facts().items() if name != "reference"}

    with pytest.raises(UndefinedError):
        write("confirmed", bare)


def test_cancellation_says_what_comes_back_and_who_cancelled() -> None:
    ours = write("cancelled", facts(is_cancelled_by_guest=False, refund=TOTAL)).text
    theirs = write("cancelled", facts(refund=Money(0, "eur"))).text

    assert "We are sorry: we had to cancel your stay." in ours
    assert "€477.00 goes back" in ours
    assert "As you asked" in theirs
    assert "nothing is paid back" in theirs


@pytest.mark.parametrize(
    ("arrive", "leave", "said"),
    [
        (date(2027, 3, 12), date(2027, 3, 15), "12-15 March 2027"),
        (date(2027, 3, 30), date(2027, 4, 2), "30 March - 2 April 2027"),
        (date(2026, 12, 30), date(2027, 1, 2), "30 December 2026 - 2 January 2027"),
    ],
)
def test_dates_say_month_and_year_twice_only_where_they_differ(arrive: date, leave: date, said: str) -> None:
    assert dates(Stay(arrive, leave)) == said


def test_money_has_as_many_decimals_as_its_currency() -> None:
    assert (money(Money(42000, "eur")), money(Money(42000, "jpy"))) == ("€420.00", "JP¥42,000")


def test_header_text_keeps_words_of_every_script() -> None:
    assert one_line(" Grüße\taus  東京\r\n👩‍🚀 ") == "Grüße aus 東京 👩‍🚀"


def test_long_stay_draws_no_strip() -> None:
    long_stay = Stay(date(2027, 3, 1), date(2027, 3, 29))

    assert write("confirmed", facts()).html.count('width="32"') == 3
    assert 'width="32"' not in write("confirmed", facts(stay=long_stay)).html
