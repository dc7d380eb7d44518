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


def outcome(intent: Record | None) -> str:
    """One word for how an attempt went; there is no intent where nothing had to be paid or kept."""
    if intent is None:
        return "succeeded"
    return {
        "succeeded": "succeeded",
        "requires_capture": "authorized",
        "processing": "processing",
        "requires_action": "requires_action",
    }.get(intent["status"], "declined")


def error(intent: Record | None) -> Record | None:
    """Why the last attempt failed, for a PaymentIntent or a SetupIntent."""
    if intent is None:
        return None
    name = "last_setup_error" if intent["object"] == "setup_intent" else "last_payment_error"
    found: Record | None = intent[name]
    return found


def challenge_url(intent: Record | None) -> str | None:
    """Where the guest has to authenticate, if that is what comes next."""
    redirect = ((intent or {}).get("next_action") or {}).get("redirect_to_url") or {}
    return redirect.get("url")
