"""Reading a booking's ledger rows, and storing what domain/ledger.py derives from them."""

from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, literal, select, update
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from booking.database import require_transaction, run
from booking.domain.ledger import Ledger, PaymentEntry, ended_declined, payment_status
from booking.domain.requests import UNCAPTURED
from booking.domain.states import DISPUTE_CLOSED, PaymentStatus
from booking.models import Attempt, Authorisation, Booking, Dispute, Payment, Refund

# A lost one stays visible: the money is gone.
_DISPUTE_OVER = tuple(status for status in DISPUTE_CLOSED if status != "lost")


def refresh_money(session: Session, booking: Booking) -> None:
    """Store the payment status and flags that the ledger's rows now mean. Joins the caller's transaction."""
    require_transaction(session)
    session.flush()  # the rows just written must be among those read
    rows = run(session, _STANDING, {"of_booking": booking.id}).all()
    tries = [row for row in rows if row.status is not None]
    declined = any(ended_declined(row.status, row.decline_code) for row in tries)
    statuses = tuple(row.status for row in tries)
    ledger = Ledger(_read_payments(session, booking.id), statuses, declined, rows[0].is_reserved)
    _store(session, booking, (payment_status(ledger), ledger.refund_failed, rows[0].is_disputed))


def _store(session: Session, booking: Booking, means: tuple[PaymentStatus, bool, bool]) -> None:
    """Write what differs, in one statement; the object says the same afterwards."""
    if (booking.payment_status, booking.refund_failed, booking.disputed) == means:
        return
    names = ("payment_status", "refund_failed", "disputed")
    run(session, _STORING, {"of_booking": booking.id, **dict(zip(("pays", "failed", "fought"), means, strict=True))})
    session.expire(booking, ["updated_at"])
    for name, value in zip(names, means, strict=True):
        set_committed_value(booking, name, value)


def _read_payments(session: Session, booking_id: int) -> tuple[PaymentEntry, ...]:
    """What came, in one statement where nothing goes back."""
    rows = run(session, _PAYMENTS, {"of_booking": booking_id}).all()
    if any(row.refund_id is not None for row in rows):
        return tuple(payment.entry for payment in list_payments(session, booking_id))
    return tuple(PaymentEntry(row.amount_minor, (), row.reported_refunded_minor) for row in rows)


def list_payments(session: Session, booking_id: int) -> list[Payment]:
    """A booking's payments with their refunds, oldest first."""
    wanted = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)
    # What this transaction wrote itself counts, even where the object was loaded before.
    return list(
        session.scalars(wanted.options(selectinload(Payment.refunds)), execution_options={"populate_existing": True})
    )


def _standing() -> Any:
    """Each attempt of a booking, beside what is reserved and disputed; one row at least, also where there is none."""
    booking_id: BindParameter[int] = bindparam("of_booking")
    # A sum that is reserved on a card, and neither taken nor let go.
    reserved = exists().where(Authorisation.booking_id == booking_id, Authorisation.state.in_(UNCAPTURED))
    disputed = exists().where(Dispute.booking_id == booking_id, Dispute.status.not_in(_DISPUTE_OVER))
    always = select(literal(1).label("one")).subquery()
    wanted = select(Attempt.status, Attempt.decline_code, reserved.label("is_reserved"), disputed.label("is_disputed"))
    return wanted.select_from(always).outerjoin(Attempt, Attempt.booking_id == booking_id)


_STANDING = _standing()
_ROW: Any = Booking.__table__
_STORING = (
    update(_ROW)
    .where(_ROW.c.id == bindparam("of_booking"))
    .values(payment_status=bindparam("pays"), refund_failed=bindparam("failed"), disputed=bindparam("fought"))
)
_PAYMENTS = (
    select(Payment.amount_minor, Payment.reported_refunded_minor, Refund.id.label("refund_id"))
    .outerjoin(Refund, Refund.payment_id == Payment.id)
    .where(Payment.booking_id == bindparam("of_booking"))
    .order_by(Payment.id)
)
