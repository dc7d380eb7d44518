"""The story of a booking: each step with its cause, and the one way its status changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from booking.database import require_transaction
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
    session.add(
        BookingEvent(
            booking_id=booking.id,
            at=now,
            kind=kind,
            source=cause.source,
            actor=cause.actor,
            stripe_event_id=cause.stripe_event_id,
            old_status=old,
            new_status=new,
            note=note[:500],
        )
    )


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
    changed = session.execute(
        update(Booking).where(Booking.id == booking.id, Booking.status == old).values(status=new, **values)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise TransitionRefused(old=old, new=new)
    session.refresh(booking)
    record(session, booking, kind, cause, now, old=old, new=new, note=note)
