"""One attempt to pay a PaymentIntent: the charge it makes, how it ends, and the events of it.

Source: docs.stripe.com/payments/paymentintents/lifecycle and docs.stripe.com/api/events/types.
When an attempt is made is said in `payments.py`.
"""

from __future__ import annotations

from fakestripe import balance, cards, charging, customers, disputes, jobs
from fakestripe.charging import new_charge
from fakestripe.events import emit
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

AUTHORIZATION_SECONDS = 7 * 24 * 3600
AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def asks(intent: Record, method: Record, off_session: bool) -> bool:
    """docs.stripe.com/payments/3d-secure: the bank asks, or the shop does for its own reasons."""
    options = intent["payment_method_options"].get("card") or {}
    requested = options.get("request_three_d_secure") in ("any", "challenge")
    rule = cards.rule_for(method["_number"])
    return rule.asks(off_session=off_session, set_up=bool(method.get("_set_up")), requested=requested)


def start_debit(world: World, intent: Record, method: Record) -> Record:
    """The bank will answer later: docs.stripe.com/payments/sepa-debit."""
    _keep_method(world, intent, method)
    account = cards.BY_IBAN[method["_number"]]
    charge = new_charge(world, intent, method, status="pending", paid=False)
    intent.update(status="processing", latest_charge=charge["id"])
    save(world, intent)
    world.store.put("charge", charge)
    emit(world, "charge.pending", charge)
    emit(world, "payment_intent.processing", intent)
    due = world.clock.now() + account.seconds
    jobs.schedule(world, "settle_payment", intent["id"], due, account.outcome)
    return intent


def fail_debit(world: World, intent: Record, charge: Record) -> Record:
    code, message = "payment_intent_payment_attempt_failed", "The payment failed."
    charge.update(status="failed", failure_code="insufficient_funds", failure_message=message)
    world.store.put("charge", charge)
    emit(world, "charge.failed", charge)
    method = get(world, "payment_method", intent["payment_method"])
    error = {
        "charge": charge["id"],
        "code": code,
        "message": message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    return _fail(world, intent, error)


def ask_for_authentication(world: World, intent: Record, challenge_url: str) -> Record:
    where = {"return_url": intent.get("_return_url"), "url": challenge_url}
    intent.update(
        status="requires_action",
        next_action={"type": "redirect_to_url", "redirect_to_url": where},
    )
    save(world, intent)
    emit(world, "payment_intent.requires_action", intent)
    return intent


def charge_card(world: World, intent: Record, method: Record, *, authenticated: bool) -> Record:
    rule = cards.rule_for(method["_number"])
    if rule.decline:
        return decline(world, intent, method, rule.decline, authenticated=authenticated)
    _keep_method(world, intent, method)
    charge = new_charge(world, intent, method, status="succeeded", authenticated=authenticated)
    if _is_manual(intent):
        return _authorize(world, intent, charge)
    charge.update(captured=True, amount_captured=charge["amount"])
    balance.book_charge(world, charge)
    intent = succeed(world, intent, charge)
    promise_dispute(world, charge, method)
    return intent


def promise_dispute(world: World, charge: Record, method: Record) -> None:
    """Some cards pay and are disputed then (docs.stripe.com/testing#disputes)."""
    rule = cards.rule_for(method["_number"])
    if rule.dispute:
        disputes.promise(world, charge, rule.dispute, inquiry=rule.inquiry)


def _is_manual(intent: Record) -> bool:
    options = intent["payment_method_options"].get("card") or {}
    return "manual" in (intent["capture_method"], options.get("capture_method"))


def _keep_method(world: World, intent: Record, method: Record) -> None:
    """Save the method if that was asked for; without a customer it is used up by this payment.

    docs.stripe.com/payments/save-during-payment: `setup_future_usage` attaches it.
    """
    options = intent["payment_method_options"].get(method["type"]) or {}
    usage = options.get("setup_future_usage") or intent["setup_future_usage"]
    if usage == "off_session":
        method["_set_up"] = True
    if usage in ("off_session", "on_session") and customers.is_there(world, intent["customer"]):
        world.store.put("payment_method", method)
        customers.attach(world, method, intent["customer"])
    elif not method["customer"]:
        world.store.put("payment_method", {**method, "_spent": True})


def succeed(world: World, intent: Record, charge: Record) -> Record:
    world.store.put("charge", charge)
    emit(world, "charge.succeeded", charge)
    intent.update(status="succeeded", latest_charge=charge["id"], amount_received=charge["amount_captured"])
    save(world, intent)
    emit(world, "payment_intent.succeeded", intent)
    return intent


def _authorize(world: World, intent: Record, charge: Record) -> Record:
    ends = world.clock.now() + AUTHORIZATION_SECONDS
    charge["payment_method_details"]["card"]["capture_before"] = int(ends)
    world.store.put("charge", charge)
    emit(world, "charge.succeeded", charge)
    intent.update(status="requires_capture", latest_charge=charge["id"], amount_capturable=charge["amount"])
    save(world, intent)
    emit(world, "payment_intent.amount_capturable_updated", intent)
    jobs.schedule(world, "expire_authorization", intent["id"], ends)
    return intent


def decline(world: World, intent: Record, method: Record, why: cards.Decline, *, authenticated: bool = False) -> Record:
    charge = new_charge(world, intent, method, status="failed", paid=False, authenticated=authenticated)
    charging.decline(charge, why)
    world.store.put("charge", charge)
    emit(world, "charge.failed", charge)
    intent["latest_charge"] = charge["id"]
    error = {
        "charge": charge["id"],
        "code": why.code,
        "decline_code": why.decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes#{why.code.replace('_', '-')}",
        "message": why.message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    return _fail(world, intent, error)


def fail_authentication(world: World, intent: Record, method: Record) -> Record:
    error = {
        "code": "payment_intent_authentication_failure",
        "message": AUTHENTICATION_FAILED,
        "payment_method": visible(method),
        "type": "invalid_request_error",
    }
    return _fail(world, intent, error)


def _fail(world: World, intent: Record, error: Record) -> Record:
    """Back to the start: the same intent may be tried with another card."""
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={key: value for key, value in error.items() if value is not None},
    )
    save(world, intent)
    emit(world, "payment_intent.payment_failed", intent)
    return intent


def save(world: World, intent: Record) -> None:
    world.store.put("payment_intent", intent)


def get(world: World, kind: str, record_id: str) -> Record:
    record = world.store.get(kind, record_id)
    assert record is not None, f"{kind} {record_id} vanished"
    return record
