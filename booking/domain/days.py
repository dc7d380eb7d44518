"""What a calendar may say of a day and above its days: which nights are on sale, where a stay may begin and end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from booking.domain.availability import TakenNights, UnitNights, fitting_units
from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.neighbours import has_unit, judge_units
from booking.domain.stay_rules import (
    ANY_DAY,
    RuleRange,
    StayRules,
    begins_on,
    check_dates,
    ends_on,
    is_allowed,
    longest,
    shortest,
)
from booking.domain.words import Said, say, say_count


class DayState(StrEnum):
    """What a guest can do on one day of the calendar."""

    FREE = "free"  # arrive, or sleep here
    TOO_SHORT = "too_short"  # the night is free, but fewer follow than the shortest stay has
    NO_ARRIVAL = "no_arrival"  # the night is free, but another rule lets no stay begin with it
    LEAVE_ONLY = "leave_only"  # the night is taken, but a stay may end in the morning
    TAKEN = "taken"
    CLOSED = "closed"  # past, too soon, or further away than stays are sold


@dataclass(frozen=True, slots=True)
class Sale:
    """Which nights can be had at all: sold are those of `[first, last)`, a stay may still end on `last`."""

    rules: StayRules
    today: date
    first: date
    last: date

    @classmethod
    def by(cls, rules: StayRules, today: date) -> "Sale":
        """What a listing's rules leave to be sold today."""
        return cls(rules, today, rules.first_arrival(today), rules.last_leave(today))

    def sells(self, night: date) -> bool:
        """Whether the night is on sale, taken or not."""
        return self.first <= night < self.last

    def fits(self, taken: TakenNights, stay: Stay) -> bool:
        """Whether a stay can be had: by every rule, in one unit, with what lies beside it there."""
        return is_allowed(self.rules, stay, self.today) and has_unit(self.rules, stay, taken, self.today)

    @property
    def sees(self) -> timedelta:
        """How far before and behind a day nights say something of it."""
        nights = self.rules.min_nights if self.rules.is_plain else self.rules.most_nights + self.rules.reach
        return timedelta(days=nights + 1)

    @property
    def reads_ahead(self) -> timedelta:
        """How far behind a day of arrival nights say something of its days to leave."""
        return timedelta(days=self.rules.most_nights + self.rules.reach + 1)


@dataclass(frozen=True, slots=True)
class LeaveDays:
    """The days on which a stay from one day of arrival may end: at least one, in order."""

    days: tuple[date, ...]

    @property
    def first(self) -> date:
        return self.days[0]

    @property
    def last(self) -> date:
        return self.days[-1]

    @property
    def has_holes(self) -> bool:
        """Whether a day between the first and the last is none of them."""
        return len(self.days) <= (self.last - self.first).days

    def __contains__(self, day: date) -> bool:
        return day in self.days


def day_state(taken: TakenNights, day: date, sale: Sale) -> DayState:
    """What the calendar says of a day. Where no stay fits, arriving or leaving is not offered."""
    if sale.sells(day) and _is_free(taken, day):
        if _can_begin(taken, day, sale):
            return DayState.FREE
        return DayState.TOO_SHORT if _problem(taken, day, sale) is None else DayState.NO_ARRIVAL
    if _can_end(taken, day, sale):
        return DayState.LEAVE_ONLY
    return DayState.TAKEN if sale.sells(day) else DayState.CLOSED


def leave_days(taken: TakenNights, arrive: date, sale: Sale) -> LeaveDays | None:
    """When a stay from `arrive` in one unit may end by rules and nights; None where it cannot even begin."""
    days = tuple(_leaves(taken, arrive, sale))
    return LeaveDays(days) if days else None


def arrival_problem(taken: TakenNights, arrive: date, sale: Sale) -> Said | None:
    """Why no stay can begin on a day, in words; None where one can."""
    if arrive < sale.today:
        return say("The day of arrival has passed.")
    if arrive < sale.first:
        return say("The earliest day of arrival is {day}.", day=sale.first)
    if arrive >= sale.last:
        return say("Stays can be booked until {day}.", day=sale.last)
    if not _is_free(taken, arrive):
        return say("The night of {day} is not available.", day=arrive)
    if _can_begin(taken, arrive, sale):
        return None
    return _problem(taken, arrive, sale) or too_short(arrive, sale.rules.shortest_from(arrive))


def too_short(arrive: date, min_nights: int) -> Said:
    """Why a free night is no day of arrival: the next stay, or the end of what is sold, is too near."""
    return say_count(
        "The shortest stay here is {count} night, and fewer are free from {day}.",
        "The shortest stay here is {count} nights, and fewer are free from {day}.",
        min_nights,
        day=arrive,
    )


def rules_in_words(rules: StayRules, today: date, until: date | None = None) -> tuple[Said, ...]:
    """What stands above a calendar: the rules that a guest may run into, and none that forbids nothing.

    Of the ranges those that touch the days up to `until`, the soonest first.
    """
    said = [shortest(rules)] if rules.min_nights > 1 else []
    said.append(longest(rules))
    said += _days_in_words(rules)
    if rules.notice_days:
        said.append(say("The earliest day of arrival is {day}.", day=today + timedelta(days=rules.notice_days)))
    said.append(say("Stays can be booked until {day}.", day=today + timedelta(days=rules.horizon_days)))
    ranges = sorted(rules.ranges, key=lambda each: (each.first, each.last, each.name))
    shown = [each for each in ranges if each.last >= today and (until is None or each.first < until)]
    return (*said, *(one for each in shown for one in _range_in_words(each)))


def _range_in_words(each: RuleRange) -> Iterator[Said]:
    if each.min_nights:
        yield shortest(each)
    if each.max_nights:
        yield longest(each)
    yield from _days_in_words(each)


def _days_in_words(rules: StayRules | RuleRange) -> Iterator[Said]:
    if rules.arrive_on not in (None, ANY_DAY):
        yield begins_on(rules)
    if rules.leave_on not in (None, ANY_DAY):
        yield ends_on(rules)


def _is_free(taken: TakenNights, night: date) -> bool:
    return any(night not in nights for nights in taken.values())


def _can_begin(taken: TakenNights, arrive: date, sale: Sale) -> bool:
    if sale.rules.is_plain:
        return _has_room(taken, sale, arrive)
    return next(_leaves(taken, arrive, sale), None) is not None


def _can_end(taken: TakenNights, day: date, sale: Sale) -> bool:
    if sale.rules.is_plain:
        return _has_room(taken, sale, day - timedelta(days=sale.rules.min_nights))
    for nights in range(1, sale.rules.most_nights + 1):
        stay = Stay(day - timedelta(days=nights), day)
        if stay.arrive < sale.first or not fitting_units(taken, stay):
            return False
        if sale.fits(taken, stay):
            return True
    return False


def _leaves(taken: TakenNights, arrive: date, sale: Sale) -> Iterator[date]:
    """The days on which a stay from a day may end. Plain rules are settled by its ends; others ask for each day."""
    rules = sale.rules
    if not sale.sells(arrive) or arrive.weekday() not in rules.value("arrive_on", arrive):
        return
    furthest = min(rules.latest(arrive, sale.today), arrive + timedelta(days=rules.longest_from(arrive)))
    last = max((_end_in_unit(nights, arrive, furthest) for nights in taken.values()), default=arrive)
    for nights in range(rules.shortest_from(arrive), (last - arrive).days + 1):
        stay = Stay(arrive, arrive + timedelta(days=nights))
        if rules.is_plain or sale.fits(taken, stay):
            yield stay.leave


def _problem(taken: TakenNights, arrive: date, sale: Sale) -> Said | None:
    """Which rule lets no stay begin on a day; None where it is only that too few nights follow."""
    stay = Stay(arrive, arrive + timedelta(days=sale.rules.shortest_from(arrive)))
    try:
        check_dates(sale.rules, stay, sale.today)
    except StayRuleBroken as broken:
        is_about_end = not sale.rules.is_plain and bool(fitting_units(taken, stay))
        return broken.said if broken.details["field"] == "arrive" or is_about_end else None
    return judge_units(sale.rules, stay, taken, sale.today).problem


def _has_room(taken: TakenNights, sale: Sale, arrive: date) -> bool:
    """Whether the shortest stay fits from a day on, in one unit and in what is sold."""
    nights = [arrive + timedelta(days=offset) for offset in range(sale.rules.min_nights)]
    return sale.first <= arrive and nights[-1] < sale.last and any(_all_free(nights, held) for held in taken.values())


def _all_free(nights: Iterable[date], held: UnitNights) -> bool:
    return not any(night in held for night in nights)


def _end_in_unit(nights: UnitNights, arrive: date, last: date) -> date:
    day = arrive
    while day < last and day not in nights:
        day += timedelta(days=1)
    return day
