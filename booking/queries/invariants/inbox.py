"""Looks at the inbox and the outbox: nothing accepted is lost, nothing to do is forgotten, no secret is kept."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from booking.models import BookingEvent, OutboxRow, Refund, WebhookEvent
from booking.models.outbox import OutboxState
from booking.models.webhook import InboxOutcome
from booking.queries.invariants.given import Given

# Stripe comes again within the hour: https://docs.stripe.com/webhooks#retries
RETRIED_WITHIN = timedelta(hours=2)
DONE_WITHIN = timedelta(hours=1)
_SECRETS = ("sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_")


def find_failed_events(session: Session, given: Given) -> Iterator[str]:
    """An event that failed and that neither a retry nor a person has brought to an end."""
    rows = select(WebhookEvent.id, WebhookEvent.type, WebhookEvent.note).where(
        WebhookEvent.outcome == InboxOutcome.FAILED, WebhookEvent.received_at < given.now - RETRIED_WITHIN
    )
    for event_id, event_type, note in session.execute(rows):
        yield f"event {event_id} ({event_type}) failed with {note or 'an error'} and was not handled since"


def find_dropped_work(session: Session, given: Given) -> Iterator[str]:
    """Mail or a refund that was asked for, given up or overdue, and so not done."""
    overdue = (OutboxRow.state == OutboxState.DUE) & (OutboxRow.run_after < given.now - DONE_WITHIN)
    rows = select(OutboxRow.id, OutboxRow.kind, OutboxRow.booking_id, OutboxRow.state)
    for row_id, kind, booking_id, state in session.execute(
        rows.where(or_(OutboxRow.state == OutboxState.DEAD, overdue))
    ):
        why = "was given up" if state is OutboxState.DEAD else "is overdue: is the worker running?"
        yield f"outbox {row_id} ({kind}, booking {booking_id}) {why}"


def find_secrets(session: Session, given: Given) -> Iterator[str]:
    """A key or a signing secret in a text that pages, logs or reports may show."""
    for column in (
        BookingEvent.note,
        OutboxRow.last_error,
        WebhookEvent.note,
        WebhookEvent.payload,
        Refund.failure_reason,
    ):
        yield from _find_secrets_in(session, column)


def _find_secrets_in(session: Session, column: InstrumentedAttribute[object]) -> Iterator[str]:
    text = cast(column, Text)
    table = column.class_
    for row_id in session.scalars(
        select(table.id).where(or_(*(text.contains(mark, autoescape=True) for mark in _SECRETS)))
    ):
        yield f"{table.__tablename__} {row_id}: its {column.key} holds a secret key"
