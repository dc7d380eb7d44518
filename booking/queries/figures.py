"""What a monitor wants to know of the database, as figures named in booking/metrics.py. Read when somebody looks."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from booking.domain.payment_health import Waits
from booking.domain.states import DISPUTE_WAITING, AttemptStatus, BookingStatus, PaymentMethod, RefundStatus
from booking.metrics import Fact
from booking.models import (
    Attempt,
    Booking,
    Dispute,
    Heartbeat,
    OutboxRow,
    Payment,
    PromiseCheck,
    Refund,
    StayRequest,
    WebhookEvent,
)
from booking.models.outbox import OutboxState
from booking.queries.dashboard import is_on_hold
from booking.queries.health import RECONCILER, WORKER
from booking.queries.inbox import STUCK
from booking.queries.payment_health import recent_waits

LATELY = timedelta(days=7)


def list_figures(session: Session, now: datetime) -> Iterator[Fact]:
    """Every figure, each in one statement. A moment that has never been has none; counts and ages are then 0."""
    yield from _bookings(session, now)
    yield from _payments(session, now)
    yield from _inbox(session, now)
    yield from _outbox(session, now)
    yield from _refunds(session, now)
    yield from _disputes(session)
    yield from _pulses(session)
    yield from _promises(session)


def _bookings(session: Session, now: datetime) -> Iterator[Fact]:
    yield from _count_by(session, "bookings", (Booking.status, Booking.cancel_reason))
    pending = Booking.status == BookingStatus.PENDING
    yield _count(session, "bookings_needing_review", Booking.needs_review.is_(True))
    yield from _count_by(session, "requests", (StayRequest.state,))
    yield _count(session, "holds_active", is_on_hold(now))
    yield _age(session, now, "hold_overdue_seconds", Booking.hold_until, pending, Booking.hold_until <= now)


def _payments(session: Session, now: datetime) -> Iterator[Fact]:
    waiting = select(Booking.id).where(Booking.status == BookingStatus.PENDING, Booking.needs_review.is_(False))
    oldest = "paid_unconfirmed_oldest_seconds"
    unpaid = Attempt.decline_code.is_not(None) & (Attempt.status != AttemptStatus.PAID)
    yield from _count_by(session, "attempts", (Attempt.status,))
    yield from _count_by(session, "attempts_declined", (Attempt.decline_code,), unpaid)
    confirming, hearing = recent_waits(session, now - LATELY, now)
    yield from _waits("confirm_seconds", confirming)
    yield from _waits("webhook_delay_seconds", hearing)
    yield from _count_by(session, "payments", (Payment.source,))
    yield from _count_by(
        session, "payments_by_authentication", (Payment.authentication,), Payment.method == PaymentMethod.STRIPE
    )
    yield _age(session, now, oldest, Payment.captured_at, Payment.booking_id.in_(waiting))


def _inbox(session: Session, now: datetime) -> Iterator[Fact]:
    yield from _moment("webhook_last_timestamp_seconds", session.scalar(select(func.max(WebhookEvent.received_at))))
    waiting = WebhookEvent.outcome.in_(STUCK)
    yield from _count_by(session, "inbox_pending", (WebhookEvent.outcome,), waiting)
    yield _age(session, now, "inbox_oldest_seconds", WebhookEvent.received_at, waiting)


def _outbox(session: Session, now: datetime) -> Iterator[Fact]:
    due, dead = OutboxRow.state == OutboxState.DUE, OutboxRow.state == OutboxState.DEAD
    yield from _count_by(session, "outbox_pending", (OutboxRow.kind,), due)
    yield from _count_by(session, "outbox_dead", (OutboxRow.kind,), dead)
    yield _age(session, now, "outbox_oldest_seconds", OutboxRow.run_after, due)


def _refunds(session: Session, now: datetime) -> Iterator[Fact]:
    yield from _count_by(session, "refunds", (Refund.reason, Refund.status))
    unanswered = Refund.status == RefundStatus.REQUESTED
    # One that waits for the end of a dispute does so for weeks, and rightly.
    waiting = Refund.payment_id.in_(select(Dispute.payment_id).where(Dispute.is_charge_refundable.is_(False)))
    yield _age(session, now, "refund_oldest_pending_seconds", Refund.created_at, unanswered, ~waiting)


def _disputes(session: Session) -> Iterator[Fact]:
    yield from _count_by(session, "disputes", (Dispute.reason, Dispute.status))
    next_due = select(func.min(Dispute.due_by)).where(Dispute.status.in_(DISPUTE_WAITING))
    yield from _moment("dispute_due_timestamp_seconds", session.scalar(next_due))


def _pulses(session: Session) -> Iterator[Fact]:
    names = {WORKER: "worker_heartbeat_timestamp_seconds", RECONCILER: "reconcile_last_success_timestamp_seconds"}
    rows = select(Heartbeat.name, Heartbeat.beaten_at).where(Heartbeat.name.in_(names))
    for name, beaten_at in session.execute(rows):
        yield from _moment(names[name], beaten_at)


def _promises(session: Session) -> Iterator[Fact]:
    for code, broken in session.execute(select(PromiseCheck.code, PromiseCheck.broken)):
        yield Fact("invariant_violations", broken, (code,))
    last = session.scalar(select(func.min(PromiseCheck.checked_at)))
    yield from _moment("invariants_checked_timestamp_seconds", last)


# --- the shapes of figures ------------------------------------------------------------------------------------------


def _count(session: Session, name: str, condition: ColumnElement[bool]) -> Fact:
    return Fact(name, session.scalar(select(func.count()).where(condition)) or 0)


def _count_by(
    session: Session, name: str, columns: tuple[Any, ...], condition: ColumnElement[bool] | None = None
) -> Iterator[Fact]:
    rows = select(func.count(), *columns).group_by(*columns)
    for number, *labels in session.execute(rows if condition is None else rows.where(condition)):
        yield Fact(name, number, tuple(_words(labels)))


def _words(labels: Iterable[object]) -> Iterator[str]:
    yield from ("" if label is None else str(label) for label in labels)


def _waits(name: str, waits: Waits) -> Iterator[Fact]:
    """Nothing where nothing happened: no wait is not a wait of no time."""
    for quantile, seconds in (("0.5", waits.middle), ("0.95", waits.most)):
        if seconds is not None:
            yield Fact(name, seconds, (quantile,))


def _age(session: Session, now: datetime, name: str, since: Any, *conditions: ColumnElement[bool]) -> Fact:
    oldest = session.scalar(select(func.min(since)).where(*conditions))
    return Fact(name, max(0.0, (now - oldest).total_seconds()) if oldest else 0)


def _moment(name: str, moment: datetime | None) -> Iterator[Fact]:
    if moment is not None:
        yield Fact(name, moment.timestamp())
