"""Which endpoint gets which event, when, and after how many tries. Sending is `webhooks.py`.

Facts: docs.stripe.com/webhooks. Delivery is at least once, in no order; anything but 2xx,
redirects included, is a failure and is tried again with growing pauses.
"""

from __future__ import annotations

from typing import Any

from fakestripe.lines import PREFIX as LINE
from fakestripe.options import RETRY_INTERVALS
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

STATUS_BY_MODE = {"normal": "pending", "drop": "dropped", "hold": "held"}
MODES = tuple(STATUS_BY_MODE)
BURST_SECONDS = 0.3
BURST_SIZE = 16
BURST_STEP = 0.04
DEFAULT_RULES: dict[str, Any] = {
    "mode": "normal",
    "duplicate": 0,
    "delay_ms": 0,
    "reorder": False,
    "types": None,
    "retry_after": None,
    "redirect_hold": None,
}
OPEN = ("pending", "held")
ORDERS = "delivery_orders"
DEFAULT_ORDER: dict[str, Any] = {"types": None, "times": 1, "mode": "normal", "duplicate": 0, "delay_ms": 0}


def rules(world: World) -> dict[str, Any]:
    """How deliveries go at the moment, as `/_fake/delivery` set it."""
    return {**DEFAULT_RULES, **world.setting("delivery")}


def plan(world: World, event: Record, lag: float = 0.0) -> int:
    """Note each delivery an event needs; the number of endpoints that will get it."""
    endpoints = receivers(world, event["type"])
    if not endpoints:
        return 0
    current = _rules_for(world, event["type"])
    for endpoint in endpoints:
        for _ in range(1 + int(current["duplicate"])):
            _note(world, event, endpoint, current, lag)
    return len(endpoints)


def again(world: World, event: Record, endpoints: list[Record]) -> None:
    """Plan one more delivery of an event to each, whatever the rules are at the moment."""
    for endpoint in endpoints:
        _note(world, event, endpoint, DEFAULT_RULES, 0.0)


def receivers(world: World, type_: str) -> list[Record]:
    """Webhook endpoints, and each `stripe listen` that is there at the moment."""
    everybody = [*world.store.all("webhook_endpoint"), *world.lines.listening()]
    return [e for e in everybody if wants(e, type_)]


def receiver(world: World, endpoint_id: str) -> Record | None:
    """The endpoint, or the `stripe listen`, of this id."""
    line = world.lines.get(endpoint_id)
    return line.target() if line else world.store.get("webhook_endpoint", endpoint_id)


def _rules_for(world: World, type_: str) -> dict[str, Any]:
    """An order for this event comes first, then how deliveries go at the moment."""
    order = _take_order(world, type_)
    if order:
        return {**DEFAULT_RULES, **order}
    current = rules(world)
    if current["types"] and type_ not in current["types"]:
        return DEFAULT_RULES
    return current


def orders(world: World) -> list[dict[str, Any]]:
    """What was ordered for single events to come, through `/_fake/delivery/orders`."""
    return [order for order in world.setting(ORDERS).get("orders", []) if order["times"] > 0]


def _take_order(world: World, type_: str) -> dict[str, Any] | None:
    waiting = orders(world)
    for order in waiting:
        if not order["types"] or type_ in order["types"]:
            order["times"] -= 1
            world.put_setting({"id": ORDERS, "orders": waiting})
            return order
    return None


def rendered(world: World, event: Record, endpoint: Record) -> Record:
    """The event as this endpoint gets it: in its own version, else the account's.

    Only the version's name differs: this program knows one shape of each object.
    """
    return {**visible(event), "api_version": endpoint["api_version"] or world.options.api_version}


def give_up_if_closed(world: World, record: Record) -> bool:
    """No tries for an endpoint that was deleted or is disabled (docs.stripe.com/webhooks#retries)."""
    endpoint = receiver(world, record["endpoint"])
    if endpoint is not None and endpoint["status"] == "enabled":
        return False
    with world.store.change():
        world.store.put("_delivery", {**record, "status": "abandoned", "next_at": 0.0})
        count_pending(world, record["event"])
    return True


def move(world: World, record: Record, mode: str, delay_ms: float) -> Record:
    """Let one planned delivery go after all, later, only on command, or never."""
    record["status"] = STATUS_BY_MODE[mode]
    record["next_at"] = world.clock.now() + delay_ms / 1000
    world.store.put("_delivery", record)
    return record


def wants(endpoint: Record, type_: str) -> bool:
    if endpoint["status"] != "enabled":
        return False
    return "*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"]


def _note(world: World, event: Record, endpoint: Record, current: dict[str, Any], lag: float) -> None:
    status = STATUS_BY_MODE[current["mode"]]
    record = {
        "id": world.ids.new("dlv_", 12),
        "event": event["id"],
        "type": event["type"],
        "endpoint": endpoint["id"],
        "status": status,
        "next_at": _first_try(world, current) + lag,
        "attempts": [],
    }
    world.store.put("_delivery", record)


def _first_try(world: World, current: dict[str, Any]) -> float:
    at = world.clock.now() + current["delay_ms"] / 1000
    return _reordered(world, at) if current["reorder"] else at


def _reordered(world: World, at: float) -> float:
    """Within a burst each later event goes out before the earlier ones."""
    burst = world.setting("burst")
    if at > burst.get("until", 0):
        burst = {"id": "burst", "until": at + BURST_SECONDS, "size": 0}
    burst["size"] += 1
    world.put_setting(burst)
    return float(burst["until"] + max(0, BURST_SIZE - burst["size"]) * BURST_STEP)


def note_attempt(world: World, delivery_id: str, attempt: dict[str, Any]) -> None:
    """Write down how a try went and decide what comes next."""
    with world.store.change():
        record = world.store.get("_delivery", delivery_id)
        if record is None:
            return
        record["attempts"].append(attempt)
        record["status"], record["next_at"] = _after(world, record, succeeded(attempt))
        world.store.put("_delivery", record)
        count_pending(world, record["event"])


def _after(world: World, record: Record, success: bool) -> tuple[str, float]:
    if success:
        return "delivered", 0.0
    if record["endpoint"].startswith(LINE):
        return "failed", 0.0
    pauses = retry_pauses(world)
    tries = len(record["attempts"])
    if tries > len(pauses):
        return "failed", 0.0
    return "pending", world.clock.now() + pauses[tries - 1]


def retry_pauses(world: World) -> list[float]:
    chosen = rules(world)["retry_after"]
    if chosen is not None:
        return [float(seconds) for seconds in chosen]
    return [seconds * world.options.retry_scale for seconds in RETRY_INTERVALS]


def succeeded(attempt: dict[str, Any]) -> bool:
    return attempt["status"] is not None and 200 <= attempt["status"] < 300


def count_pending(world: World, event_id: str) -> None:
    """`pending_webhooks`: endpoints that have not yet answered with success."""
    event = world.store.get("event", event_id)
    if event is None:
        return
    mine = world.store.where("_delivery", "event", event_id)
    done = {d["endpoint"] for d in mine if d["status"] in ("delivered", "abandoned")}
    event["pending_webhooks"] = len({d["endpoint"] for d in mine} - done)
    world.store.put("event", event)
