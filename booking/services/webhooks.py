"""Taking in Stripe's events: verify, file, dispatch, mark. The inbox row and its effect are one transaction."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from booking import metrics
from booking.database import insert_of, run, transaction
from booking.domain.errors import BookingNotFound
from booking.domain.states import Source
from booking.extensions import DATABASE_AWAY
from booking.gateways.payments import (
    ChargeEvidence,
    DisputeEvidence,
    FraudWarning,
    GatewayEvent,
    GatewayRefused,
    PaymentEvidence,
    RefundEvidence,
    Tag,
)
from booking.models import Payment, WebhookEvent
from booking.models.outbox import OutboxKind
from booking.models.webhook import InboxOutcome
from booking.runtime import Runtime
from booking.services import audit, memberships, notifications, outbox
from booking.services.attempts import settle_now
from booking.services.cases import Outcome
from booking.services.disputes import record_dispute, record_fraud_warning
from booking.services.instance import Identity, get_identity
from booking.services.notifications import StaffNotice
from booking.services.refund_news import apply_charge, apply_refund, is_known_payment
from booking.services.settlement import settle
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# What Stripe says of a payment of another account, and our gateway of one that brought no money.
NO_SUCH_PAYMENT = ("resource_missing", "not_captured")


class ReceiptStatus(StrEnum):
    """What the sender is told."""

    HANDLED = "handled"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a delivery ended; `note` is for logs and staff."""

    status: ReceiptStatus
    note: str = ""


class _NotOurs(Exception):
    """The event is of another program on the same account: roll back, so that no trace of it is left."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One event on its way through its transaction."""

    session: Session
    event: GatewayEvent
    cause: Cause
    now: datetime
    identity: Identity
    is_ours: bool  # carries our id, or is about a payment that does
    member_news: memberships.MemberNews | None = None  # what Stripe answered, where the event is the club's


@dataclass(frozen=True, slots=True)
class _Effect:
    """What an event came to: a word for the inbox, and the booking it concerned."""

    note: str
    booking_id: int | None


def receive_event(runtime: Runtime, body: bytes, signature: str | None) -> Receipt:
    """One delivery of Stripe's, from raw bytes to a committed effect.

    Whatever comes back means that a decision was committed (or that there was none to make); whatever is raised means
    that nothing was, so that Stripe's retry is welcome.

    Raises:
        BadSignature: nothing was looked at.
        GatewayUnavailable, GatewayRefused: its object or its payment had to be asked for, and could not be.
        SQLAlchemyError: nothing was written.
    """
    event = runtime.payments.read_event(body, signature)
    fields = {"event": "webhook_received", "stripe_event": event.event_id}
    logger.info("Processing webhook event: %s", event.type, extra=fields)
    event_type = event.type if event.concerns_the_shop else "other"
    try:
        receipt = _take_in(runtime, event, Cause(Source.WEBHOOK, stripe_event_id=event.event_id))
    except Exception:
        metrics.count_webhook(event_type, "failed")
        raise
    metrics.count_webhook(event_type, receipt.status)
    return receipt


def replay_event(runtime: Runtime, event_id: str, staff_email: str) -> Receipt:
    """Take in an event from the inbox once more, at the wish of staff: safe at any time. Raises BookingNotFound."""
    with transaction() as session:
        row = session.get(WebhookEvent, event_id)
        if row is None:
            raise BookingNotFound("We cannot find that event.")
        payload = dict(row.payload)
        audit.record(session, staff_email, "webhook.replayed", f"event {event_id}", runtime.clock.now())
    event = runtime.payments.parse_event(payload)
    return _take_in(runtime, event, Cause(Source.STAFF, staff_email, event.event_id), is_replay=True)


def _take_in(runtime: Runtime, event: GatewayEvent, cause: Cause, *, is_replay: bool = False) -> Receipt:
    identity, now = get_identity(runtime), runtime.clock.now()
    if not event.concerns_the_shop:
        return _ignore(event, "not a type that concerns this shop")
    if event.livemode != identity.livemode:
        logger.warning("webhook_of_other_mode", extra={"stripe_event": event.event_id})
        return Receipt(ReceiptStatus.IGNORED, "of the other mode (test or live)")
    if event.must_be_fetched:
        event = _fetch(runtime, event)
    member_news = None
    if event.evidence is not None and memberships.is_of_club(event.evidence):
        member_news = memberships.ask(runtime, event.evidence, identity)
        if member_news is None:
            return _ignore(event, "not ours")
    is_ours = member_news is not None or _meet_payment(runtime, event, identity)
    try:
        with transaction() as session:
            receipt = _handle(_Delivery(session, event, cause, now, identity, is_ours, member_news), is_replay)
    except _NotOurs:
        return _ignore(event, "not ours")
    except Exception as error:
        _note_failure(event, error, now)
        raise
    runtime.wake_worker()
    return receipt


def _fetch(runtime: Runtime, event: GatewayEvent) -> GatewayEvent:
    if not event.says_too_little:
        logger.warning("webhook_of_other_version", extra={"stripe_event": event.event_id, "type": event.type})
    return runtime.payments.fetch_evidence(event)


def _handle(delivery: _Delivery, is_replay: bool) -> Receipt:
    evidence = delivery.event.evidence
    if not is_replay and not _file(delivery):
        return _ignore(delivery.event, "handled before")
    effect = _on_club(delivery) if delivery.member_news else _HANDLERS[type(evidence)](delivery, evidence)
    if effect is not None:
        return _mark(delivery, InboxOutcome.HANDLED, effect)
    if delivery.is_ours:
        return _park(delivery)
    raise _NotOurs


# --- the inbox ------------------------------------------------------------------------------------------------------


def _file(delivery: _Delivery) -> bool:
    """Write the inbox row, or take over one that failed; False where the event was dealt with before."""
    session, event = delivery.session, delivery.event
    row = {
        "id": event.event_id,
        "type": event.type,
        "object_id": event.object_id[:255],
        "outcome": InboxOutcome.FAILED,
        "payload": dict(event.payload),
        "received_at": delivery.now,
    }
    return run(session, _filing(insert_of(session)), row).first() is not None


_ROW: Any = WebhookEvent.__table__


@cache
def _filing(insert: Callable[[Any], Any]) -> Any:
    """The same statement for every event, put together once for each database."""
    fresh = insert(_ROW)
    again = fresh.on_conflict_do_update(
        index_elements=["id"],
        set_={"deliveries": _ROW.c.deliveries + 1, "updated_at": fresh.excluded.updated_at},
        where=_ROW.c.outcome.in_((InboxOutcome.FAILED, InboxOutcome.UNMATCHED)),
    )
    return again.returning(_ROW.c.id)


_MARKING = (
    update(_ROW)
    .where(_ROW.c.id == bindparam("of_event"))
    .values(outcome=bindparam("came_to"), note=bindparam("says"), booking_id=bindparam("concerns"))
)


def _mark(delivery: _Delivery, outcome: InboxOutcome, effect: _Effect) -> Receipt:
    told = {"came_to": outcome, "says": effect.note, "concerns": effect.booking_id}
    delivery.session.flush()  # what the event has brought about, before it counts as handled
    run(delivery.session, _MARKING, {"of_event": delivery.event.event_id, **told})
    status = ReceiptStatus.UNMATCHED if outcome is InboxOutcome.UNMATCHED else ReceiptStatus.HANDLED
    return Receipt(status, effect.note)


def _park(delivery: _Delivery) -> Receipt:
    """Our own id on it, and no such booking here: perhaps a backup is being restored. Stripe's retries cover that."""
    event = delivery.event
    note = f"Stripe told of {event.type} for a booking that is not in this database. Was a backup restored?"
    notifications.tell_staff(delivery.session, StaffNotice.UNMATCHED, delivery.now, None, note, fact_id=event.object_id)
    logger.error("webhook_unmatched", extra={"stripe_event": event.event_id, "type": event.type})
    return _mark(delivery, InboxOutcome.UNMATCHED, _Effect("no such booking here", None))


def _note_failure(event: GatewayEvent, error: Exception, now: datetime) -> None:
    """Leave a trace of what failed, where the database still takes one: all else was rolled back."""
    logger.exception("webhook_failed", extra={"stripe_event": event.event_id, "type": event.type})
    if isinstance(error, DATABASE_AWAY):
        return  # waiting for it once more would only make the answer late
    try:
        with transaction() as session:
            row = session.get(WebhookEvent, event.event_id) or WebhookEvent(
                id=event.event_id, type=event.type, object_id=event.object_id[:255], received_at=now,
                outcome=InboxOutcome.FAILED, payload=dict(event.payload),
            )  # fmt: skip
            if row.outcome is InboxOutcome.FAILED:
                row.note = type(error).__name__
            session.add(row)
    except SQLAlchemyError:
        logger.warning("webhook_failure_not_noted", extra={"stripe_event": event.event_id})


def _ignore(event: GatewayEvent, why: str) -> Receipt:
    logger.info("webhook_ignored", extra={"stripe_event": event.event_id, "why": why})
    return Receipt(ReceiptStatus.IGNORED, why)


# --- whose it is ----------------------------------------------------------------------------------------------------


def _meet_payment(runtime: Runtime, event: GatewayEvent, identity: Identity) -> bool:
    """Whether an event is ours; if it is news of a payment that is not known here yet, that payment is settled first.

    Events come in any order, and neither a dispute nor a refund made by hand says whose payment it is about: it is
    asked about once, rather than ignored for good. https://docs.stripe.com/webhooks#event-ordering
    """
    evidence = event.evidence
    tag, intent_id = getattr(evidence, "tag", Tag()), getattr(evidence, "payment_intent_id", None)
    says_whose = tag.app or isinstance(evidence, PaymentEvidence | ChargeEvidence)
    is_ours = tag.app == identity.instance_id
    if isinstance(evidence, PaymentEvidence) or not intent_id or (says_whose and not is_ours):
        return is_ours
    return is_known_payment(intent_id) or _settle_first(runtime, intent_id, identity) or is_ours


def _settle_first(runtime: Runtime, payment_intent_id: str, identity: Identity) -> bool:
    """Whether the payment carries our id."""
    try:
        evidence = runtime.payments.look_up_payment(payment_intent_id)
    except GatewayRefused as refusal:
        if refusal.reason not in NO_SUCH_PAYMENT:
            raise
        return False
    if evidence.tag.app != identity.instance_id:
        return False
    # Not the webhook's doing: its event proves no payment, and if taking it in fails it may never come again.
    settle_now(runtime, evidence, Cause(Source.RECONCILE), identity)
    return True


# --- what each kind of evidence does --------------------------------------------------------------------------------


def _on_payment(delivery: _Delivery, evidence: PaymentEvidence) -> _Effect | None:
    settled = settle(delivery.session, evidence, delivery.cause, delivery.now, delivery.identity)
    if settled.outcome is Outcome.UNKNOWN:
        return None
    return _Effect(settled.outcome, settled.booking_id)


def _on_refund(delivery: _Delivery, evidence: RefundEvidence) -> _Effect | None:
    refund = apply_refund(delivery.session, evidence, delivery.cause, delivery.now, delivery.identity)
    return _Effect(f"refund {refund.status}", refund.booking_id) if refund else None


def _on_charge(delivery: _Delivery, evidence: ChargeEvidence) -> _Effect | None:
    """The charge counts at once; the worker then fetches its refunds, which the event does not carry."""
    payment = apply_charge(delivery.session, evidence)
    if payment is None:
        # Stripe tells of a sum that was reserved and let go as of a charge that was refunded.
        is_no_money = evidence.captured.minor == 0 and delivery.is_ours
        return _Effect("a sum that was only reserved was let go", None) if is_no_money else None
    key = f"sync:{delivery.event.event_id}"
    outbox.enqueue(
        delivery.session, OutboxKind.SYNC_REFUNDS, key[:120], {"payment_id": payment.id}, delivery.now,
        booking_id=payment.booking_id,
    )  # fmt: skip
    return _Effect("refunds are being looked up", payment.booking_id)


def _on_dispute(delivery: _Delivery, evidence: DisputeEvidence) -> _Effect | None:
    payment = record_dispute(delivery.session, evidence, delivery.cause, delivery.now)
    return _effect_on(payment, f"dispute {evidence.status}")


def _on_fraud_warning(delivery: _Delivery, evidence: FraudWarning) -> _Effect | None:
    return _effect_on(record_fraud_warning(delivery.session, evidence, delivery.cause, delivery.now), "fraud warning")


def _on_club(delivery: _Delivery) -> _Effect | None:
    """Whatever the event says of a membership, what counts is what Stripe answered when it was asked."""
    assert delivery.member_news is not None
    note = memberships.take_in(delivery.session, delivery.member_news, delivery.identity, delivery.now)
    return _Effect(note, None) if note else None


def _effect_on(payment: Payment | None, note: str) -> _Effect | None:
    return None if payment is None else _Effect(note[:200], payment.booking_id)


_HANDLERS: dict[type, Callable[..., _Effect | None]] = {
    PaymentEvidence: _on_payment,
    RefundEvidence: _on_refund,
    ChargeEvidence: _on_charge,
    DisputeEvidence: _on_dispute,
    FraudWarning: _on_fraud_warning,
}
