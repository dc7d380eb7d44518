"""How long unpaid nights are kept."""

from datetime import UTC, datetime, timedelta

import pytest

from booking.domain.policy import hold_deadline, session_expiry


@pytest.mark.parametrize(("hold_minutes", "lives"), [(31, 33), (33, 33), (34, 34), (1435, 1435)])
def test_a_session_asked_for_lives_long_enough_for_a_slow_clock(hold_minutes: int, lives: int) -> None:
    now = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)

    assert session_expiry(now, hold_minutes) == now + timedelta(minutes=lives)


def test_the_hold_outlives_the_session() -> None:
    now = datetime(2027, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)

    expires_at = session_expiry(now, 35)

    assert expires_at == datetime(2027, 3, 1, 12, 35, tzinfo=UTC)
    assert hold_deadline(expires_at) == datetime(2027, 3, 1, 12, 45, tzinfo=UTC)
