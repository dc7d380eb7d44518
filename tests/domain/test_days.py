"""What a calendar says of a day: where a stay may begin and end by free nights and rules, and why not."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.availability import fitting_units
from booking.domain.dates import Stay
from booking.domain.days import DayState, Sale, arrival_problem, day_state, leave_days, rules_in_words
from booking.domain.errors import StayRuleBroken
from booking.domain.policy import StayRules, check_stay

FIRST, LAST = date(2027, 3, 1), date(2027, 4, 1)
SALE = Sale(FIRST, LAST)
TWO_NIGHTS = Sale(FIRST, LAST, min_nights=2, max_nights=5)


def march(*days):
    return {date(2027, 3, day) for day in days}


def day(number):
    return date(2027, 3, number)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (1, DayState.FREE),
        (9, DayState.FREE),
        (10, DayState.LEAVE_ONLY),
        (11, DayState.TAKEN),
        (12, DayState.FREE),
    ],
)
def test_a_calendar_day_says_what_can_be_done_on_it(number, state):
    assert day_state({1: march(10, 11)}, day(number), SALE) is state


def test_a_night_is_free_while_one_of_several_units_has_it():
    assert day_state({1: march(10), 2: set()}, day(10), SALE) is DayState.FREE


def test_days_outside_what_is_sold_are_closed_but_a_stay_may_end_on_the_last_morning():
    assert day_state({1: set()}, FIRST - timedelta(days=1), SALE) is DayState.CLOSED
    assert day_state({1: set()}, LAST, SALE) is DayState.LEAVE_ONLY
    assert day_state({1: set()}, LAST + timedelta(days=1), SALE) is DayState.CLOSED


def test_the_first_and_the_last_day_of_what_is_sold_count():
    assert day_state({1: march(1)}, FIRST, SALE) is DayState.TAKEN
    assert day_state({1: march(2)}, day(2), SALE) is DayState.LEAVE_ONLY
    assert day_state({1: march(31)}, LAST, SALE) is DayState.CLOSED


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (8, DayState.FREE),
        (9, DayState.TOO_SHORT),  # one night, then a guest
        (10, DayState.LEAVE_ONLY),
        (12, DayState.TOO_SHORT),  # a gap of one night between two guests
        (13, DayState.TAKEN),  # and nobody can have slept in that gap
        (30, DayState.FREE),
        (31, DayState.TOO_SHORT),  # one night, then the end of what is sold
    ],
)
def test_a_day_from_which_the_shortest_stay_does_not_fit_is_no_day_of_arrival(number, state):
    assert day_state({1: march(10, 11, 13)}, day(number), TWO_NIGHTS) is state


def test_two_halves_in_two_units_make_no_stay():
    assert day_state({1: march(10), 2: march(11)}, day(10), TWO_NIGHTS) is DayState.TOO_SHORT


def test_the_days_to_leave_count_one_unit_and_never_two_halves():
    taken = {1: march(12), 2: march(10, 11)}

    assert leave_days(taken, day(10), SALE).last == day(12)
    assert leave_days({1: march(13)}, day(10), SALE).last == day(13)
    assert leave_days({1: march(10)}, day(10), SALE) is None
    assert leave_days({}, day(10), SALE) is None
    assert leave_days({1: set()}, day(30), SALE).last == LAST


def test_the_days_to_leave_keep_to_the_shortest_and_the_longest_stay():
    window = leave_days({1: set()}, day(10), TWO_NIGHTS)

    assert (window.first, window.last) == (day(12), day(15))
    assert [number for number in range(10, 20) if day(number) in window] == [12, 13, 14, 15]
    assert leave_days({1: march(11)}, day(10), TWO_NIGHTS) is None
    assert leave_days({1: set()}, FIRST - timedelta(days=1), TWO_NIGHTS) is None
    assert leave_days({1: set()}, LAST, TWO_NIGHTS) is None


@pytest.mark.parametrize(
    ("arrive", "words"),
    [
        (date(2027, 2, 20), "The day of arrival has passed."),
        (date(2027, 2, 28), "The earliest day of arrival is Mon 1 March 2027."),
        (LAST, "Stays can be booked until Thu 1 April 2027."),
        (date(9999, 12, 31), "Stays can be booked until Thu 1 April 2027."),
        (day(10), "The night of Wed 10 March 2027 is not available."),
        (day(9), "The shortest stay here is 2 nights, and fewer are free from Tue 9 March 2027."),
    ],
)
def test_why_no_stay_can_begin_on_a_day_is_said_in_words(arrive, words):
    assert str(arrival_problem({1: march(10)}, arrive, TWO_NIGHTS, date(2027, 2, 25))) == words


def test_nothing_is_said_against_a_day_on_which_a_stay_can_begin():
    assert arrival_problem({1: march(10)}, day(8), TWO_NIGHTS, FIRST) is None


def test_rules_that_forbid_nothing_are_not_told():
    strict = StayRules(max_guests=2, min_nights=2, max_nights=30, notice_days=3, horizon_days=365)
    mild = StayRules(max_guests=2, min_nights=1, max_nights=30, notice_days=0, horizon_days=365)

    assert [str(rule) for rule in rules_in_words(strict, FIRST)] == [
        "The shortest stay here is 2 nights.",
        "The longest stay here is 30 nights.",
        "The earliest day of arrival is Thu 4 March 2027.",
        "Stays can be booked until Tue 29 February 2028.",
    ]
    assert [str(rule) for rule in rules_in_words(mild, FIRST)] == [
        "The longest stay here is 30 nights.",
        "Stays can be booked until Tue 29 February 2028.",
    ]


_nights = st.sets(st.integers(0, 29).map(lambda offset: FIRST + timedelta(days=offset)))


@given(
    units=st.lists(_nights, max_size=3), shortest=st.integers(1, 4), longer=st.integers(0, 5), notice=st.integers(0, 3)
)
def test_the_calendar_offers_exactly_the_stays_that_can_be_booked(units, shortest, longer, notice):
    rules = StayRules(
        max_guests=2, min_nights=shortest, max_nights=shortest + longer, notice_days=notice, horizon_days=30
    )
    taken, sale = dict(enumerate(units)), Sale.by(rules, FIRST)
    days = [FIRST + timedelta(days=offset) for offset in range(-2, 34)]

    bookable = {
        (arrive, leave)
        for arrive in days
        for leave in days
        if leave > arrive and _is_allowed(rules, Stay(arrive, leave)) and fitting_units(taken, Stay(arrive, leave))
    }
    offered = {
        (arrive, leave)
        for arrive in days
        if (window := leave_days(taken, arrive, sale))
        for leave in days
        if leave in window
    }

    assert offered == bookable
    arrivals = {arrive for arrive, _ in bookable}
    assert {one for one in days if day_state(taken, one, sale) is DayState.FREE} == arrivals
    assert {one for one in days if arrival_problem(taken, one, sale, FIRST) is None} == arrivals
    leaves = {leave for _, leave in bookable}
    assert {one for one in days if day_state(taken, one, sale) is DayState.LEAVE_ONLY} <= leaves


def _is_allowed(rules, stay):
    try:
        check_stay(rules, stay, 1, FIRST)
    except StayRuleBroken:
        return False
    return True
