"""Letters: complete in text alone, safe whatever a guest typed, with the fact in the subject."""

import json
import re
from email import message_from_bytes, policy
from html.parser import HTMLParser
from pathlib import Path

import pytest
from icalendar import Calendar
from jinja2 import UndefinedError

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.gateways.mail import compose
from booking.language import LANGUAGES
from booking.services.club_letters import ClubMail
from booking.services.notifications import GuestMail, StaffLetter, StaffNotice
from tests.gateways.snapshots import CASES, FOLDER, HALF, text_of, write
from tests.support.letter_facts import HOST, STAY, TOTAL, facts

KINDS = [kind.value for kind in (*GuestMail, *StaffNotice, *StaffLetter, *ClubMail)]
HOLE = re.compile(r"None|\{\{|\{%|Undefined|%\(|\bnan\b")
# Styling by attributes is obsolete, and a checker of HTML says so.
OBSOLETE = {"align", "valign", "bgcolor", "border", "cellpadding", "cellspacing", "width", "height", "hspace", "vspace"}


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


# --- every letter ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_text_is_as_it_was_read_and_found_good(case: str) -> None:
    assert text_of(case) == (FOLDER / f"{case}.txt").read_text(encoding="utf-8")


def test_every_kind_for_guests_has_a_text_that_was_read() -> None:
    assert {kind for kind, _ in CASES.values()} == set(GuestMail)
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_is_complete_in_both_forms(kind: str, language: str) -> None:
    letter = write(kind, facts(refund=HALF, language=language))

    is_about_a_stay = kind not in {*StaffLetter, *ClubMail}
    assert ("H7K2-M9QX" in letter.subject) is is_about_a_stay
    for form in (letter.subject, letter.text, letter.html):
        assert not HOLE.search(form)
    for form in (letter.text, letter.html):
        assert ("Harbour Loft" in form) is is_about_a_stay
        assert "hello@sealharbour.example" in form
    assert f"{HOST}/" in letter.text
    assert max(len(line) for line in letter.text.splitlines()) < 900
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_link_is_absolute_and_on_the_shops_own_host(kind: str, language: str) -> None:
    letter = write(kind, facts(language=language))
    linked = [attrs["href"] for tag, attrs in Tags(letter.html).seen if tag == "a"]

    assert linked
    assert all(str(link).startswith(f"{HOST}/") for link in linked + re.findall(r"https?://\S+", letter.text))
    assert set(linked) <= set(re.findall(r"https?://\S+", letter.text)), "a link that the text does not have"


@pytest.mark.parametrize("kind", [kind.value for kind in StaffNotice if kind is not StaffNotice.NEW_BOOKING])
def test_staff_notice_needs_no_booking(kind: str) -> None:
    gone = ("reference", "stay", "quote", "listing_name", "guest_message", "arrival_time")
    bare = {name: value for name, value in facts().items() if name not in gone}

    letter = write(kind, {**bare, "has_booking": False, "note": "Session cs_1 names booking 99."})

    assert "Session cs_1 names booking 99." in letter.text
    assert "\n" not in letter.subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_html_is_valid_small_and_loads_nothing_from_afar(kind: str, language: str) -> None:
    page = write(kind, facts(language=language)).html
    tags = Tags(page)

    assert tags.open == []
    assert page.startswith("<!doctype html>")
    assert len(page.encode()) < 40_000
    assert not [tag for tag, _ in tags.seen if tag in ("img", "link", "iframe", "object", "form")]
    assert [attrs for tag, attrs in tags.seen if tag == "script" and attrs != {"type": "application/ld+json"}] == []
    assert not re.search(r"url\(|@import|src=", page)
    assert all(attrs.get("role") == "presentation" for tag, attrs in tags.seen if tag == "table")
    assert [(tag, attrs) for tag, attrs in tags.seen if OBSOLETE & set(attrs)] == []
    assert ("html", {"lang": language, "dir": "ltr"}) in tags.seen
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags.seen
    assert [tag for tag, _ in tags.seen].count("h1") == 1


def test_missing_fact_is_an_error_and_never_a_hole() -> None:
    bare = {name: value for name, value in facts().items() if name != "reference"}

    with pytest.raises(UndefinedError):
        write("pre_arrival", bare)


def test_german_letter_writes_days_and_money_as_germans_do() -> None:
    text = write("confirmed", facts(language="de")).text

    assert "Freitag, 12. März 2027" in text
    assert "477,00\N{NO-BREAK SPACE}€" in text


def test_headers_say_what_kind_of_mail_it_is() -> None:
    message = compose(write("confirmed", facts(language="de")), "Holdfast <bookings@stay.example.org>")

    assert message["Message-ID"] == "<abc@stay.example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "de"
    assert message["Reply-To"] == "hello@sealharbour.example"
    assert message["Date"] == "Sat, 21 Nov 2026 09:30:00 +0000"
    assert "List-Unsubscribe" not in message
    parts = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert parts == ["text/plain", "text/html", "text/calendar"]


# --- what each of them says -----------------------------------------------------------------------------------------


def test_cancellation_says_who_cancelled_and_where_the_money_is() -> None:
    back: dict[str, object] = {"returned": TOTAL, "kept": Money(0, "eur"), "refund": TOTAL}
    ours = write("cancelled", facts(is_cancelled_by_guest=False, **back)).text
    theirs = write("cancelled", facts(refund=Money(0, "eur"))).text

    assert "We are sorry: the house has cancelled your stay." in ours
    assert "€477.00 goes back the way you paid." in ours
    assert "As you asked" in theirs
    assert "goes back" not in theirs
    assert "Stays with the house: €477.00\nThe house keeps this by the terms" in theirs


def test_what_the_house_took_itself_comes_by_no_bank() -> None:
    for kind in ("cancelled", "stay_changed"):
        letter = write(kind, facts(refund=Money(5000, "eur"), is_paid_at_house=True))

        assert "it hands back itself" in letter.text
        assert "Banks usually" not in letter.text
        assert "Banks usually" not in letter.html


def test_house_that_keeps_money_after_cancelling_does_not_hide_behind_the_terms() -> None:
    text = write("cancelled", facts(is_cancelled_by_guest=False)).text

    assert "by the terms" not in text
    assert "answer this mail" in text


def test_cancelling_what_was_not_paid_speaks_of_no_money() -> None:
    nothing = Money(0, "eur")

    text = write("cancelled", facts(paid=nothing, kept=nothing, payments=())).text

    assert "You have not paid anything for it." in text
    assert "Stays with the house" not in text


def test_terms_that_have_run_out_promise_no_day() -> None:
    text = write("confirmed", facts(refund_steps=())).text

    assert "By the terms of this booking, nothing comes back if you cancel." in text
    assert "Until" not in text


def test_stay_that_is_over_tells_nobody_when_to_come() -> None:
    text = write("hold_expired", facts(is_over=True)).text

    assert "15:00" not in text
    assert "Where:" not in text


def test_letter_before_arrival_asks_for_the_time_or_repeats_it() -> None:
    assert "When will you be here?" in write("pre_arrival", facts()).text
    told = write("pre_arrival", facts(arrival_time="16:30"))

    for form in (told.text, told.html):
        assert "You told us that you come at about 16:30." in form
        assert "The key box is left of the blue door." in form
        assert "No smoking indoors." in form


def test_receipt_counts_what_the_guests_bank_took_back() -> None:
    letter = write("receipt", facts(withdrawn=TOTAL, kept=Money(0, "eur")))

    assert "Taken back by your bank: −€477.00\nStays with the house: €0.00" in letter.text
    assert "Taken back by your bank" in letter.html


def test_strip_has_one_cell_a_night_and_no_more_than_fit_a_telephone() -> None:
    assert write("confirmed", facts()).html.count('class="accent" style="padding:0;width') == 3
    long_stay = facts(stay=Stay(STAY.arrive, STAY.arrive.replace(month=4)))
    assert write("confirmed", long_stay).html.count('class="accent" style="padding:0;width') == 14


# --- what mail programs read ----------------------------------------------------------------------------------------


def reservation_in(page: str) -> dict[str, object]:
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return dict(json.loads(block))


@pytest.mark.parametrize(
    ("kind", "status"), [("confirmed", "Confirmed"), ("stay_changed", "Confirmed"), ("cancelled", "Cancelled")]
)
def test_reservation_is_told_to_mail_programs(kind: str, status: str) -> None:
    told = reservation_in(write(kind, facts()).html)

    assert told["reservationStatus"] == f"https://schema.org/Reservation{status}"
    assert (told["reservationNumber"], told["totalPrice"], told["priceCurrency"]) == ("H7K2M9QX", "477.00", "EUR")
    assert (told["checkinTime"], told["checkoutTime"]) == ("2027-03-12T15:00:00+01:00", "2027-03-15T11:00:00+01:00")
    assert "/m/" not in json.dumps(told)


def test_name_cannot_break_out_of_the_reservation() -> None:
    page = write("confirmed", facts(guest_name="</script><script>alert(1)</script>")).html

    assert page.count("<script") == page.count("</script>") == 1
    assert reservation_in(page)["underName"] == {"@type": "Person", "name": "</script><script>alert(1)</script>"}


def test_only_letters_about_a_stay_that_stands_or_ends_carry_a_reservation() -> None:
    carrying = [kind for kind in KINDS if "ld+json" in write(kind, facts()).html]

    assert carrying == ["confirmed", "cancelled", "stay_changed"]


def test_house_without_such_a_time_names_the_day() -> None:
    told = reservation_in(write("confirmed", facts(check_in_from="", check_out_by="noon")).html)

    assert (told["checkinTime"], told["checkoutTime"]) == ("2027-03-12", "2027-03-15")


@pytest.mark.parametrize(("kind", "status", "sequence"), [("confirmed", "CONFIRMED", 0), ("cancelled", "CANCELLED", 3)])
def test_calendar_entry_is_attached_and_replaces_the_one_before(kind: str, status: str, sequence: int) -> None:
    (attached,) = write(kind, facts(calendar_sequence=sequence)).attachments
    calendar = Calendar.from_ical(attached.text)
    (event,) = calendar.walk("VEVENT")

    assert attached.params == (("method", "PUBLISH"),)
    assert (calendar["METHOD"], event["STATUS"], event["SEQUENCE"]) == ("PUBLISH", status, sequence)
    assert event["UID"] == "H7K2M9QX@stay.example.org"
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (STAY.arrive, STAY.leave)


def test_other_mails_attach_nothing() -> None:
    attaching = [kind for kind in KINDS if write(kind, facts()).attachments]

    assert attaching == ["confirmed", "cancelled", "stay_changed"]


# --- what guests may type -------------------------------------------------------------------------------------------

TYPED = ("guest_name", "guest_phone", "guest_email", "guest_message", "arrival_time", "listing_name", "note")
HOSTILE = {
    "line breaks": "Grace\r\nBcc: linus@example.org\r\n\r\nDear friend\x0b\x0c\x1c\x85\u2028\u2029",
    "right to left": "\u202egnp.exe\u202d\u2066\u2067 \u05d2\u05e8\u05d9\u05d9\u05e1",
    "ten thousand letters": "W" * 10_000,
    "emoji": "Grace \U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1f0",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}%(name)s %s",
    "html": "<b>Grace & Co</b><script>alert(1)</script><img src=x onerror=alert(1)>\"'",
    "formula": '=HYPERLINK("http://linus.example")',
    "nothing visible": "\x00\x07\x1b[31m\u200b",
}


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("field", TYPED)
@pytest.mark.parametrize("kind", ["confirmed", "new_booking", "receipt"])
def test_whatever_is_typed_is_only_shown(kind: str, field: str, typed: str) -> None:
    letter = write(kind, facts(**{field: typed}))
    message = message_from_bytes(compose(letter, "Holdfast <a@b.example>").as_bytes(), policy=policy.default)

    assert message["Bcc"] is None
    assert message.get_body(("plain",)).get_content() == letter.text  # type: ignore[union-attr]
    assert (message["To"], "\n" in letter.subject, len(letter.subject) <= 200) == ("grace@example.org", False, True)
    for form in (letter.subject, letter.text, letter.html):
        assert "49" not in form.replace("#55646c", "")
        assert not re.search("[\x00-\x09\x0b-\x1f\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]", form)
    tags = Tags(letter.html)
    assert tags.open == []
    assert not [tag for tag, attrs in tags.seen if tag in ("b", "img") or "onerror" in attrs]
    assert all(len(line) < 998 for line in compose(letter, "a@b.example").as_bytes().splitlines())


@pytest.mark.parametrize("typed", HOSTILE.values(), ids=HOSTILE)
def test_name_on_one_line_stays_on_one_line(typed: str) -> None:
    lines = write("confirmed", facts(guest_name=typed)).text.splitlines()

    assert lines[0].startswith("Hello")
    assert lines[1] == ""


def test_address_cannot_add_a_second_one() -> None:
    letter = write("new_booking", facts(to="grace@example.org\r\nBcc: x@y.z"))

    assert "\n" not in letter.to


def test_markup_in_names_is_escaped_in_html_and_plain_in_text() -> None:
    letter = write("new_booking", facts(guest_name="<b>Grace & Co</b> {{ 7 * 7 }}"))

    assert "<b>Grace & Co</b> {{ 7 * 7 }} has booked" in letter.text
    assert "&lt;b&gt;Grace &amp; Co&lt;/b&gt;" in letter.html
    assert "<b>Grace" not in letter.html


def test_message_keeps_its_lines_in_both_forms() -> None:
    letter = write("confirmed", facts(guest_message="One.\r\nTwo & three."))

    assert "One.\nTwo & three." in letter.text
    assert "One.<br>Two &amp; three.</p>" in letter.html


def test_templates_are_only_those_that_a_kind_names() -> None:
    folders = {path.name for path in (Path(__file__).parents[2] / "templates" / "email").iterdir() if path.is_dir()}

    assert folders == set(KINDS)
