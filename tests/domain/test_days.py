"""What a calendar says of a day: where a stay may begin and end by free nights and rules, and why not."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.days import DayState, Sale, arrival_problem, day_state, leave_days, rules_in_words, too_short
from booking.domain.neighbours import judge_units
from booking.domain.stay_rules import RuleRange, StayRules, is_allowed
from tests.domain.test_stay_rules import rule_ranges

FIRST, LAST = date(2027, 3, 1), date(2027, 4, 1)
SALE = Sale.by(StayRules(2, horizon_days=31), FIRST)
TWO_NIGHTS = Sale.by(StayRules(2, min_nights=2, max_nights=5, horizon_days=31), FIRST)
SATURDAY = frozenset({5})  # the 6th, 13th, 20th and 27th of March 2027


def march(*days):
    return dict.fromkeys((date(2027, 3, day) for day in days), True)


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
    assert day_state({1: march(10), 2: {}}, day(10), SALE) is DayState.FREE


def test_days_outside_what_is_sold_are_closed_but_a_stay_may_end_on_the_last_morning():
    assert day_state({1: {}}, FIRST - timedelta(days=1), SALE) is DayState.CLOSED
    assert day_state({1: {}}, LAST, SALE) is DayState.LEAVE_ONLY
    assert day_state({1: {}}, LAST + timedelta(days=1), SALE) is DayState.CLOSED


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
    assert leave_days({1: {}}, day(30), SALE).last == LAST


def test_the_days_to_leave_keep_to_the_shortest_and_the_longest_stay():
    window = leave_days({1: {}}, day(10), TWO_NIGHTS)

    assert (window.first, window.last) == (day(12), day(15))
    assert [number for number in range(10, 20) if day(number) in window] == [12, 13, 14, 15]
    assert leave_days({1: march(11)}, day(10), TWO_NIGHTS) is None
    assert leave_days({1: {}}, FIRST - timedelta(days=1), TWO_NIGHTS) is None
    assert leave_days({1: {}}, LAST, TWO_NIGHTS) is None


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
    rules = StayRules(2, min_nights=2, max_nights=5, notice_days=4, horizon_days=35)

    assert str(arrival_problem({1: march(10)}, arrive, Sale.by(rules, date(2027, 2, 25)))) == words


@pytest.mark.parametrize(
    ("nights", "words"),
    [
        (1, "The shortest stay here is 1 night, and fewer are free from Tue 9 March 2027."),
        (2, "The shortest stay here is 2 nights, and fewer are free from Tue 9 March 2027."),
    ],
)
def test_how_many_nights_are_free_too_few_is_said_in_words(nights, words):
    assert str(too_short(day(9), nights)) == words


def test_nothing_is_said_against_a_day_on_which_a_stay_can_begin():
    assert arrival_problem({1: march(10)}, day(8), TWO_NIGHTS) is None


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


# --- rules that are not the same every day ---------------------------------------------------------------------------


def test_days_on_which_nobody_comes_are_free_but_begin_no_stay():
    sale = Sale.by(StayRules(2, max_nights=14, horizon_days=31, arrive_on=SATURDAY), FIRST)

    assert day_state({1: {}}, day(6), sale) is DayState.FREE
    assert day_state({1: {}}, day(7), sale) is DayState.NO_ARRIVAL
    assert str(arrival_problem({1: {}}, day(7), sale)) == "Stays here begin only on Saturday."


@pytest.mark.parametrize(
    ("changes", "number", "taken", "state", "words"),
    [
        # The rule about arriving is told even where too few nights follow: no other night would help.
        ({"arrive_on": SATURDAY}, 8, march(9), DayState.NO_ARRIVAL, "Stays here begin only on Saturday."),
        ({"leave_on": SATURDAY}, 8, {}, DayState.NO_ARRIVAL, "Stays here end only on Saturday."),
        (
            {"leave_on": SATURDAY}, 8, march(9), DayState.TOO_SHORT,
            "The shortest stay here is 2 nights, and fewer are free from Mon 8 March 2027.",
        ),
        ({"leave_on": SATURDAY}, 10, {}, DayState.FREE, None),
    ],
)  # fmt: skip
def test_a_day_that_begins_no_stay_says_by_which_rule(changes, number, taken, state, words):
    sale = Sale.by(StayRules(2, min_nights=2, max_nights=3, horizon_days=31, **changes), FIRST)

    found = arrival_problem({1: taken}, day(number), sale)

    assert day_state({1: taken}, day(number), sale) is state
    assert (str(found) if found else None) == words


@pytest.mark.parametrize(
    ("arrive_on", "taken", "number", "state"),
    [
        (5, march(7), 7, DayState.LEAVE_ONLY),  # after one night, from Saturday the 6th
        (5, march(9), 9, DayState.LEAVE_ONLY),  # after three, the longest stay
        (5, march(10), 10, DayState.TAKEN),
        (5, march(7, 8), 8, DayState.TAKEN),  # nobody had the night before
        (5, march(5), 5, DayState.TAKEN),
        (0, march(2), 2, DayState.LEAVE_ONLY),  # from Monday the 1st, the first day of all sales
        (6, march(2), 2, DayState.TAKEN),  # Sunday the 28th of February was too early
    ],
)
def test_a_taken_day_is_one_to_leave_where_a_stay_that_the_rules_allow_ends(arrive_on, taken, number, state):
    sale = Sale.by(StayRules(2, max_nights=3, horizon_days=31, arrive_on=frozenset({arrive_on})), FIRST)

    assert day_state({1: taken}, day(number), sale) is state


def test_days_to_leave_may_have_holes():
    sale = Sale.by(StayRules(2, max_nights=14, horizon_days=31, leave_on=SATURDAY), FIRST)

    days = leave_days({1: {}}, day(5), sale)

    assert days.days == (day(6), day(13))
    assert days.has_holes
    assert not leave_days({1: {}}, day(5), SALE).has_holes


def test_a_day_from_which_a_stay_must_be_longer_says_so_by_where_it_may_end():
    fair = RuleRange("Fair", day(12), day(14), min_nights=3)
    sale = Sale.by(StayRules(2, horizon_days=31, ranges=(fair,)), FIRST)

    assert leave_days({1: {}}, day(12), sale).first == day(15)
    assert day_state({1: march(14)}, day(12), sale) is DayState.TOO_SHORT
    assert str(arrival_problem({1: march(14)}, day(12), sale)) == (
        "The shortest stay here is 3 nights, and fewer are free from Fri 12 March 2027."
    )


def test_nights_that_stay_empty_for_cleaning_are_no_days_to_arrive():
    sale = Sale.by(StayRules(2, max_nights=5, horizon_days=31, turnover_days=2), FIRST)
    taken = {1: march(10, 11)}

    states = [day_state(taken, day(number), sale) for number in (7, 8, 9, 12, 13, 14)]

    assert states == [
        DayState.FREE, DayState.NO_ARRIVAL, DayState.NO_ARRIVAL,
        DayState.NO_ARRIVAL, DayState.NO_ARRIVAL, DayState.FREE,
    ]  # fmt: skip
    assert leave_days(taken, day(7), sale).days == (day(8),)
    assert "2 nights stay empty" in str(arrival_problem(taken, day(12), sale))


def test_ranges_are_told_above_a_calendar_that_shows_their_days():
    spring = RuleRange("Spring", day(10), day(20), min_nights=3, arrive_on=SATURDAY)
    rules = StayRules(2, horizon_days=31, leave_on=SATURDAY, ranges=(spring,))

    told = [str(rule) for rule in rules_in_words(rules, FIRST, day(31))]

    assert told == [
        "The longest stay here is 90 nights.",
        "Stays here end only on Saturday.",
        "Stays can be booked until Thu 1 April 2027.",
        "From Wed 10 March 2027 to Sat 20 March 2027 the shortest stay is 3 nights.",
        "From Wed 10 March 2027 to Sat 20 March 2027 stays begin only on Saturday.",
    ]
    assert len(rules_in_words(rules, FIRST, day(10))) == 3
    assert len(rules_in_words(rules, day(20), day(31))) == 5
    assert len(rules_in_words(rules, day(21), day(31))) == 3


def test_ranges_are_told_the_soonest_first_and_each_by_what_it_asks_for():
    april = RuleRange("April", date(2027, 4, 1), date(2027, 4, 30), leave_on=SATURDAY, notice_days=9)
    fair = RuleRange("Fair", day(10), day(20), min_nights=3)
    same_days = RuleRange("Concert", day(10), day(20), min_nights=4)
    sooner_over = RuleRange("Zoo", day(10), day(12), max_nights=5, avoid_gaps=True)
    rules = StayRules(2, horizon_days=31, ranges=(april, fair, same_days, sooner_over))

    assert [str(rule) for rule in rules_in_words(rules, FIRST)[2:]] == [
        "From Wed 10 March 2027 to Fri 12 March 2027 the longest stay is 5 nights.",
        "From Wed 10 March 2027 to Sat 20 March 2027 the shortest stay is 4 nights.",
        "From Wed 10 March 2027 to Sat 20 March 2027 the shortest stay is 3 nights.",
        "From Thu 1 April 2027 to Fri 30 April 2027 stays end only on Saturday.",
    ]


@pytest.mark.parametrize(
    ("rules", "around", "ahead"),
    [
        (StayRules(2, min_nights=3, max_nights=14), 4, 14 + 3 + 1),
        (StayRules(2, min_nights=3, max_nights=14, turnover_days=2), 14 + 3 + 2 * 2 + 1, 14 + 3 + 2 * 2 + 1),
        (StayRules(2, max_nights=14, ranges=(RuleRange("Fair", day(10), day(12), 5, 20),)), 20 + 5 + 1, 20 + 5 + 1),
    ],
)
def test_only_nights_that_can_say_something_of_a_day_are_asked_for(rules, around, ahead):
    sale = Sale.by(rules, FIRST)

    assert (sale.sees, sale.reads_ahead) == (timedelta(days=around), timedelta(days=ahead))


_nights = st.dictionaries(st.integers(0, 29).map(lambda offset: FIRST + timedelta(days=offset)), st.booleans())


@given(
    units=st.lists(_nights, max_size=3), shortest=st.integers(1, 4), longer=st.integers(0, 5), notice=st.integers(0, 3)
)
def test_the_calendar_offers_exactly_the_stays_that_can_be_booked(units, shortest, longer, notice):
    rules = StayRules(
        max_guests=2, min_nights=shortest, max_nights=shortest + longer, notice_days=notice, horizon_days=30
    )
    _assert_offered_is_bookable(rules, dict(enumerate(units)))


@settings(max_examples=40, deadline=None)
@given(
    units=st.lists(_nights, max_size=2),
    ranges=st.lists(rule_ranges(), max_size=3),
    weekdays=st.sets(st.integers(0, 6), min_size=3).map(frozenset),
    gaps=st.booleans(),
    turnover=st.integers(0, 2),
)
def test_the_calendar_offers_exactly_the_stays_that_any_rules_allow(units, ranges, weekdays, gaps, turnover):
    rules = StayRules(
        max_guests=2, max_nights=7, horizon_days=30, arrive_on=weekdays, avoid_gaps=gaps, turnover_days=turnover,
        ranges=tuple(ranges),
    )  # fmt: skip

    _assert_offered_is_bookable(rules, dict(enumerate(units)))


def _assert_offered_is_bookable(rules, taken):
    sale = Sale.by(rules, FIRST)
    days = [FIRST + timedelta(days=offset) for offset in range(-2, 50)]

    bookable = {
        (arrive, leave)
        for arrive in days
        for leave in days
        if leave > arrive and _can_be_booked(rules, Stay(arrive, leave), taken)
    }
    offered = {
        (arrive, leave)
        for arrive in days
        if (window := leave_days(taken, arrive, sale))
        for leave in days
        if leave in window
    }

    assert offered == bookable
    arrivals, states = {arrive for arrive, _ in bookable}, {one: day_state(taken, one, sale) for one in days}
    assert {one for one, state in states.items() if state is DayState.FREE} == arrivals
    assert {one for one in days if arrival_problem(taken, one, sale) is None} == arrivals
    free = {one for one in days if sale.sells(one) and any(one not in nights for nights in taken.values())}
    leaves = {leave for _, leave in bookable} - free
    assert {one for one, state in states.items() if state is DayState.LEAVE_ONLY} == leaves


def _can_be_booked(rules, stay, taken):
    return is_allowed(rules, stay, FIRST) and bool(judge_units(rules, stay, taken, FIRST).units)
