"""Cancellation terms: steps, time for second thoughts, what is owed only for a stay, and what each ending means."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.cancelling import Ending, outcome
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Ask, quote
from booking.domain.rates import LineKind, Party, plain_card
from booking.domain.terms import (
    CancellationTerms,
    Grace,
    Tier,
    open_steps,
    refund_due,
    refund_steps,
    terms_in_words,
)
from tests.support.deals import make_deal, noon

BERLIN = ZoneInfo("Europe/Berlin")
TERMS = CancellationTerms.in_two_steps(7, 2, 50)
OWED_FOR_A_STAY = frozenset({LineKind.TOURIST_TAX, LineKind.CLEANING})
ARRIVE = date(2027, 3, 12)
# Three nights for two: 128 + 2 x 164 for the nights, 60 for cleaning, 21 of tourist tax: 537 in all.
QUOTE = quote(plain_card("eur", 12800, 16400, 6000, 350), Ask(Stay(ARRIVE, date(2027, 3, 15)), Party(2)))


@pytest.mark.parametrize(
    ("days_before", "minor"), [(30, 10001), (7, 10001), (6, 5001), (2, 5001), (1, 0), (0, 0), (-3, 0)]
)
def test_refund_by_the_terms_on_each_side_of_each_step(days_before: int, minor: int) -> None:
    arrive = date(2027, 3, 12)

    due = refund_due(make_deal(Money(10001, "eur"), TERMS, arrive), noon(arrive - timedelta(days=days_before)))

    assert due == Money(minor, "eur")


@given(st.integers(1, 10**8), st.integers(0, 60), st.integers(0, 60), st.integers(0, 100), st.integers(-5, 90))
def test_waiting_never_brings_more_back(total: int, full: int, part: int, percent: int, days: int) -> None:
    terms = CancellationTerms.in_two_steps(max(full, part), min(full, part), percent)
    arrive = date(2027, 6, 1)
    deal, today = make_deal(Money(total, "eur"), terms, arrive), arrive - timedelta(days=days)

    now = refund_due(deal, noon(today)).minor
    later = refund_due(deal, noon(today + timedelta(days=1))).minor

    assert 0 <= later <= now <= total


def test_a_step_that_gives_nothing_is_not_shown() -> None:
    strict = CancellationTerms.in_two_steps(7, 2, 0)

    assert len(refund_steps(make_deal(Money(10000, "eur"), strict, date(2027, 3, 12)))) == 1


def test_a_step_that_ends_with_the_first_one_is_not_shown() -> None:
    terms = CancellationTerms.in_two_steps(7, 7, 50)

    (step,) = refund_steps(make_deal(Money(10000, "eur"), terms, date(2027, 3, 12)))

    assert (step.last_day, step.refund.minor) == (date(2027, 3, 5), 10000)


def test_a_step_that_comes_to_less_than_a_coin_is_not_shown() -> None:
    assert refund_steps(make_deal(Money(1, "eur"), CancellationTerms((Tier(5, 30),)), ARRIVE)) == ()


def test_everything_is_everything_even_of_an_amount_that_has_no_coin() -> None:
    assert refund_due(make_deal(Money(1050, "isk"), TERMS, ARRIVE), noon(date(2027, 3, 1))) == Money(1050, "isk")


@pytest.mark.parametrize(
    ("zone", "at", "minor"),
    [
        ("Pacific/Auckland", datetime(2027, 3, 5, 10, 59, tzinfo=UTC), 10000),
        ("Pacific/Auckland", datetime(2027, 3, 5, 11, 0, tzinfo=UTC), 5000),
        ("America/Los_Angeles", datetime(2027, 3, 6, 7, 59, tzinfo=UTC), 10000),
        ("America/Los_Angeles", datetime(2027, 3, 6, 8, 0, tzinfo=UTC), 5000),
    ],
)
def test_a_day_ends_when_it_ends_where_the_stay_is(zone: str, at: datetime, minor: int) -> None:
    deal = make_deal(Money(10000, "eur"), TERMS, ARRIVE, zone=ZoneInfo(zone))

    assert refund_due(deal, at) == Money(minor, "eur")


# --- many steps -----------------------------------------------------------------------------------------------------

THREE = CancellationTerms((Tier(30, 100), Tier(14, 70), Tier(3, 25)), Grace(24, 10), OWED_FOR_A_STAY)


@pytest.mark.parametrize(
    ("days_before", "minor"),
    [(40, 53700), (30, 53700), (29, 40020), (14, 40020), (13, 19500), (3, 19500), (2, 8100), (0, 8100), (-1, 0)],
)
def test_cleaning_and_tourist_tax_come_back_in_full_until_the_stay_begins_and_the_steps_are_about_the_rest(
    days_before: int, minor: int
) -> None:
    due = refund_due(make_deal(QUOTE, THREE, ARRIVE), noon(ARRIVE - timedelta(days=days_before)))

    assert due == Money(minor, "eur")


def test_the_steps_have_days_and_amounts_and_what_comes_later() -> None:
    deal = make_deal(QUOTE, THREE, ARRIVE)

    assert [(step.last_day, step.refund.minor) for step in refund_steps(deal)] == [
        (date(2027, 2, 10), 53700), (date(2027, 2, 26), 40020), (date(2027, 3, 9), 19500),
    ]  # fmt: skip
    assert deal.rest == Money(8100, "eur")
    assert [step.refund.minor for step in open_steps(deal, noon(date(2027, 2, 27)))] == [19500]


def test_terms_that_give_nothing_still_give_back_what_is_owed_only_for_a_stay() -> None:
    none_back = make_deal(QUOTE, CancellationTerms(), ARRIVE)
    tax_back = make_deal(QUOTE, CancellationTerms(given_back=frozenset({LineKind.TOURIST_TAX})), ARRIVE)

    assert (refund_steps(none_back), refund_due(none_back, noon(ARRIVE)).minor) == ((), 0)
    assert (refund_steps(tax_back), refund_due(tax_back, noon(ARRIVE)).minor) == ((), 2100)


def test_a_tier_that_gives_no_more_than_a_later_one_says_nothing() -> None:
    odd = CancellationTerms((Tier(20, 40), Tier(10, 60), Tier(5, 60), Tier(30, 100)))

    assert odd.steps == (Tier(30, 100), Tier(5, 60))


# --- second thoughts ------------------------------------------------------------------------------------------------

BOOKED = datetime(2027, 3, 1, 13, 5, tzinfo=UTC)  # 14:05 in Berlin


def test_within_the_time_for_second_thoughts_everything_comes_back_to_the_second() -> None:
    deal = make_deal(QUOTE, CancellationTerms(grace=Grace(24, 10)), ARRIVE, BOOKED, BERLIN)
    end = BOOKED + timedelta(hours=24)

    (step,) = refund_steps(deal)
    assert (step.until, step.refund, str(step.until)) == (end, QUOTE.total, "2027-03-02 14:05:00+01:00")
    assert [refund_due(deal, at).minor for at in (end, end + timedelta(seconds=1))] == [53700, 0]
    assert len(open_steps(deal, end)) == 1
    assert open_steps(deal, end + timedelta(seconds=1)) == ()


@pytest.mark.parametrize(
    ("arrive", "grace", "until"),
    [
        (date(2027, 3, 11), Grace(24, 11), None),  # ten days away, and eleven are asked for
        (date(2027, 3, 11), Grace(24, 10), datetime(2027, 3, 2, 13, 5, tzinfo=UTC)),
        (date(2027, 3, 2), Grace(24, 0), datetime(2027, 3, 1, 23, 0, tzinfo=UTC)),  # ends with the day before arrival
        (date(2027, 3, 1), Grace(24, 0), None),
    ],
)
def test_second_thoughts_need_an_arrival_that_is_far_enough_away(
    arrive: date, grace: Grace, until: datetime | None
) -> None:
    assert make_deal(QUOTE, CancellationTerms(grace=grace), arrive, BOOKED, BERLIN).grace_until == until


def test_second_thoughts_that_end_before_the_first_free_day_does_are_not_told() -> None:
    deal = make_deal(QUOTE, CancellationTerms((Tier(7, 100),), Grace(48)), ARRIVE, BOOKED, BERLIN)
    same_day = make_deal(QUOTE, CancellationTerms((Tier(9, 100),), Grace(48)), ARRIVE, BOOKED, BERLIN)
    part = make_deal(QUOTE, CancellationTerms((Tier(9, 50),), Grace(48)), ARRIVE, BOOKED, BERLIN)
    late = make_deal(QUOTE, CancellationTerms((Tier(10, 100), Tier(2, 50)), Grace(48)), ARRIVE, BOOKED, BERLIN)

    assert [step.until for step in refund_steps(deal)] == [None]
    assert [(step.last_day.day, step.until) for step in refund_steps(same_day)] == [(3, None)]
    assert [(step.last_day.day, step.until is None) for step in refund_steps(part)] == [(3, False), (3, True)]
    assert [(step.last_day.day, step.until is None) for step in refund_steps(late)] == [(3, False), (10, True)]


# --- endings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "day", "refundable", "back", "why"),
    [
        (Ending.GUEST, 2, 53700, 19500, "It is 10 days before arrival: by the terms 25 percent comes back."),
        (Ending.GUEST, 2, 43700, 9500, "It is 10 days before arrival: by the terms 25 percent comes back."),
        (Ending.GUEST, 2, 20000, 0, "It is 10 days before arrival: by the terms 25 percent comes back."),
        (Ending.GUEST, 12, 53700, 8100, "Later, only tourist tax and cleaning come back: nobody has stayed."),
        (Ending.GUEST, 13, 53700, 0, "The stay has begun: by the terms nothing comes back."),
        (Ending.HOUSE, 12, 53700, 53700, "A guest whom the house cancels gets everything back."),
        (Ending.HOUSE, 12, 20000, 20000, "A guest whom the house cancels gets everything back."),
    ],
)
def test_one_function_says_what_each_ending_means(
    ending: Ending, day: int, refundable: int, back: int, why: str
) -> None:
    found = outcome(ending, make_deal(QUOTE, THREE, ARRIVE), Money(refundable, "eur"), noon(date(2027, 3, day)))

    assert (found.back.minor, found.kept.minor, str(found.why)) == (back, refundable - back, why)


def test_who_does_not_come_gets_back_only_what_is_owed_for_a_stay() -> None:
    plain = outcome(Ending.NO_SHOW, make_deal(QUOTE, TERMS, ARRIVE), QUOTE.total, noon(ARRIVE))
    fair = outcome(Ending.NO_SHOW, make_deal(QUOTE, THREE, ARRIVE), QUOTE.total, noon(ARRIVE))

    assert (plain.back.minor, plain.kept.minor) == (0, 53700)
    assert (fair.back.minor, fair.kept.minor) == (8100, 45600)


_tiers = st.lists(st.builds(Tier, st.integers(0, 60), st.integers(1, 100)), max_size=6)
_graces = st.none() | st.builds(Grace, st.integers(1, 96), st.integers(0, 20))
_given = st.sets(st.sampled_from(sorted(OWED_FOR_A_STAY))).map(frozenset)


@given(_tiers, _graces, _given, st.integers(0, 70), st.integers(0, 90), st.integers(0, 53700), st.integers())
def test_however_terms_are_written_waiting_gives_no_more_and_never_more_than_is_here_goes_back(
    tiers, grace, given_back, booked_before, days_before, refundable, seed
) -> None:
    mixed = Random(seed).sample(tiers, len(tiers))
    booked_at = noon(ARRIVE - timedelta(days=booked_before))
    deal, other = (
        make_deal(QUOTE, CancellationTerms(tuple(each), grace, given_back), ARRIVE, booked_at)
        for each in (tiers, mixed)
    )
    at, here = noon(ARRIVE - timedelta(days=days_before)), Money(refundable, "eur")

    now, later = (refund_due(deal, moment) for moment in (at, at + timedelta(days=1)))
    assert 0 <= now.minor <= QUOTE.total.minor
    if at >= booked_at:
        assert later.minor <= now.minor
    assert refund_due(other, at) == now
    assert refund_steps(other) == refund_steps(deal)
    for ending in Ending:
        found = outcome(ending, deal, here, at)
        assert 0 <= found.back.minor <= refundable
        assert found.back + found.kept == here
    assert outcome(Ending.NO_SHOW, deal, here, at).back.minor <= outcome(Ending.HOUSE, deal, here, at).back.minor


@given(_tiers, _graces, _given, st.integers(0, 70), st.integers(0, 90))
def test_what_a_page_promises_for_a_day_is_what_comes_back_on_it(tiers, grace, given_back, booked_before, days_before):
    booked_at = noon(ARRIVE - timedelta(days=booked_before))
    deal = make_deal(QUOTE, CancellationTerms(tuple(tiers), grace, given_back), ARRIVE, booked_at)
    at = max(booked_at, noon(ARRIVE - timedelta(days=days_before)))

    promised = open_steps(deal, at)

    assert refund_due(deal, at) == (promised[0].refund if promised else deal.rest)


# --- frozen ---------------------------------------------------------------------------------------------------------


@given(_tiers, _graces, _given, st.integers(-3, 90))
def test_frozen_terms_are_read_back_the_same_and_give_older_versions_no_more(tiers, grace, given_back, days) -> None:
    terms = CancellationTerms(tuple(tiers), grace, given_back)
    frozen = terms.as_json()

    read = CancellationTerms.from_json(frozen)
    old = {name: frozen[name] for name in ("full_days", "part_days", "part_percent")}

    assert (read.steps, read.grace, read.given_back) == (terms.steps, grace, given_back)
    assert CancellationTerms.from_json(old).percent(days) <= terms.percent(days)


@pytest.mark.parametrize(
    ("terms", "kept"),
    [
        (
            THREE,
            {"tiers": [[30, 100], [14, 70], [3, 25]], "grace": [24, 10], "given_back": ["cleaning", "tourist_tax"],
             "full_days": 30, "part_days": 14, "part_percent": 70},
        ),
        (
            CancellationTerms((Tier(5, 40),)),
            {"tiers": [[5, 40]], "grace": None, "given_back": [],
             "full_days": 9999, "part_days": 5, "part_percent": 40},
        ),
        (
            CancellationTerms((Tier(5, 100),), Grace(1)),
            {"tiers": [[5, 100]], "grace": [1, 0], "given_back": [],
             "full_days": 5, "part_days": 0, "part_percent": 0},
        ),
    ],
)  # fmt: skip
def test_terms_that_a_booking_kept_long_ago_still_read_and_are_kept_in_the_same_form(
    terms: CancellationTerms, kept: dict[str, object]
) -> None:
    assert terms.as_json() == kept
    assert CancellationTerms.from_json(kept) == terms


def test_terms_of_bookings_from_before_there_were_policies_still_read() -> None:
    assert CancellationTerms.from_json({"full_days": 7, "part_days": 2, "part_percent": 50}) == TERMS


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (
            TERMS,
            ["Free cancellation until 7 days before arrival.",
             "After that 50 percent comes back until 2 days before arrival.", "Later, nothing comes back."],
        ),
        (CancellationTerms(), ["This stay cannot be cancelled for money back."]),
        (
            CancellationTerms((Tier(0, 30),), Grace(1), frozenset({LineKind.CLEANING})),
            ["Free cancellation for 1 hour after booking.", "30 percent comes back until the day of arrival.",
             "Later, only the price of cleaning comes back: nobody has stayed."],
        ),
        (
            CancellationTerms((Tier(0, 100),), None, frozenset({LineKind.TOURIST_TAX})),
            ["Free cancellation until the day of arrival.",
             "Later, only the tourist tax comes back: nobody has stayed."],
        ),
        (
            CancellationTerms((), None, frozenset({LineKind.TOURIST_TAX})),
            ["This stay cannot be cancelled for money back.",
             "Later, only the tourist tax comes back: nobody has stayed."],
        ),
        (
            CancellationTerms((Tier(1, 100), Tier(0, 40)), Grace(1, 5)),
            ["Free cancellation for 1 hour after booking, if you then arrive in 5 days or later.",
             "Free cancellation until 1 day before arrival.",
             "After that 40 percent comes back until the day of arrival.", "Later, nothing comes back."],
        ),
        (
            CancellationTerms((Tier(1, 60),), Grace(24)),
            ["Free cancellation for 24 hours after booking.", "60 percent comes back until 1 day before arrival.",
             "Later, nothing comes back."],
        ),
        (
            CancellationTerms((Tier(10, 60), Tier(1, 20))),
            ["60 percent comes back until 10 days before arrival.",
             "After that 20 percent comes back until 1 day before arrival.", "Later, nothing comes back."],
        ),
        (
            THREE,
            ["Free cancellation for 24 hours after booking, if you then arrive in 10 days or later.",
             "Free cancellation until 30 days before arrival.",
             "After that 70 percent comes back until 14 days before arrival.",
             "After that 25 percent comes back until 3 days before arrival.",
             "Later, only tourist tax and cleaning come back: nobody has stayed."],
        ),
    ],
)  # fmt: skip
def test_terms_are_told_in_words_before_any_day_is_known(terms: CancellationTerms, words: list[str]) -> None:
    assert [str(said) for said in terms_in_words(terms)] == words
