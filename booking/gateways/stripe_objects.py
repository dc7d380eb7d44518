"""Reading Stripe's JSON into our frozen values. Plain data in, values out: no SDK, no network.

https://docs.stripe.com/api names each field.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booking.domain.money import Money
from booking.domain.payouts import EntryKind, Payout, PayoutItem
from booking.domain.states import AttemptPurpose, Authentication, RefundStatus
from booking.gateways.payments import (
    BadSignature,
    ChargeEvidence,
    DisputeEvidence,
    EventEndpoint,
    Evidence,
    EvidenceState,
    FraudWarning,
    GatewayEvent,
    KeptCard,
    PaymentEvidence,
    RefundEvidence,
    Tag,
)
from booking.gateways.stripe_billing import read_invoice_news, read_subscription_news

# What the pinned SDK asks for, and how objects are read here. Versions of one name break nothing for each other:
# https://docs.stripe.com/api/versioning
API_VERSION = "2026-10-28.endive"

Data = Mapping[str, Any]


def read_tag(data: Data) -> Tag:
    """Our metadata, as far as it is there."""
    metadata = data.get("metadata") or {}
    fields = ("app", "purpose", "booking_id", "attempt", "refund_id")
    return Tag(**{field: str(metadata.get(field, "")) for field in fields})


def read_session(data: Data, state: EvidenceState | None = None) -> PaymentEvidence:
    """A Checkout Session; `state` where an event's type says more than the object."""
    intent = data.get("payment_intent")
    details: Data = intent if isinstance(intent, Mapping) else {}
    return PaymentEvidence(
        state=state or _session_state(data, details),
        tag=read_tag(data),
        livemode=bool(data["livemode"]),
        session_id=str(data["id"]),
        payment_intent_id=_id_of(intent),
        charge_id=_id_of(details.get("latest_charge")),
        amount=_session_amount(data, details),
        mode=str(data.get("mode")),
        decline_code=_decline_code(details),
        url=data.get("url"),
        expires_at=_instant(data.get("expires_at")),
        subscription_id=_id_of(data.get("subscription")),
        capture_before=_capture_before(details),
    )


def read_intent(data: Data, state: EvidenceState) -> PaymentEvidence:
    """A PaymentIntent whose event's type gives the state."""
    amount = data.get("amount_received") if state is EvidenceState.PAID else data.get("amount")
    return PaymentEvidence(
        state=state,
        tag=read_tag(data),
        livemode=bool(data["livemode"]),
        payment_intent_id=str(data["id"]),
        charge_id=_id_of(data.get("latest_charge")),
        amount=_money(amount, data.get("currency")),
        decline_code=_decline_code(data),
        capture_before=_capture_before(data),
    )


def read_intent_as_it_is(data: Data) -> PaymentEvidence:
    """A PaymentIntent that was looked up: its own words give the state.

    https://docs.stripe.com/payments/paymentintents/lifecycle
    """
    evidence = read_intent(data, _intent_state(data))
    secret = data.get("client_secret")
    return replace(evidence, client_secret=str(secret) if secret else None)


def _intent_state(data: Data) -> EvidenceState:
    known = {
        "succeeded": EvidenceState.PAID,
        "requires_capture": EvidenceState.AUTHORIZED,
        "processing": EvidenceState.PROCESSING,
        "canceled": EvidenceState.EXPIRED,
    }
    waits = EvidenceState.DECLINED if data.get("last_payment_error") else EvidenceState.OPEN
    return known.get(str(data.get("status")), waits)


def read_kept_card(method: Data | None) -> KeptCard | None:
    """An expanded PaymentMethod; None where it is no card, or no customer's."""
    if method is None or method.get("type") != "card" or not method.get("customer"):
        return None
    card: Data = method["card"]
    return KeptCard(
        payment_method_id=str(method["id"]),
        customer_id=_id_of(method["customer"]) or "",
        brand=str(card.get("display_brand") or card.get("brand") or "card"),
        last4=str(card["last4"]),
        exp_month=int(card["exp_month"]),
        exp_year=int(card["exp_year"]),
    )


def read_refund(data: Data) -> RefundEvidence:
    """A Refund."""
    return RefundEvidence(
        refund_id=str(data["id"]),
        status=RefundStatus(data.get("status") or "pending"),
        amount=Money(int(data["amount"]), str(data["currency"])),
        payment_intent_id=_id_of(data.get("payment_intent")),
        charge_id=_id_of(data.get("charge")),
        tag=read_tag(data),
        failure_reason=data.get("failure_reason"),
    )


def read_charge(data: Data) -> ChargeEvidence:
    """A Charge, for what came and what was refunded of it."""
    currency = str(data["currency"])
    return ChargeEvidence(
        charge_id=str(data["id"]),
        payment_intent_id=_id_of(data.get("payment_intent")),
        captured=Money(int(data.get("amount_captured") or 0), currency),
        refunded=Money(int(data.get("amount_refunded") or 0), currency),
        tag=read_tag(data),
        authentication=_authentication(data.get("payment_method_details")),
    )


def _authentication(details: Data | None) -> Authentication | None:
    """https://docs.stripe.com/api/charges/object#charge_object-payment_method_details-card-three_d_secure."""
    if not details:
        return None
    if details.get("type") != "card":
        return Authentication.NO_CARD
    secure: Data | None = (details.get("card") or {}).get("three_d_secure")
    if not secure:
        return Authentication.NONE
    if secure.get("result") != "authenticated":
        return Authentication.OTHER
    flows = {"challenge": Authentication.CHALLENGE, "frictionless": Authentication.FRICTIONLESS}
    return flows.get(str(secure.get("authentication_flow")), Authentication.OTHER)


def read_endpoint(data: Data) -> EventEndpoint:
    """A webhook endpoint; `*` stands for every type of event, or nearly: https://docs.stripe.com/api/webhook_endpoints."""
    return EventEndpoint(
        url=str(data["url"]),
        is_enabled=data.get("status") == "enabled",
        event_types=frozenset(map(str, data.get("enabled_events") or ())),
        api_version=data.get("api_version"),
        must_be_fetched=_is_of_another_version(data.get("api_version")),
    )


def read_dispute(data: Data, *, funds_withdrawn: bool | None = None) -> DisputeEvidence:
    """A Dispute."""
    return DisputeEvidence(
        dispute_id=str(data["id"]),
        charge_id=_id_of(data.get("charge")),
        payment_intent_id=_id_of(data.get("payment_intent")),
        amount=Money(int(data["amount"]), str(data["currency"])),
        status=str(data.get("status")),
        reason=str(data.get("reason") or ""),
        due_by=_instant((data.get("evidence_details") or {}).get("due_by")),
        is_charge_refundable=bool(data.get("is_charge_refundable")),
        funds_withdrawn=_is_withdrawn(data) if funds_withdrawn is None else funds_withdrawn,
        submissions=int((data.get("evidence_details") or {}).get("submission_count") or 0),
    )


def _is_withdrawn(dispute: Data) -> bool | None:
    """What its movements on the balance add up to; None where the object shows none (an inquiry takes nothing)."""
    moved = [int(entry.get("amount") or 0) for entry in dispute.get("balance_transactions") or []]
    return sum(moved) < 0 if moved else None


def read_payout(data: Data) -> Payout:
    """A Payout. What it holds is known of those that Stripe made by its own schedule."""
    return Payout(
        payout_id=str(data["id"]),
        amount=Money(int(data["amount"]), str(data["currency"])),
        status=str(data["status"]),
        arrives_on=datetime.fromtimestamp(int(data["arrival_date"]), UTC).date(),
        items_known=bool(data.get("automatic")),
    )


def read_payout_item(data: Data) -> PayoutItem:
    """A balance transaction with its source expanded."""
    currency, source = str(data["currency"]), data.get("source")
    details: Data = source if isinstance(source, Mapping) else {}
    return PayoutItem(
        kind=_entry_kind(str(data["type"]), str(details.get("object"))),
        type=str(data["type"]),
        at=datetime.fromtimestamp(int(data["created"]), UTC),
        amount=Money(int(data["amount"]), currency),
        fee=Money(int(data.get("fee") or 0), currency),
        net=Money(int(data["net"]), currency),
        source_id=_id_of(source) or "",
        source_amount=_money(details.get("amount_captured", details.get("amount")), details.get("currency")),
        payment_intent_id=_id_of(details.get("payment_intent")) or "" if details.get("object") == "charge" else "",
    )


def _entry_kind(entry_type: str, source: str) -> EntryKind:
    if source == "charge" and entry_type in ("charge", "payment"):
        return EntryKind.PAYMENT
    return {"refund": EntryKind.REFUND, "dispute": EntryKind.DISPUTE}.get(source, EntryKind.OTHER)


def read_fraud_warning(data: Data) -> FraudWarning:
    """A Radar early fraud warning."""
    return FraudWarning(_id_of(data.get("charge")), _id_of(data.get("payment_intent")))


def read_event(payload: Data) -> GatewayEvent:
    """An event whose signature was verified. Raises BadSignature where it has not the shape of one."""
    try:
        return _read_event(payload)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSignature("not an event") from error


def _read_event(payload: Data) -> GatewayEvent:
    event_id, event_type = payload["id"], payload["type"]
    if not (_is_text(event_id, 255) and _is_text(event_type, 200)) or payload["object"] not in _EVENT_OBJECTS:
        raise ValueError("no id or type")
    if payload["object"] != "event" or payload.get("account") or event_type not in READERS:
        # A thin event, one of a connected account's, or of a type that nothing here depends on.
        return GatewayEvent(event_id, event_type, bool(payload.get("livemode")), "", None, payload)
    data: Data = payload["data"]["object"]
    is_foreign = _is_of_another_version(payload.get("api_version"))
    is_short = event_type == "checkout.session.completed" and _says_too_little(data)
    return GatewayEvent(
        event_id=event_id,
        type=event_type,
        livemode=bool(payload["livemode"]),
        object_id=str(data["id"]),
        evidence=None if is_foreign or is_short else READERS[event_type](data),
        payload=payload,
        must_be_fetched=is_foreign or is_short,
        says_too_little=is_short,
    )


def read_fetched(event: GatewayEvent, data: Data) -> GatewayEvent:
    """An event with its object as it is now."""
    # Where a dispute's money is now, its movements say; the event's type says where it was.
    read = read_dispute if data.get("object") == "dispute" else READERS[event.type]
    return replace(event, evidence=read(data), must_be_fetched=False, says_too_little=False)


def kind_of(event: GatewayEvent) -> str:
    """What kind of object an event is about, in Stripe's own words: checkout.session, refund..."""
    return str(event.payload["data"]["object"].get("object"))


def _is_of_another_version(version: Any) -> bool:
    """Whether an event's object may be of another shape; events from before there was a version name none."""
    return version is not None and str(version).partition(".")[2] != API_VERSION.partition(".")[2]


_EVENT_OBJECTS = ("event", "v2.core.event")


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


def _session_reader(state: EvidenceState | None) -> Callable[[Data], Evidence]:
    return lambda data: read_session(data, state)


def _intent_reader(state: EvidenceState) -> Callable[[Data], Evidence]:
    return lambda data: read_intent(data, state)


def _dispute_reader(funds_withdrawn: bool | None) -> Callable[[Data], Evidence]:
    return lambda data: read_dispute(data, funds_withdrawn=funds_withdrawn)


# The events of https://docs.stripe.com/api/events/types that this shop subscribes to, and how each is read.
READERS: dict[str, Callable[[Data], Evidence]] = {
    "checkout.session.completed": _session_reader(None),
    "checkout.session.async_payment_succeeded": _session_reader(EvidenceState.PAID),
    "checkout.session.async_payment_failed": _session_reader(EvidenceState.FAILED),
    "checkout.session.expired": _session_reader(EvidenceState.EXPIRED),
    "payment_intent.succeeded": _intent_reader(EvidenceState.PAID),
    "payment_intent.payment_failed": _intent_reader(EvidenceState.DECLINED),
    "payment_intent.canceled": _intent_reader(EvidenceState.EXPIRED),
    "refund.created": read_refund,
    "refund.updated": read_refund,
    "refund.failed": read_refund,
    "charge.refunded": read_charge,
    "charge.dispute.created": _dispute_reader(None),
    "charge.dispute.updated": _dispute_reader(None),
    "charge.dispute.closed": _dispute_reader(None),
    "charge.dispute.funds_withdrawn": _dispute_reader(True),
    "charge.dispute.funds_reinstated": _dispute_reader(False),
    "radar.early_fraud_warning.created": read_fraud_warning,
    "customer.subscription.created": read_subscription_news,
    "customer.subscription.updated": read_subscription_news,
    "customer.subscription.deleted": read_subscription_news,
    "invoice.payment_succeeded": read_invoice_news,
    "invoice.paid": read_invoice_news,
    "invoice.payment_failed": read_invoice_news,
}


def _session_state(session: Data, intent: Data) -> EvidenceState:
    if session.get("status") != "complete":
        return EvidenceState.EXPIRED if session.get("status") == "expired" else EvidenceState.OPEN
    if intent.get("capture_method") == "manual" and intent.get("status") in _INTENT_STATES:
        return _INTENT_STATES[str(intent["status"])]
    if session.get("payment_status") == "unpaid":
        # A delayed payment that failed leaves the session complete and its PaymentIntent without a method.
        has_failed = intent.get("status") in ("requires_payment_method", "canceled")
        return EvidenceState.FAILED if has_failed else EvidenceState.PROCESSING
    return EvidenceState.PAID if session.get("payment_status") == "paid" else EvidenceState.NOTHING_DUE


# What a payment that is authorised first is, by its intent's status alone: what Stripe calls the session of one that
# waits to be captured, no page of its own says. https://docs.stripe.com/payments/paymentintents/lifecycle
_INTENT_STATES = {
    "requires_capture": EvidenceState.AUTHORIZED,
    "succeeded": EvidenceState.PAID,
    "canceled": EvidenceState.EXPIRED,
}


def _says_too_little(session: Data) -> bool:
    """Whether a session's event leaves open if money came or was only authorised: it names the payment, no more."""
    tag, intent = read_tag(session), session.get("payment_intent")
    return tag.purpose == AttemptPurpose.REQUEST and intent is not None and not isinstance(intent, Mapping)


def _session_amount(session: Data, intent: Data) -> Money | None:
    """What was captured, where it was authorised first and may be less; else what the session is about."""
    is_captured = intent.get("capture_method") == "manual" and intent.get("status") == "succeeded"
    minor = intent.get("amount_received") if is_captured else session.get("amount_total")
    return _money(minor, session.get("currency"))


def _capture_before(intent: Data) -> datetime | None:
    """Until when an authorised sum can be captured; None where its charge is not shown, or no card's.

    https://docs.stripe.com/api/charges/object#charge_object-payment_method_details-card-capture_before
    """
    charge = intent.get("latest_charge")
    details: Data = (charge.get("payment_method_details") or {}) if isinstance(charge, Mapping) else {}
    return _instant((details.get("card") or {}).get("capture_before"))


def _decline_code(intent: Data) -> str | None:
    error = intent.get("last_payment_error") or {}
    return error.get("decline_code") or error.get("code")


def _money(minor: Any, currency: Any) -> Money | None:
    if minor is None or currency is None:
        return None
    return Money(int(minor), str(currency))


def _id_of(value: Any) -> str | None:
    """The id of something that is an id, an expanded object, or nothing."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return str(value) if value else None


def _instant(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
