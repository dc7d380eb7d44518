"""What guards a night, written the obvious way: for controls, which must sell nights twice with it.

Nothing of this can be switched on in the program itself: it replaces a private function, and only in a process that
asks for it: a test's, or the server's that loads `unguarded_app`.
"""

import time
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, text

from booking.models import Night

# As long as a slow disk may take between looking and writing.
PAUSE_SECONDS = 0.3
# How long somebody who has looked waits for another one to look at the same unit, so that a race is lost on the slowest
# machine as well.
MOST_SECONDS_FOR_COMPANY = 2.0
# Whoever has looked holds a lock that all may share, by the unit's id; the others can count them, in whatever process.
JOIN = text("SELECT pg_advisory_xact_lock_shared(:kind, :unit_id)")
COMPANY = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :kind AND objid = :unit_id "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
KIND = 7101


def look_then_write(session: Any, unit_id: Any, stay: Any, now: Any, booking_id: Any, _closure: Any, hold: Any) -> int:
    """In place of the one statement of `nights._insert_nights`: look whether the nights are free, then take them.

    Whoever has the nights already needs no second look, by the obvious way and by the one statement alike.
    """
    asked = (Night.unit_id == unit_id) & Night.day.in_(list(stay))
    own = asked & (Night.booking_id == booking_id)
    if _count(session, own) < stay.nights:
        if _count(session, asked & ~own & or_(Night.hold_until.is_(None), Night.hold_until > now)):
            return 0
        _wait_for_company(session, unit_id)
    session.execute(delete(Night).where(own))
    rows = [{"unit_id": unit_id, "day": day, "booking_id": booking_id, "hold_until": hold} for day in stay]
    session.execute(insert(Night), rows)
    return int(stay.nights)


def _count(session: Any, wanted: ColumnElement[bool]) -> int:
    return int(session.scalar(select(func.count()).where(wanted)))


def _wait_for_company(session: Any, unit_id: int) -> None:
    """Until another one stands here as well, who has seen the same free nights."""
    unit = {"kind": KIND, "unit_id": unit_id}
    session.execute(JOIN, unit)
    end = time.monotonic() + MOST_SECONDS_FOR_COMPANY
    while session.scalar(COMPANY, unit) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(PAUSE_SECONDS)  # so that the other one sees this one, too
