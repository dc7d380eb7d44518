"""The calendar file of a booking: the same for the page and for the mail."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from booking.domain.dates import Stay
from booking.gateways.plain_text import some_lines
from booking.language import Language

if TYPE_CHECKING:
    from icalendar import Event


@dataclass(frozen=True, slots=True)
class BookedStay:
    """A booking as far as a calendar is concerned. `host` is the shop's own, and makes its references unique."""

    reference: str
    host: str
    listing_name: str
    property_name: str
    address: str
    contact_email: str
    contact_phone: str
    check_in_from: str
    check_out_by: str
    stay: Stay
    is_cancelled: bool
    sequence: int  # of the booking: rises with each change that a calendar must hear of
    stamped_at: datetime


@dataclass(frozen=True, slots=True)
class StayFacts:
    """What a calendar must know. The same `uid` with a higher `sequence` replaces the entry made before."""

    uid: str
    summary: str
    arrive: date
    leave: date  # the day of departure, which an all-day entry does not cover
    location: str
    description: str
    is_cancelled: bool
    sequence: int
    stamped_at: datetime | None = None  # None: the day of arrival, so that equal facts make equal files


def stay_entry(booked: BookedStay, speak: Language) -> StayFacts:
    """The entry of a booking in its guest's language. Whoever hands out a calendar file makes it here."""
    return StayFacts(
        uid=f"{booked.reference}@{booked.host}",
        summary=f"{booked.listing_name}, {booked.property_name}",
        arrive=booked.stay.arrive,
        leave=booked.stay.leave,
        location=booked.address,
        description=_note(booked, speak),
        is_cancelled=booked.is_cancelled,
        # Bookings cancelled before sequences were kept have none; a calendar must still believe the end.
        sequence=max(booked.sequence, int(booked.is_cancelled)),
        stamped_at=booked.stamped_at,
    )


def calendar_file(facts: StayFacts) -> str:
    """The text of an .ics file with one all-day entry."""
    from icalendar import Calendar  # at the first use: most processes never write one

    calendar = Calendar()
    calendar.add("prodid", "-//Holdfast//Booking//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(_event(facts))
    return bytes(calendar.to_ical()).decode("utf-8")


def _note(booked: BookedStay, speak: Language) -> str:
    reference = speak.gettext("Reference %(reference)s.") % {"reference": booked.reference}
    lines = [reference, _times(booked, speak), booked.contact_email, booked.contact_phone]
    return "\n".join(line for line in lines if line)


def _times(booked: BookedStay, speak: Language) -> str:
    if not (booked.check_in_from and booked.check_out_by):
        return ""
    words = speak.gettext("Check-in from %(start)s, check-out by %(end)s.")
    return words % {"start": booked.check_in_from, "end": booked.check_out_by}


def _event(facts: StayFacts) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("uid", facts.uid)
    event.add("dtstamp", facts.stamped_at or datetime.combine(facts.arrive, time(), UTC))
    event.add("dtstart", facts.arrive)
    event.add("dtend", facts.leave)
    event.add("summary", some_lines(facts.summary))
    event.add("location", some_lines(facts.location))
    event.add("description", some_lines(facts.description))
    event.add("sequence", facts.sequence)
    event.add("status", "CANCELLED" if facts.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event
