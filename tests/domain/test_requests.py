"""How long a host may take to answer a request, and what may follow what."""

from datetime import UTC, datetime, timedelta

import pytest

from booking.domain.errors import TransitionRefused
from booking.domain.money import Money
from booking.domain.requests import (
    SAFETY,
    SHORTEST_WINDOW,
    RequestState,
    answer_deadline,
    check_step,
    nights_kept_until,
    request_in_words,
)

ASKED = datetime(2027, 3, 1, 12, 0, 30, 5, tzinfo=UTC)
LATER = ASKED + timedelta(days=60)


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


@pytest.mark.parametrize("end", ["accepted", "declined", "lapsed", "withdrawn", "dates_gone", "card_failed"])
def test_nothing_follows_an_end(end: str) -> None:
    for state in RequestState:
        with pytest.raises(TransitionRefused):
            check_step(RequestState(end), state)


@pytest.mark.parametrize("state", ["declined", "lapsed", "withdrawn"])
def test_a_sum_that_is_being_taken_is_not_let_go(state: str) -> None:
    with pytest.raises(TransitionRefused):
        check_step(RequestState.ACCEPTING, RequestState(state))


def test_a_guest_reads_that_nothing_is_charged_before_the_house_accepts() -> None:
    said = [str(words) for words in request_in_words(Money(42000, "eur"), 1)]

    assert any("charged only when the house accepts" in words for words in said)
    assert "The house answers within 1 hour." in said
    assert said[-1].endswith("nothing is charged.")
