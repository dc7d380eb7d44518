"""The half hours of the evening."""

import pytest

from booking.domain.arrival import arrival_times


@pytest.mark.parametrize(
    ("check_in_from", "first", "count"), [("15:00", "15:00", 18), ("16:30", "16:30", 15), ("23:45", "23:45", 1)]
)
def test_times_run_from_check_in_to_the_end_of_the_day(check_in_from: str, first: str, count: int) -> None:
    times = arrival_times(check_in_from)

    assert times[0] == first
    assert len(times) == count
    assert times[-1] <= "23:59"


def test_every_half_hour_is_offered_once_and_written_as_on_a_clock() -> None:
    assert arrival_times("22:30") == ("22:30", "23:00", "23:30")
    assert arrival_times("9:00")[:2] == ("09:00", "09:30")
    assert arrival_times("23") == ("23:00", "23:30")
