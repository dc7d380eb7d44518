"""How long a host may take to answer a request, and what may follow what."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from booking.domain.errors import TransitionRefused
from booking.domain.money import Money
from booking.domain.requests import (
    SAFETY,
    SHORTEST_WINDOW,
    answer_deadline,
    can_be_answered,
    check_step,
    first_moment,
    nights_kept_until,
    request_in_words,
)
from booking.domain.requests import RequestState as S
from booking.domain.states import BookingStatus

ASKED = datetime(2027, 3, 1, 12, 0, 30, 5, tzinfo=UTC)
LATER = ASKED + timedelta(days=60)
ENDS = (S.ACCEPTED, S.DECLINED, S.LAPSED, S.WITHDRAWN, S.DATES_GONE, S.CARD_FAILED)
WAYS = {
    S.STARTED: (S.ASKED, *ENDS),
    S.ASKED: (S.ACCEPTING, *ENDS),
    S.ACCEPTING: (S.ASKED, S.ACCEPTED, S.DATES_GONE, S.CARD_FAILED),
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("booking", BookingStatus)
@pytest.mark.parametrize("needs_review", [False, True])
def test_a_host_answers_what_was_asked_and_is_still_to_be_had(
    state: S, booking: BookingStatus, needs_review: bool
) -> None:
    waits = (state, booking, needs_review) == (S.ASKED, BookingStatus.PENDING, False)

    assert can_be_answered(state, booking, needs_review=needs_review) is waits


def _minutes(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def test_a_host_has_as_long_as_the_house_gives() -> None:
    assert answer_deadline(ASKED, 48, ASKED + timedelta(days=7), LATER) == _minutes(ASKED + timedelta(hours=48))


def test_the_answer_is_here_safely_before_the_bank_lets_the_sum_go() -> None:
    ends = ASKED + timedelta(days=2)

    assert answer_deadline(ASKED, 96, ends, LATER) == _minutes(ends - SAFETY)


def test_a_charge_that_does_not_say_how_long_it_lasts_lasts_as_short_as_any() -> None:
    assert answer_deadline(ASKED, 200, None, LATER) == _minutes(ASKED + SHORTEST_WINDOW - SAFETY)


def test_nobody_waits_for_an_answer_at_the_door() -> None:
    arrives_at = ASKED + timedelta(hours=7)

    assert answer_deadline(ASKED, 48, None, arrives_at) == _minutes(arrives_at)


def test_even_a_guest_who_comes_tonight_gives_the_host_an_hour() -> None:
    assert answer_deadline(ASKED, 48, None, ASKED - timedelta(hours=2)) == _minutes(ASKED + timedelta(hours=1))


def test_the_nights_outlive_the_time_to_answer() -> None:
    assert nights_kept_until(ASKED) == ASKED + timedelta(minutes=10)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(S, S)))
def test_a_request_goes_exactly_these_ways_and_a_sum_that_is_being_taken_is_not_let_go(old: S, new: S) -> None:
    if new in WAYS.get(old, ()):
        check_step(old, new)
    else:
        with pytest.raises(TransitionRefused) as refusal:
            check_step(old, new)
        assert refusal.value.details == {"old": old, "new": new}


@pytest.mark.parametrize(
    ("check_in_from", "clock"),
    [("15:00", time(15)), (" 9:30 ", time(9, 30)), ("", time(0)), ("after lunch", time(0))],
)
def test_a_guest_can_come_from_check_in_on_by_the_clock_of_the_house(check_in_from: str, clock: time) -> None:
    first = first_moment(date(2027, 7, 1), check_in_from, ZoneInfo("Europe/Berlin"))

    assert (first.replace(tzinfo=None), first.utcoffset()) == (
        datetime.combine(date(2027, 7, 1), clock),
        timedelta(hours=2),
    )


@pytest.mark.parametrize(
    ("hours", "within"), [(1, "The house answers within 1 hour."), (48, "The house answers within 48 hours.")]
)
def test_a_guest_reads_that_nothing_is_charged_before_the_house_accepts(hours: int, within: str) -> None:
    assert [str(words) for words in request_in_words(Money(42000, "eur"), hours)] == [
        "This is a request: the house accepts or declines it.",
        f"{Money(42000, 'eur')} is reserved on your card now, and charged only when the house accepts.",
        within,
        "If it declines, or does not answer in time, the sum is released and nothing is charged.",
    ]
