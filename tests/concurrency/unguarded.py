"""The shop without its guard against double booking, for a control: `gunicorn tests.concurrency.unguarded:app`.

Nothing of this can be switched on in the program itself: it replaces a private function, and only in a process that
loads this module instead of `wsgi`.
"""

import time
from typing import Any

from sqlalchemy import func, insert, or_, select

from booking.models import Night
from booking.services import nights
from wsgi import app

# As long as a slow disk may take between looking and writing.
PAUSE_SECONDS = 0.3


def _look_then_write(session: Any, unit_id: Any, stay: Any, now: Any, booking_id: Any, _closure: Any, hold: Any) -> int:
    """What the guard would be if it were written the obvious way: look whether the nights are free, then take them."""
    taken = select(func.count()).where(
        Night.unit_id == unit_id,
        Night.day.in_(list(stay)),
        or_(Night.hold_until.is_(None), Night.hold_until > now),
        Night.booking_id != booking_id,
    )
    if session.scalar(taken):
        return 0
    time.sleep(PAUSE_SECONDS)
    rows = [{"unit_id": unit_id, "day": day, "booking_id": booking_id, "hold_until": hold} for day in stay]
    session.execute(insert(Night), rows)
    return int(stay.nights)


nights._insert_nights = _look_then_write

__all__ = ["app"]
