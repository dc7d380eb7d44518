"""Disputes and fraud warnings, as an overlay: they are recorded and told to staff, and never move a booking.

What staff answers to a dispute is in evidence.py.
"""

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.dates import spoken_moment
from booking.domain.states import DISPUTE_WAITING, Source
from booking.extensions import db
from booking.gateways.payments import DisputeEvidence, FraudWarning
from booking.models import Booking, Dispute, EvidenceSubmission, Payment
from booking.runtime import Runtime
from booking.services import audit, notifications, timeline
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.notifications import StaffNotice
from booking.services.refund_news import find_payment
from booking.services.timeline import Cause

# So long before an answer is due, staff is reminded of it.
REMIND_BEFORE = timedelta(days=3)

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
        _tell(session, booking, dispute, evidence.due_by, cause, now)
    elif _rank(evidence.status) > _rank(dispute.status):
        timeline.record(session, booking, f"dispute_{evidence.status}", cause, now, note=f"dispute {dispute.id}")
    _update(dispute, evidence)
    refresh_money(session, booking)
    return payment


def look_again(runtime: Runtime, dispute_id: int, cause: Cause) -> None:
    """Ask Stripe how a dispute stands, and record it. Commits. Raises GatewayUnavailable, GatewayRefused."""
    stripe_id = db.session.scalars(select(Dispute.stripe_dispute_id).where(Dispute.id == dispute_id)).one()
    end_read()
    evidence = runtime.payments.look_up_dispute(stripe_id)
    now = runtime.clock.now()
    with transaction() as session:
        record_dispute(session, evidence, cause, now)
        audit.record_if_staff(session, cause, "dispute.looked_up", f"dispute {dispute_id}", now, status=evidence.status)
    runtime.wake_worker()


def remind_of_due(runtime: Runtime) -> list[str]:
    """Tell staff, once for each due date, of disputes that must be answered soon; a line for each. Commits each."""
    now = runtime.clock.now()
    return [f"dispute {dispute_id}: staff is reminded" for dispute_id in _find_due(now) if _remind(dispute_id, now)]


def page_of(dispute_id: int) -> str:
    """The path of the page on which staff answers."""
    return f"/admin/disputes/{dispute_id}"


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


def _tell(
    session: Session, booking: Booking, dispute: Dispute, due_by: datetime | None, cause: Cause, now: datetime
) -> None:
    timeline.record(session, booking, "dispute_opened", cause, now, note=f"dispute {dispute.id}")
    note = _due_words(booking, due_by)
    page = page_of(dispute.id)
    notifications.tell_staff(session, StaffNotice.DISPUTE, now, booking, note, fact_id=dispute.id, page=page)


def _due_words(booking: Booking, due_by: datetime | None) -> str:
    zone = booking.listing.property.zone
    return f"Answer by {spoken_moment(due_by, zone)} ({zone.key})." if due_by else ""


def _update(dispute: Dispute, evidence: DisputeEvidence) -> None:
    is_late = _rank(evidence.status) < _rank(dispute.status)
    # Once it is won the money is back: late news of its withdrawal takes it away no more.
    if evidence.funds_withdrawn is not None and not (is_late and dispute.status == "won"):
        dispute.funds_withdrawn = evidence.funds_withdrawn
    if is_late:
        return
    dispute.status = evidence.status
    dispute.reason = evidence.reason[:80] or dispute.reason
    if evidence.due_by and evidence.due_by != dispute.due_by:
        dispute.due_by, dispute.reminded_at = evidence.due_by, None
    dispute.is_charge_refundable = evidence.is_charge_refundable


def _find_due(now: datetime) -> list[int]:
    found = list(db.session.scalars(_due_soon(now).order_by(Dispute.due_by, Dispute.id)))
    end_read()
    return found


def _due_soon(now: datetime) -> Select[int]:
    """Those that wait, are due soon, and of which staff was not reminded; not those with an answer on its way."""
    answered = select(EvidenceSubmission.dispute_id)
    return select(Dispute.id).where(
        Dispute.status.in_(DISPUTE_WAITING),
        Dispute.due_by <= now + REMIND_BEFORE,
        Dispute.reminded_at.is_(None),
        Dispute.id.not_in(answered),
    )


def _remind(dispute_id: int, now: datetime) -> bool:
    with transaction() as session:
        dispute = session.get_one(Dispute, dispute_id)
        booking = lock_booking(session, dispute.booking_id)
        if session.scalar(_due_soon(now).where(Dispute.id == dispute_id)) is None:
            return False  # another worker was first, or it was answered
        session.refresh(dispute)
        dispute.reminded_at = now
        timeline.record(session, booking, "dispute_due_soon", Cause(Source.TIMER), now, note=f"dispute {dispute_id}")
        note, fact_id = _due_words(booking, dispute.due_by), f"{dispute_id}:{dispute.due_by:%Y%m%d}"
        page = page_of(dispute_id)
        notifications.tell_staff(session, StaffNotice.DISPUTE_DUE, now, booking, note, fact_id=fact_id, page=page)
        return True


def _rank(status: str) -> int:
    return _RANK.get(status, 0)
