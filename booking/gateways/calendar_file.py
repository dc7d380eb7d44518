"""The calendar file of a booking: the same for the page and for the mail."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from icalendar import Calendar, Event


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


def calendar_file(facts: StayFacts) -> str:
    """The text of an .ics file with one all-day entry."""
    calendar = Calendar()
    calendar.add("prodid", "-//Holdfast//Booking//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(_event(facts))
    return bytes(calendar.to_ical()).decode("utf-8")


def _event(facts: StayFacts) -> Event:
    event = Event()
    event.add("uid", facts.uid)
    event.add("dtstamp", facts.stamped_at or datetime.combine(facts.arrive, time(), UTC))
    event.add("dtstart", facts.arrive)
    event.add("dtend", facts.leave)
    event.add("summary", facts.summary)
    event.add("location", facts.location)
    event.add("description", facts.description)
    event.add("sequence", facts.sequence)
    event.add("status", "CANCELLED" if facts.is_cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event
