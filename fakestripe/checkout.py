"""The life of a Checkout Session: opened, tried, completed or expired.

Source: docs.stripe.com/api/checkout/sessions, docs.stripe.com/payments/checkout/how-checkout-works
and docs.stripe.com/checkout/fulfillment. What parameters look like is `resources/sessions.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fakestripe import jobs, payments
from fakestripe.errors import ApiError, invalid_request, resource_missing
from fakestripe.events import emit
from fakestripe.instruments import EMPTY_ADDRESS, Instrument
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class Guest:
    """What a guest tells the page besides how to pay."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    address: dict[str, str | None] = field(default_factory=dict)
    terms_accepted: bool = False
    promotions: bool = False
    answers: dict[str, str] = field(default_factory=dict)


class NotPayable(Exception):
    """The session is no longer open; carries its status."""


def open_session(world: World, session: Record, items: list[Record]) -> Record:
    """Keep a new session and plan its end."""
    world.store.put("checkout.session", session)
    world.store.put("_line_items", {"id": session["id"], "data": items})
    jobs.schedule(world, "expire_session", session["id"], session["expires_at"])
    return session


def get_session(world: World, session_id: str) -> Record:
    session = world.store.get("checkout.session", session_id)
    if session is None:
        raise resource_missing("checkout.session", session_id, "session")
    return session


def success_url(session: Record) -> str:
    """Where the guest goes; Stripe replaces the literal placeholder by the session's id."""
    return str(session["success_url"]).replace(PLACEHOLDER, session["id"])


def pay(world: World, session_id: str, instrument: Instrument, guest: Guest, challenge_base: str) -> Record:
    """The guest presses Pay; gives the PaymentIntent, whose status says what happened.

    The PaymentIntent is made at the first attempt, as Stripe does, and used again by later ones.
    Raises NotPayable once the session is complete or expired: a double submit pays once.
    """
    with world.store.change():
        session = get_session(world, session_id)
        if session["status"] != "open":
            raise NotPayable(session["status"])
        session["_guest"] = _keep(guest)
        intent = _intent_of(world, session)
        world.store.put("checkout.session", session)
        url = f"{challenge_base}/c/3ds/{intent['id']}"
        intent = payments.confirm(world, intent, instrument, url)
        _finish_if_paid(world, session, intent)
        return intent


def authenticate(world: World, intent_id: str, *, success: bool) -> Record:
    """The answer of the 3-D Secure page, for a Checkout payment or one made through the API."""
    with world.store.change():
        intent = world.store.get("payment_intent", intent_id)
        if intent is None:
            raise resource_missing("payment_intent", intent_id, "intent")
        if intent["status"] != "requires_action":
            return intent
        intent = payments.authenticate(world, intent, success=success)
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
    world.store.put("checkout.session", session)
    if session["payment_intent"]:
        intent = world.store.get("payment_intent", session["payment_intent"])
        assert intent is not None
        payments.cancel(world, intent, "expired")
    emit(world, "checkout.session.expired", session)
    return session


def mark_captured(world: World, intent: Record) -> None:
    """With manual capture the session counts as paid once the money is taken."""
    session = session_of(world, intent)
    if session:
        session["payment_status"] = "paid"
        world.store.put("checkout.session", session)


def session_of(world: World, intent: Record) -> Record | None:
    session_id = intent.get("_session")
    return world.store.get("checkout.session", session_id) if session_id else None


def refuse_if_checkout(intent: Record, verb: str) -> None:
    """docs.stripe.com/api/checkout/sessions/object: Checkout alone moves its PaymentIntent."""
    if intent.get("_session"):
        message = (
            f"You cannot {verb} the PaymentIntent for a Checkout Session. "
            "To cancel, expire the Checkout Session instead."
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


def _intent_of(world: World, session: Record) -> Record:
    if session["payment_intent"]:
        intent = world.store.get("payment_intent", session["payment_intent"])
        assert intent is not None
        return intent
    intent = payments.create(
        world,
        session["amount_total"],
        session["currency"],
        payment_method_types=session["payment_method_types"],
        _session=session["id"],
        **session["_intent_fields"],
    )
    session["payment_intent"] = intent["id"]
    return intent


def _finish_if_paid(world: World, session: Record, intent: Record) -> None:
    """Complete the session unless the attempt failed or waits for the guest."""
    if intent["status"] in PAYABLE:
        return
    guest = session["_guest"]
    session.update(
        status="complete",
        url=None,
        payment_status="paid" if intent["status"] == "succeeded" else "unpaid",
        customer_details=_customer_details(guest),
        consent=_consent(session, guest),
        custom_fields=_answered(session["custom_fields"], guest["answers"]),
    )
    jobs.cancel(world, "expire_session", session["id"])
    world.store.put("checkout.session", session)
    event = emit(world, "checkout.session.completed", session)
    session["_completed_event"] = event["id"]
    world.store.put("checkout.session", session)


def _keep(guest: Guest) -> Record:
    return {
        "email": guest.email,
        "name": guest.name,
        "phone": guest.phone,
        "address": guest.address,
        "terms_accepted": guest.terms_accepted,
        "promotions": guest.promotions,
        "answers": guest.answers,
    }


def _customer_details(guest: Record) -> Record:
    return {
        "address": {**EMPTY_ADDRESS, **guest["address"]},
        "business_name": None,
        "email": guest["email"],
        "individual_name": None,
        "name": guest["name"],
        "phone": guest["phone"],
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _consent(session: Record, guest: Record) -> Record | None:
    wanted = session["consent_collection"]
    if not wanted:
        return None
    asked_promotions = wanted["promotions"] == "auto"
    promotions = ("opt_in" if guest["promotions"] else "opt_out") if asked_promotions else None
    terms = "accepted" if wanted["terms_of_service"] == "required" else None
    return {"promotions": promotions, "terms_of_service": terms}


def _answered(fields: list[Record], answers: dict[str, str]) -> list[Any]:
    """Custom fields with what the guest typed into them."""
    filled = []
    for custom in fields:
        inner = {**custom[custom["type"]], "value": answers.get(custom["key"])}
        filled.append({**custom, custom["type"]: inner})
    return filled
