"""Stays as half-open ranges of nights. The night of `leave` is free for the next guest."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.domain.errors import InvalidDates
from booking.domain.words import Said, say, spoken

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LONGEST_STAY = 366


@dataclass(frozen=True, slots=True)
class _Problems:
    """What can be wrong with what was typed into one field."""

    missing: Said
    unlike: Said
    no_day: Said


_PROBLEMS = {
    "arrive": _Problems(
        say("Choose a date to arrive."),
        say("The date to arrive must look like 2027-03-12."),
        say("That day of arrival does not exist."),
    ),
    "leave": _Problems(
        say("Choose a date to leave."),
        say("The date to leave must look like 2027-03-12."),
        say("That day of departure does not exist."),
    ),
}


@dataclass(frozen=True, order=True, slots=True)
class Stay:
    """The nights `[arrive, leave)` in the property's own calendar."""

    arrive: date
    leave: date

    def __post_init__(self) -> None:
        if self.leave <= self.arrive:
            raise InvalidDates(say("Leave must be after arrive."), field="leave")
        if self.nights > LONGEST_STAY:
            raise InvalidDates(say("A stay can be at most a year long."), field="leave")

    @property
    def nights(self) -> int:
        """How many nights, always at least one."""
        return (self.leave - self.arrive).days

    @property
    def last_night(self) -> date:
        """The day on which the last night begins."""
        return self.leave - timedelta(days=1)

    def __iter__(self) -> Iterator[date]:
        """The nights in date order, which is also the order in which they are locked."""
        return (self.arrive + timedelta(days=offset) for offset in range(self.nights))

    def overlaps(self, other: "Stay") -> bool:
        """Whether the two share a night; leaving on the other's day of arrival shares none."""
        return self.arrive < other.leave and other.arrive < self.leave

    def shifted(self, days: int) -> "Stay":
        """The same number of nights, some days later (or earlier)."""
        step = timedelta(days=days)
        return Stay(self.arrive + step, self.leave + step)


def spoken_moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant on the clock of a zone, as plain words: "Fri 5 March 2027, 14:05"."""
    local = at.astimezone(zone)
    return f"{spoken(local.date())}, {local:%H:%M}"


def parse_date(text: str | None, *, field: str) -> date:
    """An ISO date as a form sends it.

    Raises:
        InvalidDates: names the field and says in plain words what is wrong.
    """
    if not text:
        raise InvalidDates(_PROBLEMS[field].missing, field=field)
    if not _ISO_DATE.fullmatch(text.strip()):
        raise InvalidDates(_PROBLEMS[field].unlike, field=field)
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidDates(_PROBLEMS[field].no_day, field=field) from None


def parse_stay(arrive: str | None, leave: str | None) -> Stay:
    """Two ISO dates as one stay. Raises InvalidDates naming the field to correct."""
    return Stay(parse_date(arrive, field="arrive"), parse_date(leave, field="leave"))
