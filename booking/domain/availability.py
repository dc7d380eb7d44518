"""Which unit fits a stay, and which stays nearby are free."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta

from booking.domain.dates import Stay

# The nights that are taken in one unit, and whether a guest has them: those of a closure nobody sleeps in.
UnitNights = Mapping[date, bool]
# The same for each unit, by its id.
TakenNights = Mapping[int, UnitNights]


def fitting_units(taken: TakenNights, stay: Stay) -> list[int]:
    """The units in which every night of the stay is free, in the order given."""
    return [unit for unit, nights in taken.items() if not any(night in nights for night in stay)]


def nearest_stays(find: Callable[[Stay], Stay | None], stay: Stay, within_days: int, most: int = 3) -> list[Stay]:
    """Up to `most` stays that can be had, the nearest first; of two as near, the later one.

    `find` is asked with the wanted stay, some days later or earlier, and says what can be had there, if anything.
    """
    found: list[Stay] = []
    for distance in range(1, within_days + 1):
        found += [near for moved in _both_ways(stay, distance) if (near := find(moved))]
        if len(found) >= most:
            return found[:most]
    return found


def longest_free_part(taken: TakenNights, stay: Stay) -> Stay | None:
    """The longest run of nights within the stay that is free in one unit, the earliest of equals; None without any."""
    parts = [part for nights in taken.values() for part in _free_parts(nights, stay)]
    return max(parts, key=lambda part: (part.nights, -part.arrive.toordinal()), default=None)


def _free_parts(nights: Collection[date], stay: Stay) -> Iterator[Stay]:
    since = stay.arrive
    for day in (*stay, stay.leave):
        if day == stay.leave or day in nights:
            if day > since:
                yield Stay(since, day)
            since = day + timedelta(days=1)


def _both_ways(stay: Stay, distance: int) -> list[Stay]:
    shifts: list[Stay] = []
    for days in (distance, -distance):
        try:
            shifts.append(stay.shifted(days))
        except OverflowError:  # the calendar of this world ends in the year 9999
            continue
    return shifts
