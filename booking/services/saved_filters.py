"""Filters of the list of bookings that somebody keeps for themselves."""

from collections.abc import Mapping

from sqlalchemy import delete, func, select

from booking.database import transaction
from booking.models import SavedFilter
from booking.runtime import Runtime
from booking.services import audit

MOST_KEPT = 20


def keep_filter(runtime: Runtime, staff_id: int, who: str, name: str, query: Mapping[str, str]) -> bool:
    """Keep a filter under a name, in the place of an older one of that name, and commit. False: they have too many."""
    with transaction() as session:
        mine = SavedFilter.staff_id == staff_id
        kept = session.scalar(select(SavedFilter).where(mine, SavedFilter.name == name))
        if kept is None:
            if (session.scalar(select(func.count(SavedFilter.id)).where(mine)) or 0) >= MOST_KEPT:
                return False
            kept = SavedFilter(staff_id=staff_id, name=name)
            session.add(kept)
        kept.query = dict(query)
        session.flush()  # for its id
        # Without the name: that is somebody's own words, and the log cannot be erased.
        now = runtime.clock.now()
        audit.record(session, who, "filter.kept", f"filter {kept.id}", now, after=dict(query))
    return True


def forget_filter(runtime: Runtime, staff_id: int, who: str, filter_id: int) -> bool:
    """Forget one of one's own, and commit. False where it is none of theirs."""
    with transaction() as session:
        mine = (SavedFilter.id == filter_id, SavedFilter.staff_id == staff_id)
        gone = session.scalars(delete(SavedFilter).where(*mine).returning(SavedFilter.id)).all()
        if gone:
            audit.record(session, who, "filter.forgotten", f"filter {filter_id}", runtime.clock.now())
    return bool(gone)
