"""Which endpoint gets which event, when, and after how many tries. Sending is `webhooks.py`.

Facts: docs.stripe.com/webhooks. Delivery is at least once, in no order; anything but 2xx,
redirects included, is a failure and is tried again with growing pauses.
"""

from __future__ import annotations

from typing import Any

from fakestripe.options import RETRY_INTERVALS
from fakestripe.store import Record
from fakestripe.world import World

MODES = ("normal", "drop", "hold")
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


def rules(world: World) -> dict[str, Any]:
    """How deliveries go at the moment, as `/_fake/delivery` set it."""
    return {**DEFAULT_RULES, **world.setting("delivery")}


def plan(world: World, event: Record) -> int:
    """Note each delivery an event needs; the number of endpoints that will get it."""
    endpoints = [e for e in world.store.all("webhook_endpoint") if wants(e, event["type"])]
    current = rules(world)
    if current["types"] and event["type"] not in current["types"]:
        current = DEFAULT_RULES
    for endpoint in endpoints:
        for _ in range(1 + int(current["duplicate"])):
            _note(world, event, endpoint, current)
    return len(endpoints)


def wants(endpoint: Record, type_: str) -> bool:
    if endpoint["status"] != "enabled":
        return False
    return "*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"]


def _note(world: World, event: Record, endpoint: Record, current: dict[str, Any]) -> None:
    status = {"normal": "pending", "hold": "held", "drop": "dropped"}[current["mode"]]
    record = {
        "id": world.ids.new("dlv_", 12),
        "event": event["id"],
        "type": event["type"],
        "endpoint": endpoint["id"],
        "status": status,
        "next_at": _first_try(world, current),
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
        _count_pending(world, record["event"])


def _after(world: World, record: Record, success: bool) -> tuple[str, float]:
    if success:
        return "delivered", 0.0
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


def _count_pending(world: World, event_id: str) -> None:
    """`pending_webhooks`: endpoints that have not yet answered with success."""
    event = world.store.get("event", event_id)
    if event is None:
        return
    mine = [d for d in world.store.all("_delivery") if d["event"] == event_id]
    done = {d["endpoint"] for d in mine if d["status"] == "delivered"}
    event["pending_webhooks"] = len({d["endpoint"] for d in mine} - done)
    world.store.put("event", event)
