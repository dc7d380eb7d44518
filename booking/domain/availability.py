"""Which unit fits a stay, what a calendar may say of a day, and which stays nearby are free."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from enum import StrEnum

from booking.domain.dates import Stay

# Unit id -> the nights that are taken in it.
TakenNights = Mapping[int, Collection[date]]


class DayState(StrEnum):
    """What a guest can do on one day of the calendar."""

    FREE = "free"  # arrive, or sleep here
    LEAVE_ONLY = "leave_only"  # the night is taken, but a stay may end in the morning
    TAKEN = "taken"
    CLOSED = "closed"  # past, too soon, or further away than stays are sold


def fitting_units(taken: TakenNights, stay: Stay) -> list[int]:
    """The units in which every night of the stay is free, in the order given."""
    return [unit for unit, nights in taken.items() if not any(night in nights for night in stay)]


def day_state(taken: TakenNights, day: date, first: date, last: date) -> DayState:
    """What the calendar says of a day. Nights are sold in `[first, last)`; a stay may still end on `last`."""
    eve = day - timedelta(days=1)
    can_end = first <= eve < last and _is_free(taken, eve)
    if first <= day < last and _is_free(taken, day):
        return DayState.FREE
    if can_end:
        return DayState.LEAVE_ONLY
    return DayState.TAKEN if first <= day < last else DayState.CLOSED


def latest_leave(taken: TakenNights, arrive: date, last: date) -> date | None:
    """The last day on which a stay from `arrive` in one unit can end; None where that night is not free at all."""
    ends = [_end_in_unit(nights, arrive, last) for nights in taken.values()]
    end = max(ends, default=arrive)
    return end if end > arrive else None


def nearest_stays(is_free: Callable[[Stay], bool], stay: Stay, within_days: int, most: int = 3) -> list[Stay]:
    """Up to `most` stays of the same length that are free, the nearest first; of two as near, the later one."""
    found: list[Stay] = []
    for distance in range(1, within_days + 1):
        found += [near for near in _both_ways(stay, distance) if is_free(near)]
        if len(found) >= most:
            return found[:most]
    return found


def _is_free(taken: TakenNights, night: date) -> bool:
    return any(night not in nights for nights in taken.values())


def _end_in_unit(nights: Collection[date], arrive: date, last: date) -> date:
    day = arrive
    while day < last and day not in nights:
        day += timedelta(days=1)
    return day


def _both_ways(stay: Stay, distance: int) -> list[Stay]:
    shifts: list[Stay] = []
    for days in (distance, -distance):
        try:
            shifts.append(stay.shifted(days))
        except OverflowError:  # the calendar of this world ends in the year 9999
            continue
    return shifts
