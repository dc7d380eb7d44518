"""Walking Stripe's own lists: everything there that carries our id must be known here.

The only way to find what was never told: lost events, events that were never made, rows lost in a restore, refunds
made in Stripe's dashboard while no webhook came through.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from booking.database import end_read, transaction
from booking.domain.states import REFUND_RANK, UNFINISHED_ATTEMPT, AttemptStatus, PaymentMethod, Source
from booking.extensions import db
from booking.gateways.payments import (
    ChargeEvidence,
    DisputeEvidence,
    EvidenceState,
    PaymentEvidence,
    PaymentGatewayError,
    RefundEvidence,
)
from booking.models import Attempt, Authorisation, Dispute, Payment, Refund
from booking.runtime import Runtime
from booking.services import attempts, notifications
from booking.services.cases import Outcome
from booking.services.disputes import record_dispute
from booking.services.instance import Identity, get_identity
from booking.services.notifications import StaffNotice
from booking.services.refund_news import apply_refund, is_known_payment
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# A payment is as old as its charge, but for what two clocks differ.
_CLOCK_DOUBT = timedelta(hours=1)
_CAUSE = Cause(Source.RECONCILE)
MEMBERSHIP = "membership"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `is_problem` where a person must look."""

    kind: str
    text: str
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class _Walk:
    """One look through the lists. `told` are the payments that have been seen to already."""

    runtime: Runtime
    since: datetime
    identity: Identity
    dry_run: bool
    told: set[str] = field(default_factory=set)


def walk_stripes_lists(runtime: Runtime, since: timedelta, dry_run: bool) -> Iterator[Finding]:
    """Sessions, payments, refunds and disputes that Stripe made since then, settled or reported. Commits one by one."""
    walk = _Walk(runtime, runtime.clock.now() - since, get_identity(runtime), dry_run)
    for name, look in _LISTS.items():
        try:
            yield from look(walk)
        except PaymentGatewayError as error:
            yield no_answer("list", f"Stripe's list of {name}", error)
            return  # the others would keep the caller waiting for the same


def no_answer(kind: str, what: str, error: PaymentGatewayError) -> Finding:
    """Stripe said nothing that can be used: the next run tries again."""
    logger.warning("reconcile_no_answer", extra={"kind": kind, "error": error.code})
    return Finding(kind, f"{what}: no usable answer from Stripe ({error.code})", is_problem=True)


# --- sessions -------------------------------------------------------------------------------------------------------


def _walk_sessions(walk: _Walk) -> Iterator[Finding]:
    for evidence in walk.runtime.payments.list_checkouts(walk.since):
        if evidence.tag.app == walk.identity.instance_id:
            yield from _compare_session(walk, evidence)


def _compare_session(walk: _Walk, evidence: PaymentEvidence) -> Iterator[Finding]:
    if evidence.tag.purpose == MEMBERSHIP:
        return  # no attempt: services/memberships.py asks about it, and about its subscription
    known = _find_attempt(evidence)
    if known is None:
        yield _missing_session(walk, evidence)
    elif _is_news(known, evidence):
        walk.told.add(evidence.payment_intent_id or "")
        would = f"Stripe says {evidence.state}, would be settled"
        yield Finding("list", f"booking {known.booking_id}: {would if walk.dry_run else _settle(walk, evidence)}")


def _find_attempt(evidence: PaymentEvidence) -> Attempt | None:
    attempt = db.session.scalar(select(Attempt).where(Attempt.token == evidence.tag.attempt))
    if attempt is not None:
        db.session.expunge(attempt)
    end_read()
    return attempt


def _is_news(attempt: Attempt, evidence: PaymentEvidence) -> bool:
    is_over = evidence.state in (EvidenceState.PAID, EvidenceState.FAILED, EvidenceState.EXPIRED)
    paid_late = evidence.state is EvidenceState.PAID and attempt.status is not AttemptStatus.PAID
    is_new_sum = evidence.state is EvidenceState.AUTHORIZED and not _has_sum(attempt)
    is_new_card = evidence.state is EvidenceState.NOTHING_DUE and attempt.status is not AttemptStatus.PAID
    return is_new_sum or is_new_card or paid_late or (is_over and attempt.status in UNFINISHED_ATTEMPT)


def _has_sum(attempt: Attempt) -> bool:
    """Whether anybody here has heard of a sum that was reserved in it."""
    known = db.session.scalar(select(Authorisation.id).where(Authorisation.attempt_id == attempt.id)) is not None
    end_read()
    return known


def _missing_session(walk: _Walk, evidence: PaymentEvidence) -> Finding:
    is_paid = evidence.state is EvidenceState.PAID
    logger.error("reconcile_unknown_session", extra={"session": evidence.session_id, "state": evidence.state})
    text = f"session {evidence.session_id} carries our id, but no attempt here knows it"
    if is_paid:
        walk.told.add(evidence.payment_intent_id or "")
        _tell_staff(walk, f"{text} and it is PAID", evidence.payment_intent_id or "")
    return Finding("list", text + " and it is PAID" * is_paid, is_problem=is_paid)


# --- payments -------------------------------------------------------------------------------------------------------


def _walk_charges(walk: _Walk) -> Iterator[Finding]:
    """Money that no payment here accounts for, whatever became of its session."""
    ours = []
    for charge in walk.runtime.payments.list_charges(walk.since):
        if charge.tag.app != walk.identity.instance_id:
            continue
        ours.append(charge)
        is_told = charge.payment_intent_id in walk.told
        if not is_told and not is_known_payment(charge.payment_intent_id, charge.charge_id):
            yield _adopt(walk, charge)
    if not walk.dry_run:
        _note_authentications(ours, walk.since)


def _note_authentications(charges: list[ChargeEvidence], since: datetime) -> None:
    """Keep of each payment whether its bank had the guest confirm it: no event says so. Commits, where any is new."""
    said = {charge.payment_intent_id: charge.authentication for charge in charges if charge.authentication}
    unknown = select(Payment.payment_intent_id).where(
        Payment.authentication.is_(None),
        Payment.method == PaymentMethod.STRIPE,
        Payment.captured_at >= since - _CLOCK_DOUBT,
    )
    new = sorted(intent for intent in db.session.scalars(unknown) if intent and intent in said)
    end_read()
    if not new:
        return
    with transaction() as session:
        for intent in new:
            row = update(Payment).where(Payment.payment_intent_id == intent, Payment.authentication.is_(None))
            session.execute(row.values(authentication=said[intent]))


def _adopt(walk: _Walk, charge: ChargeEvidence) -> Finding:
    intent_id = charge.payment_intent_id or ""
    if walk.dry_run:
        return Finding("list", f"payment {intent_id} is not in the ledger, would be settled")
    evidence = walk.runtime.payments.look_up_payment(intent_id)
    outcome = _settle(walk, evidence)
    if outcome is not Outcome.UNKNOWN:
        return Finding("list", f"payment {intent_id}: {outcome}", is_problem=outcome is Outcome.NEEDS_REVIEW)
    text = f"payment {intent_id} carries our id, but no booking here knows it"
    _tell_staff(walk, text, intent_id)
    return Finding("list", text, is_problem=True)


# --- refunds and disputes -------------------------------------------------------------------------------------------


def _walk_refunds(walk: _Walk) -> Iterator[Finding]:
    for evidence in walk.runtime.payments.list_new_refunds(walk.since):
        if _is_refund_news(evidence):
            yield _take_in_refund(walk, evidence)


def _is_refund_news(evidence: RefundEvidence) -> bool:
    """Whether it is of a payment of ours, and our row for it is missing or behind."""
    row = db.session.scalar(select(Refund).where(Refund.stripe_refund_id == evidence.refund_id))
    is_behind = row is None or REFUND_RANK[evidence.status] > REFUND_RANK[row.status]
    end_read()
    return is_behind and is_known_payment(evidence.payment_intent_id, evidence.charge_id)


def _take_in_refund(walk: _Walk, evidence: RefundEvidence) -> Finding:
    text = f"refund {evidence.refund_id} is {evidence.status} at Stripe"
    if walk.dry_run:
        return Finding("list", f"{text}, would be taken in")
    with transaction() as session:
        refund = apply_refund(session, evidence, _CAUSE, walk.runtime.clock.now(), walk.identity)
        booking_id = refund.booking_id if refund else None
    walk.runtime.wake_worker()
    return Finding("list", f"booking {booking_id}: {text}, taken in")


def _walk_disputes(walk: _Walk) -> Iterator[Finding]:
    for evidence in walk.runtime.payments.list_disputes(walk.since):
        if _is_dispute_news(evidence):
            yield _take_in_dispute(walk, evidence)


def _is_dispute_news(evidence: DisputeEvidence) -> bool:
    row = db.session.scalar(select(Dispute).where(Dispute.stripe_dispute_id == evidence.dispute_id))
    told = (row.status, row.is_charge_refundable) if row else None
    end_read()
    is_news = told != (evidence.status, evidence.is_charge_refundable)
    return is_news and is_known_payment(evidence.payment_intent_id, evidence.charge_id)


def _take_in_dispute(walk: _Walk, evidence: DisputeEvidence) -> Finding:
    text = f"dispute {evidence.dispute_id} is {evidence.status} at Stripe"
    if walk.dry_run:
        return Finding("list", f"{text}, would be taken in")
    with transaction() as session:
        payment = record_dispute(session, evidence, _CAUSE, walk.runtime.clock.now())
        booking_id = payment.booking_id if payment else None
    walk.runtime.wake_worker()
    return Finding("list", f"booking {booking_id}: {text}, taken in")


# --- shared ---------------------------------------------------------------------------------------------------------


def _settle(walk: _Walk, evidence: PaymentEvidence) -> Outcome:
    return attempts.settle_now(walk.runtime, evidence, _CAUSE, walk.identity).outcome


def _tell_staff(walk: _Walk, text: str, payment_intent_id: str) -> None:
    """A case for people, opened once for each payment."""
    if walk.dry_run:
        return
    with transaction() as session:
        now = walk.runtime.clock.now()
        notifications.tell_staff(session, StaffNotice.UNMATCHED, now, None, text, fact_id=payment_intent_id)
    walk.runtime.wake_worker()


_LISTS: dict[str, Callable[[_Walk], Iterator[Finding]]] = {
    "sessions": _walk_sessions,
    "payments": _walk_charges,
    "refunds": _walk_refunds,
    "disputes": _walk_disputes,
}
