"""What a calendar may say of a day and above its days: which nights are on sale, where a stay may begin and end."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from booking.domain.availability import TakenNights
from booking.domain.policy import StayRules, longest, shortest
from booking.domain.words import Said, say, say_count


class DayState(StrEnum):
    """What a guest can do on one day of the calendar."""

    FREE = "free"  # arrive, or sleep here
    TOO_SHORT = "too_short"  # the night is free, but no stay that the rules allow can begin with it
    LEAVE_ONLY = "leave_only"  # the night is taken, but a stay may end in the morning
    TAKEN = "taken"
    CLOSED = "closed"  # past, too soon, or further away than stays are sold


@dataclass(frozen=True, slots=True)
class Sale:
    """Which nights can be had at all: sold are those of `[first, last)`, a stay may still end on `last`."""

    first: date
    last: date
    min_nights: int = 1
    max_nights: int = 366

    @classmethod
    def by(cls, rules: StayRules, today: date) -> "Sale":
        """What a listing's rules leave to be sold today."""
        first, last = (today + timedelta(days=days) for days in (rules.notice_days, rules.horizon_days))
        return cls(first, last, rules.min_nights, rules.max_nights)

    def sells(self, night: date) -> bool:
        """Whether the night is on sale, taken or not."""
        return self.first <= night < self.last


@dataclass(frozen=True, slots=True)
class LeaveDays:
    """The days on which a stay from one day of arrival may end: all from `first` to `last`."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def day_state(taken: TakenNights, day: date, sale: Sale) -> DayState:
    """What the calendar says of a day. Where the shortest stay does not fit, arriving or leaving is not offered."""
    if sale.sells(day) and _is_free(taken, day):
        return DayState.FREE if _has_room(taken, sale, day) else DayState.TOO_SHORT
    if _has_room(taken, sale, day - timedelta(days=sale.min_nights)):
        return DayState.LEAVE_ONLY
    return DayState.TAKEN if sale.sells(day) else DayState.CLOSED


def leave_days(taken: TakenNights, arrive: date, sale: Sale) -> LeaveDays | None:
    """When a stay from `arrive` in one unit may end by rules and free nights; None where it cannot even begin."""
    if not sale.sells(arrive):
        return None
    furthest = min(sale.last, arrive + timedelta(days=sale.max_nights))
    ends = [_end_in_unit(nights, arrive, furthest) for nights in taken.values()]
    days = LeaveDays(arrive + timedelta(days=sale.min_nights), max(ends, default=arrive))
    return days if days.first <= days.last else None


def arrival_problem(taken: TakenNights, arrive: date, sale: Sale, today: date) -> Said | None:
    """Why no stay can begin on a day, in words; None where one can."""
    if arrive < today:
        return say("The day of arrival has passed.")
    if arrive < sale.first:
        return say("The earliest day of arrival is {day}.", day=sale.first)
    if arrive >= sale.last:
        return say("Stays can be booked until {day}.", day=sale.last)
    if not _is_free(taken, arrive):
        return say("The night of {day} is not available.", day=arrive)
    return None if _has_room(taken, sale, arrive) else too_short(arrive, sale.min_nights)


def too_short(arrive: date, min_nights: int) -> Said:
    """Why a free night is no day of arrival: the next stay, or the end of what is sold, is too near."""
    return say_count(
        "The shortest stay here is {count} night, and fewer are free from {day}.",
        "The shortest stay here is {count} nights, and fewer are free from {day}.",
        min_nights,
        day=arrive,
    )


def rules_in_words(rules: StayRules, today: date) -> tuple[Said, ...]:
    """What stands above a calendar: the rules that a guest may run into, and none that forbids nothing."""
    said = [shortest(rules)] if rules.min_nights > 1 else []
    said.append(longest(rules))
    sale = Sale.by(rules, today)
    if rules.notice_days:
        said.append(say("The earliest day of arrival is {day}.", day=sale.first))
    return (*said, say("Stays can be booked until {day}.", day=sale.last))


def _is_free(taken: TakenNights, night: date) -> bool:
    return any(night not in nights for nights in taken.values())


def _has_room(taken: TakenNights, sale: Sale, arrive: date) -> bool:
    """Whether the shortest stay fits from a day on, in one unit and in what is sold."""
    nights = [arrive + timedelta(days=offset) for offset in range(sale.min_nights)]
    return sale.first <= arrive and nights[-1] < sale.last and any(_all_free(nights, held) for held in taken.values())


def _all_free(nights: Iterable[date], held: Collection[date]) -> bool:
    return not any(night in held for night in nights)


def _end_in_unit(nights: Collection[date], arrive: date, last: date) -> date:
    day = arrive
    while day < last and day not in nights:
        day += timedelta(days=1)
    return day
