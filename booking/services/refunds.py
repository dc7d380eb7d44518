"""Refunds that we send: the row first, then the call with its own key. What Stripe says of them: refund_news.py."""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import require_transaction, transaction
from booking.domain.errors import RefundRefused
from booking.domain.money import Money, step
from booking.domain.states import (
    RefundReason,
    RefundStatus,
    Source,
)
from booking.gateways.payments import (
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    Params,
    RefundEvidence,
    RefundOrder,
    Tag,
)
from booking.models import Booking, BookingEvent, Dispute, Payment, Refund
from booking.models.outbox import OutboxKind
from booking.models.payment import CALLED_OFF
from booking.runtime import Runtime
from booking.services import audit, outbox, refund_news, timeline
from booking.services.instance import Identity, get_identity
from booking.services.keys import renew_key
from booking.services.ledger import list_payments, refresh_money
from booking.services.locks import lock_booking
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# Stripe's code for a refund of a charge that a bank has taken back: https://docs.stripe.com/error-codes
DISPUTED = "charge_disputed"
_TOO_MUCH = "That is more than is left to refund."
_BLOCKED = "The bank has taken this payment back in a dispute, so it cannot be refunded now."

# What was sent a moment ago may still be on its way. A key that is older than this may be one that Stripe answers with
# the same error for a day, and then forgets: its list says whether anything was done under it.
# https://docs.stripe.com/api/idempotent_requests
KEY_LIFE = timedelta(minutes=10)
# From this try on, an answer that stays unknown is settled by looking at Stripe's own list.
LOOK_FROM_TRY = 3
# Stripe replays a stored 500 for as long as it knows the key; looked at and found absent, a new key is due.
NEW_KEY_FROM_TRY = 5


def order_refund(
    runtime: Runtime, booking_id: int, amount: Money, staff_email: str, form_token: str, *, left: Money | None = None
) -> int:
    """Staff sends part of a booking's money back, without touching the booking. Commits; the worker sends it.

    The same form sent twice is one refund. `left` is what the page said could go back: where it is something else by
    now, somebody else was at it, and nobody should do the same once more without having seen that. Returns the id of
    the (first) refund's row.

    Raises:
        BookingNotFound, RefundRefused: nothing was written.
    """
    now = runtime.clock.now()
    try:
        with transaction() as session:
            booking = lock_booking(session, booking_id)
            done = _find_by_token(session, form_token)
            if done is None:
                _refuse_if_changed(session, booking, left)
                cause = Cause(Source.STAFF, staff_email)
                done = spread_refund(session, booking, amount, RefundReason.GOODWILL, cause, now, form_token)
                sent = {"amount_minor": amount.minor, "currency": amount.currency}
                audit.record(session, staff_email, "refund.ordered", f"booking {booking.reference}", now, after=sent)
            refund_id = done.id
    except IntegrityError:  # the other half of a double click was first
        refund_id = _get_by_token(form_token)
    runtime.wake_worker()
    return refund_id


def spread_refund(
    session: Session,
    booking: Booking,
    amount: Money,
    reason: RefundReason,
    cause: Cause,
    now: datetime,
    form_token: str,
) -> Refund:
    """Write refunds for an amount over a booking's payments, oldest first. Joins the caller's transaction.

    Raises:
        RefundRefused: no amount, or more than is left; nothing is written then.
    """
    payments = _list_unblocked(session, booking)
    _check_amount(session, booking, payments, amount)
    first: Refund | None = None
    left = amount.minor
    for payment in payments:
        part = min(left, payment.entry.refundable_minor)
        if part:
            token = form_token if first is None else f"{form_token}:{payment.id}"
            refund = request_refund(
                session, payment, Money(part, payment.currency), reason, cause, now, form_token=token
            )
            first, left = first or refund, left - part
    assert first is not None
    return first


def request_refund(
    session: Session,
    payment: Payment,
    amount: Money,
    reason: RefundReason,
    cause: Cause,
    now: datetime,
    *,
    form_token: str | None = None,
) -> Refund:
    """Write one refund with its key, and ask the worker to send it. Joins the caller's transaction.

    What the house took itself it hands back itself: such a row has no key, is never sent, and waits for the member of
    staff who says that it is done.
    """
    require_transaction(session)
    token = uuid.uuid4().hex
    refund = Refund(
        booking_id=payment.booking_id,
        payment_id=payment.id,
        token=token,
        amount_minor=amount.minor,
        currency=amount.currency,
        status=RefundStatus.REQUESTED,
        reason=reason,
        requested_by=cause.actor,
        idempotency_key=f"refund:{token}" if payment.is_with_stripe else None,
        form_token=form_token,
    )
    session.add(refund)
    session.flush()  # the outbox row and the timeline name its id
    if payment.is_with_stripe:
        errand = {"refund_id": refund.id}
        outbox.enqueue(session, OutboxKind.REFUND, f"refund:{refund.id}", errand, now, booking_id=payment.booking_id)
    booking = session.get_one(Booking, payment.booking_id)
    timeline.record(session, booking, "refund_requested", cause, now, note=f"refund {refund.id}, reason {reason}")
    refresh_money(session, booking)
    return refund


def note_handed_over(runtime: Runtime, refund_id: int, staff_email: str) -> int:
    """Staff has given back what the house had taken itself. Commits; twice is once. Returns the booking's id.

    Raises:
        RefundRefused: no such refund, or one that Stripe sends.
    """
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    with transaction() as session:
        refund = session.get(Refund, refund_id)
        if refund is None or refund.payment.is_with_stripe:
            raise RefundRefused
        booking = lock_booking(session, refund.booking_id)
        session.refresh(refund)
        if refund.status is RefundStatus.REQUESTED:
            refund.status = RefundStatus.SUCCEEDED
            note = f"refund {refund.id}, handed over by the house"
            timeline.record(session, booking, "refund_succeeded", cause, now, note=note)
            given = {"refund": refund.id, "minor": refund.amount_minor, "currency": refund.currency}
            audit.record(session, staff_email, "refund.handed_over", f"booking {booking.reference}", now, after=given)
            refresh_money(session, booking)
        return booking.id


def send_refund(runtime: Runtime, refund_id: int, *, tries: int = 1) -> None:
    """Send a requested refund to Stripe. Commits before and after; no transaction is open during the calls.

    While a dispute keeps the charge from being refunded, the row waits: the bank may give the guest the same money.
    It goes out when the charge can be refunded again, and is called off when the dispute is lost.

    Raises:
        GatewayUnavailable: the outcome is not known yet; the row stays `requested` and is tried again.
    """
    order = _prepare(runtime, refund_id)
    if order is None:
        return
    evidence = _look(runtime, order) if order.must_look or tries >= LOOK_FROM_TRY else None
    if evidence is None and order.is_blocked:
        _wait_or_call_off(runtime, refund_id)
    elif evidence is None:
        evidence = _send(runtime, order, tries)
    if evidence is not None:
        _apply_in_transaction(runtime, evidence)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is needed to send one refund, with no row attached."""

    refund_id: int
    token: str
    params: Params
    key: str
    payment_intent_id: str
    must_look: bool  # the key has been used for a while, or nothing may be sent
    is_blocked: bool  # a dispute keeps the charge from being refunded


def _prepare(runtime: Runtime, refund_id: int) -> _Order | None:
    """Freeze the parameters at the first try; None where nothing is left to do."""
    identity, now = get_identity(runtime), runtime.clock.now()
    with transaction() as session:
        refund = session.get_one(Refund, refund_id, with_for_update=True)
        if refund.status is not RefundStatus.REQUESTED or refund.stripe_refund_id:
            return None
        if refund.payment.payment_intent_id is None:  # the house hands it back itself
            return None
        is_blocked = _is_blocked(session, refund.payment_id)
        is_old = refund.first_sent_at is not None and refund.first_sent_at < now - KEY_LIFE
        if refund.first_sent_at is None and not is_blocked:
            refund.params = runtime.payments.refund_params(_order_of(refund, identity))
            refund.first_sent_at = now
        assert refund.idempotency_key is not None
        return _Order(
            refund_id=refund.id,
            token=refund.token,
            params=dict(refund.params or {}),
            key=refund.idempotency_key,
            payment_intent_id=refund.payment.payment_intent_id,
            must_look=is_old or (is_blocked and refund.first_sent_at is not None),
            is_blocked=is_blocked,
        )


def _order_of(refund: Refund, identity: Identity) -> RefundOrder:
    booking_id = str(refund.booking_id)
    tag = Tag(app=identity.instance_id, purpose="booking", booking_id=booking_id, refund_id=refund.token)
    who = "staff" if refund.requested_by else "system"
    assert refund.payment.payment_intent_id is not None
    return RefundOrder(tag, refund.payment.payment_intent_id, refund.amount, who)


def _look(runtime: Runtime, order: _Order) -> RefundEvidence | None:
    """Our refund in Stripe's own list, by our token."""
    for evidence in runtime.payments.list_refunds(order.payment_intent_id):
        if evidence.tag.refund_id == order.token:
            return evidence
    return None


def _send(runtime: Runtime, order: _Order, tries: int) -> RefundEvidence | None:
    try:
        return runtime.payments.send_refund(order.params, _key_for(runtime, order, tries))
    except GatewayUnavailable:
        raise
    except (GatewayRefused, GatewayConflict) as error:
        evidence = _look(runtime, order)
        why = getattr(error, "reason", "") or error.code
        if evidence is None and why != DISPUTED:  # news of the dispute is on its way to us; till then the row waits
            _give_up(runtime, order.refund_id, why)
        return evidence


def _key_for(runtime: Runtime, order: _Order, tries: int) -> str:
    """The stored key; a new revision of it (stored first) once looking has shown that the old one did nothing."""
    if not order.must_look and tries < NEW_KEY_FROM_TRY:
        return order.key
    with transaction() as session:
        refund, is_renewed = renew_key(session, Refund, order.refund_id, order.key, f"refund:{order.token}")
        if is_renewed:
            refund.first_sent_at = runtime.clock.now()
        assert refund.idempotency_key is not None
        return refund.idempotency_key


def _wait_or_call_off(runtime: Runtime, refund_id: int) -> None:
    """Not sent, because of a dispute. One that is lost has given the guest this money already."""
    now, cause = runtime.clock.now(), Cause(Source.WORKER)
    with transaction() as session:
        refund = session.get_one(Refund, refund_id)
        booking = lock_booking(session, refund.booking_id)
        session.refresh(refund)
        if refund.status is not RefundStatus.REQUESTED:
            return
        if refund_news.is_lost(session, refund.payment_id):
            _call_off(session, booking, refund, cause, now)
            return
        _note_waiting(session, booking, refund, cause, now)
        is_too_much = refund.payment.entry.kept_minor < 0
    if is_too_much:  # refunded in the dashboard meanwhile: Stripe would refuse it, and nobody should count on it
        _give_up(runtime, refund_id, "more_than_is_left")


def _call_off(session: Session, booking: Booking, refund: Refund, cause: Cause, now: datetime) -> None:
    refund.status, refund.failure_reason = RefundStatus.CANCELED, CALLED_OFF
    note = f"refund {refund.id}: the bank has given the guest this money already"
    timeline.record(session, booking, "refund_called_off", cause, now, note=note)
    refresh_money(session, booking)


def _note_waiting(session: Session, booking: Booking, refund: Refund, cause: Cause, now: datetime) -> None:
    """Once, however often it is looked at."""
    note = f"refund {refund.id} waits: the charge is disputed and cannot be refunded now"
    told = select(BookingEvent.id).where(BookingEvent.booking_id == booking.id, BookingEvent.note == note)
    if session.scalar(told.limit(1)) is None:
        timeline.record(session, booking, "refund_waits", cause, now, note=note)


def _give_up(runtime: Runtime, refund_id: int, why: str) -> None:
    """Stripe says a definite no and knows of no such refund: a person must look."""
    now, cause = runtime.clock.now(), Cause(Source.WORKER)
    with transaction() as session:
        refund = session.get_one(Refund, refund_id)
        booking = lock_booking(session, refund.booking_id)
        session.refresh(refund)
        if refund.status is not RefundStatus.REQUESTED:
            return  # another worker's try has brought an answer meanwhile
        refund.status, refund.failure_reason = RefundStatus.FAILED, why[:80]
        refund_news.tell_of(session, booking, refund, cause, now)
        refresh_money(session, booking)
        refund_news.ask_for_the_list(session, refund, now)


def _apply_in_transaction(runtime: Runtime, evidence: RefundEvidence) -> None:
    identity, now = get_identity(runtime), runtime.clock.now()
    with transaction() as session:
        refund_news.apply_refund(session, evidence, Cause(Source.WORKER), now, identity)


def _refuse_if_changed(session: Session, booking: Booking, left: Money | None) -> None:
    payments = _list_unblocked(session, booking)
    if left is not None and left.minor != sum(payment.entry.refundable_minor for payment in payments):
        raise RefundRefused("The money of this booking has changed since that page was made. Look at it again.")


def _check_amount(session: Session, booking: Booking, payments: list[Payment], amount: Money) -> None:
    left = sum(payment.entry.refundable_minor for payment in payments)
    if amount.minor <= 0:
        raise RefundRefused("Give an amount above zero.")
    if booking.currency != amount.currency or any(payment.currency != amount.currency for payment in payments):
        raise RefundRefused("This booking was paid in another currency.")
    if not amount.is_movable:
        example = Money(step(amount.currency), amount.currency).major
        raise RefundRefused(f"{amount.currency.upper()} can only be sent in steps of {example}.")
    if amount.minor > left:
        some_blocked = len(payments) < len(list_payments(session, booking.id))
        raise RefundRefused(_BLOCKED if some_blocked else _TOO_MUCH, left=Money(left, amount.currency))


def _list_unblocked(session: Session, booking: Booking) -> list[Payment]:
    return [payment for payment in list_payments(session, booking.id) if not _is_blocked(session, payment.id)]


def _is_blocked(session: Session, payment_id: int) -> bool:
    """Stripe's own flag, and not the dispute's status: an inquiry leaves its charge refundable."""
    blocked = select(Dispute.id).where(Dispute.payment_id == payment_id, Dispute.is_charge_refundable.is_(False))
    return session.scalar(blocked.limit(1)) is not None


def _find_by_token(session: Session, form_token: str) -> Refund | None:
    return session.scalar(select(Refund).where(Refund.form_token == form_token))


def _get_by_token(form_token: str) -> int:
    with transaction() as session:
        return session.scalars(select(Refund.id).where(Refund.form_token == form_token)).one()
