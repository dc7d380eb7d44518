"""Stripe's events as they came in, and what the worker has given up."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.models import Booking, OutboxRow, WebhookEvent
from booking.models.outbox import OutboxState
from booking.models.webhook import InboxOutcome

PAGE_SIZE = 50
# Events that wait for Stripe's next try, or for a person.
STUCK = (InboxOutcome.UNMATCHED, InboxOutcome.FAILED)


class InboxFilter(StrEnum):
    """What the list of events can be narrowed to. STUCK are those that wait for a person."""

    ALL = "all"
    STUCK = "stuck"
    HANDLED = "handled"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as the list shows it; `reference` is None where it belongs to no booking of ours."""

    id: str
    type: str
    outcome: InboxOutcome
    note: str
    deliveries: int
    received_at: datetime
    booking_id: int | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of the inbox; `number` begins at 1."""

    rows: tuple[EventRow, ...]
    number: int
    pages: int
    total: int


def list_events(session: Session, narrowed: InboxFilter, page: int) -> EventPage:
    """One page of the inbox, newest first."""
    wanted = WebhookEvent.outcome.in_(_outcomes(narrowed))
    total = session.scalar(select(func.count()).where(wanted)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    rows = (
        select(
            WebhookEvent.id,
            WebhookEvent.type,
            WebhookEvent.outcome,
            WebhookEvent.note,
            WebhookEvent.deliveries,
            WebhookEvent.received_at,
            WebhookEvent.booking_id,
            Booking.reference,
        )
        .outerjoin(Booking, WebhookEvent.booking_id == Booking.id)
        .where(wanted)
        .order_by(WebhookEvent.received_at.desc(), WebhookEvent.id)
        .limit(PAGE_SIZE)
        .offset((number - 1) * PAGE_SIZE)
    )
    return EventPage(tuple(EventRow(*row) for row in session.execute(rows)), number, pages, total)


def find_event(session: Session, event_id: str) -> tuple[WebhookEvent, str | None] | None:
    """One event with its payload and the reference of its booking; None where there is no such event."""
    if "\0" in event_id:  # PostgreSQL has no place for NUL
        return None
    rows = select(WebhookEvent, Booking.reference).outerjoin(Booking, WebhookEvent.booking_id == Booking.id)
    row = session.execute(rows.where(WebhookEvent.id == event_id).execution_options(populate_existing=True)).first()
    return (row[0], row[1]) if row else None


def list_dead_rows(session: Session) -> list[tuple[OutboxRow, str | None]]:
    """What the worker has given up, newest first, with the reference of the booking it is about."""
    rows = select(OutboxRow, Booking.reference).outerjoin(Booking, OutboxRow.booking_id == Booking.id)
    dead = rows.where(OutboxRow.state == OutboxState.DEAD).order_by(OutboxRow.id.desc()).limit(200)
    return [(row, reference) for row, reference in session.execute(dead)]


def has_outbox_row(session: Session, row_id: int) -> bool:
    """Whether there is such a row."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.id == row_id)) is not None


def _outcomes(narrowed: InboxFilter) -> tuple[InboxOutcome, ...]:
    if narrowed is InboxFilter.ALL:
        return tuple(InboxOutcome)
    if narrowed is InboxFilter.STUCK:
        return STUCK
    return (InboxOutcome(narrowed.value),)
