"""The story of a booking: each step with its cause, and the one way its status changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from booking.database import change_now, inserted_at_commit
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
    """Add one step to the timeline. Joins the caller's transaction, and is written at the end of it."""
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
    _note(session, row)


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
    if not change_now(session, booking, {"status": new, **values}, status=old):
        raise TransitionRefused(old=old, new=new)
    session.expire(booking, _BESIDE)
    record(session, booking, kind, cause, now, old=old, new=new, note=note)


_ADDING = insert(BookingEvent.__table__)  # type: ignore[arg-type]
_note = inserted_at_commit("holdfast_timeline", lambda _session: _ADDING)
# What hangs together with columns that a step changes.
_BESIDE = ("unit", "request", "events")
