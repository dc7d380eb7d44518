"""Reading a booking's ledger rows, and storing what domain/ledger.py derives from them."""

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from booking.database import require_transaction
from booking.domain.ledger import Ledger, payment_status
from booking.domain.requests import UNCAPTURED
from booking.domain.states import DISPUTE_CLOSED
from booking.models import Attempt, Authorisation, Booking, Dispute, Payment

# A lost one stays visible: the money is gone.
_DISPUTE_OVER = tuple(status for status in DISPUTE_CLOSED if status != "lost")


def refresh_money(session: Session, booking: Booking) -> None:
    """Store the payment status and flags that the ledger's rows now mean. Joins the caller's transaction."""
    require_transaction(session)
    session.flush()  # the rows just written must be among those read
    ledger = read_ledger(session, booking.id)
    booking.payment_status = payment_status(ledger)
    booking.refund_failed = ledger.refund_failed
    booking.disputed = _is_disputed(session, booking.id)


def read_ledger(session: Session, booking_id: int) -> Ledger:
    """All that is known of a booking's money, as plain values."""
    attempts = session.scalars(select(Attempt).where(Attempt.booking_id == booking_id)).all()
    payments = tuple(payment.entry for payment in list_payments(session, booking_id))
    statuses, declined = tuple(row.status for row in attempts), any(row.ended_declined for row in attempts)
    return Ledger(payments, statuses, declined, _is_reserved(session, booking_id))


def list_payments(session: Session, booking_id: int) -> list[Payment]:
    """A booking's payments with their refunds, oldest first."""
    wanted = select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id)
    # What this transaction wrote itself counts, even where the object was loaded before.
    return list(
        session.scalars(wanted.options(selectinload(Payment.refunds)), execution_options={"populate_existing": True})
    )


def _is_reserved(session: Session, booking_id: int) -> bool:
    """Whether a sum is reserved on a card for it, and neither taken nor let go."""
    wanted = select(Authorisation.id).where(Authorisation.booking_id == booking_id, Authorisation.state.in_(UNCAPTURED))
    return session.scalar(wanted.limit(1)) is not None


def _is_disputed(session: Session, booking_id: int) -> bool:
    statuses = session.scalars(select(Dispute.status).where(Dispute.booking_id == booking_id))
    return any(status not in _DISPUTE_OVER for status in statuses)
