"""Stay rules: all year and in ranges of days, which range holds, and in which words a stay is refused."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.stay_rules import RuleRange, StayRules, check_stay, is_allowed, longest, longest_ever, shortest

TODAY = date(2027, 3, 1)
RULES = StayRules(max_guests=4, min_nights=2, max_nights=14, notice_days=1, horizon_days=365)
SATURDAY = frozenset({5})
SUMMER = RuleRange(
    "Summer", date(2027, 7, 1), date(2027, 8, 31), min_nights=7, arrive_on=SATURDAY, leave_on=SATURDAY, notice_days=14
)
CHRISTMAS = RuleRange("Christmas", date(2027, 12, 23), date(2027, 12, 31), min_nights=4, every_night=True)
YEAR = replace(RULES, ranges=(SUMMER, CHRISTMAS))


def _stay(ahead: int, nights: int) -> Stay:
    return Stay(TODAY + timedelta(days=ahead), TODAY + timedelta(days=ahead + nights))


def refusal(rules: StayRules, stay: Stay, today: date = TODAY) -> tuple[str, str] | None:
    """The field and the words of what stands against a stay; None where nothing does."""
    try:
        check_stay(rules, stay, 2, today)
    except StayRuleBroken as broken:
        return str(broken.details["field"]), broken.user_message
    return None


# --- all year -------------------------------------------------------------------------------------------------------


def test_an_ordinary_stay_breaks_no_rule() -> None:
    check_stay(RULES, _stay(1, 2), 4, TODAY)
    check_stay(RULES, _stay(351, 14), 1, TODAY)


@pytest.mark.parametrize(
    ("stay", "guests", "field", "words"),
    [
        (_stay(5, 3), 0, "guests", "At least one guest must stay."),
        (_stay(5, 3), 5, "guests", "This stay sleeps 4."),
        (_stay(-1, 3), 2, "arrive", "The day of arrival has passed."),
        (_stay(0, 3), 2, "arrive", "The earliest day of arrival is Tue 2 March 2027."),
        (_stay(5, 1), 2, "leave", "The shortest stay here is 2 nights."),
        (_stay(5, 15), 2, "leave", "The longest stay here is 14 nights."),
        (_stay(360, 6), 2, "leave", "Stays can be booked until Tue 29 February 2028."),
    ],
)
def test_a_broken_rule_names_its_field_in_plain_words(stay: Stay, guests: int, field: str, words: str) -> None:
    with pytest.raises(StayRuleBroken) as refusal:
        check_stay(RULES, stay, guests, TODAY)

    assert (refusal.value.user_message, refusal.value.details) == (words, {"field": field})


@pytest.mark.parametrize(
    ("changes", "stay", "field", "words"),
    [
        ({"arrive_on": frozenset({4, 5})}, _stay(5, 3), None, None),  # a Saturday
        (
            {"arrive_on": frozenset({4, 5})}, _stay(6, 3), "arrive",
            "Stays here begin only on Friday or Saturday.",
        ),
        (
            {"leave_on": frozenset({0, 4, 5})}, _stay(6, 3), "leave",
            "Stays here end only on Monday, Friday or Saturday.",
        ),
        ({"leave_on": frozenset({2})}, _stay(6, 3), None, None),
    ],
)  # fmt: skip
def test_a_house_may_choose_the_days_on_which_guests_come_and_go(changes, stay, field, words) -> None:
    expected = (field, words) if field else None

    assert refusal(replace(RULES, **changes), stay) == expected


JULY = RuleRange("July", date(2027, 7, 1), date(2027, 7, 31), min_nights=1, max_nights=1)


@pytest.mark.parametrize(
    ("rules", "short", "long"),
    [
        (StayRules(2, 1, 1), "The shortest stay here is 1 night.", "The longest stay here is 1 night."),
        (StayRules(2, 3, 21), "The shortest stay here is 3 nights.", "The longest stay here is 21 nights."),
        (
            JULY,
            "From Thu 1 July 2027 to Sat 31 July 2027 the shortest stay is 1 night.",
            "From Thu 1 July 2027 to Sat 31 July 2027 the longest stay is 1 night.",
        ),
        (
            replace(JULY, min_nights=3, max_nights=21),
            "From Thu 1 July 2027 to Sat 31 July 2027 the shortest stay is 3 nights.",
            "From Thu 1 July 2027 to Sat 31 July 2027 the longest stay is 21 nights.",
        ),
    ],
)
def test_how_short_and_how_long_a_stay_may_be_is_said_in_words(
    rules: StayRules | RuleRange, short: str, long: str
) -> None:
    assert (str(shortest(rules)), str(longest(rules))) == (short, long)


@pytest.mark.parametrize(
    ("in_july", "words"),
    [
        (30, "From Thu 1 July 2027 to Sat 31 July 2027 the longest stay is 30 nights."),
        (7, "The longest stay here is 14 nights."),
        (None, "The longest stay here is 14 nights."),
    ],
)
def test_whoever_stays_too_long_for_every_season_reads_of_the_one_that_allows_most(
    in_july: int | None, words: str
) -> None:
    rules = StayRules(2, 1, 14, ranges=(replace(JULY, max_nights=in_july),))

    assert str(longest_ever(rules)) == words


# --- ranges ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrive", "leave", "found"),
    [
        ((7, 3), (7, 10), None),
        ((6, 30), (7, 3), None),  # arrives before the range, and ends on a Saturday of it
        (
            (6, 30), (7, 2),
            ("leave", "From Thu 1 July 2027 to Tue 31 August 2027 stays end only on Saturday."),
        ),
        (
            (7, 4), (7, 17),
            ("arrive", "From Thu 1 July 2027 to Tue 31 August 2027 stays begin only on Saturday."),
        ),
        (
            (7, 3), (7, 8),
            ("leave", "From Thu 1 July 2027 to Tue 31 August 2027 the shortest stay is 7 nights."),
        ),
        ((8, 28), (9, 5), None),  # leaves behind the range, where any day will do
        ((12, 21), (12, 23), None),  # the night of the 23rd is not slept
        (
            (12, 21), (12, 24),
            ("leave", "From Thu 23 December 2027 to Fri 31 December 2027 the shortest stay is 4 nights."),
        ),
        ((12, 21), (12, 25), None),
        ((9, 1), (9, 3), None),
    ],
)  # fmt: skip
def test_a_range_holds_for_those_who_arrive_in_it_or_leave_in_it_and_if_it_says_so_sleep_in_it(
    arrive, leave, found
) -> None:
    assert refusal(YEAR, Stay(date(2027, *arrive), date(2027, *leave))) == found


def test_notice_and_horizon_of_a_range_count_for_those_who_arrive_in_it() -> None:
    saturday = Stay(date(2027, 7, 3), date(2027, 7, 10))
    late = replace(YEAR, ranges=(replace(SUMMER, horizon_days=20),))

    assert refusal(YEAR, saturday, date(2027, 6, 20)) == ("arrive", "The earliest day of arrival is Sun 4 July 2027.")
    assert refusal(YEAR, saturday, date(2027, 6, 19)) is None
    assert refusal(late, saturday, date(2027, 6, 19)) == ("leave", "Stays can be booked until Fri 9 July 2027.")


def test_of_two_ranges_the_shorter_holds_for_each_rule_that_it_speaks_of() -> None:
    week = RuleRange("Fair", date(2027, 7, 12), date(2027, 7, 18), min_nights=3, max_nights=5, arrive_on=frozenset({0}))
    rules = replace(RULES, ranges=(SUMMER, week))

    assert refusal(rules, Stay(date(2027, 7, 12), date(2027, 7, 17))) is None
    assert rules.shortest_from(date(2027, 7, 12)) == 3
    assert (rules.longest_from(date(2027, 7, 12)), rules.longest_from(date(2027, 7, 19))) == (5, 14)
    assert rules.value("notice_days", date(2027, 7, 12)) == 14  # of which the fair says nothing


def test_of_two_ranges_as_long_the_later_holds_and_of_the_same_days_the_stricter() -> None:
    first, last = date(2027, 7, 1), date(2027, 7, 10)
    early = RuleRange("Early", first, last, min_nights=5)
    later = RuleRange("Later", first + timedelta(days=2), last + timedelta(days=2), min_nights=2)
    same = RuleRange("Same", first, last, min_nights=6)

    assert replace(RULES, ranges=(later, early)).shortest_from(last) == 2
    assert replace(RULES, ranges=(early, same)).shortest_from(last) == 6


@pytest.mark.parametrize("every_night", [(True, False), (False, True)])
def test_of_two_ranges_that_say_the_same_the_one_for_every_night_holds(every_night: tuple[bool, bool]) -> None:
    first, last = date(2027, 7, 1), date(2027, 7, 10)
    ranges = tuple(RuleRange("Same", first, last, min_nights=6, every_night=each) for each in every_night)

    assert refusal(replace(RULES, ranges=ranges), Stay(first - timedelta(days=2), first + timedelta(days=1))) == (
        "leave",
        "From Thu 1 July 2027 to Sat 10 July 2027 the shortest stay is 6 nights.",
    )


def test_a_range_may_also_ask_for_less_than_the_rest_of_the_year() -> None:
    quiet = RuleRange("November", date(2027, 11, 1), date(2027, 11, 30), min_nights=1, notice_days=0)

    assert refusal(replace(RULES, ranges=(quiet,)), Stay(date(2027, 11, 5), date(2027, 11, 6))) is None


def test_the_last_day_of_all_sales_counts_a_range_that_is_sold_longer() -> None:
    ahead = RuleRange("Next summer", date(2028, 7, 1), date(2028, 7, 31), horizon_days=700)
    soon = RuleRange("Soon", date(2027, 4, 1), date(2027, 4, 30), horizon_days=900)

    assert RULES.last_leave(TODAY) == date(2028, 2, 29)
    assert replace(RULES, ranges=(ahead,)).last_leave(TODAY) == date(2028, 7, 31) + timedelta(days=14)
    assert replace(RULES, ranges=(soon,)).last_leave(TODAY) == date(2028, 2, 29)


def test_the_first_day_of_all_sales_waits_for_the_notice_of_its_own_day() -> None:
    slow = RuleRange("Slow", TODAY, TODAY + timedelta(days=9), notice_days=5)

    assert RULES.first_arrival(TODAY) == TODAY + timedelta(days=1)
    assert replace(RULES, ranges=(slow,)).first_arrival(TODAY) == TODAY + timedelta(days=5)


_days = st.integers(0, 120).map(lambda offset: TODAY + timedelta(days=offset))
_some = st.none() | st.integers(1, 6)
_weekdays = st.none() | st.sets(st.integers(0, 6), min_size=1).map(frozenset)


@st.composite
def rule_ranges(draw: st.DrawFn) -> RuleRange:
    """Any range, however odd."""
    first, longest = draw(_days), draw(_some)
    return RuleRange(
        draw(st.sampled_from("abc")),
        first,
        first + timedelta(days=draw(st.integers(0, 40))),
        min_nights=draw(_some),
        max_nights=None if longest is None else longest + 5,
        arrive_on=draw(_weekdays),
        leave_on=draw(_weekdays),
        notice_days=draw(_some),
        horizon_days=draw(st.none() | st.integers(30, 200)),
        avoid_gaps=draw(st.none() | st.booleans()),
        turnover_days=draw(st.none() | st.integers(0, 3)),
        every_night=draw(st.booleans()),
    )


@given(st.lists(rule_ranges(), max_size=5), _days, st.integers(1, 12), st.integers())
def test_in_which_order_ranges_are_written_down_never_matters(ranges, arrive, nights, seed) -> None:
    stay = Stay(arrive, arrive + timedelta(days=nights))
    mixed = Random(seed).sample(ranges, len(ranges))
    one, other = (replace(RULES, ranges=tuple(each)) for each in (ranges, mixed))

    assert is_allowed(one, stay, TODAY) == is_allowed(other, stay, TODAY)
    for rule in ("min_nights", "max_nights", "arrive_on", "leave_on", "avoid_gaps", "turnover_days", "horizon_days"):
        assert one.value(rule, arrive) == other.value(rule, arrive)
    assert (one.last_leave(TODAY), one.first_arrival(TODAY)) == (other.last_leave(TODAY), other.first_arrival(TODAY))
