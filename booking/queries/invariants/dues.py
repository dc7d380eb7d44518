"""Looks at what is owed beside the first payment: money for it counts for it, and each attempt names its own due."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, selectinload

from booking.domain.states import AttemptPurpose, DueKind, DueStatus
from booking.models import Attempt, Booking, Due, Payment
from booking.queries.invariants.given import Given

_OF_DUES = (AttemptPurpose.BALANCE, AttemptPurpose.CHARGE)


def find_uncounted_payments(session: Session, given: Given) -> Iterator[str]:
    """Money that came for a due and is kept, though the due is not paid by it: its guest would be asked once more."""
    rows = (
        select(Payment, Due)
        .join(Attempt, Attempt.id == Payment.attempt_id)
        .join(Due, Due.id == Attempt.due_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(Due.status != DueStatus.PAID, _nobody_looks())
        .options(selectinload(Payment.refunds))
    )
    for payment, due in session.execute(rows.execution_options(populate_existing=True)):
        if payment.entry.kept_minor > 0:
            yield f"booking {due.booking_id}: payment {payment.id} is kept for due {due.id}, which is {due.status}"


def find_doubly_paid(session: Session, given: Given) -> Iterator[str]:
    """One due that two payments were kept for."""
    rows = (
        select(Payment, Attempt.due_id)
        .join(Attempt, Attempt.id == Payment.attempt_id)
        .join(Booking, Booking.id == Payment.booking_id)
        .where(Attempt.due_id.is_not(None), _nobody_looks())
        .options(selectinload(Payment.refunds))
        .order_by(Attempt.due_id, Payment.id)
    )
    paid: set[int | None] = set()
    for payment, due_id in session.execute(rows.execution_options(populate_existing=True)):
        if payment.entry.kept_minor > 0 and due_id in paid:
            yield f"booking {payment.booking_id}: due {due_id} was paid twice, and both payments are kept"
        elif payment.entry.kept_minor > 0:
            paid.add(due_id)


def find_misplaced(session: Session, given: Given) -> Iterator[str]:
    """A due in another currency than its booking, or an attempt at the due of another booking or for something else."""
    other = select(Due.id, Due.booking_id).join(Booking, Booking.id == Due.booking_id)
    for due_id, booking_id in session.execute(other.where(Due.currency != Booking.currency)):
        yield f"booking {booking_id}: due {due_id} is in another currency"
    nothing = select(Attempt.id, Attempt.booking_id).where(Attempt.purpose.in_(_OF_DUES), Attempt.due_id.is_(None))
    for attempt_id, booking_id in session.execute(nothing):
        yield f"booking {booking_id}: attempt {attempt_id} is for something owed, and names nothing"
    is_balance = Due.kind == DueKind.BALANCE
    fits = or_(
        and_(is_balance, Attempt.purpose == AttemptPurpose.BALANCE),
        and_(~is_balance, Attempt.purpose == AttemptPurpose.CHARGE),
    )
    strange = select(Attempt.id, Attempt.booking_id, Due.id).join(Due, Due.id == Attempt.due_id)
    for attempt_id, booking_id, due_id in session.execute(
        strange.where(or_(Attempt.booking_id != Due.booking_id, ~fits))
    ):
        yield f"booking {booking_id}: attempt {attempt_id} is not one for due {due_id}"


def _nobody_looks() -> ColumnElement[bool]:
    """Money that is with a person, or with a bank, is theirs to decide on."""
    return and_(Booking.needs_review.is_(False), Booking.refund_failed.is_(False), Booking.disputed.is_(False))
