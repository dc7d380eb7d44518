"""Controls of events: which endpoints there are, and how, when and whether deliveries go out."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from fakestripe import delivery, endpoints, webhooks
from fakestripe.controls.common import Refused, blueprint, current_world, found, is_list_of, number, read_body
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World


@blueprint.get("/webhook")
def get_webhook() -> Response:
    return jsonify([shown_endpoint(e) for e in current_world().store.all("webhook_endpoint")])


@blueprint.post("/webhook")
def set_webhook() -> Response:
    """{"url", "secrets": [...], "enabled_events"?: [...]}; replaces the endpoint there was."""
    body = read_body({"url", "secrets", "enabled_events"}, required={"url"})
    secrets = body.get("secrets", [])
    if not is_list_of(secrets, str):
        raise Refused("secrets must be a list")
    if body.get("enabled_events") is not None and not is_list_of(body["enabled_events"], str):
        raise Refused("enabled_events must be a list of event types")
    if not str(body["url"]).startswith(("http://", "https://")):
        raise Refused("url must begin with http:// or https://")
    endpoint = endpoints.replace(current_world(), body["url"], secrets, body.get("enabled_events"))
    return jsonify(shown_endpoint(endpoint))


@blueprint.get("/endpoints")
def list_endpoints() -> Response:
    """Every endpoint, those of the API too, with the secrets that sign at the moment."""
    return jsonify([shown_endpoint(e) for e in current_world().store.all("webhook_endpoint")])


@blueprint.post("/endpoints/<endpoint_id>/roll")
def roll(endpoint_id: str) -> Response:
    """{"expires_in": seconds}: a new secret; the old one signs along until then, at once gone if 0."""
    seconds = number(read_body({"expires_in"}), "expires_in", 0)
    if not 0 <= seconds <= endpoints.LONGEST_ROLL:
        raise Refused(f"expires_in must be between 0 and {endpoints.LONGEST_ROLL} seconds")
    world = current_world()
    with world.store.change():
        endpoint = found(world, "webhook_endpoint", endpoint_id)
        return jsonify(shown_endpoint(endpoints.roll(world, endpoint, seconds)))


@blueprint.get("/events")
def list_events() -> Response:
    """All events, oldest first; ?type= keeps one type, ?object= those about one object."""
    type_, about = request.args.get("type"), request.args.get("object")
    chosen = [
        visible(event)
        for event in current_world().store.all("event")
        if (not type_ or event["type"] == type_) and (not about or event["data"]["object"].get("id") == about)
    ]
    return jsonify(chosen)


@blueprint.post("/events/<event_id>/resend")
def resend(event_id: str) -> Response:
    """{"times": 1, "concurrency": 1, "endpoint"?}; answers when each send has been answered."""
    body = read_body({"times", "concurrency", "endpoint"})
    world = current_world()
    event = found(world, "event", event_id)
    times, together = int(number(body, "times", 1)), int(number(body, "concurrency", 1))
    chosen = found(world, "webhook_endpoint", str(body["endpoint"]))["id"] if "endpoint" in body else None
    return jsonify(webhooks.resend(world, event, times, together, chosen))


@blueprint.get("/delivery")
def get_delivery() -> Response:
    return jsonify(shown_rules(current_world()))


@blueprint.post("/delivery")
def set_delivery() -> Response:
    """How events are delivered from now on; what is left out goes back to normal."""
    body = read_body(set(delivery.DEFAULT_RULES))
    _check_manner(body)
    if body.get("retry_after") is not None and not is_list_of(body["retry_after"], int | float):
        raise Refused("retry_after must be a list of seconds")
    if body.get("redirect_hold") is not None:
        number(body, "redirect_hold")
    world = current_world()
    world.put_setting({**delivery.DEFAULT_RULES, **body, "id": "delivery"})
    return jsonify(shown_rules(world))


@blueprint.get("/delivery/orders")
def get_orders() -> Response:
    return jsonify(delivery.orders(current_world()))


@blueprint.post("/delivery/orders")
def set_orders() -> Response:
    """A list of orders for single events to come, used up one after another; [] takes them back."""
    wanted = request.get_json(silent=True)
    if not isinstance(wanted, list):
        raise Refused("send a JSON list of orders")
    chosen = [{**delivery.DEFAULT_ORDER, **_order(item)} for item in wanted]
    world = current_world()
    world.put_setting({"id": delivery.ORDERS, "orders": chosen})
    return jsonify(delivery.orders(world))


@blueprint.post("/deliveries/<delivery_id>")
def move_delivery(delivery_id: str) -> Response:
    """{"mode": "normal" | "hold" | "drop", "delay_ms"?}: change one delivery that still waits."""
    body = read_body({"mode", "delay_ms"}, required={"mode"})
    _check_manner(body)
    world = current_world()
    with world.store.change():
        record = found(world, "_delivery", delivery_id)
        if record["status"] not in delivery.OPEN:
            raise Refused(f"this delivery is {record['status']}", 409)
        return jsonify(delivery.move(world, record, body["mode"], number(body, "delay_ms", 0)))


@blueprint.post("/delivery/flush")
def flush() -> Response:
    """Send held deliveries one after another; {"order": [event ids] | "reverse"} says how."""
    body = read_body({"order"})
    world = current_world()
    held = [d for d in world.store.all("_delivery") if d["status"] == "held"]
    chosen = _ordered(held, body.get("order"))
    return jsonify([_flushed(world, record) for record in chosen])


@blueprint.post("/delivery/wait")
def wait() -> Response:
    """Answer when no delivery is due or under way; {"timeout": seconds}."""
    world = current_world()
    seconds = number(read_body({"timeout"}), "timeout", 10)
    return jsonify(quiet=world.dispatcher.wait_until_quiet(world, seconds))


@blueprint.get("/deliveries")
def list_deliveries() -> Response:
    """Each delivery with its tries; ?event= and ?status= narrow it down."""
    event, status = request.args.get("event"), request.args.get("status")
    chosen = [
        record
        for record in current_world().store.all("_delivery")
        if (not event or record["event"] == event) and (not status or record["status"] == status)
    ]
    return jsonify(chosen)


def _order(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or set(item) - set(delivery.DEFAULT_ORDER):
        raise Refused(f"an order has {', '.join(delivery.DEFAULT_ORDER)}")
    _check_manner(item)
    number(item, "times", 1)
    return item


def _check_manner(body: dict[str, Any]) -> None:
    """The members that say how a delivery goes."""
    if body.get("mode", "normal") not in delivery.MODES:
        raise Refused(f"mode must be one of {', '.join(delivery.MODES)}")
    for name in ("duplicate", "delay_ms"):
        if number(body, name, 0) < 0:
            raise Refused(f"{name} must not be below zero")
    if body.get("types") is not None and not is_list_of(body["types"], str):
        raise Refused("types must be a list of event types")


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


def shown_rules(world: World) -> dict[str, Any]:
    rules = delivery.rules(world)
    rules.pop("id", None)
    return rules


def shown_endpoint(endpoint: Record) -> Record:
    return {**visible(endpoint), "secrets": endpoint["_secrets"]}
