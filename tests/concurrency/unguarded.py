"""What guards a night, written the obvious way: for controls, which must sell nights twice with it.

Nothing of this can be switched on in the program itself: it replaces a private function, and only in a process that
asks for it: a test's, or the server's that loads `unguarded_app`.
"""

import time
from typing import Any

from sqlalchemy import func, insert, or_, select

from booking.models import Night

# As long as a slow disk may take between looking and writing.
PAUSE_SECONDS = 0.3


def look_then_write(session: Any, unit_id: Any, stay: Any, now: Any, booking_id: Any, _closure: Any, hold: Any) -> int:
    """In place of the one statement of `nights._insert_nights`: look whether the nights are free, then take them."""
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
