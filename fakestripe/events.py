"""Events: a snapshot of an object, kept for 30 days, and handed to each webhook endpoint.

Shape: docs.stripe.com/api/events/object. Stripe keeps events 30 days.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from fakestripe import delivery
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

RETENTION = 30 * 24 * 3600


@dataclass(frozen=True)
class Cause:
    """The API request an event follows from; both empty for what a guest or the clock did."""

    request_id: str | None = None
    idempotency_key: str | None = None


current_cause: ContextVar[Cause | None] = ContextVar("current_cause", default=None)


def emit(world: World, type_: str, record: Record, previous: Record | None = None, *, lag: float = 0.0) -> Record:
    """Record an event and plan its deliveries, `lag` seconds late; must run inside `store.change()`."""
    cause = current_cause.get() or Cause()
    data: dict[str, Any] = {"object": visible(record)}
    if previous is not None:
        data["previous_attributes"] = previous
    event = {
        "id": world.ids.new("evt_"),
        "object": "event",
        "api_version": world.options.api_version,
        "created": world.clock.timestamp(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": type_,
    }
    event["pending_webhooks"] = delivery.plan(world, event, lag)
    world.store.put("event", event)
    world.recording.event(event)
    return event


def emit_change(world: World, type_: str, record: Record, before: Record) -> None:
    """An `updated` event with what was there before; none where nothing changed."""
    previous = previous_attributes(visible(before), visible(record))
    if previous:
        emit(world, type_, record, previous)


def previous_attributes(before: Record, after: Record) -> Record:
    """Old values of what changed; within a hash only the keys that did, new ones as null."""
    changed: Record = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old != new:
            inside = isinstance(old, dict) and isinstance(new, dict)
            changed[name] = previous_attributes(old, new) if inside else old
    return changed


def is_kept(world: World, event: Record) -> bool:
    return bool(event["created"] > world.clock.timestamp() - RETENTION)
