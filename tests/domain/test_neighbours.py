"""What lies beside a stay: nights that stay empty for cleaning, and gaps that nobody could book."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.neighbours import broken_turnover, has_unit, judge_units, neighbour_problem
from booking.domain.stay_rules import RuleRange, StayRules

TODAY = date(2027, 3, 1)
GAPS = StayRules(2, min_nights=3, max_nights=14, horizon_days=60, avoid_gaps=True)
CLEANING = StayRules(2, max_nights=14, horizon_days=60, turnover_days=2)
BOTH = replace(GAPS, turnover_days=1)
WEEKS_IN_SUMMER = RuleRange("Summer", date(2027, 7, 1), date(2027, 8, 31), min_nights=7)
TOO_NEAR = "Between two stays here 2 nights stay empty, and another guest is too near."
ONE_LEFT = "These dates would leave a gap of 1 night that is too short for another stay."


def march(*days: int, slept: bool = True) -> dict[date, bool]:
    return dict.fromkeys((date(2027, 3, day) for day in days), slept)


def stay(arrive: int, leave: int) -> Stay:
    return Stay(date(2027, 3, arrive), date(2027, 3, leave))


def problem(rules: StayRules, wanted: Stay, taken: dict[date, bool], today: date = TODAY) -> str | None:
    found = neighbour_problem(rules, wanted, taken, today)
    return str(found) if found else None


# --- nights between two stays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrive", "leave", "broken"),
    [(11, 14, 2), (12, 14, 2), (13, 15, None), (5, 8, None), (5, 9, 2), (5, 10, 2)],
)
def test_between_two_stays_in_one_unit_nights_stay_empty(arrive: int, leave: int, broken: int | None) -> None:
    assert broken_turnover(CLEANING, stay(arrive, leave), march(10)) == broken


def test_nobody_sleeps_in_a_closure_so_nothing_must_stay_empty_beside_it() -> None:
    assert broken_turnover(CLEANING, stay(11, 14), march(10, slept=False)) is None
    assert broken_turnover(CLEANING, stay(5, 10), march(10, slept=False)) is None
    assert broken_turnover(CLEANING, stay(11, 14), {**march(9), **march(10, slept=False)}) == 2


def test_how_many_nights_stay_empty_is_a_matter_of_the_day_on_which_a_stay_ends() -> None:
    spring = RuleRange("Spring", date(2027, 3, 11), date(2027, 3, 20), turnover_days=1)
    rules = replace(CLEANING, ranges=(spring,))

    assert broken_turnover(rules, stay(11, 14), march(10)) == 1  # the other stay ends on the 11th
    assert broken_turnover(rules, stay(12, 14), march(10)) is None
    assert broken_turnover(rules, stay(5, 9), march(10)) == 2


@pytest.mark.parametrize(
    ("turnover", "words"),
    [(1, "Between two stays here 1 night stays empty, and another guest is too near."), (2, TOO_NEAR)],
)
def test_the_refusal_says_how_many_nights_stay_empty(turnover: int, words: str) -> None:
    assert problem(replace(CLEANING, turnover_days=turnover), stay(11, 14), march(10)) == words


@pytest.mark.parametrize(
    ("rules", "arrive", "taken", "units", "words"),
    [
        (CLEANING, 11, {1: march(12), 2: march(10), 3: march(20)}, (3,), None),
        (CLEANING, 11, {1: march(12), 2: march(10)}, (), TOO_NEAR),
        (CLEANING, 11, {1: march(12)}, (), None),
        (CLEANING, 11, {}, (), None),
        (GAPS, 12, {1: march(10), 2: march(12)}, (), ONE_LEFT),
        (GAPS, 12, {1: march(10), 2: march(11)}, (2,), None),
        (GAPS, 3, {1: march(1)}, (1,), None),  # the night of the 2nd is too soon for anybody
        (replace(GAPS, avoid_gaps=False), 12, {1: march(10), 2: march(12)}, (1,), None),
        (replace(GAPS, avoid_gaps=False), 12, {2: march(12)}, (), None),
    ],
)
def test_a_unit_is_given_that_is_free_and_whose_neighbours_leave_room(
    rules: StayRules, arrive: int, taken: dict[int, dict[date, bool]], units: tuple[int, ...], words: str | None
) -> None:
    wanted, today = stay(arrive, arrive + 3), TODAY + timedelta(days=2)

    verdict = judge_units(rules, wanted, taken, today)

    assert (verdict.units, str(verdict.problem) if verdict.problem else None) == (units, words)
    assert has_unit(rules, wanted, taken, today) is bool(units)


@given(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 5)), max_size=6), st.integers(0, 3), st.integers(0, 3))
def test_whoever_is_let_in_one_after_another_has_the_nights_between(wishes, turnover, shorter) -> None:
    spring = RuleRange("Spring", date(2027, 3, 10), date(2027, 3, 20), turnover_days=shorter)
    rules, taken, stays = replace(CLEANING, turnover_days=turnover, ranges=(spring,)), {}, []
    for offset, nights in wishes:
        wanted = Stay(TODAY + timedelta(days=offset), TODAY + timedelta(days=offset + nights))
        if judge_units(rules, wanted, {1: taken}, TODAY).units:
            taken.update(dict.fromkeys(wanted, True))
            stays.append(wanted)

    stays.sort()
    for one, following in pairwise(stays):
        assert (following.arrive - one.leave).days >= rules.turnover_after(one.leave)


# --- gaps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrive", "leave", "gap"),
    [
        (11, 14, None),  # beside the stay before
        (12, 15, 1),
        (13, 16, 2),
        (14, 17, None),  # three nights are left for somebody else
        (20, 23, 2),  # before the stay of the 25th
        (21, 25, None),
        (22, 25, None),
        (19, 22, None),  # three are left behind it
        (11, 25, None),  # the whole of it
    ],
)
@pytest.mark.parametrize("ranges", [(), (WEEKS_IN_SUMMER,)])
def test_no_nights_are_left_beside_a_stay_that_are_too_few_for_another(
    arrive: int, leave: int, gap: int | None, ranges: tuple[RuleRange, ...]
) -> None:
    words = {
        None: None,
        1: ONE_LEFT,
        2: "These dates would leave a gap of 2 nights that is too short for another stay.",
    }

    assert problem(replace(GAPS, ranges=ranges), stay(arrive, leave), march(10, 25)) == words[gap]


@pytest.mark.parametrize(
    ("arrive", "leave", "is_refused"),
    [
        (12, 16, True),  # a night earlier
        (13, 17, True),  # two nights earlier
        (11, 15, False),
        (16, 20, False),
        (14, 18, True),  # two nights later
        (15, 19, True),  # a night later
    ],
)
def test_who_could_come_a_little_earlier_or_later_without_a_gap_is_asked_to(
    arrive: int, leave: int, is_refused: bool
) -> None:
    assert (problem(GAPS, stay(arrive, leave), march(10, 20)) is not None) == is_refused


@pytest.mark.parametrize(("shortest", "is_refused"), [(6, False), (7, True)])
def test_nobody_is_asked_to_come_later_by_more_nights_than_the_shortest_stay_has(
    shortest: int, is_refused: bool
) -> None:
    rules = replace(GAPS, min_nights=shortest, arrive_on=frozenset({5}))

    assert (problem(rules, stay(13, 20), march(10)) is not None) == is_refused  # a week later there would be no gap


def test_who_cannot_come_later_may_still_be_asked_to_come_earlier() -> None:
    rules = replace(GAPS, arrive_on=frozenset({3, 4}))  # the 11th and the 12th

    assert problem(rules, stay(12, 15), march(10, 17)) is not None


def test_a_gap_on_the_other_side_of_a_neighbour_is_not_made_by_this_stay() -> None:
    assert problem(GAPS, stay(11, 14), march(8, 10)) is None


@pytest.mark.parametrize(("arrive", "leave"), [(11, 14), (12, 15), (13, 16), (11, 15), (12, 16), (11, 16)])
def test_a_gap_that_cannot_be_avoided_keeps_nobody_out(arrive: int, leave: int) -> None:
    assert problem(GAPS, stay(arrive, leave), march(10, 16)) is None  # five nights, of which three or four are wanted


def test_a_gap_is_unavoidable_where_other_rules_let_nobody_come_on_a_better_day() -> None:
    saturdays = replace(GAPS, arrive_on=frozenset({5}))

    assert problem(GAPS, stay(13, 16), march(10)) is not None
    assert problem(saturdays, stay(13, 16), march(10)) is None


def test_nights_that_time_has_cut_off_are_no_gap() -> None:
    assert problem(GAPS, stay(12, 15), march(10), date(2027, 3, 12)) is None
    assert problem(GAPS, stay(12, 15), march(10), date(2027, 3, 11)) is not None
    assert problem(GAPS, stay(3, 6), {}) is None


@pytest.mark.parametrize(
    ("arrive", "taken", "gap"),
    [
        (12, march(10), None),  # the 11th is for cleaning
        (13, march(10), 1),
        (15, march(10), 3),  # three, and one more for cleaning
        (16, march(10), None),
        (16, march(20), None),  # the 19th is for cleaning
        (15, march(20), 1),
        (13, march(20), 3),
        (12, march(20), None),
        (12, march(10, slept=False), 1),  # behind a closure there is nothing to clean
        (14, march(10, slept=False), 3),  # but the stay that comes next needs it
        (15, march(10, slept=False), None),
        (17, march(20, slept=False), None),  # before a closure neither
        (16, march(20, slept=False), None),
        (15, march(20, slept=False), 1),
        (13, march(20, slept=False), None),
    ],
)
def test_a_gap_counts_the_nights_that_stay_empty_for_cleaning(
    arrive: int, taken: dict[date, bool], gap: int | None
) -> None:
    found = problem(BOTH, stay(arrive, arrive + 3), taken)

    assert (found is None) == (gap is None)
    assert gap is None or f"a gap of {gap} night" in str(found)


def test_a_closure_makes_gaps_as_a_stay_does() -> None:
    assert problem(GAPS, stay(12, 15), march(10, slept=False)) == ONE_LEFT


def test_the_gap_rule_of_a_range_holds_for_those_who_arrive_in_it() -> None:
    spring = RuleRange("Spring", date(2027, 3, 12), date(2027, 3, 12), avoid_gaps=True)
    rules = replace(GAPS, avoid_gaps=False, ranges=(spring,))

    assert problem(rules, stay(12, 15), march(10)) is not None
    assert problem(rules, stay(13, 16), march(10)) is None


_runs = st.sets(st.integers(-2, 35)).map(lambda days: {TODAY + timedelta(days=day): True for day in days})


@given(_runs, st.integers(1, 4), st.integers(0, 2), st.integers(3, 8))
def test_a_free_run_that_fits_the_shortest_stay_can_always_be_sold(taken, least, turnover, nights) -> None:
    rules = StayRules(2, least, 14, horizon_days=40, avoid_gaps=True, turnover_days=turnover)
    calm = replace(rules, avoid_gaps=False)
    length = max(nights, least)
    stays = [Stay(TODAY + timedelta(days=day), TODAY + timedelta(days=day + length)) for day in range(30 - length)]

    without, within = (
        [one for one in stays if judge_units(each, one, {1: taken}, TODAY).units] for each in (calm, rules)
    )

    assert set(within) <= set(without)
    assert bool(within) or not without or max(without).leave > TODAY + timedelta(days=20)
