"""Reading a booking's ledger rows, and storing what domain/ledger.py derives from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, literal, select
from sqlalchemy.orm import Session, selectinload

from booking.database import change_now, require_transaction, run
from booking.domain.ledger import Ledger, PaymentEntry, ended_declined, payment_status
from booking.domain.requests import UNCAPTURED
from booking.domain.states import DISPUTE_CLOSED, PaymentStatus
from booking.models import Attempt, Authorisation, Booking, Dispute, Payment, Refund

# A lost one stays visible: the money is gone.
_DISPUTE_OVER = tuple(status for status in DISPUTE_CLOSED if status != "lost")


def refresh_money(session: Session, booking: Booking, attempts: Sequence[Attempt] | None = None) -> None:
    """Store the payment status and flags that the ledger's rows now mean. Joins the caller's transaction.

    `attempts` are all of the booking, from whoever has locked them; otherwise they are read.
    """
    require_transaction(session)
    session.flush()  # the rows just written must be among those read
    asked = {"of_booking": booking.id}
    tries = run(session, _ATTEMPTS, asked).all() if attempts is None else attempts
    declined = any(ended_declined(one.status, one.decline_code) for one in tries)
    statuses = tuple(one.status for one in tries)
    rows = run(session, _STANDING, asked).all()
    ledger = Ledger(_payments_in(session, booking.id, rows), statuses, declined, rows[0].is_reserved)
    _store(session, booking, (payment_status(ledger), ledger.refund_failed, rows[0].is_disputed))


def _store(session: Session, booking: Booking, means: tuple[PaymentStatus, bool, bool]) -> None:
    if (booking.payment_status, booking.refund_failed, booking.disputed) != means:
        change_now(session, booking, dict(zip(("payment_status", "refund_failed", "disputed"), means, strict=True)))


def _payments_in(session: Session, booking_id: int, rows: Sequence[Any]) -> tuple[PaymentEntry, ...]:
    """What came; asked for once more only where any of it goes back."""
    if any(row.refund_id is not None for row in rows):
        return tuple(payment.entry for payment in list_payments(session, booking_id))
    came = (row for row in rows if row.amount_minor is not None)
    return tuple(PaymentEntry(row.amount_minor, (), row.reported_refunded_minor) for row in came)


def list_payments(session: Session, booking_id: int) -> list[Payment]:
    """A booking's payments with their refunds, oldest first."""
    wanted = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)
    # What this transaction wrote itself counts, even where the object was loaded before.
    return list(
        session.scalars(wanted.options(selectinload(Payment.refunds)), execution_options={"populate_existing": True})
    )


def _standing() -> Any:
    """Each payment of a booking, beside what is reserved and disputed; one row at least, also where there is none."""
    booking_id: BindParameter[int] = bindparam("of_booking")
    # A sum that is reserved on a card, and neither taken nor let go.
    reserved = exists().where(Authorisation.booking_id == booking_id, Authorisation.state.in_(UNCAPTURED))
    disputed = exists().where(Dispute.booking_id == booking_id, Dispute.status.not_in(_DISPUTE_OVER))
    always = select(literal(1).label("one")).subquery()
    told = (Payment.amount_minor, Payment.reported_refunded_minor, Refund.id.label("refund_id"))
    wanted = select(*told, reserved.label("is_reserved"), disputed.label("is_disputed")).select_from(always)
    paid = wanted.outerjoin(Payment, Payment.booking_id == booking_id).outerjoin(Refund)
    return paid.order_by(Payment.id)


_STANDING = _standing()
_ATTEMPTS = select(Attempt.status, Attempt.decline_code).where(Attempt.booking_id == bindparam("of_booking"))
