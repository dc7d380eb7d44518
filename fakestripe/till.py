"""Paying as the hosted page does it: try the payment, then hold the guest for the shop's answer."""

from __future__ import annotations

from fakestripe import checkout, delivery
from fakestripe.store import Record
from fakestripe.world import World


def hold_redirect(world: World, session_id: str) -> bool:
    """Hold the guest until the shop answered `checkout.session.completed`, or time is up.

    Up to 10 seconds (docs.stripe.com/checkout/fulfillment); False when the shop was too slow.
    """
    session = checkout.get_session(world, session_id)
    event_id = session.get("_completed_event")
    if not event_id:
        return True
    chosen = delivery.rules(world)["redirect_hold"]
    seconds = world.options.redirect_hold if chosen is None else float(chosen)
    return world.dispatcher.wait_for_answer(world, event_id, seconds)


def outcome(intent: Record) -> str:
    """One word for how an attempt went."""
    return {
        "succeeded": "succeeded",
        "requires_capture": "authorized",
        "processing": "processing",
        "requires_action": "requires_action",
    }.get(intent["status"], "declined")
