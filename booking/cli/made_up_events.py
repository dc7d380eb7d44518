"""Events as Stripe would send them, made up for `flask test-webhook`. Pure: facts in, JSON-able data out.

The shapes are those of API version 2026-10-28.endive, https://docs.stripe.com/api/events/object; fields that nothing
here reads are left out.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from booking.queries.story import AttemptFacts

API_VERSION = "2026-10-28.endive"
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How the event is to differ from what Stripe would have sent."""

    wrong_amount: bool = False
    wrong_currency: bool = False
    other_instance: bool = False
    livemode: bool = False


def make_event(event_type: str, facts: AttemptFacts, wishes: Wishes, instance_id: str, now: int) -> Object:
    """An event of this type about this booking, with an id of its own."""
    told = _wished(replace(facts, metadata=_metadata(facts, instance_id)), wishes)
    data = _BUILDERS.get(event_type, _anything)(told, event_type, now)
    return {
        "id": f"evt_test_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": {"object": {**data, "livemode": wishes.livemode}},
        "livemode": wishes.livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": event_type,
    }


def sign(body: bytes, secret: str, at: int) -> str:
    """The Stripe-Signature header: https://docs.stripe.com/webhooks#verify-manually"""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _metadata(facts: AttemptFacts, instance_id: str) -> dict[str, str]:
    made_up = {
        "app": instance_id,
        "purpose": "booking",
        "booking_id": str(facts.booking_id),
        "attempt": str(facts.attempt_id or ""),
    }
    return facts.metadata or made_up


def _wished(facts: AttemptFacts, wishes: Wishes) -> AttemptFacts:
    if wishes.other_instance:
        facts = _of_another_shop(facts)
    currency = ("usd" if facts.currency != "usd" else "eur") if wishes.wrong_currency else facts.currency
    # Never more than was asked for: a shop that took that for paid would be the easier one to fool.
    amount = max(1, facts.amount_minor - 100) if wishes.wrong_amount else facts.amount_minor
    return replace(facts, currency=currency, amount_minor=amount)


def _of_another_shop(facts: AttemptFacts) -> AttemptFacts:
    # It counts its bookings from one as well, but none of its objects at Stripe is ours.
    metadata = {**facts.metadata, "app": "another-shop"}
    return replace(facts, metadata=metadata, session_id=None, payment_intent_id=None, charge_id=None, refund_id=None)


def _made_up_id(prefix: str, facts: AttemptFacts) -> str:
    # The same each time, so that a second run of the command is about the same object, as Stripe's events would be.
    name = f"{facts.metadata.get('app')}:{facts.booking_id}:{facts.attempt_id}"
    return f"{prefix}_test_{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def _intent_id(facts: AttemptFacts) -> str:
    return facts.payment_intent_id or _made_up_id("pi", facts)


def _charge_id(facts: AttemptFacts) -> str:
    return facts.charge_id or _made_up_id("ch", facts)


def _session(facts: AttemptFacts, event_type: str, now: int) -> Object:
    status, payment_status = _SESSION_STATES[event_type]
    is_request = facts.metadata.get("purpose") == "request" and event_type == "checkout.session.completed"
    only_keeps_card = _KEEPS_A_CARD if facts.metadata.get("purpose") == "guarantee" else {}
    return {
        "id": facts.session_id or _made_up_id("cs", facts),
        "object": "checkout.session",
        "amount_subtotal": facts.amount_minor,
        "amount_total": facts.amount_minor,
        "client_reference_id": facts.metadata.get("attempt"),
        "created": now - 60,
        "currency": facts.currency,
        "customer_details": {"email": facts.guest_email, "name": None, "phone": None, "address": None},
        "customer_email": facts.guest_email,
        "expires_at": now + 1800,
        "metadata": facts.metadata,
        "mode": "payment",
        "payment_intent": _reserved(facts, now) if is_request else None if status == "expired" else _intent_id(facts),
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if is_request else payment_status,
        "status": status,
        "url": None,
        **only_keeps_card,
    }


# What is different in a session of the mode `setup`.
_KEEPS_A_CARD: Object = {
    "mode": "setup", "amount_subtotal": None, "amount_total": None, "payment_intent": None,
    "payment_status": "no_payment_required",
}  # fmt: skip


def _intent(facts: AttemptFacts, event_type: str, now: int) -> Object:
    is_paid = event_type == "payment_intent.succeeded"
    return {
        "id": _intent_id(facts),
        "object": "payment_intent",
        "amount": facts.amount_minor,
        "amount_received": facts.amount_minor if is_paid else 0,
        "created": now - 60,
        "currency": facts.currency,
        "last_payment_error": None if is_paid else {"code": "card_declined", "decline_code": "generic_decline"},
        "latest_charge": _charge_id(facts),
        "metadata": facts.metadata,
        "status": "succeeded" if is_paid else "requires_payment_method",
    }


def _reserved(facts: AttemptFacts, now: int) -> Object:
    """A sum that waits to be captured. Stripe's event only names it, and is looked up; there is nothing to look up."""
    held = {"capture_method": "manual", "status": "requires_capture", "last_payment_error": None}
    return {**_intent(facts, "payment_intent.created", now), **held}


def _charge(facts: AttemptFacts, event_type: str, now: int) -> Object:
    return {
        "id": _charge_id(facts),
        "object": "charge",
        "amount": facts.amount_minor,
        "amount_captured": facts.amount_minor,
        "amount_refunded": facts.refunded_minor or facts.amount_minor,
        "created": now - 60,
        "currency": facts.currency,
        "metadata": facts.metadata,
        "paid": True,
        "payment_intent": _intent_id(facts),
        "refunded": facts.refunded_minor in (0, facts.amount_minor),
    }


def _refund(facts: AttemptFacts, event_type: str, now: int) -> Object:
    return {
        "id": facts.refund_id or _made_up_id("re", facts),
        "object": "refund",
        "amount": facts.refunded_minor or facts.amount_minor,
        "charge": _charge_id(facts),
        "created": now,
        "currency": facts.currency,
        "failure_reason": "lost_or_stolen_card" if event_type == "refund.failed" else None,
        "metadata": facts.metadata,
        "payment_intent": _intent_id(facts),
        "status": "failed" if event_type == "refund.failed" else "succeeded",
    }


def _dispute(facts: AttemptFacts, event_type: str, now: int) -> Object:
    return {
        "id": _made_up_id("du", facts),
        "object": "dispute",
        "amount": facts.amount_minor,
        "charge": _charge_id(facts),
        "created": now,
        "currency": facts.currency,
        "evidence_details": {"due_by": now + 7 * 86400, "has_evidence": False, "submission_count": 0},
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": _intent_id(facts),
        "reason": "fraudulent",
        "status": "lost" if event_type.endswith(".closed") else "needs_response",
    }


def _fraud_warning(facts: AttemptFacts, event_type: str, now: int) -> Object:
    return {
        "id": _made_up_id("issfr", facts),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": _charge_id(facts),
        "created": now,
        "fraud_type": "misc",
        "payment_intent": _intent_id(facts),
    }


def _anything(facts: AttemptFacts, event_type: str, now: int) -> Object:
    """A type nobody here knows, sent as it is."""
    kind = event_type.rpartition(".")[0] or event_type
    return {"id": _made_up_id("obj", facts), "object": kind, "created": now, "metadata": facts.metadata}


# How session and payment stand at each event: https://docs.stripe.com/api/checkout/sessions/object
_SESSION_STATES = {
    "checkout.session.completed": ("complete", "paid"),
    "checkout.session.async_payment_succeeded": ("complete", "paid"),
    "checkout.session.async_payment_failed": ("complete", "unpaid"),
    "checkout.session.expired": ("expired", "unpaid"),
}
_BUILDERS: dict[str, Callable[[AttemptFacts, str, int], Object]] = {
    **dict.fromkeys(_SESSION_STATES, _session),
    "payment_intent.succeeded": _intent,
    "payment_intent.payment_failed": _intent,
    "payment_intent.canceled": _intent,
    "charge.refunded": _charge,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "radar.early_fraud_warning.created": _fraud_warning,
}
KNOWN_TYPES = tuple(_BUILDERS)
