"""Refunds as Stripe tells of them, in any order: rows are found or made, and only ever move on.

What we send ourselves stands in refunds.py.
"""

import uuid
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.states import (
    REFUND_ENDED_BADLY,
    REFUND_RANK,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import ChargeEvidence, RefundEvidence
from booking.models import Booking, Dispute, Payment, Refund
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import notifications, outbox, timeline
from booking.services.instance import Identity, get_identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause


def apply_refund(
    session: Session, evidence: RefundEvidence, cause: Cause, now: datetime, identity: Identity
) -> Refund | None:
    """Take in what Stripe says of a refund; None where it is not of a payment of ours. Joins the transaction.

    Matched by Stripe's id, then by our token, never by amount. A refund we did not ask for becomes a row too: staff
    may refund in Stripe's dashboard. Never moves the booking.
    """
    require_transaction(session)
    refund = _find_row(session, evidence, identity) or _add_external(session, evidence, cause, now)
    if refund is None:
        return None
    booking = lock_booking(session, refund.booking_id)
    # Of a row that was given up or called off, Stripe's first word counts: a request of ours can arrive after all.
    is_first_word = refund.stripe_refund_id is None
    refund.stripe_refund_id = evidence.refund_id
    if is_first_word or REFUND_RANK[evidence.status] > REFUND_RANK[refund.status]:
        refund.status, refund.failure_reason = evidence.status, evidence.failure_reason
        tell_of(session, booking, refund, cause, now)
        if refund.payment.entry.kept_minor < 0:  # Stripe never sends too much back: another one must have failed
            ask_for_the_list(session, refund, now)
    _forget_explained(session, refund.payment_id)
    refresh_money(session, booking)
    return refund


def apply_charge(session: Session, evidence: ChargeEvidence) -> Payment | None:
    """Take in how much of a charge was refunded, as a cross-check: set, never added. Joins the transaction."""
    payment = find_payment(session, evidence.payment_intent_id, evidence.charge_id)
    if payment is None:
        return None
    booking = lock_booking(session, payment.booking_id)
    payment.charge_id = payment.charge_id or evidence.charge_id
    payment.reported_refunded_minor = evidence.refunded.minor
    _forget_explained(session, payment.id)
    refresh_money(session, booking)
    return payment


def sync_refunds(runtime: Runtime, payment_id: int) -> None:
    """Make our rows agree with Stripe's list of a payment's refunds. Commits. Raises GatewayUnavailable."""
    identity, now, cause = get_identity(runtime), runtime.clock.now(), Cause(Source.WORKER)
    intent_id = _payment_intent_of(payment_id)
    if intent_id is None:
        return
    refunds = runtime.payments.list_refunds(intent_id)
    charge = runtime.payments.look_up_refunded(intent_id)
    with transaction() as session:
        for evidence in refunds:
            apply_refund(session, evidence, cause, now, identity)
        if charge is not None:
            apply_charge(session, charge)


def find_payment(session: Session, payment_intent_id: str | None, charge_id: str | None) -> Payment | None:
    """The payment that one of Stripe's ids belongs to."""
    known = [Payment.payment_intent_id == payment_intent_id] if payment_intent_id else []
    known += [Payment.charge_id == charge_id] if charge_id else []
    return session.scalar(select(Payment).where(or_(*known))) if known else None


def is_known_payment(payment_intent_id: str | None, charge_id: str | None = None) -> bool:
    """Whether the ledger has the payment that one of Stripe's ids belongs to. A read of its own, ended at once."""
    is_known = find_payment(db.session(), payment_intent_id, charge_id) is not None
    end_read()
    return is_known


def tell_of(session: Session, booking: Booking, refund: Refund, cause: Cause, now: datetime) -> None:
    """What became of a refund: on the timeline, and to whom it concerns. Joins the caller's transaction."""
    note = f"refund {refund.id} {refund.failure_reason or ''}".strip()
    timeline.record(session, booking, f"refund_{refund.status}", cause, now, note=note)
    if refund.status in REFUND_ENDED_BADLY:
        note = "A refund did not arrive. The money is back on your Stripe balance and the guest is still owed it."
        notifications.tell_staff(session, StaffNotice.REFUND_FAILED, now, booking, note, fact_id=refund.id)
        if not is_lost(session, refund.payment_id):  # or the bank has given the guest this money already
            kind = GuestMail.REFUND_DELAYED
            notifications.tell_guest(session, booking, kind, now, fact_id=refund.id, refund=refund.amount)
    elif refund.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED):
        notifications.tell_guest(session, booking, GuestMail.REFUND_SENT, now, fact_id=refund.id, refund=refund.amount)


def ask_for_the_list(session: Session, refund: Refund, now: datetime) -> None:
    """Have the worker take in what Stripe knows of this payment, once for each refund. Joins the transaction."""
    key, payload = f"sync:{refund.payment_id}:{refund.token}", {"payment_id": refund.payment_id}
    outbox.enqueue(session, OutboxKind.SYNC_REFUNDS, key, payload, now, booking_id=refund.booking_id)


def is_lost(session: Session, payment_id: int) -> bool:
    """Whether the bank has given the guest a payment's money in a dispute."""
    lost = select(Dispute.id).where(Dispute.payment_id == payment_id, Dispute.status == "lost")
    return session.scalar(lost.limit(1)) is not None


def _find_row(session: Session, evidence: RefundEvidence, identity: Identity) -> Refund | None:
    refund = session.scalar(select(Refund).where(Refund.stripe_refund_id == evidence.refund_id))
    if refund is None and evidence.tag.app == identity.instance_id and evidence.tag.refund_id:
        refund = session.scalar(select(Refund).where(Refund.token == evidence.tag.refund_id))
    return refund


def _add_external(session: Session, evidence: RefundEvidence, cause: Cause, now: datetime) -> Refund | None:
    payment = find_payment(session, evidence.payment_intent_id, evidence.charge_id)
    if payment is None or evidence.amount.minor <= 0:
        return None
    refund = Refund(
        booking_id=payment.booking_id,
        payment_id=payment.id,
        token=uuid.uuid4().hex,
        amount_minor=evidence.amount.minor,
        currency=evidence.amount.currency,
        status=RefundStatus.REQUESTED,
        reason=RefundReason.EXTERNAL,
        stripe_refund_id=evidence.refund_id,
    )
    session.add(refund)
    session.flush()  # the notice and the timeline name its id
    booking = session.get_one(Booking, payment.booking_id)
    timeline.record(session, booking, "refund_found", cause, now, note=f"refund {refund.id}, made at Stripe")
    note = "A refund of this booking was made in Stripe's dashboard. The booking itself is unchanged."
    notifications.tell_staff(session, StaffNotice.EXTERNAL_REFUND, now, booking, note, fact_id=refund.id)
    return refund


def _forget_explained(session: Session, payment_id: int) -> None:
    """Once our rows account for what the charge reports, the rows alone count: they know which refund failed since."""
    session.flush()
    payment = session.get_one(Payment, payment_id)
    known = sum(session.scalars(select(Refund.amount_minor).where(Refund.payment_id == payment_id)))
    if known >= payment.reported_refunded_minor:
        payment.reported_refunded_minor = 0


def _payment_intent_of(payment_id: int) -> str | None:
    with transaction() as session:
        return session.get_one(Payment, payment_id).payment_intent_id
