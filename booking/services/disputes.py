"""Disputes and fraud warnings, as an overlay: they are recorded and told to staff, and never move a booking."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.gateways.payments import DisputeEvidence, FraudWarning
from booking.models import Booking, Dispute, Payment
from booking.services import notifications, timeline
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.notifications import StaffNotice
from booking.services.refunds import find_payment
from booking.services.timeline import Cause

# Events come in any order: a later word counts only if it ranks as high. https://docs.stripe.com/api/disputes/object
_RANK = {
    "warning_needs_response": 0,
    "warning_under_review": 1,
    "needs_response": 2,
    "under_review": 3,
    "warning_closed": 4,
    "prevented": 4,
    "won": 4,
    "lost": 4,
}


def record_dispute(session: Session, evidence: DisputeEvidence, cause: Cause, now: datetime) -> Payment | None:
    """Write or update a dispute; None where it is about no payment of ours. Joins the caller's transaction."""
    payment = find_payment(session, evidence.payment_intent_id, evidence.charge_id)
    if payment is None:
        return None
    booking = lock_booking(session, payment.booking_id)
    dispute = session.scalar(select(Dispute).where(Dispute.stripe_dispute_id == evidence.dispute_id))
    if dispute is None:
        dispute = _add(session, payment, evidence)
        _tell(session, booking, dispute, cause, now)
    elif _rank(evidence.status) > _rank(dispute.status):
        timeline.record(session, booking, f"dispute_{evidence.status}", cause, now, note=f"dispute {dispute.id}")
    _update(dispute, evidence)
    refresh_money(session, booking)
    return payment


def record_fraud_warning(session: Session, evidence: FraudWarning, cause: Cause, now: datetime) -> Payment | None:
    """Tell staff that a bank fears fraud; None where it is about no payment of ours. Joins the transaction."""
    payment = find_payment(session, evidence.payment_intent_id, evidence.charge_id)
    if payment is None:
        return None
    booking = lock_booking(session, payment.booking_id)
    timeline.record(session, booking, "fraud_warning", cause, now, note=f"payment {payment.id}")
    note = "The card's bank fears that this payment is fraud. Refunding it now is cheaper than a dispute later."
    notifications.tell_staff(session, StaffNotice.FRAUD_WARNING, now, booking, note, fact_id=payment.id)
    return payment


def _add(session: Session, payment: Payment, evidence: DisputeEvidence) -> Dispute:
    dispute = Dispute(
        booking_id=payment.booking_id,
        payment_id=payment.id,
        stripe_dispute_id=evidence.dispute_id,
        amount_minor=evidence.amount.minor,
        currency=evidence.amount.currency,
        status=evidence.status,
    )
    session.add(dispute)
    session.flush()  # the timeline and the notice name its id
    return dispute


def _tell(session: Session, booking: Booking, dispute: Dispute, cause: Cause, now: datetime) -> None:
    timeline.record(session, booking, "dispute_opened", cause, now, note=f"dispute {dispute.id}")
    note = "A guest's bank disputes this payment. Answer it in Stripe's dashboard before it is due."
    notifications.tell_staff(session, StaffNotice.DISPUTE, now, booking, note, fact_id=dispute.id)


def _update(dispute: Dispute, evidence: DisputeEvidence) -> None:
    if evidence.funds_withdrawn is not None:
        dispute.funds_withdrawn = evidence.funds_withdrawn
    if _rank(evidence.status) < _rank(dispute.status):
        return
    dispute.status = evidence.status
    dispute.reason = evidence.reason[:80] or dispute.reason
    dispute.due_by = evidence.due_by or dispute.due_by
    dispute.is_charge_refundable = evidence.is_charge_refundable


def _rank(status: str) -> int:
    return _RANK.get(status, 0)
