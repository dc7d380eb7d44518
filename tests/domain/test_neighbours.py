"""What lies beside a stay: nights that stay empty for cleaning, and gaps that nobody could book."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.neighbours import broken_turnover, judge_units, neighbour_problem
from booking.domain.stay_rules import RuleRange, StayRules

TODAY = date(2027, 3, 1)
GAPS = StayRules(2, min_nights=3, max_nights=14, horizon_days=60, avoid_gaps=True)
CLEANING = StayRules(2, max_nights=14, horizon_days=60, turnover_days=2)


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


def test_the_refusal_says_how_many_nights_stay_empty() -> None:
    assert problem(CLEANING, stay(11, 14), march(10)) == (
        "Between two stays here 2 nights stay empty, and another guest is too near."
    )


def test_a_unit_whose_neighbours_are_far_enough_is_given() -> None:
    verdict = judge_units(CLEANING, stay(11, 14), {1: march(12), 2: march(10), 3: march(20)}, TODAY)
    none = judge_units(CLEANING, stay(11, 14), {1: march(12), 2: march(10)}, TODAY)

    assert (verdict.units, verdict.problem) == ((3,), None)
    assert (none.units, none.problem is None) == ((), False)
    assert judge_units(CLEANING, stay(11, 14), {1: march(12)}, TODAY).problem is None


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
        (11, 25, None),  # the whole of it
    ],
)
def test_no_nights_are_left_beside_a_stay_that_are_too_few_for_another(
    arrive: int, leave: int, gap: int | None
) -> None:
    found = problem(GAPS, stay(arrive, leave), march(10, 25))

    assert (found is None) == (gap is None)
    if gap:
        assert f"a gap of {gap} night" in str(found)


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


def test_a_gap_counts_the_nights_that_stay_empty_for_cleaning() -> None:
    rules = replace(GAPS, turnover_days=1)

    assert problem(rules, stay(12, 15), march(10)) is None  # the 11th is for cleaning
    assert "a gap of 1 night" in str(problem(rules, stay(13, 16), march(10)))
    assert "a gap of 3 nights" in str(problem(rules, stay(15, 18), march(10)))  # three, and one more for cleaning
    assert problem(rules, stay(16, 19), march(10)) is None


def test_a_closure_makes_gaps_as_a_stay_does() -> None:
    assert problem(GAPS, stay(12, 15), march(10, slept=False)) is not None


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
