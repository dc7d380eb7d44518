"""The border to Stripe: what is sent, what comes back as ours, and what each error means. No network."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses

from booking.clock import SystemClock
from booking.domain.money import Money
from booking.domain.states import RefundStatus
from booking.gateways.payments import (
    BadSignature,
    CheckoutOrder,
    CustomerOrder,
    EvidenceState,
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    PaymentEvidence,
    RefundOrder,
    Tag,
)
from booking.gateways.stripe_gateway import StripeGateway
from booking.gateways.stripe_objects import READERS

API = "https://api.stripe.com/v1"
SECRET = "whsec_0123456789abcdefghijkl"
TAG = Tag(app="shop-1", purpose="booking", booking_id="17", attempt="a" * 32)
SESSION: dict[str, Any] = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "livemode": False,
    "mode": "payment",
    "status": "open",
    "payment_status": "unpaid",
    "payment_intent": None,
    "amount_total": 61200,
    "currency": "eur",
    "expires_at": 1_800_000_000,
    "url": "https://checkout.stripe.com/c/pay/cs_test_1",
    "metadata": {"app": "shop-1", "purpose": "booking", "booking_id": "17", "attempt": "a" * 32},
}
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "livemode": False,
    "status": "succeeded",
    "amount": 61200,
    "amount_received": 61200,
    "currency": "eur",
    "latest_charge": "ch_1",
    "last_payment_error": None,
    "metadata": SESSION["metadata"],
}
ORDER = CheckoutOrder(
    tag=TAG,
    amount=Money(61200, "eur"),
    title="Harbour Loft",
    description="Fri 12 March 2027 to Tue 16 March 2027, 2 guests",
    guest_email="grace@example.org",
    expires_at=datetime(2027, 1, 15, 8, 0, tzinfo=UTC),
    success_url="https://stay.example.org/pay/return?session_id={CHECKOUT_SESSION_ID}",
    cancel_url="https://stay.example.org/pay/cancelled",
)


@pytest.fixture
def gateway() -> StripeGateway:
    """A gateway that asks only once, so that no test waits for the SDK's pauses."""
    gateway = StripeGateway("sk_test_0123456789abcdef", (SECRET,), SystemClock())
    gateway._patience = (1, 0)
    return gateway


@responses.activate
def test_opening_sends_the_frozen_parameters_and_the_key_in_the_form_that_stripe_reads(gateway: StripeGateway) -> None:
    responses.post(f"{API}/checkout/sessions", json=SESSION)

    evidence = gateway.open_checkout(gateway.checkout_params(ORDER), "checkout:abc")

    sent = responses.calls[0].request
    body = {name: value[0] for name, value in parse_qs(str(sent.body)).items()}
    assert sent.headers["Idempotency-Key"] == "checkout:abc"
    assert sent.headers["Stripe-Version"] == "2026-10-28.endive"
    assert body["mode"] == "payment"
    assert body["submit_type"] == "book"
    assert body["line_items[0][price_data][unit_amount]"] == "61200"
    assert body["line_items[0][price_data][currency]"] == "eur"
    assert body["success_url"].endswith("{CHECKOUT_SESSION_ID}")
    assert body["expires_at"] == str(int(ORDER.expires_at.timestamp()))
    assert body["metadata[attempt]"] == body["payment_intent_data[metadata][attempt]"] == "a" * 32
    assert body["adaptive_pricing[enabled]"] == "false"
    assert not [name for name in body if name.startswith("payment_method_types")]
    assert (evidence.state, evidence.session_id, evidence.tag) == (EvidenceState.OPEN, "cs_test_1", TAG)
    assert evidence.expires_at == datetime.fromtimestamp(1_800_000_000, UTC)


def test_parameters_can_be_frozen_as_json_and_hold_no_name(gateway: StripeGateway) -> None:
    params = gateway.checkout_params(ORDER)

    assert json.loads(json.dumps(params)) == params
    assert params["metadata"] == {"app": "shop-1", "purpose": "booking", "booking_id": "17", "attempt": "a" * 32}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "open"}, EvidenceState.OPEN),
        ({"status": "expired"}, EvidenceState.EXPIRED),
        ({"status": "complete", "payment_status": "paid"}, EvidenceState.PAID),
        ({"status": "complete", "payment_status": "unpaid"}, EvidenceState.PROCESSING),
        ({"status": "complete", "payment_status": "no_payment_required"}, EvidenceState.NOTHING_DUE),
        (
            {"status": "complete", "payment_status": "unpaid", "payment_intent": {**INTENT, "status": "canceled"}},
            EvidenceState.FAILED,
        ),
        (
            {
                "status": "complete",
                "payment_status": "unpaid",
                "payment_intent": {**INTENT, "status": "requires_payment_method"},
            },
            EvidenceState.FAILED,
        ),
    ],
)
@responses.activate
def test_a_session_is_read_as_what_it_proves(gateway: StripeGateway, changes: dict, state: EvidenceState) -> None:
    responses.get(f"{API}/checkout/sessions/cs_test_1", json={**SESSION, **changes})

    assert gateway.look_up_checkout("cs_test_1").state is state


@responses.activate
def test_looking_up_brings_the_decline_and_the_charge_along(gateway: StripeGateway) -> None:
    declined = {**INTENT, "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}}
    responses.get(f"{API}/checkout/sessions/cs_test_1", json={**SESSION, "payment_intent": declined})

    evidence = gateway.look_up_checkout("cs_test_1")

    assert responses.calls[0].request.params == {"expand[0]": "payment_intent.latest_charge"}
    assert (evidence.decline_code, evidence.payment_intent_id, evidence.charge_id) == (
        "insufficient_funds",
        "pi_1",
        "ch_1",
    )


@responses.activate
def test_a_session_that_cannot_be_ended_because_it_was_paid_is_evidence_of_the_payment(gateway: StripeGateway) -> None:
    refusal = {"error": {"type": "invalid_request_error", "message": "Only Checkout Sessions with a status in ..."}}
    responses.post(f"{API}/checkout/sessions/cs_test_1/expire", status=400, json=refusal)
    paid = {**SESSION, "status": "complete", "payment_status": "paid", "payment_intent": INTENT}
    responses.get(f"{API}/checkout/sessions/cs_test_1", json=paid)

    assert gateway.expire_checkout("cs_test_1", "checkout:abc:end:0").state is EvidenceState.PAID
    assert responses.calls[0].request.headers["Idempotency-Key"] == "checkout:abc:end:0"


@responses.activate
def test_a_session_that_is_open_after_it_was_ended_is_not_believed(gateway: StripeGateway) -> None:
    responses.post(f"{API}/checkout/sessions/cs_test_1/expire", json=SESSION)
    responses.get(f"{API}/checkout/sessions/cs_test_1", json=SESSION)

    with pytest.raises(GatewayUnavailable):
        gateway.expire_checkout("cs_test_1", "checkout:abc:end:0")


@responses.activate
def test_whether_a_session_can_be_paid_is_unknown_to_whom_stripe_shows_nothing_any_more(gateway: StripeGateway) -> None:
    responses.post(f"{API}/checkout/sessions/cs_test_1/expire", status=401, json=_error("invalid_request_error"))
    responses.get(f"{API}/checkout/sessions/cs_test_1", status=401, json=_error("invalid_request_error"))

    with pytest.raises(GatewayUnavailable):
        gateway.expire_checkout("cs_test_1", "checkout:abc:end:0")


@responses.activate
def test_the_list_is_walked_page_by_page(gateway: StripeGateway) -> None:
    first = {"object": "list", "url": "/v1/checkout/sessions", "has_more": True, "data": [SESSION]}
    last = {**first, "has_more": False, "data": [{**SESSION, "id": "cs_test_2"}]}
    responses.get(f"{API}/checkout/sessions", json=first)
    responses.get(f"{API}/checkout/sessions", json=last)

    found = [evidence.session_id for evidence in gateway.list_checkouts(datetime(2027, 1, 1, tzinfo=UTC))]

    assert found == ["cs_test_1", "cs_test_2"]
    assert responses.calls[1].request.params["starting_after"] == "cs_test_1"
    assert responses.calls[1].request.params["created[gte]"] == "1798761600"


@responses.activate
def test_a_refund_names_its_amount_and_carries_our_ids(gateway: StripeGateway) -> None:
    answer = {
        "id": "re_1", "object": "refund", "amount": 500, "currency": "eur", "status": "pending",
        "payment_intent": "pi_1", "charge": "ch_1", "metadata": {"app": "shop-1", "refund_id": "r" * 32},
    }  # fmt: skip
    responses.post(f"{API}/refunds", json=answer)
    order = RefundOrder(
        Tag(app="shop-1", purpose="booking", booking_id="17", refund_id="r" * 32), "pi_1", Money(500, "eur"), "staff"
    )

    evidence = gateway.send_refund(gateway.refund_params(order), "refund:abc")

    sent = responses.calls[0].request
    body = {name: value[0] for name, value in parse_qs(str(sent.body)).items()}
    assert sent.headers["Idempotency-Key"] == "refund:abc"
    assert (body["amount"], body["payment_intent"]) == ("500", "pi_1")
    assert (body["metadata[refund_id]"], body["metadata[refunded_by]"]) == ("r" * 32, "staff")
    assert (evidence.status, evidence.amount, evidence.tag.refund_id) == (
        RefundStatus.PENDING,
        Money(500, "eur"),
        "r" * 32,
    )


@responses.activate
def test_a_customer_carries_our_ids_and_the_key_of_its_row(gateway: StripeGateway) -> None:
    responses.post(f"{API}/customers", json={"id": "cus_1", "object": "customer"})
    order = CustomerOrder("shop-1", "t" * 32, "grace@example.org")

    assert gateway.create_customer(gateway.customer_params(order), "customer:abc") == "cus_1"

    sent = responses.calls[0].request
    body = {name: value[0] for name, value in parse_qs(str(sent.body)).items()}
    assert sent.headers["Idempotency-Key"] == "customer:abc"
    assert body["email"] == "grace@example.org"
    assert (body["metadata[app]"], body["metadata[customer]"]) == ("shop-1", "t" * 32)


DISPUTE: dict[str, Any] = {
    "id": "du_1",
    "object": "dispute",
    "amount": 61200,
    "currency": "eur",
    "charge": "ch_1",
    "payment_intent": "pi_1",
    "status": "needs_response",
    "reason": "fraudulent",
    "is_charge_refundable": False,
    "balance_transactions": [],
    "evidence_details": {"due_by": 1_800_000_000, "submission_count": 1},
}


@responses.activate
@pytest.mark.parametrize(("call", "submit"), [("stage_evidence", "false"), ("submit_evidence", "true")])
def test_evidence_says_in_so_many_words_whether_the_bank_gets_it(
    gateway: StripeGateway, call: str, submit: str
) -> None:
    responses.post(f"{API}/disputes/du_1", json=DISPUTE)

    found = getattr(gateway, call)("du_1", {"customer_name": "Grace Hopper", "uncategorized_text": ""}, "evidence:1")

    sent = responses.calls[0].request
    assert sent.headers["Idempotency-Key"] == "evidence:1"
    assert parse_qs(str(sent.body), keep_blank_values=True) == {
        "evidence[customer_name]": ["Grace Hopper"],
        "evidence[uncategorized_text]": [""],  # empties what lay there
        "submit": [submit],
    }
    assert (found.dispute_id, found.submissions, found.status) == ("du_1", 1, "needs_response")


@responses.activate
def test_looking_up_a_dispute_asks_and_changes_nothing(gateway: StripeGateway) -> None:
    responses.get(f"{API}/disputes/du_1", json={**DISPUTE, "evidence_details": None})

    assert gateway.look_up_dispute("du_1").submissions == 0


@responses.activate
def test_refunds_of_a_payment_are_listed_and_counted(gateway: StripeGateway) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 500, "currency": "eur", "status": "succeeded", "metadata": {}}
    charge = {"id": "ch_1", "object": "charge", "amount_refunded": 500, "currency": "eur", "payment_intent": "pi_1"}
    responses.get(f"{API}/refunds", json={"object": "list", "has_more": False, "url": "/v1/refunds", "data": [refund]})
    responses.get(f"{API}/payment_intents/pi_1", json={**INTENT, "latest_charge": charge})
    responses.get(f"{API}/payment_intents/pi_2", json={**INTENT, "latest_charge": None})

    assert [one.refund_id for one in gateway.list_refunds("pi_1")] == ["re_1"]


@responses.activate
def test_endpoints_are_listed_with_what_they_are_sent(gateway: StripeGateway) -> None:
    shown = {"object": "webhook_endpoint", "url": "https://stay.example.org/webhooks/stripe/", "status": "enabled"}
    old = {**shown, "enabled_events": ["*"], "api_version": "2020-08-27"}
    own = {**shown, "enabled_events": ["refund.failed"], "api_version": None, "status": "disabled"}
    responses.get(f"{API}/webhook_endpoints", json={"object": "list", "data": [old, own], "has_more": False})

    first, second = gateway.list_endpoints()

    assert (first.is_enabled, first.event_types, first.must_be_fetched) == (True, {"*"}, True)
    assert (second.is_enabled, second.event_types, second.must_be_fetched) == (False, {"refund.failed"}, False)
    assert gateway.event_needs().event_types == set(READERS)


def _error(kind: str, code: str | None = None) -> dict:
    return {"error": {"type": kind, "code": code, "message": "No such key: sk_test_0123456789abcdef of Grace"}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, _error("invalid_request_error", "parameter_unknown"), GatewayRefused),
        (404, _error("invalid_request_error", "resource_missing"), GatewayRefused),
        (402, _error("card_error", "card_declined"), GatewayRefused),
        (401, _error("authentication_error"), GatewayRefused),
        (403, _error("invalid_request_error"), GatewayRefused),
        (400, _error("idempotency_error"), GatewayConflict),
        (409, _error("api_error"), GatewayUnavailable),
        (429, _error("invalid_request_error", "rate_limit"), GatewayUnavailable),
        (500, _error("api_error"), GatewayUnavailable),
        (503, _error("api_error"), GatewayUnavailable),
    ],
)
@responses.activate
def test_a_definite_no_is_told_from_an_unknown_outcome(
    gateway: StripeGateway, status: int, body: dict, error: type[Exception]
) -> None:
    responses.post(f"{API}/checkout/sessions", status=status, json=body)

    with pytest.raises(error) as raised:
        gateway.open_checkout({"mode": "payment"}, "checkout:abc")

    assert "sk_test" not in str(raised.value)
    assert "Grace" not in str(raised.value)


@pytest.mark.parametrize("trouble", [requests.ConnectionError("reset"), requests.Timeout("slow")])
@responses.activate
def test_no_answer_is_an_unknown_outcome(gateway: StripeGateway, trouble: Exception) -> None:
    responses.post(f"{API}/checkout/sessions", body=trouble)

    with pytest.raises(GatewayUnavailable) as silence:
        gateway.open_checkout({"mode": "payment"}, "checkout:abc")

    assert silence.value.is_silent


@responses.activate
def test_an_answer_that_is_no_json_is_an_unknown_outcome(gateway: StripeGateway) -> None:
    responses.post(f"{API}/checkout/sessions", body="<html>proxy</html>")

    with pytest.raises(GatewayUnavailable) as garbage:
        gateway.open_checkout({"mode": "payment"}, "checkout:abc")

    assert not garbage.value.is_silent


@responses.activate
def test_the_sdk_retries_a_page_once_with_the_same_key() -> None:
    gateway = StripeGateway("sk_test_0123456789abcdef", (SECRET,), SystemClock())
    responses.post(f"{API}/checkout/sessions", status=500, json=_error("api_error"))
    responses.post(f"{API}/checkout/sessions", json=SESSION)

    gateway.open_checkout({"mode": "payment"}, "checkout:abc")

    assert [call.request.headers["Idempotency-Key"] for call in responses.calls] == ["checkout:abc"] * 2


@responses.activate
def test_another_host_is_asked_where_one_is_set() -> None:
    gateway = StripeGateway("sk_test_0123456789abcdef", (SECRET,), SystemClock(), api_base="http://127.0.0.1:12111")
    responses.get("http://127.0.0.1:12111/v1/checkout/sessions/cs_test_1", json=SESSION)

    assert gateway.look_up_checkout("cs_test_1").session_id == "cs_test_1"


def test_a_clock_that_is_slow_is_told_of(gateway: StripeGateway, caplog) -> None:
    import stripe

    body = json.dumps({"id": "evt_1", "object": "event", "type": "x", "livemode": False})
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET, int(time.time()) + 600)

    gateway.read_event(body.encode(), header)

    assert "clock_skew" in caplog.messages


@pytest.mark.parametrize("event_type", sorted(READERS))
def test_each_event_of_the_contract_with_an_empty_object_is_refused_and_not_crashed(
    gateway: StripeGateway, event_type: str
) -> None:
    payload = {"id": "evt_1", "object": "event", "type": event_type, "livemode": False, "data": {"object": {}}}

    with pytest.raises(BadSignature):
        gateway.parse_event(payload)


def test_the_events_are_those_of_the_contract() -> None:
    assert len(READERS) == 23


# --- a sum that is authorised first, and captured or let go later ---------------------------------------------------

HELD: dict[str, Any] = {
    **INTENT,
    "status": "requires_capture",
    "capture_method": "manual",
    "amount_received": 0,
    "latest_charge": {
        "id": "ch_1",
        "payment_method_details": {"type": "card", "card": {"capture_before": 1_800_500_000}},
    },
}
COMPLETE: dict[str, Any] = {**SESSION, "status": "complete", "metadata": {**SESSION["metadata"], "purpose": "request"}}


def test_a_request_asks_for_an_authorisation_and_anything_else_does_not(gateway: StripeGateway) -> None:
    request = gateway.checkout_params(replace(ORDER, is_authorised_only=True))

    assert request["payment_intent_data"]["capture_method"] == "manual"
    assert "capture_method" not in gateway.checkout_params(ORDER)["payment_intent_data"]


@pytest.mark.parametrize("told", ["unpaid", "paid"])
@pytest.mark.parametrize(
    ("intent", "state", "minor"),
    [
        (HELD, EvidenceState.AUTHORIZED, 61200),
        ({**HELD, "status": "succeeded", "amount_received": 40000}, EvidenceState.PAID, 40000),
        ({**HELD, "status": "canceled"}, EvidenceState.EXPIRED, 61200),
    ],
)
@responses.activate
def test_whether_money_came_or_is_only_reserved_the_payment_itself_says_and_no_session(
    gateway: StripeGateway, intent: dict, state: EvidenceState, minor: int, told: str
) -> None:
    session = {**COMPLETE, "payment_status": told, "payment_intent": intent}
    responses.get(f"{API}/checkout/sessions/cs_test_1", json=session)

    evidence = gateway.look_up_checkout("cs_test_1")

    assert (evidence.state, evidence.amount) == (state, Money(minor, "eur"))
    assert evidence.capture_before == datetime.fromtimestamp(1_800_500_000, UTC)


@pytest.mark.parametrize(
    ("purpose", "intent", "is_looked_up"),
    [("request", "pi_1", True), ("request", HELD, False), ("booking", "pi_1", False)],
)
def test_the_event_of_a_completed_request_is_looked_up_because_it_only_names_the_payment(
    gateway: StripeGateway, purpose: str, intent: Any, is_looked_up: bool
) -> None:
    session = {**COMPLETE, "metadata": {"purpose": purpose}, "payment_intent": intent}
    event = {"id": "evt_1", "object": "event", "type": "checkout.session.completed", "livemode": False}

    read = gateway.parse_event({**event, "data": {"object": session}})

    assert (read.must_be_fetched, read.says_too_little) == (is_looked_up, is_looked_up)
    assert (read.evidence is None) is is_looked_up
    assert read.concerns_the_shop


@responses.activate
def test_what_was_looked_up_is_the_evidence_of_the_event(gateway: StripeGateway) -> None:
    responses.get(f"{API}/checkout/sessions/cs_test_1", json={**COMPLETE, "payment_intent": HELD})
    event = {"id": "evt_1", "object": "event", "type": "checkout.session.completed", "livemode": False}
    read = gateway.parse_event({**event, "data": {"object": {**COMPLETE, "payment_intent": "pi_1"}}})

    fetched = gateway.fetch_evidence(read)

    assert isinstance(fetched.evidence, PaymentEvidence)
    assert fetched.evidence.state is EvidenceState.AUTHORIZED
    assert not fetched.must_be_fetched


@responses.activate
def test_capturing_names_the_amount_and_carries_the_key(gateway: StripeGateway) -> None:
    taken = {**HELD, "status": "succeeded", "amount_received": 61200}
    responses.post(f"{API}/payment_intents/pi_1/capture", json=taken)

    evidence = gateway.capture_payment("pi_1", gateway.capture_params(Money(61200, "eur")), "capture:abc:1")

    sent = responses.calls[0].request
    assert (sent.headers["Idempotency-Key"], sent.body) == ("capture:abc:1", "amount_to_capture=61200")
    assert (evidence.state, evidence.amount) == (EvidenceState.PAID, Money(61200, "eur"))


@responses.activate
def test_letting_go_carries_the_key_and_proves_that_nothing_is_reserved_any_more(gateway: StripeGateway) -> None:
    responses.post(f"{API}/payment_intents/pi_1/cancel", json={**HELD, "status": "canceled"})

    evidence = gateway.release_payment("pi_1", gateway.release_params(), "release:abc:1")

    sent = responses.calls[0].request
    assert (sent.headers["Idempotency-Key"], sent.body) == ("release:abc:1", "cancellation_reason=abandoned")
    assert evidence.state is EvidenceState.EXPIRED


@responses.activate
def test_looking_at_an_authorisation_says_until_when_it_can_be_captured(gateway: StripeGateway) -> None:
    responses.get(f"{API}/payment_intents/pi_1", json=HELD)

    evidence = gateway.look_up_authorisation("pi_1")

    assert (evidence.state, evidence.charge_id) == (EvidenceState.AUTHORIZED, "ch_1")
    assert evidence.capture_before == datetime.fromtimestamp(1_800_500_000, UTC)
    assert responses.calls[0].request.params == {"expand[0]": "latest_charge"}
