"""The story of a booking: each step with its cause, and the one way its status changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ClauseElement, insert, update
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.orm.attributes import set_committed_value

from booking.database import require_transaction, run
from booking.domain.errors import TransitionRefused
from booking.domain.states import BookingStatus, Source, check_transition
from booking.models import Booking, BookingEvent


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something happens: which path brought it, and who or which event stood behind it."""

    source: Source
    actor: str = ""  # staff address; empty otherwise
    stripe_event_id: str | None = None


def record(
    session: Session,
    booking: Booking,
    kind: str,
    cause: Cause,
    now: datetime,
    *,
    old: BookingStatus | None = None,
    new: BookingStatus | None = None,
    note: str = "",
) -> None:
    """Add one step to the timeline. Joins the caller's transaction."""
    require_transaction(session)
    row = {
        "booking_id": booking.id,
        "at": now,
        "kind": kind,
        "source": cause.source,
        "actor": cause.actor,
        "stripe_event_id": cause.stripe_event_id,
        "old_status": old,
        "new_status": new,
        "note": note[:500],
    }
    run(session, _ADDING, row)


def move(
    session: Session,
    booking: Booking,
    new: BookingStatus,
    kind: str,
    cause: Cause,
    now: datetime,
    *,
    note: str = "",
    **values: Any,
) -> None:
    """Change a booking's status by compare-and-set and record the step. Joins the caller's transaction.

    Raises:
        TransitionRefused: the table has no such step, or somebody else moved the booking first.
    """
    old = booking.status
    check_transition(old, new)
    if booking in session.dirty:
        session.flush()
    still = update(_ROW).where(_ROW.c.id == booking.id, _ROW.c.status == old)
    if run(session, still.values(status=new, **values), None).rowcount != 1:
        raise TransitionRefused(old=old, new=new)
    _take_over(session, booking, {**values, "status": new})
    record(session, booking, kind, cause, now, old=old, new=new, note=note)


_ROW: Any = Booking.__table__
_ADDING = insert(BookingEvent.__table__)  # type: ignore[arg-type]
# What hangs together with columns that a step changes.
_BESIDE = ("unit", "request", "events", "updated_at")


def _take_over(session: Session, booking: Booking, values: dict[str, Any]) -> None:
    """Let the object say what its row says now; what the database has worked out itself is read when it is needed."""
    worked_out = [name for name, value in values.items() if isinstance(value, ClauseElement | InstrumentedAttribute)]
    session.expire(booking, [*_BESIDE, *worked_out])
    for name in values.keys() - set(worked_out):
        set_committed_value(booking, name, values[name])
