"""Stay rules: what a listing accepts, all year and in ranges of days. Neighbours are judged in neighbours.py."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import Any

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.words import Said, Weekdays, say, say_count

ANY_DAY: Weekdays = frozenset(range(7))
LONGEST_NAME = 60

# What is strict about each rule: of two ranges with the same first and last day, the stricter value holds.
_STRICTNESS: Mapping[str, Callable[[Any], Any]] = {
    "min_nights": lambda nights: -nights,
    "max_nights": lambda nights: nights,
    "notice_days": lambda days: -days,
    "horizon_days": lambda days: days,
    "arrive_on": lambda days: (len(days), sorted(days)),
    "leave_on": lambda days: (len(days), sorted(days)),
    "avoid_gaps": lambda is_on: not is_on,
    "turnover_days": lambda days: -days,
}


@dataclass(frozen=True, slots=True)
class RuleRange:
    """Rules of their own for the days from `first` to `last`, both included. None: what holds all year, or around it.

    They are about stays that arrive in the range; those about leaving (`leave_on`, `turnover_days`) about stays that
    end in it. With `every_night`, shortest and longest stay hold for each stay that has a night in the range.
    """

    name: str
    first: date
    last: date
    min_nights: int | None = None
    max_nights: int | None = None
    arrive_on: Weekdays | None = None
    leave_on: Weekdays | None = None
    notice_days: int | None = None
    horizon_days: int | None = None
    avoid_gaps: bool | None = None
    turnover_days: int | None = None
    every_night: bool = False

    def covers(self, day: date) -> bool:
        """Whether the day is one of the range's."""
        return self.first <= day <= self.last

    def precedence(self, rule: str) -> tuple[Any, ...]:
        """The lowest holds: the shortest range, then the one that begins later, then the stricter; never the order."""
        days, value = self.last.toordinal() - self.first.toordinal(), getattr(self, rule)
        return days, -self.first.toordinal(), _STRICTNESS[rule](value), not self.every_night


@dataclass(frozen=True, slots=True)
class StayRules:
    """What a listing accepts. Notice and horizon count from today in the property's time zone."""

    max_guests: int
    min_nights: int = 1
    max_nights: int = 90
    notice_days: int = 0
    horizon_days: int = 730
    arrive_on: Weekdays = ANY_DAY
    leave_on: Weekdays = ANY_DAY
    avoid_gaps: bool = False  # no stay that leaves nights beside another one which nobody could book
    turnover_days: int = 0  # nights that stay empty between two stays in one unit
    ranges: tuple[RuleRange, ...] = ()
    # What was looked up once: a calendar asks a thousand times for the same few days.
    _known: dict[tuple[str, date], RuleRange | None] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )

    @property
    def is_plain(self) -> bool:
        """Whether only length, notice and horizon matter, on all days alike."""
        days = self.arrive_on == ANY_DAY == self.leave_on
        return days and not self.ranges and not self.looks_around

    @property
    def looks_around(self) -> bool:
        """Whether what other guests have beside a stay can stand against it."""
        return any(self.ever("avoid_gaps")) or self.most_turnover > 0

    @property
    def most_turnover(self) -> int:
        """The most nights that ever stay empty between two stays."""
        return int(max(self.ever("turnover_days")))

    @property
    def most_nights(self) -> int:
        """The longest stay there can ever be."""
        return int(max(self.ever("max_nights")))

    @property
    def reach(self) -> int:
        """How many nights beside a stay can say something about it."""
        return int(max(self.ever("min_nights"))) + 2 * self.most_turnover

    def ever(self, rule: str) -> list[Any]:
        """Every value that a rule has on some day."""
        own = [getattr(each, rule) for each in self.ranges]
        return [getattr(self, rule), *(value for value in own if value is not None)]

    def governing(self, rule: str, day: date) -> RuleRange | None:
        """The range whose word on a rule holds on a day; None where it is what holds all year."""
        if not self.ranges:
            return None
        if (rule, day) not in self._known:
            own = [each for each in self.ranges if each.covers(day) and getattr(each, rule) is not None]
            self._known[rule, day] = min(own, key=lambda each: each.precedence(rule), default=None)
        return self._known[rule, day]

    def value(self, rule: str, day: date) -> Any:
        """What a rule says on a day."""
        return getattr(self.governing(rule, day) or self, rule)

    def shortest_from(self, day: date) -> int:
        """How many nights a stay that begins on a day must have, whatever its other nights ask for."""
        return int(self.value("min_nights", day))

    def longest_from(self, day: date) -> int:
        """How many nights a stay that begins on a day may have, whatever its other nights ask for."""
        return int(self.value("max_nights", day))

    def turnover_after(self, leave: date) -> int:
        """How many nights stay empty after a stay that ends on a day."""
        return int(self.value("turnover_days", leave))

    def first_arrival(self, today: date) -> date:
        """The first day on which a stay could begin by its notice."""
        days = (today + timedelta(days=ahead) for ahead in count())
        return next(day for day in days if day >= self.earliest(day, today))

    def earliest(self, arrive: date, today: date) -> date:
        """The first day of arrival by the notice that holds for one."""
        return today + timedelta(days=int(self.value("notice_days", arrive)))

    def latest(self, arrive: date, today: date) -> date:
        """The last day on which a stay that begins on a day may end by its horizon."""
        return today + timedelta(days=int(self.value("horizon_days", arrive)))

    def last_leave(self, today: date) -> date:
        """The last day on which any stay may end."""
        longest_stay = timedelta(days=self.most_nights)
        own = [
            min(today + timedelta(days=each.horizon_days), each.last + longest_stay)
            for each in self.ranges
            if each.horizon_days
        ]
        return max([today + timedelta(days=self.horizon_days), *own])


def check_stay(rules: StayRules, stay: Stay, guests: int, today: date) -> None:
    """Refuse a stay that the rules do not allow, naming the first rule and the form field it concerns.

    Raises:
        StayRuleBroken: what it says is fit for the page.
    """
    _refuse_if(guests < 1, "guests", say("At least one guest must stay."))
    _refuse_if(guests > rules.max_guests, "guests", say("This stay sleeps {most}.", most=rules.max_guests))
    check_dates(rules, stay, today)


def check_dates(rules: StayRules, stay: Stay, today: date) -> None:
    """The same, whoever comes. Raises StayRuleBroken."""
    _refuse_if(stay.arrive < today, "arrive", say("The day of arrival has passed."))
    earliest = rules.earliest(stay.arrive, today)
    _refuse_if(stay.arrive < earliest, "arrive", say("The earliest day of arrival is {day}.", day=earliest))
    _check_arrival_day(rules, stay)
    _check_length(rules, stay)
    _check_departure_day(rules, stay)
    latest = rules.latest(stay.arrive, today)
    _refuse_if(stay.leave > latest, "leave", say("Stays can be booked until {day}.", day=latest))


def is_allowed(rules: StayRules, stay: Stay, today: date) -> bool:
    """Whether no rule about dates stands against a stay."""
    try:
        check_dates(rules, stay, today)
    except StayRuleBroken:
        return False
    return True


def shortest(rules: StayRules | RuleRange) -> Said:
    """How short a stay may be, in words."""
    nights = _nights(rules, "min_nights")
    return _in_range(
        rules,
        say_count("The shortest stay here is {count} night.", "The shortest stay here is {count} nights.", nights),
        say_count(
            "From {first} to {last} the shortest stay is {count} night.",
            "From {first} to {last} the shortest stay is {count} nights.",
            nights,
            **_ends(rules),
        ),
    )


def longest(rules: StayRules | RuleRange) -> Said:
    """How long a stay may be, in words."""
    nights = _nights(rules, "max_nights")
    return _in_range(
        rules,
        say_count("The longest stay here is {count} night.", "The longest stay here is {count} nights.", nights),
        say_count(
            "From {first} to {last} the longest stay is {count} night.",
            "From {first} to {last} the longest stay is {count} nights.",
            nights,
            **_ends(rules),
        ),
    )


def longest_ever(rules: StayRules) -> Said:
    """How long a stay may be where it may be longest, in words."""
    speaking: list[StayRules | RuleRange] = [rules, *(each for each in rules.ranges if each.max_nights)]
    return longest(max(speaking, key=lambda holds: _nights(holds, "max_nights")))


def begins_on(rules: StayRules | RuleRange) -> Said:
    """On which days of the week a stay may begin, in words."""
    days = rules.arrive_on or ANY_DAY
    return _in_range(
        rules,
        say("Stays here begin only on {days}.", days=days),
        say("From {first} to {last} stays begin only on {days}.", days=days, **_ends(rules)),
    )


def ends_on(rules: StayRules | RuleRange) -> Said:
    """On which days of the week a stay may end, in words."""
    days = rules.leave_on or ANY_DAY
    return _in_range(
        rules,
        say("Stays here end only on {days}.", days=days),
        say("From {first} to {last} stays end only on {days}.", days=days, **_ends(rules)),
    )


def _check_arrival_day(rules: StayRules, stay: Stay) -> None:
    holds = rules.governing("arrive_on", stay.arrive) or rules
    _refuse_if(stay.arrive.weekday() not in (holds.arrive_on or ANY_DAY), "arrive", begins_on(holds))


def _check_departure_day(rules: StayRules, stay: Stay) -> None:
    holds = rules.governing("leave_on", stay.leave) or rules
    _refuse_if(stay.leave.weekday() not in (holds.leave_on or ANY_DAY), "leave", ends_on(holds))


def _check_length(rules: StayRules, stay: Stay) -> None:
    """By the rules of the day of arrival, and of each later night whose range asks for that."""
    least = max(_holding(rules, "min_nights", stay), key=lambda holds: _nights(holds, "min_nights"))
    _refuse_if(stay.nights < _nights(least, "min_nights"), "leave", shortest(least))
    most = min(_holding(rules, "max_nights", stay), key=lambda holds: _nights(holds, "max_nights"))
    _refuse_if(stay.nights > _nights(most, "max_nights"), "leave", longest(most))


def _holding(rules: StayRules, rule: str, stay: Stay) -> Iterator[StayRules | RuleRange]:
    yield rules.governing(rule, stay.arrive) or rules
    if any(each.every_night for each in rules.ranges):
        for night in stay:
            holds = rules.governing(rule, night)
            if holds and holds.every_night:
                yield holds


def _nights(holds: StayRules | RuleRange, rule: str) -> int:
    """The number that a rule has, of those all year or of a range that speaks of it."""
    return int(getattr(holds, rule))


def _in_range(rules: StayRules | RuleRange, all_year: Said, in_range: Said) -> Said:
    return in_range if isinstance(rules, RuleRange) else all_year


def _ends(rules: StayRules | RuleRange) -> dict[str, date]:
    return {"first": rules.first, "last": rules.last} if isinstance(rules, RuleRange) else {}


def _refuse_if(broken: bool, field: str, said: Said) -> None:
    if broken:
        raise StayRuleBroken(said, field=field)
