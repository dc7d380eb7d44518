"""The calendar file: whole days, one entry per booking for good, and lines that no calendar trips over."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from icalendar import Calendar

from booking.domain.dates import Stay
from booking.gateways.calendar_file import BookedStay, calendar_file, stay_entry
from booking.language import language

BOOKED = BookedStay(
    reference="H7K2M9QX",
    host="stay.example.org",
    listing_name="Harbour Loft",
    property_name="Seal Harbour Stays",
    address="Tovaerkskajen 7",
    contact_email="hello@sealharbour.example",
    contact_phone="+45 55 50 17 23",
    check_in_from="15:00",
    check_out_by="11:00",
    stay=Stay(date(2027, 3, 12), date(2027, 3, 15)),
    is_cancelled=False,
    sequence=0,
    stamped_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
)


def entry(**changes: object) -> tuple[str, object]:
    """The text of the file, and the one event that a calendar reads from it."""
    text = calendar_file(stay_entry(replace(BOOKED, **changes), language("en")))  # type: ignore[arg-type]
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    return text, event


def test_whole_days_are_covered_and_the_day_of_leaving_is_not() -> None:
    text, _ = entry()

    assert "DTSTART;VALUE=DATE:20270312\r\n" in text
    assert "DTEND;VALUE=DATE:20270315\r\n" in text
    assert "METHOD:PUBLISH\r\n" in text
    assert "VALARM" not in text


def test_note_says_what_a_traveller_looks_for() -> None:
    _, event = entry()

    assert str(event["DESCRIPTION"]).splitlines() == [  # type: ignore[index]
        "Reference H7K2M9QX.",
        "Check-in from 15:00, check-out by 11:00.",
        "hello@sealharbour.example",
        "+45 55 50 17 23",
    ]


def test_cancelling_replaces_the_same_entry() -> None:
    _, before = entry()
    _, after = entry(is_cancelled=True, sequence=2)

    assert (before["UID"], before["STATUS"], before["SEQUENCE"]) == ("H7K2M9QX@stay.example.org", "CONFIRMED", 0)  # type: ignore[index]
    assert (after["UID"], after["STATUS"], after["SEQUENCE"]) == (before["UID"], "CANCELLED", 2)  # type: ignore[index]


def test_booking_cancelled_before_sequences_were_kept_outranks_its_confirmation() -> None:
    assert entry(is_cancelled=True, sequence=0)[1]["SEQUENCE"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    "word", ["Größenwahnsinnige Fährhäuser ", "\U0001f469\u200d\U0001f680\U0001f3e0", "東京の港の家"]
)
def test_lines_are_folded_by_octets_and_never_inside_a_letter(word: str) -> None:
    text, event = entry(listing_name=(word * 20).strip())

    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert event["SUMMARY"] == f"{(word * 20).strip()}, Seal Harbour Stays"  # type: ignore[index]


@pytest.mark.parametrize(
    "typed", ["Loft\r\nEND:VEVENT\r\nBEGIN:VALARM", "Loft\nATTACH:http://linus.example", "a;b,c\\n"]
)
def test_nothing_typed_begins_a_line_of_the_file(typed: str) -> None:
    text, event = entry(listing_name=typed, address=typed)

    assert [line for line in text.split("\r\n") if line.startswith("BEGIN:")] == ["BEGIN:VCALENDAR", "BEGIN:VEVENT"]
    assert not [line for line in text.split("\r\n") if line.startswith(("ATTACH", "END:VALARM"))]
    assert str(event["LOCATION"]) == typed.replace("\r\n", "\n")  # type: ignore[index]


def test_invisible_letters_are_left_out() -> None:
    assert "\x07" not in entry(listing_name="Lo\x07ft\u202e")[0]
    assert "\u202e" not in entry(listing_name="Lo\x07ft\u202e")[0]
