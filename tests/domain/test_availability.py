"""Which unit fits, what a calendar says of a day, and which stays nearby are free."""

from datetime import date, timedelta

import pytest

from booking.domain.availability import DayState, day_state, fitting_units, latest_leave, nearest_stays
from booking.domain.dates import Stay

FIRST, LAST = date(2027, 3, 1), date(2027, 4, 1)


def march(*days):
    return {date(2027, 3, day) for day in days}


def stay(arrive, leave):
    return Stay(date(2027, 3, arrive), date(2027, 3, leave))


def test_a_unit_fits_when_every_night_is_free_and_the_day_of_leaving_may_be_taken():
    taken = {1: march(12), 2: march(15), 3: march(14)}

    assert fitting_units(taken, stay(12, 15)) == [2]


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (1, DayState.FREE),
        (9, DayState.FREE),
        (10, DayState.LEAVE_ONLY),
        (11, DayState.TAKEN),
        (12, DayState.FREE),
    ],
)
def test_a_calendar_day_says_what_can_be_done_on_it(day, state):
    taken = {1: march(10, 11)}

    assert day_state(taken, date(2027, 3, day), FIRST, LAST) is state


def test_a_night_is_free_while_one_of_several_units_has_it():
    assert day_state({1: march(10), 2: set()}, date(2027, 3, 10), FIRST, LAST) is DayState.FREE


def test_days_outside_what_is_sold_are_closed_but_a_stay_may_end_on_the_last_morning():
    assert day_state({1: set()}, FIRST - timedelta(days=1), FIRST, LAST) is DayState.CLOSED
    assert day_state({1: set()}, LAST, FIRST, LAST) is DayState.LEAVE_ONLY
    assert day_state({1: set()}, LAST + timedelta(days=1), FIRST, LAST) is DayState.CLOSED


def test_the_first_and_the_last_day_of_what_is_sold_count():
    assert day_state({1: march(1)}, FIRST, FIRST, LAST) is DayState.TAKEN
    assert day_state({1: march(2)}, date(2027, 3, 2), FIRST, LAST) is DayState.LEAVE_ONLY
    assert day_state({1: march(31)}, LAST, FIRST, LAST) is DayState.CLOSED


def test_the_latest_day_to_leave_counts_one_unit_and_never_two_halves():
    taken = {1: march(12), 2: march(10, 11)}

    assert latest_leave(taken, date(2027, 3, 10), LAST) == date(2027, 3, 12)
    assert latest_leave({1: march(13)}, date(2027, 3, 10), LAST) == date(2027, 3, 13)
    assert latest_leave({1: march(10)}, date(2027, 3, 10), LAST) is None
    assert latest_leave({}, date(2027, 3, 10), LAST) is None
    assert latest_leave({1: set()}, date(2027, 3, 30), LAST) == LAST


def test_nearest_stays_come_by_distance_and_the_later_one_first():
    taken = march(12, 13)

    near = nearest_stays(lambda wanted: not any(night in taken for night in wanted), stay(12, 14), 10)

    assert near == [stay(14, 16), stay(10, 12), stay(15, 17)]


def test_nearest_stays_finds_nothing_beyond_its_reach_and_survives_the_end_of_all_dates():
    assert nearest_stays(lambda wanted: False, stay(12, 14), 10) == []
    last = Stay(date(9999, 12, 29), date(9999, 12, 31))
    assert nearest_stays(lambda wanted: True, last, 1) == [last.shifted(-1)]


def test_nearest_stays_asks_no_further_than_it_must():
    asked = []

    near = nearest_stays(lambda wanted: not asked.append(wanted), stay(12, 14), 10, most=2)

    assert near == asked == [stay(13, 15), stay(11, 13)]
