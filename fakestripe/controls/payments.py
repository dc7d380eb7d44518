"""Controls of money: pay a session, settle a payment, move a refund, decide a dispute."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from fakestripe import checkout, disputes, payouts, refunds, till
from fakestripe.api import base_url
from fakestripe.cards import ACCOUNTS
from fakestripe.checkout import NotPayable
from fakestripe.controls.common import Refused, blueprint, current_world, found, read_body
from fakestripe.guests import Guest
from fakestripe.instruments import Billing, Instrument
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

DEFAULT_CARD = "4242424242424242"


@blueprint.post("/sessions/<session_id>/pay")
def pay(session_id: str) -> Response:
    """Pay as the hosted page would; see README for the members."""
    names = {"card", "method", "iban", "email", "name", "country", "postal_code", "phone"}
    body = read_body(names | {"authenticate", "wait"})
    world = current_world()
    guest = _guest(world, session_id, body)
    try:
        intent = checkout.pay(world, session_id, _instrument(body, guest), guest, base_url(world))
    except NotPayable as closed:
        raise Refused(f"the session is {closed}", 409) from closed
    if intent and intent["status"] == "requires_action" and body.get("authenticate"):
        success = body["authenticate"] == "complete"
        intent = checkout.authenticate(world, intent["id"], success=success)
    answered = till.hold_redirect(world, session_id) if body.get("wait", True) else None
    return jsonify(_receipt(world, session_id, intent, answered))


@blueprint.post("/payments/<intent_id>/settle")
def settle(intent_id: str) -> Response:
    """{"outcome": "succeeded" | "failed"} for a payment that is processing."""
    body = read_body({"outcome"}, required={"outcome"})
    if body["outcome"] not in ("succeeded", "failed"):
        raise Refused("outcome must be succeeded or failed")
    world = current_world()
    intent = world.store.get("payment_intent", intent_id)
    if intent is None:
        raise Refused(f"no payment {intent_id}", 404)
    return jsonify(visible(checkout.settle(world, intent, body["outcome"])))


@blueprint.post("/refunds/<refund_id>")
def move_refund(refund_id: str) -> Response:
    """{"status": ..., "failure_reason"?: ...} moves a refund, with its events."""
    body = read_body({"status", "failure_reason"}, required={"status"})
    allowed = ("pending", "requires_action", "succeeded", "failed", "canceled")
    if body["status"] not in allowed:
        raise Refused(f"status must be one of {', '.join(allowed)}")
    world = current_world()
    with world.store.change():
        refund = found(world, "refund", refund_id)
        moved = refunds.finish(world, refund, body["status"], body.get("failure_reason"))
    return jsonify(visible(moved))


@blueprint.post("/disputes/<dispute_id>")
def close_dispute(dispute_id: str) -> Response:
    """{"status": "won" | "lost"} closes a dispute, "needs_response" makes a chargeback of an inquiry."""
    body = read_body({"status"}, required={"status"})
    if body["status"] not in ("won", "lost", "needs_response"):
        raise Refused("status must be won, lost or needs_response")
    world = current_world()
    with world.store.change():
        dispute = found(world, "dispute", dispute_id)
        if body["status"] == "needs_response":
            return jsonify(visible(disputes.escalate(world, dispute)))
        return jsonify(visible(disputes.close(world, dispute, body["status"])))


@blueprint.post("/payouts")
def pay_out() -> Response:
    """What is available goes to the bank: one payout for each currency."""
    read_body(set())
    world = current_world()
    with world.store.change():
        made = payouts.pay_out(world)
    return jsonify([visible(payout) for payout in made])


def _guest(world: World, session_id: str, body: dict[str, Any]) -> Guest:
    session = checkout.get_session(world, session_id)
    return Guest(
        email=body.get("email") or checkout.known_email(world, session) or "grace@example.com",
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


def _receipt(world: World, session_id: str, intent: Record | None, answered: bool | None) -> Record:
    session = checkout.get_session(world, session_id)
    complete = session["status"] == "complete"
    return {
        "outcome": till.outcome(intent),
        "session": visible(session),
        "payment_intent": visible(intent) if intent and intent["object"] == "payment_intent" else None,
        "setup_intent": visible(intent) if intent and intent["object"] == "setup_intent" else None,
        "error": till.error(intent),
        "redirect_to": checkout.success_url(session) if complete else None,
        "challenge_url": till.challenge_url(intent),
        "shop_answered": answered,
    }
