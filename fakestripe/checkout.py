"""The life of a Checkout Session: opened, tried, completed or expired.

Source: docs.stripe.com/api/checkout/sessions, docs.stripe.com/payments/checkout/how-checkout-works
and docs.stripe.com/checkout/fulfillment. What parameters look like is `resources/sessions.py`,
what an attempt does in each mode is `checkout_modes.py`.
"""

from __future__ import annotations

from fakestripe import checkout_modes, guests, jobs, payments, recovery, setups
from fakestripe.errors import ApiError, invalid_request, resource_missing
from fakestripe.events import emit
from fakestripe.guests import Guest
from fakestripe.instruments import Instrument, make_payment_method
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


class NotPayable(Exception):
    """The session is no longer open; carries its status."""


def open_session(world: World, session: Record, items: list[Record], optional: list[Record]) -> Record:
    """Keep a new session and plan its end. `optional`: what a guest may add to the items."""
    checkout_modes.begin(world, session)
    world.store.put("checkout.session", session)
    world.store.put("_line_items", {"id": session["id"], "data": items, "optional": optional})
    jobs.schedule(world, "expire_session", session["id"], session["expires_at"])
    return session


def recover(world: World, token: str) -> Record | None:
    """Follow the link of an expired session to a new one, or None where the link leads nowhere."""
    with world.store.change():
        expired = recovery.find(world, token)
        return open_session(world, *recovery.copy(world, expired)) if expired else None


def get_session(world: World, session_id: str) -> Record:
    session = world.store.get("checkout.session", session_id)
    if session is None:
        raise resource_missing("checkout.session", session_id, "session")
    return session


def known_email(world: World, session: Record) -> str | None:
    """The address that the shop gave, or that its customer has."""
    customer = world.store.get("customer", session["customer"]) if session["customer"] else None
    return session["customer_email"] or (customer or {}).get("email")


def success_url(session: Record) -> str:
    """Where the guest goes; Stripe replaces the literal placeholder by the session's id."""
    return str(session["success_url"]).replace(PLACEHOLDER, session["id"])


def pay(
    world: World, session_id: str, means: Instrument | Record | None, guest: Guest, challenge_base: str
) -> Record | None:
    """The guest presses the button; gives the intent that was tried, whose status says what happened.

    `means` is what was typed, or a PaymentMethod that is there already. Where nothing is due and
    no card is asked for, there is no intent: the session is complete. Raises NotPayable once the
    session is complete or expired: a double submit pays once.
    """
    with world.store.change():
        session = get_session(world, session_id)
        if session["status"] != "open":
            raise NotPayable(session["status"])
        session["_guest"] = guests.keep(session, guest)
        if means is None or not checkout_modes.needs_method(session):
            _complete(world, session, None)
            return None
        method = make_payment_method(world, means) if isinstance(means, Instrument) else means
        intent = checkout_modes.attempt(world, session, method, challenge_base)
        if intent is None:
            _complete(world, session, None)
        else:
            _finish_if_paid(world, session, intent)
        return intent


def authenticate(world: World, intent_id: str, *, success: bool) -> Record:
    """The answer of the 3-D Secure page, for a Checkout Session or an intent made through the API."""
    with world.store.change():
        intent = checkout_modes.find_intent(world, intent_id)
        if intent is None:
            raise resource_missing("payment_intent", intent_id, "intent")
        if intent["status"] != "requires_action":
            return intent
        answer = setups.authenticate if intent["object"] == "setup_intent" else payments.authenticate
        intent = answer(world, intent, success=success)
        session = session_of(world, intent)
        if session:
            _finish_if_paid(world, session, intent)
        return intent


def settle(world: World, intent: Record, outcome: str) -> Record:
    """The bank's late answer: `async_payment_succeeded` or `async_payment_failed`."""
    with world.store.change():
        intent = payments.settle(world, intent, outcome)
        session = session_of(world, intent)
        if session:
            if outcome == "succeeded":
                session["payment_status"] = "paid"
                checkout_modes.give_invoice(world, session, intent)
                world.store.put("checkout.session", session)
            emit(world, f"checkout.session.async_payment_{outcome}", session)
        return intent


def expire(world: World, session: Record) -> Record:
    """Close an open session; nobody can pay it any more. Its PaymentIntent is canceled."""
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`."
        )
        raise invalid_request(message)
    session.update(status="expired", url=None)
    jobs.cancel(world, "expire_session", session["id"])
    recovery.offer(world, session)
    world.store.put("checkout.session", session)
    checkout_modes.abandon(world, session)
    emit(world, "checkout.session.expired", session)
    return session


def mark_captured(world: World, intent: Record) -> None:
    """With manual capture the session counts as paid once the money is taken."""
    session = session_of(world, intent)
    if session:
        session["payment_status"] = "paid"
        checkout_modes.give_invoice(world, session, intent)
        world.store.put("checkout.session", session)


def session_of(world: World, intent: Record) -> Record | None:
    session_id = intent.get("_session")
    return world.store.get("checkout.session", session_id) if session_id else None


def refuse_if_checkout(intent: Record, verb: str) -> None:
    """docs.stripe.com/api/checkout/sessions/object: Checkout alone moves its intents."""
    if intent.get("_session"):
        noun = "SetupIntent" if intent["object"] == "setup_intent" else "PaymentIntent"
        message = (
            f"You cannot {verb} the {noun} for a Checkout Session. To cancel, expire the Checkout Session instead."
        )
        raise ApiError(400, "invalid_request_error", message)


@task("expire_session")
def expire_due(world: World, job: Record) -> None:
    session = world.store.get("checkout.session", job["target"])
    if session and session["status"] == "open":
        expire(world, session)


@task("settle_payment")
def settle_due(world: World, job: Record) -> None:
    intent = world.store.get("payment_intent", job["target"])
    if intent and intent["status"] == "processing":
        settle(world, intent, job["outcome"])


def _finish_if_paid(world: World, session: Record, intent: Record) -> None:
    """Complete the session unless the attempt failed or waits for the guest."""
    if intent["status"] not in PAYABLE and session["status"] == "open":
        _complete(world, session, intent)


def _complete(world: World, session: Record, intent: Record | None) -> None:
    checkout_modes.finish(world, session, intent)
    session.update(
        status="complete",
        url=None,
        payment_status=_payment_status(session, intent),
        **guests.told(session),
    )
    if session["payment_status"] == "paid" and intent:
        checkout_modes.give_invoice(world, session, intent)
    jobs.cancel(world, "expire_session", session["id"])
    world.store.put("checkout.session", session)
    event = emit(world, "checkout.session.completed", session)
    session["_completed_event"] = event["id"]
    world.store.put("checkout.session", session)


def _payment_status(session: Record, intent: Record | None) -> str:
    if intent is None or intent["object"] == "setup_intent":
        return "no_payment_required"
    return "paid" if intent["status"] == "succeeded" else "unpaid"
