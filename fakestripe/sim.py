"""Test controls under `/_fake/`: JSON in and out, for this machine only. Not Stripe's API."""

from __future__ import annotations

import ipaddress
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from fakestripe import checkout, delivery, disputes, endpoints, jobs, refunds, till, webhooks
from fakestripe.api import base_url
from fakestripe.beginning import restart
from fakestripe.cards import ACCOUNTS
from fakestripe.checkout import Guest, NotPayable
from fakestripe.errors import ApiError
from fakestripe.instruments import Billing, Instrument
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

blueprint = Blueprint("sim", __name__, url_prefix="/_fake")
DEFAULT_CARD = "4242424242424242"


class Refused(Exception):
    """A control that makes no sense: a message and a status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@blueprint.before_request
def only_from_here() -> None:
    """The controls have no key, so nobody from elsewhere may use them."""
    if not ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback:
        raise Refused("/_fake/ answers this machine only", 403)


@blueprint.errorhandler(Refused)
def refused(error: Refused) -> tuple[Response, int]:
    return jsonify(error=str(error)), error.status


@blueprint.errorhandler(ApiError)
def api_error(error: ApiError) -> tuple[Response, int]:
    return jsonify(error.body()), error.status


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(ok=True, simulated=True, now=_world().clock.now())


@blueprint.post("/reset")
def reset() -> Response:
    restart(_world())
    return jsonify(ok=True)


@blueprint.get("/state")
def state() -> Response:
    """How much there is of everything, and how things are set."""
    world = _world()
    kinds = ("checkout.session", "payment_intent", "charge", "refund", "dispute", "event")
    return jsonify(
        counts={kind: len(world.store.all(kind)) for kind in kinds},
        sessions=[_session_line(s) for s in world.store.all("checkout.session")],
        jobs=world.store.all("_job"),
        deliveries=_delivery_counts(world),
        delivery=_rules(world),
        faults=world.faults.show(),
        webhook=[_endpoint(e) for e in world.store.all("webhook_endpoint")],
        clock={"now": world.clock.now(), "offset": world.clock.offset},
    )


@blueprint.get("/webhook")
def get_webhook() -> Response:
    return jsonify([_endpoint(e) for e in _world().store.all("webhook_endpoint")])


@blueprint.post("/webhook")
def set_webhook() -> Response:
    """{"url", "secrets": [...], "enabled_events"?: [...]}; replaces the endpoint there was."""
    body = _body({"url", "secrets", "enabled_events"}, required={"url"})
    secrets = body.get("secrets", [])
    if not isinstance(secrets, list):
        raise Refused("secrets must be a list")
    endpoint = endpoints.replace(_world(), body["url"], secrets, body.get("enabled_events"))
    return jsonify(_endpoint(endpoint))


@blueprint.get("/clock")
def get_clock() -> Response:
    clock = _world().clock
    return jsonify(now=clock.now(), offset=clock.offset)


@blueprint.post("/clock")
def move_clock() -> Response:
    """{"advance": seconds}; what has come due is done before the answer, retries start after."""
    body = _body({"advance"}, required={"advance"})
    world = _world()
    seconds = _number(body, "advance")
    with world.store.lock:
        if seconds < 0:
            raise Refused("the clock only moves forward")
        world.clock.advance(seconds)
        world.save_clock()
        done = jobs.run_due(world)
    return jsonify(now=world.clock.now(), offset=world.clock.offset, ran=done)


@blueprint.get("/events")
def list_events() -> Response:
    """All events, oldest first; ?type= keeps one type, ?object= those about one object."""
    type_, about = request.args.get("type"), request.args.get("object")
    found = [
        visible(event)
        for event in _world().store.all("event")
        if (not type_ or event["type"] == type_) and (not about or event["data"]["object"]["id"] == about)
    ]
    return jsonify(found)


@blueprint.post("/events/<event_id>/resend")
def resend(event_id: str) -> Response:
    """{"times": 1, "concurrency": 1}; answers when each send has been answered."""
    body = _body({"times", "concurrency"})
    event = _world().store.get("event", event_id)
    if event is None:
        raise Refused(f"no event {event_id}", 404)
    times, together = int(_number(body, "times", 1)), int(_number(body, "concurrency", 1))
    return jsonify(webhooks.resend(_world(), event, times, together))


@blueprint.get("/delivery")
def get_delivery() -> Response:
    return jsonify(_rules(_world()))


@blueprint.post("/delivery")
def set_delivery() -> Response:
    """How events are delivered from now on; what is left out goes back to normal."""
    body = _body(set(delivery.DEFAULT_RULES))
    if body.get("mode", "normal") not in delivery.MODES:
        raise Refused(f"mode must be one of {', '.join(delivery.MODES)}")
    for name in ("duplicate", "delay_ms"):
        _number(body, name, 0)
    world = _world()
    world.put_setting({**delivery.DEFAULT_RULES, **body, "id": "delivery"})
    return jsonify(_rules(world))


@blueprint.post("/delivery/flush")
def flush() -> Response:
    """Send held deliveries one after another; {"order": [event ids] | "reverse"} says how."""
    body = _body({"order"})
    world = _world()
    held = [d for d in world.store.all("_delivery") if d["status"] == "held"]
    chosen = _ordered(held, body.get("order"))
    return jsonify([_flushed(world, record) for record in chosen])


@blueprint.post("/delivery/wait")
def wait() -> Response:
    """Answer when no delivery is due or under way; {"timeout": seconds}."""
    world = _world()
    seconds = _number(_body({"timeout"}), "timeout", 10)
    return jsonify(quiet=world.dispatcher.wait_until_quiet(world, seconds))


@blueprint.get("/deliveries")
def list_deliveries() -> Response:
    """Each delivery with its tries; ?event= and ?status= narrow it down."""
    event, status = request.args.get("event"), request.args.get("status")
    found = [
        record
        for record in _world().store.all("_delivery")
        if (not event or record["event"] == event) and (not status or record["status"] == status)
    ]
    return jsonify(found)


@blueprint.get("/faults")
def get_faults() -> Response:
    return jsonify(_world().faults.show())


@blueprint.post("/faults")
def set_faults() -> Response:
    """A list of faults for coming requests; an empty list takes back what was ordered."""
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, list):
        raise Refused("send a JSON list of faults")
    try:
        _world().faults.order(wanted)
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error
    return jsonify(_world().faults.show())


@blueprint.get("/requests")
def list_requests() -> Response:
    """API requests, oldest first; ?method= and ?path= (a prefix) narrow it down."""
    return jsonify(_world().requests.show(request.args.get("method"), request.args.get("path")))


@blueprint.post("/sessions/<session_id>/pay")
def pay(session_id: str) -> Response:
    """Pay as the hosted page would; see README for the members."""
    names = {"card", "method", "iban", "email", "name", "country", "postal_code", "phone"}
    body = _body(names | {"authenticate", "wait"})
    world = _world()
    guest = _guest(world, session_id, body)
    try:
        intent = checkout.pay(world, session_id, _instrument(body, guest), guest, base_url(world))
    except NotPayable as closed:
        raise Refused(f"the session is {closed}", 409) from closed
    if intent["status"] == "requires_action" and body.get("authenticate"):
        success = body["authenticate"] == "complete"
        intent = checkout.authenticate(world, intent["id"], success=success)
    answered = till.hold_redirect(world, session_id) if body.get("wait", True) else None
    return jsonify(_receipt(world, session_id, intent, answered))


@blueprint.post("/payments/<intent_id>/settle")
def settle(intent_id: str) -> Response:
    """{"outcome": "succeeded" | "failed"} for a payment that is processing."""
    body = _body({"outcome"}, required={"outcome"})
    if body["outcome"] not in ("succeeded", "failed"):
        raise Refused("outcome must be succeeded or failed")
    world = _world()
    intent = world.store.get("payment_intent", intent_id)
    if intent is None:
        raise Refused(f"no payment {intent_id}", 404)
    return jsonify(visible(checkout.settle(world, intent, body["outcome"])))


@blueprint.post("/refunds/<refund_id>")
def move_refund(refund_id: str) -> Response:
    """{"status": ..., "failure_reason"?: ...} moves a refund, with its events."""
    body = _body({"status", "failure_reason"}, required={"status"})
    allowed = ("pending", "requires_action", "succeeded", "failed", "canceled")
    if body["status"] not in allowed:
        raise Refused(f"status must be one of {', '.join(allowed)}")
    world = _world()
    with world.store.change():
        refund = world.store.get("refund", refund_id)
        if refund is None:
            raise Refused(f"no refund {refund_id}", 404)
        moved = refunds.finish(world, refund, body["status"], body.get("failure_reason"))
    return jsonify(visible(moved))


@blueprint.post("/disputes/<dispute_id>")
def close_dispute(dispute_id: str) -> Response:
    """{"status": "won" | "lost"} closes a dispute, with its events."""
    body = _body({"status"}, required={"status"})
    if body["status"] not in ("won", "lost"):
        raise Refused("status must be won or lost")
    world = _world()
    with world.store.change():
        dispute = world.store.get("dispute", dispute_id)
        if dispute is None:
            raise Refused(f"no dispute {dispute_id}", 404)
        closed = disputes.close(world, dispute, body["status"])
    return jsonify(visible(closed))


def _world() -> World:
    world: World = current_app.extensions["fakestripe"]
    return world


def _body(names: set[str], required: set[str] | None = None) -> dict[str, Any]:
    """The JSON body; a misspelt member is refused rather than ignored."""
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise Refused("send a JSON object")
    if set(body) - names:
        raise Refused(f"unknown: {', '.join(sorted(set(body) - names))}")
    if (required or set()) - set(body):
        raise Refused(f"missing: {', '.join(sorted((required or set()) - set(body)))}")
    return body


def _number(body: dict[str, Any], name: str, default: float = 0) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{name} must be a number")
    return value


def _guest(world: World, session_id: str, body: dict[str, Any]) -> Guest:
    session = checkout.get_session(world, session_id)
    return Guest(
        email=body.get("email") or session["customer_email"] or "grace@example.com",
        name=body.get("name", "Grace Guest"),
        phone=body.get("phone"),
        address={
            "country": body.get("country", "CZ"),
            "postal_code": body.get("postal_code", "110 00"),
        },
        terms_accepted=True,
    )


def _instrument(body: dict[str, Any], guest: Guest) -> Instrument:
    billing = Billing(guest.email, guest.name, guest.phone, guest.address)
    method = body.get("method", "card")
    if method == "card":
        number = str(body.get("card", DEFAULT_CARD)).replace(" ", "")
    elif method == "sepa_debit":
        number = str(body.get("iban", ACCOUNTS[0].iban)).replace(" ", "")
        if number not in {account.iban for account in ACCOUNTS}:
            raise Refused("not a test IBAN")
    else:
        raise Refused("method must be card or sepa_debit")
    return Instrument(method, number, billing=billing)


def _receipt(world: World, session_id: str, intent: Record, answered: bool | None) -> Record:
    session = checkout.get_session(world, session_id)
    complete = session["status"] == "complete"
    return {
        "outcome": till.outcome(intent),
        "session": visible(session),
        "payment_intent": visible(intent),
        "error": intent["last_payment_error"],
        "redirect_to": checkout.success_url(session) if complete else None,
        "challenge_url": (intent["next_action"] or {}).get("redirect_to_url", {}).get("url"),
        "shop_answered": answered,
    }


def _ordered(held: list[Record], order: Any) -> list[Record]:
    if order is None:
        return held
    if order == "reverse":
        return held[::-1]
    if not isinstance(order, list):
        raise Refused('order must be a list of event ids, or "reverse"')
    return [record for event_id in order for record in held if record["event"] == event_id]


def _flushed(world: World, record: Record) -> Record:
    attempt = world.dispatcher.send_now(world, record["id"]) or {}
    return {"event": record["event"], "type": record["type"], **attempt}


def _rules(world: World) -> dict[str, Any]:
    rules = delivery.rules(world)
    rules.pop("id", None)
    return rules


def _endpoint(endpoint: Record) -> Record:
    return {**visible(endpoint), "secrets": endpoint["_secrets"]}


def _session_line(session: Record) -> Record:
    names = ("id", "status", "payment_status", "payment_intent", "client_reference_id", "url")
    return {name: session[name] for name in names}


def _delivery_counts(world: World) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in world.store.all("_delivery"):
        counts[record["status"]] = counts.get(record["status"], 0) + 1
    return counts
