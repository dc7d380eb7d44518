"""What is forgotten in time, so that a simulator may run for weeks: old keys, events and deliveries."""

from __future__ import annotations

from fakestripe.delivery import OPEN
from fakestripe.events import RETENTION
from fakestripe.store import Timetable
from fakestripe.world import World

AT_ONCE = 500
DELIVERIES_KEPT = 20_000
EVENTS = Timetable("event", lambda event: event["created"])
ENDED_DELIVERIES = Timetable("_delivery", lambda delivery: None if delivery["status"] in OPEN else 0.0)


def forget_old(world: World) -> None:
    """A little at each tick, so that nobody waits long for the lock."""
    with world.store.change():
        world.idempotency.prune()
        _forget_events(world)
        _forget_deliveries(world)


def _forget_events(world: World) -> None:
    """Stripe keeps events for 30 days (docs.stripe.com/api/events); with one go its deliveries.

    One that is still to be delivered stays: after a leap of the clock it is born old.
    """
    for event in world.store.until(EVENTS, world.clock.timestamp() - RETENTION, limit=AT_ONCE):
        deliveries = world.store.where("_delivery", "event", event["id"])
        if any(delivery["status"] in OPEN for delivery in deliveries):
            continue
        world.store.delete("event", event["id"])
        for delivery in deliveries:
            world.store.delete("_delivery", delivery["id"])


def _forget_deliveries(world: World) -> None:
    """The log keeps the newest of those that have come to an end."""
    excess = world.store.count(ENDED_DELIVERIES) - DELIVERIES_KEPT
    if excess > 0:
        for delivery in world.store.until(ENDED_DELIVERIES, 0.0, limit=min(excess, AT_ONCE)):
            world.store.delete("_delivery", delivery["id"])
