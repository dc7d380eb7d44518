"""Stays are half-open, and what people type as a date is read or refused in words."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.dates import LONGEST_STAY, Stay, parse_date, parse_stay, spoken, spoken_moment
from booking.domain.errors import InvalidDates

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
LENGTHS = st.integers(1, 40)


def _stay(first: date, nights: int) -> Stay:
    return Stay(first, first + timedelta(days=nights))


@given(DAYS, LENGTHS, DAYS, LENGTHS)
def test_stays_overlap_exactly_if_they_share_a_night(a: date, m: int, b: date, n: int) -> None:
    one, other = _stay(a, m), _stay(b, n)

    assert one.overlaps(other) == bool(set(one) & set(other)) == other.overlaps(one)


@given(DAYS, LENGTHS)
def test_the_night_of_leaving_is_free(first: date, nights: int) -> None:
    stay = _stay(first, nights)

    assert len(list(stay)) == stay.nights == nights
    assert stay.leave not in set(stay)
    next_one = Stay(stay.leave, stay.leave + timedelta(days=1))
    assert not stay.overlaps(next_one)
    assert not next_one.overlaps(stay)


def test_nights_come_in_date_order_across_a_leap_day_and_a_clock_change() -> None:
    stay = Stay(date(2028, 2, 27), date(2028, 3, 2))

    assert list(stay) == [date(2028, 2, 27), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert Stay(date(2027, 3, 27), date(2027, 3, 29)).nights == 2


def test_a_stay_can_be_shifted() -> None:
    assert Stay(date(2027, 3, 12), date(2027, 3, 15)).shifted(-2) == Stay(date(2027, 3, 10), date(2027, 3, 13))


@pytest.mark.parametrize(
    ("nights", "words"),
    [
        (0, "Leave must be after arrive."),
        (-1, "Leave must be after arrive."),
        (LONGEST_STAY + 1, "A stay can be at most a year long."),
    ],
)
def test_impossible_lengths_are_refused_in_words(nights: int, words: str) -> None:
    with pytest.raises(InvalidDates) as refusal:
        _stay(date(2027, 3, 12), nights)

    assert (refusal.value.user_message, refusal.value.details) == (words, {"field": "leave"})


def test_the_longest_stay_is_a_leap_year() -> None:
    assert _stay(date(2028, 1, 1), 366).leave == date(2029, 1, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "Choose a date"),
        ("", "Choose a date"),
        ("2027-02-30", "does not exist"),
        ("0000-01-01", "does not exist"),
        ("99999-01-01", "must look like"),
        ("12.03.2027", "must look like"),
        ("２０２７-03-12", "must look like"),
        ("2027-03-12T00:00", "must look like"),
        ("x" * 10_000, "must look like"),
        ("2027-03-12\0", "must look like"),
    ],
)
def test_what_is_no_date_is_refused_in_words(text: str | None, words: str) -> None:
    with pytest.raises(InvalidDates, match=words) as refusal:
        parse_date(text, field="arrive")

    assert refusal.value.details["field"] == "arrive"


def test_two_good_dates_are_a_stay() -> None:
    assert parse_stay(" 2027-03-12", "2027-03-15 ") == Stay(date(2027, 3, 12), date(2027, 3, 15))


def test_a_date_is_spoken_in_words() -> None:
    assert spoken(date(2027, 3, 5)) == "Fri 5 March 2027"


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("Europe/Berlin", "Sat 6 March 2027, 00:05"),
        ("America/New_York", "Fri 5 March 2027, 18:05"),
        ("Pacific/Auckland", "Sat 6 March 2027, 12:05"),
    ],
)
def test_a_moment_is_spoken_on_the_clock_of_the_house(zone: str, words: str) -> None:
    assert spoken_moment(datetime(2027, 3, 5, 23, 5, tzinfo=UTC), ZoneInfo(zone)) == words


@pytest.mark.parametrize(("arrive", "leave", "field"), [("", "2027-03-15", "arrive"), ("2027-03-12", "", "leave")])
def test_of_two_dates_the_wrong_one_is_named(arrive: str, leave: str, field: str) -> None:
    with pytest.raises(InvalidDates) as refusal:
        parse_stay(arrive, leave)

    assert (refusal.value.user_message, refusal.value.details) == (f"Choose a date to {field}.", {"field": field})
