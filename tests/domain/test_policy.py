"""Stay rules, deadlines, and what a cancellation gives back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.money import Money
from booking.domain.policy import (
    CancellationTerms,
    StayRules,
    check_stay,
    hold_deadline,
    refund_due,
    refund_steps,
    session_expiry,
)

TODAY = date(2027, 3, 1)
RULES = StayRules(max_guests=4, min_nights=2, max_nights=14, notice_days=1, horizon_days=365)
TERMS = CancellationTerms(full_days=7, part_days=2, part_percent=50)


def _stay(ahead: int, nights: int) -> Stay:
    return Stay(TODAY + timedelta(days=ahead), TODAY + timedelta(days=ahead + nights))


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


@pytest.mark.parametrize(("hold_minutes", "lives"), [(31, 33), (33, 33), (34, 34), (1435, 1435)])
def test_a_session_asked_for_lives_long_enough_for_a_slow_clock(hold_minutes: int, lives: int) -> None:
    now = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

    assert session_expiry(now, hold_minutes) == now + timedelta(minutes=lives)


def test_the_hold_outlives_the_session() -> None:
    now = datetime(2027, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)

    expires_at = session_expiry(now, 35)

    assert expires_at == datetime(2027, 3, 1, 12, 35, tzinfo=UTC)
    assert hold_deadline(expires_at) == datetime(2027, 3, 1, 12, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days_before", "minor"), [(30, 10001), (7, 10001), (6, 5001), (2, 5001), (1, 0), (0, 0), (-3, 0)]
)
def test_refund_by_the_terms_on_each_side_of_each_step(days_before: int, minor: int) -> None:
    arrive = date(2027, 3, 12)

    due = refund_due(Money(10001, "eur"), TERMS, arrive, arrive - timedelta(days=days_before))

    assert due == Money(minor, "eur")


@given(st.integers(1, 10**8), st.integers(0, 60), st.integers(0, 60), st.integers(0, 100), st.integers(-5, 90))
def test_waiting_never_brings_more_back(total: int, full: int, part: int, percent: int, days: int) -> None:
    terms = CancellationTerms(max(full, part), min(full, part), percent)
    arrive = date(2027, 6, 1)
    today = arrive - timedelta(days=days)

    now = refund_due(Money(total, "eur"), terms, arrive, today).minor
    later = refund_due(Money(total, "eur"), terms, arrive, today + timedelta(days=1)).minor

    assert 0 <= later <= now <= total


def test_a_step_that_gives_nothing_is_not_shown() -> None:
    strict = CancellationTerms(full_days=7, part_days=2, part_percent=0)

    assert len(refund_steps(Money(10000, "eur"), strict, date(2027, 3, 12))) == 1


def test_a_step_that_ends_with_the_first_one_is_not_shown() -> None:
    terms = CancellationTerms(full_days=7, part_days=7, part_percent=50)

    (step,) = refund_steps(Money(10000, "eur"), terms, date(2027, 3, 12))

    assert (step.last_day, step.refund.minor) == (date(2027, 3, 5), 10000)


def test_frozen_terms_are_read_back_the_same() -> None:
    assert CancellationTerms.from_json(TERMS.as_json()) == TERMS
