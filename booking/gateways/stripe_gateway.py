"""The payment gateway of Stripe. The only place that imports `stripe`: its objects become our values here."""

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from booking import metrics
from booking.clock import Clock
from booking.crashpoints import crash_point, name_of_caller
from booking.domain.money import Money
from booking.domain.payouts import Payout, PayoutItem
from booking.gateways import checkout_params, stripe_objects
from booking.gateways.payments import (
    BadSignature,
    ChargeEvidence,
    ChargeOrder,
    CheckoutOrder,
    CustomerOrder,
    DisputeEvidence,
    EventEndpoint,
    EventNeeds,
    EvidenceState,
    GatewayConflict,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    KeptCard,
    Params,
    PaymentEvidence,
    RefundEvidence,
    RefundOrder,
)
from booking.gateways.stripe_billing import StripeBilling

if TYPE_CHECKING:
    from stripe import StripeClient

T = TypeVar("T")
logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3.05
# With its second try and the pause between them, a page that waits for Stripe in vain answers within ten seconds, which
# is as long as Stripe holds a guest's redirect for our answer. The worker has time. Both are shorter than gunicorn's
# patience.
WEB_READ_SECONDS, WEB_RETRIES = 4, 1
WORKER_READ_SECONDS, WORKER_RETRIES = 30, 3
SIGNATURE_TOLERANCE = 300  # seconds, Stripe's own default: https://docs.stripe.com/webhooks#replay-attacks
CLOCK_SKEW = timedelta(minutes=5)
LONGEST_HEADER = 2000


class StripeGateway(StripeBilling):
    """Talks to Stripe (or to whatever `api_base` names) with one client, shared by all threads."""

    def __init__(
        self,
        api_key: str,
        webhook_secrets: tuple[str, ...],
        clock: Clock,
        *,
        api_base: str = "",
        is_worker: bool = False,
    ) -> None:
        self._api_key = api_key
        self._webhook_secrets = webhook_secrets
        self._clock = clock
        self._api_base = api_base
        self._patience = (WORKER_READ_SECONDS, WORKER_RETRIES) if is_worker else (WEB_READ_SECONDS, WEB_RETRIES)

    def checkout_params(self, order: CheckoutOrder) -> Params:
        return checkout_params.of_guarantee(order) if order.is_guarantee else checkout_params.of_payment(order)

    def open_checkout(self, params: Params, idempotency_key: str) -> PaymentEvidence:
        session = self._call(
            lambda api: api.checkout.sessions.create(params=params, options={"idempotency_key": idempotency_key})
        )
        return stripe_objects.read_session(session)

    def look_up_checkout(self, session_id: str) -> PaymentEvidence:
        params: Any = {"expand": _WITH_SESSION}
        return stripe_objects.read_session(
            self._call(lambda api: api.checkout.sessions.retrieve(session_id, params=params))
        )

    def expire_checkout(self, session_id: str, idempotency_key: str) -> PaymentEvidence:
        options: Any = {"idempotency_key": idempotency_key}
        try:
            self._call(lambda api: api.checkout.sessions.expire(session_id, {}, options))
        except (GatewayRefused, GatewayConflict):
            # Only an open session can be ended, so this one ended before, perhaps by being paid: look.
            logger.info("checkout_not_expirable", extra={"session": session_id})
        try:
            evidence = self.look_up_checkout(session_id)
        except GatewayRefused as refusal:  # our key is not taken any more: somebody may pay all the same
            raise GatewayUnavailable(f"whether the session is over is not known: {refusal}") from refusal
        if evidence.state is EvidenceState.OPEN:
            raise GatewayUnavailable("the session is still open after it was to be expired")
        return evidence

    def list_checkouts(self, since: datetime) -> Iterator[PaymentEvidence]:
        sessions = self._walk(lambda api: api.checkout.sessions, since, expand=["data.payment_intent"])
        yield from map(stripe_objects.read_session, sessions)

    def charge_params(self, order: ChargeOrder) -> Params:
        """https://docs.stripe.com/api/payment_intents/create, and for a saved card
        https://docs.stripe.com/payments/save-and-reuse: with nobody there no method may send a guest anywhere.
        """
        params: Params = {
            "amount": order.amount.minor,
            "currency": order.amount.currency,
            "description": order.description,
            "metadata": checkout_params.metadata_of(order.tag),
            "automatic_payment_methods": {"enabled": True},
        }
        if order.customer_id:
            params["customer"] = order.customer_id
        if order.payment_method_id:
            params["automatic_payment_methods"]["allow_redirects"] = "never"
            params |= {"payment_method": order.payment_method_id, "off_session": True, "confirm": True}
        return params

    def open_charge(self, params: Params, idempotency_key: str) -> PaymentEvidence:
        sent: Any = params
        try:
            intent = self._call(
                lambda api: api.payment_intents.create(params=sent, options={"idempotency_key": idempotency_key})
            )
        except _CardDeclined as declined:  # the payment is there, and says why it was not made
            intent = declined.intent
        return stripe_objects.read_intent_as_it_is(intent)

    def look_up_charge(self, payment_intent_id: str) -> PaymentEvidence:
        return stripe_objects.read_intent_as_it_is(
            self._call(lambda api: api.payment_intents.retrieve(payment_intent_id))
        )

    def cancel_charge(self, payment_intent_id: str, idempotency_key: str) -> PaymentEvidence:
        """https://docs.stripe.com/api/payment_intents/cancel: what succeeded or is processing cannot be."""
        options: Any = {"idempotency_key": idempotency_key}
        try:
            self._call(lambda api: api.payment_intents.cancel(payment_intent_id, {}, options))
        except (GatewayRefused, GatewayConflict):
            logger.info("charge_not_cancelable", extra={"payment_intent": payment_intent_id})
        try:
            evidence = self.look_up_charge(payment_intent_id)
        except GatewayRefused as refusal:
            raise GatewayUnavailable(f"whether the payment is over is not known: {refusal}") from refusal
        if evidence.state in (EvidenceState.OPEN, EvidenceState.DECLINED):
            raise GatewayUnavailable("the payment can still be made after it was to be cancelled")
        return evidence

    def list_payments(self, since: datetime) -> Iterator[PaymentEvidence]:
        yield from map(stripe_objects.read_intent_as_it_is, self._walk(lambda api: api.payment_intents, since))

    def find_card(self, payment_intent_id: str) -> KeptCard | None:
        params: Any = {"expand": ["payment_method"]}
        intent = self._call(lambda api: api.payment_intents.retrieve(payment_intent_id, params=params))
        return stripe_objects.read_kept_card(intent.get("payment_method"))

    def find_guarantee(self, session_id: str) -> KeptCard | None:
        params: Any = {"expand": ["setup_intent.payment_method"]}
        session = self._call(lambda api: api.checkout.sessions.retrieve(session_id, params=params))
        setup = session.get("setup_intent") or {}
        return (
            stripe_objects.read_kept_card(setup.get("payment_method")) if setup.get("status") == "succeeded" else None
        )

    def detach_card(self, payment_method_id: str, idempotency_key: str) -> None:
        """https://docs.stripe.com/api/payment_methods/detach: it cannot be charged any more after this."""
        options: Any = {"idempotency_key": idempotency_key}
        try:
            self._call(lambda api: api.payment_methods.detach(payment_method_id, {}, options))
        except GatewayRefused:
            method = self._call(lambda api: api.payment_methods.retrieve(payment_method_id))
            if method.get("customer"):
                raise

    def list_charges(self, since: datetime) -> Iterator[ChargeEvidence]:
        """Left out is what was authorised only, or declined."""
        charges = self._walk(lambda api: api.charges, since)
        yield from map(stripe_objects.read_charge, (charge for charge in charges if charge.get("captured")))

    def list_disputes(self, since: datetime) -> Iterator[DisputeEvidence]:
        yield from map(stripe_objects.read_dispute, self._walk(lambda api: api.disputes, since))

    def list_new_refunds(self, since: datetime) -> Iterator[RefundEvidence]:
        yield from map(stripe_objects.read_refund, self._walk(lambda api: api.refunds, since))

    def look_up_dispute(self, dispute_id: str) -> DisputeEvidence:
        return stripe_objects.read_dispute(self._call(lambda api: api.disputes.retrieve(dispute_id)))

    def stage_evidence(self, dispute_id: str, texts: Mapping[str, str], idempotency_key: str) -> DisputeEvidence:
        # Unless it says false, an update of the evidence submits it: https://docs.stripe.com/api/disputes/update
        params: Any = {"evidence": dict(texts), "submit": False}
        options: Any = {"idempotency_key": idempotency_key}
        return stripe_objects.read_dispute(self._call(lambda api: api.disputes.update(dispute_id, params, options)))

    def submit_evidence(self, dispute_id: str, texts: Mapping[str, str], idempotency_key: str) -> DisputeEvidence:
        params: Any = {"evidence": dict(texts), "submit": True}
        options: Any = {"idempotency_key": idempotency_key}
        return stripe_objects.read_dispute(self._call(lambda api: api.disputes.update(dispute_id, params, options)))

    def upload_evidence_file(self, name: str, content: bytes, idempotency_key: str) -> str:
        """https://docs.stripe.com/file-upload. The id that comes back is what evidence names."""
        params: Any = {"purpose": "dispute_evidence", "file": _NamedFile(name, content)}
        options: Any = {"idempotency_key": idempotency_key}
        return str(self._call(lambda api: api.files.create(params=params, options=options))["id"])

    def find_evidence_file(self, name: str, since: datetime) -> str | None:
        """Files carry no metadata: the name is ours alone."""
        files = self._walk(lambda api: api.files, since, purpose="dispute_evidence")
        return next((str(file["id"]) for file in files if file.get("filename") == name), None)

    def look_up_payment(self, payment_intent_id: str) -> PaymentEvidence:
        intent = self._call(lambda api: api.payment_intents.retrieve(payment_intent_id))
        if intent["status"] != "succeeded":
            raise GatewayRefused(f"the payment is {intent['status']}", reason="not_captured")
        return stripe_objects.read_intent(intent, EvidenceState.PAID)

    def look_up_authorisation(self, payment_intent_id: str) -> PaymentEvidence:
        params: Any = {"expand": ["latest_charge"]}
        intent = self._call(lambda api: api.payment_intents.retrieve(payment_intent_id, params=params))
        return stripe_objects.read_intent_as_it_is(intent)

    def capture_params(self, amount: Money) -> Params:
        """https://docs.stripe.com/api/payment_intents/capture. The amount is named: "all of it" is never meant."""
        return {"amount_to_capture": amount.minor}

    def capture_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        sent: Any = params
        options: Any = {"idempotency_key": idempotency_key}
        intent = self._call(lambda api: api.payment_intents.capture(payment_intent_id, sent, options))
        return stripe_objects.read_intent_as_it_is(intent)

    def release_params(self) -> Params:
        """https://docs.stripe.com/api/payment_intents/cancel. Of Stripe's four reasons none is about a host."""
        return {"cancellation_reason": "abandoned"}

    def release_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        sent: Any = params
        options: Any = {"idempotency_key": idempotency_key}
        intent = self._call(lambda api: api.payment_intents.cancel(payment_intent_id, sent, options))
        return stripe_objects.read_intent_as_it_is(intent)

    def refund_params(self, order: RefundOrder) -> Params:
        """https://docs.stripe.com/api/refunds/create. The amount is always named, so that "the rest" is never meant."""
        tag = order.tag
        metadata = {"app": tag.app, "purpose": tag.purpose, "booking_id": tag.booking_id, "refund_id": tag.refund_id}
        return {
            "payment_intent": order.payment_intent_id,
            "amount": order.amount.minor,
            "metadata": {**metadata, "refunded_by": order.requested_by},
        }

    def send_refund(self, params: Params, idempotency_key: str) -> RefundEvidence:
        sent: Any = params
        return stripe_objects.read_refund(
            self._call(lambda api: api.refunds.create(params=sent, options={"idempotency_key": idempotency_key}))
        )

    def list_refunds(self, payment_intent_id: str) -> list[RefundEvidence]:
        params: Any = {"payment_intent": payment_intent_id, "limit": 100}
        page = self._call(lambda api: api.refunds.list(params=params))
        return [stripe_objects.read_refund(refund) for refund in page["data"]]

    def look_up_refunded(self, payment_intent_id: str) -> ChargeEvidence | None:
        params: Any = {"expand": ["latest_charge"]}
        intent = self._call(lambda api: api.payment_intents.retrieve(payment_intent_id, params=params))
        charge = intent.get("latest_charge")
        return stripe_objects.read_charge(charge) if charge else None

    def customer_params(self, order: CustomerOrder) -> Params:
        """https://docs.stripe.com/api/customers/create."""
        return {"email": order.email, "metadata": {"app": order.app, "customer": order.token}}

    def create_customer(self, params: Params, idempotency_key: str) -> str:
        sent: Any = params
        options: Any = {"idempotency_key": idempotency_key}
        return str(self._call(lambda api: api.customers.create(params=sent, options=options))["id"])

    def find_customer(self, email: str, token: str, since: datetime) -> str | None:
        """By Stripe's list: its search may be minutes behind (https://docs.stripe.com/api/customers/list)."""
        found = self._walk(lambda api: api.customers, since, email=email)
        mine = (one for one in found if (one.get("metadata") or {}).get("customer") == token)
        return next((str(one["id"]) for one in mine), None)

    def list_payouts(self, before: str | None, limit: int) -> list[Payout]:
        params: dict[str, Any] = {"limit": limit, **({"starting_after": before} if before else {})}
        return [stripe_objects.read_payout(payout) for payout in self._list(lambda api: api.payouts, params)["data"]]

    def look_up_payout(self, payout_id: str) -> Payout:
        return stripe_objects.read_payout(self._call(lambda api: api.payouts.retrieve(payout_id)))

    def list_payout_items(self, payout_id: str) -> Iterator[PayoutItem]:
        """https://docs.stripe.com/payouts/reconciliation. Stripe says it of automatic payouts alone."""
        params = {"payout": payout_id, "expand": ["data.source"]}
        entries = self._walk_all(lambda api: api.balance_transactions, params)
        yield from map(stripe_objects.read_payout_item, (entry for entry in entries if entry["type"] != "payout"))

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        """Everything an unauthenticated sender can do wrong ends as BadSignature, never as an error of ours."""
        self._verify(body, signature)
        return stripe_objects.read_event(_parse(body))

    def parse_event(self, payload: Mapping[str, Any]) -> GatewayEvent:
        return stripe_objects.read_event(payload)

    def fetch_evidence(self, event: GatewayEvent) -> GatewayEvent:
        ask = _RETRIEVE.get(stripe_objects.kind_of(event))
        if ask is None:
            raise BadSignature("an event about no object that is known here")
        return stripe_objects.read_fetched(event, self._call(lambda api: ask(api, event.object_id)))

    def event_needs(self) -> EventNeeds:
        return EventNeeds(frozenset(stripe_objects.READERS), stripe_objects.API_VERSION)

    def list_endpoints(self) -> list[EventEndpoint]:
        """Sixteen is the most that an account may have: https://docs.stripe.com/webhooks."""
        params: Any = {"limit": 100}
        page = self._call(lambda api: api.webhook_endpoints.list(params=params))
        return [stripe_objects.read_endpoint(endpoint) for endpoint in page["data"]]

    def _walk(self, kind: Callable[[Any], Any], since: datetime, **more: Any) -> Iterator[dict[str, Any]]:
        """Every object of one kind made since then."""
        yield from self._walk_all(kind, {"created": {"gte": int(since.timestamp())}, **more})

    def _walk_all(self, kind: Callable[[Any], Any], wanted: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every object of one kind that is wanted, page by page: https://docs.stripe.com/api/pagination."""
        params: dict[str, Any] = {"limit": 100, **wanted}
        has_more = True
        while has_more:
            page = self._list(kind, params)
            yield from page["data"]
            has_more = page["has_more"]
            params = {**params, "starting_after": page["data"][-1]["id"]} if has_more else params

    def _list(self, kind: Callable[[Any], Any], params: dict[str, Any]) -> dict[str, Any]:
        return self._call(lambda api: kind(api).list(params=params))

    def _verify(self, body: bytes, signature: str | None) -> None:
        if not signature or len(signature) > LONGEST_HEADER or not signature.isascii():
            raise BadSignature("no usable signature header")
        # The SDK's check alone: it builds no objects, which construct_event does at 24 times the cost.
        if not any(self._is_signed_with(secret, body, signature) for secret in self._webhook_secrets):
            raise BadSignature("signed with none of our secrets, or too long ago")
        self._warn_of_skew(signature)

    def _is_signed_with(self, secret: str, body: bytes, signature: str) -> bool:
        stripe = _import_stripe()
        try:
            text = body.decode("utf-8")
            stripe.WebhookSignature.verify_header(text, signature, secret, SIGNATURE_TOLERANCE)
        except (stripe.SignatureVerificationError, ValueError, TypeError):
            return False
        return True

    def _warn_of_skew(self, signature: str) -> None:
        # Stripe's clock is right: a time stamp from our future means that our own clock is slow.
        stamp = next(part for part in signature.split(",") if part.strip().startswith("t="))
        ahead = int(stamp.strip()[2:]) - self._clock.now().timestamp()
        if ahead > CLOCK_SKEW.total_seconds():
            logger.error("clock_skew", extra={"seconds_ahead": int(ahead)})

    def _call(self, ask: Callable[[Any], Any]) -> dict[str, Any]:
        """One request, measured under the name of the method that makes it."""
        name, method = name_of_caller(depth=1), sys._getframe(1).f_code.co_name
        with metrics.timed_call(method.strip("_")):
            return self._ask(ask, name)

    def _ask(self, ask: Callable[[Any], Any], name: str) -> dict[str, Any]:
        """Its answer as plain data, its errors as ours."""
        stripe = _import_stripe()
        crash_point("before call", name)
        try:
            answer: dict[str, Any] = ask(self._client.v1).to_dict()
            crash_point("after call", name)
            return answer
        except stripe.IdempotencyError as error:
            raise GatewayConflict(_for_log(error)) from error
        except stripe.CardError as no:
            raise _refusal_of_card(no) from no
        except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as no:
            raise GatewayRefused(_for_log(no), reason=no.code or "") from no
        except stripe.APIConnectionError as error:
            raise GatewayUnavailable(_for_log(error), is_silent=True) from error
        except stripe.StripeError as error:
            # 409, 429, 5xx or garbage: it may have happened, or may yet.
            raise GatewayUnavailable(_for_log(error)) from error

    @cached_property
    def _client(self) -> "StripeClient":
        stripe = _import_stripe()
        seconds, retries = self._patience
        # Without max_network_retries a client of SDK 16 retries nothing, whatever the module's global says.
        client: StripeClient = stripe.StripeClient(
            self._api_key,
            base_addresses={"api": self._api_base, "files": self._api_base} if self._api_base else {},
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, seconds)),
            max_network_retries=retries,
        )
        return client


class _CardDeclined(GatewayRefused):
    """A card was refused; `intent` is the payment that it was for, as plain data."""

    def __init__(self, message: str, reason: str, intent: dict[str, Any]) -> None:
        self.intent = intent
        super().__init__(message, reason)


def _refusal_of_card(no: Any) -> GatewayRefused:
    """https://docs.stripe.com/error-handling: the answer to a declined confirmation shows the payment."""
    error = (no.json_body or {}).get("error") or {}
    intent = error.get("payment_intent")
    reason = no.code or ""
    return _CardDeclined(_for_log(no), reason, intent) if intent else GatewayRefused(_for_log(no), reason=reason)


class _NamedFile(io.BytesIO):
    """A file as the SDK sends it: what it reads, under what it finds as `name`. Read from its start at each try."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name


def _import_stripe() -> Any:
    """The SDK, imported at its first use: commands and pages that need it not should not wait for it."""
    # A notice in an answer becomes a Python warning, which must not turn into an error after money has moved.
    os.environ.setdefault("STRIPE_SUPPRESS_NOTICES", "true")
    import stripe

    # Telemetry would write a file into the operator's home.
    stripe.enable_telemetry = False
    return stripe


# What a session is looked up with: how its payment stands, and until when an authorised one can be captured.
_WITH_SESSION = ["payment_intent.latest_charge"]
# How each kind of object that events are about is asked for.
_RETRIEVE: dict[str, Callable[[Any, str], Any]] = {
    "checkout.session": lambda api, id_: api.checkout.sessions.retrieve(id_, params={"expand": _WITH_SESSION}),
    "payment_intent": lambda api, id_: api.payment_intents.retrieve(id_),
    "refund": lambda api, id_: api.refunds.retrieve(id_),
    "charge": lambda api, id_: api.charges.retrieve(id_),
    "dispute": lambda api, id_: api.disputes.retrieve(id_),
    "radar.early_fraud_warning": lambda api, id_: api.radar.early_fraud_warnings.retrieve(id_),
    "subscription": lambda api, id_: api.subscriptions.retrieve(id_),
    "invoice": lambda api, id_: api.invoices.retrieve(id_),
}


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadSignature("the body is no JSON") from error
    if not isinstance(payload, dict):
        raise BadSignature("the body is no event")
    return payload


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _for_log(error: Exception) -> str:
    """What may stand in a log: kind, code and request id, never a message that could quote a key or a person."""
    request_id = getattr(error, "request_id", None)
    code = getattr(error, "code", None)
    return f"{type(error).__name__} code={code} request={request_id}"
