"""Occupancy: the nights of a unit as bits of windows, and the bits that a stay must find empty."""

from datetime import date, timedelta

import pytest

from booking.domain.dates import Stay
from booking.domain.occupancy import STEP, WINDOW, bits_of, chunk_of, first_day, questions_of

BORDER = date(2027, 2, 20)  # a window begins


@pytest.mark.parametrize("nights", [1, 30, 31, 32, 61, 62, 63, 93, 124, 366])
@pytest.mark.parametrize("behind", [0, 1, 15, 30])
def test_a_stay_asks_for_each_of_its_nights_and_no_other(nights: int, behind: int) -> None:
    arrive = BORDER + timedelta(days=behind)
    stay = Stay(arrive, arrive + timedelta(days=nights))
    questions = list(questions_of(stay))

    asked = [first_day(chunk) + timedelta(days=n) for chunk, bits in questions for n in range(WINDOW) if bits >> n & 1]
    assert asked == list(stay)
    assert all(0 < bits < 2**62 for _, bits in questions)
    assert len(questions) == 1 or nights > STEP


def test_each_night_lies_in_two_windows() -> None:
    night = BORDER + timedelta(days=4)

    assert bits_of([night]) == {chunk_of(night): 1 << 4, chunk_of(night) - 1: 1 << 35}


def test_nights_of_one_window_are_told_together() -> None:
    nights = [BORDER - timedelta(days=1), BORDER, BORDER + timedelta(days=2)]

    assert bits_of(nights) == {23870: 1 << 61, 23871: 1 << 30 | 1 << 31 | 1 << 33, 23872: 0b101}


@pytest.mark.parametrize(
    ("day", "chunk"),
    [(date(2027, 2, 19), 23871), (BORDER, 23872), (date(2027, 3, 22), 23872), (date(2027, 3, 23), 23873)],
)
def test_windows_stand_in_databases_by_their_number_and_never_move(day: date, chunk: int) -> None:
    assert chunk_of(day) == chunk
    assert first_day(chunk) <= day < first_day(chunk + 1)
    assert first_day(23872) == BORDER
