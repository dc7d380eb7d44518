"""What becomes of a PaymentIntent: the state machine, its charges and their events.

Source: docs.stripe.com/payments/paymentintents/lifecycle and docs.stripe.com/api/events/types.
Functions here join their caller's `store.change()` and save what they touch.
"""

from __future__ import annotations

from typing import Any

from fakestripe import balance, cards, disputes, jobs
from fakestripe.errors import ApiError, invalid_request
from fakestripe.events import emit
from fakestripe.instruments import Instrument, charge_details, make_payment_method
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

NULLS = (
    "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason "
    "customer customer_account description excluded_payment_method_types last_payment_error "
    "latest_charge managed_payments next_action on_behalf_of payment_method "
    "payment_method_configuration_details processing receipt_email review setup_future_usage "
    "shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
).split()
CHARGE_NULLS = (
    "application application_fee application_fee_amount balance_transaction customer "
    "failure_balance_transaction failure_code failure_message on_behalf_of receipt_number "
    "review shipping source_transfer transfer_data transfer_group"
).split()
COPIED_TO_CHARGE = (
    "currency",
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
)
CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)
AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this PaymentIntent again."
)


def create(world: World, amount: int, currency: str, **fields: Any) -> Record:
    """A PaymentIntent that waits for a payment method."""
    intent_id = world.ids.new("pi_")
    intent: Record = {
        **dict.fromkeys(NULLS),
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{world.ids.new('', 25)}",
        "confirmation_method": "automatic",
        "created": world.clock.timestamp(),
        "currency": currency,
        "livemode": False,
        "metadata": {},
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        **{key: value for key, value in fields.items() if value is not None},
    }
    _save(world, intent)
    emit(world, "payment_intent.created", intent)
    return intent


def confirm(world: World, intent: Record, instrument: Instrument, challenge_url: str) -> Record:
    """Try to pay. What happened is told by the intent's status and `last_payment_error`."""
    method = make_payment_method(world, instrument)
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    if method["type"] == "sepa_debit":
        return _start_debit(world, intent, method)
    if cards.rule_for(method["_number"]).three_d_secure:
        return _ask_for_authentication(world, intent, challenge_url)
    return _charge_card(world, intent, method, authenticated=False)


def authenticate(world: World, intent: Record, *, success: bool) -> Record:
    """The guest came back from 3-D Secure. Once answered, a second answer changes nothing."""
    if intent["status"] != "requires_action":
        return intent
    intent["next_action"] = None
    method = world.store.get("payment_method", intent["payment_method"])
    assert method is not None
    if success:
        return _charge_card(world, intent, method, authenticated=True)
    error = {
        "code": "payment_intent_authentication_failure",
        "message": AUTHENTICATION_FAILED,
        "payment_method": visible(method),
        "type": "invalid_request_error",
    }
    return _fail(world, intent, error)


def settle(world: World, intent: Record, outcome: str) -> Record:
    """A delayed payment comes to its end; `outcome` is "succeeded" or "failed"."""
    if intent["status"] != "processing":
        message = f"This PaymentIntent is {intent['status']}: there is nothing to settle."
        raise invalid_request(message, code="payment_intent_unexpected_state")
    jobs.cancel(world, "settle_payment", intent["id"])
    charge = _get(world, "charge", intent["latest_charge"])
    if outcome == "succeeded":
        charge.update(status="succeeded", paid=True, captured=True)
        charge["amount_captured"] = charge["amount"]
        balance.book_charge(world, charge)
        return _succeed(world, intent, charge)
    return _fail_debit(world, intent, charge)


def capture(world: World, intent: Record, amount: int) -> Record:
    """Take money that was authorised; the rest of it is released."""
    charge = _get(world, "charge", intent["latest_charge"])
    charge.update(captured=True, amount_captured=amount)
    # Stripe reports what was authorised but not taken as refunded (docs.stripe.com/payments/
    # place-a-hold-on-a-payment-method).
    charge["amount_refunded"] = charge["amount"] - amount
    balance.book_charge(world, charge)
    world.store.put("charge", charge)
    emit(world, "charge.captured", charge)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    _save(world, intent)
    emit(world, "payment_intent.succeeded", intent)
    return intent


def cancel(world: World, intent: Record, reason: str | None) -> Record:
    """End it unpaid. An authorisation is given back."""
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "cancel", CANCELABLE)
    jobs.cancel(world, "settle_payment", intent["id"])
    if intent["status"] == "requires_capture":
        _release(world, _get(world, "charge", intent["latest_charge"]))
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=world.clock.timestamp(),
        cancellation_reason=reason,
        next_action=None,
    )
    _save(world, intent)
    emit(world, "payment_intent.canceled", intent)
    return intent


def unexpected_state(intent: Record, verb: str, allowed: tuple[str, ...]) -> ApiError:
    states = ", ".join(allowed[:-1]) + (" or " if len(allowed) > 1 else "") + allowed[-1]
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be used: {states}."
    )
    details = {"code": "payment_intent_unexpected_state", "payment_intent": visible(intent)}
    return ApiError(400, "invalid_request_error", message, **details)


def _start_debit(world: World, intent: Record, method: Record) -> Record:
    """The bank will answer later: docs.stripe.com/payments/sepa-debit."""
    account = cards.BY_IBAN[method["_number"]]
    charge = _new_charge(world, intent, method, status="pending", paid=False)
    intent.update(status="processing", latest_charge=charge["id"])
    _save(world, intent)
    world.store.put("charge", charge)
    emit(world, "charge.pending", charge)
    emit(world, "payment_intent.processing", intent)
    due = world.clock.now() + account.seconds
    jobs.schedule(world, "settle_payment", intent["id"], due, account.outcome)
    return intent


def _fail_debit(world: World, intent: Record, charge: Record) -> Record:
    code, message = "payment_intent_payment_attempt_failed", "The payment failed."
    charge.update(status="failed", failure_code="insufficient_funds", failure_message=message)
    world.store.put("charge", charge)
    emit(world, "charge.failed", charge)
    method = _get(world, "payment_method", intent["payment_method"])
    error = {
        "charge": charge["id"],
        "code": code,
        "message": message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    return _fail(world, intent, error)


def _ask_for_authentication(world: World, intent: Record, challenge_url: str) -> Record:
    where = {"return_url": intent.get("_return_url"), "url": challenge_url}
    intent.update(
        status="requires_action",
        next_action={"type": "redirect_to_url", "redirect_to_url": where},
    )
    _save(world, intent)
    emit(world, "payment_intent.requires_action", intent)
    return intent


def _charge_card(world: World, intent: Record, method: Record, *, authenticated: bool) -> Record:
    rule = cards.rule_for(method["_number"])
    if rule.decline:
        return _decline(world, intent, method, rule.decline, authenticated=authenticated)
    manual = intent["capture_method"] == "manual"
    charge = _new_charge(world, intent, method, status="succeeded", authenticated=authenticated)
    if manual:
        return _authorize(world, intent, charge)
    charge.update(captured=True, amount_captured=charge["amount"])
    balance.book_charge(world, charge)
    intent = _succeed(world, intent, charge)
    if rule.dispute:
        disputes.promise(world, charge, rule.dispute)
    return intent


def _succeed(world: World, intent: Record, charge: Record) -> Record:
    world.store.put("charge", charge)
    emit(world, "charge.succeeded", charge)
    intent.update(status="succeeded", latest_charge=charge["id"], amount_received=charge["amount_captured"])
    _save(world, intent)
    emit(world, "payment_intent.succeeded", intent)
    return intent


def _authorize(world: World, intent: Record, charge: Record) -> Record:
    world.store.put("charge", charge)
    emit(world, "charge.succeeded", charge)
    intent.update(status="requires_capture", latest_charge=charge["id"], amount_capturable=charge["amount"])
    _save(world, intent)
    emit(world, "payment_intent.amount_capturable_updated", intent)
    return intent


def _release(world: World, charge: Record) -> None:
    charge.update(refunded=True, amount_refunded=charge["amount"])
    world.store.put("charge", charge)
    emit(world, "charge.refunded", charge)


def _decline(world: World, intent: Record, method: Record, decline: cards.Decline, *, authenticated: bool) -> Record:
    charge = _new_charge(world, intent, method, status="failed", paid=False, authenticated=authenticated)
    charge.update(failure_code=decline.code, failure_message=decline.message)
    charge["outcome"] = _declined_outcome(decline)
    world.store.put("charge", charge)
    emit(world, "charge.failed", charge)
    intent["latest_charge"] = charge["id"]
    error = {
        "charge": charge["id"],
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes#{decline.code.replace('_', '-')}",
        "message": decline.message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    return _fail(world, intent, error)


def _fail(world: World, intent: Record, error: Record) -> Record:
    """Back to the start: the same intent may be tried with another card."""
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        last_payment_error={key: value for key, value in error.items() if value is not None},
    )
    _save(world, intent)
    emit(world, "payment_intent.payment_failed", intent)
    return intent


def _new_charge(
    world: World,
    intent: Record,
    method: Record,
    *,
    status: str,
    paid: bool = True,
    authenticated: bool = False,
) -> Record:
    """Copies what Stripe copies from the intent, metadata included (docs.stripe.com/metadata)."""
    charge_id = world.ids.new("ch_")
    return {
        **dict.fromkeys(CHARGE_NULLS),
        "id": charge_id,
        "object": "charge",
        **_unspent(intent["amount"]),
        **{name: intent[name] for name in COPIED_TO_CHARGE},
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "FAKESTRIPE",
        "created": world.clock.timestamp(),
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": dict(ACCEPTED),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": charge_details(method, authenticated=authenticated),
        "radar_options": {},
        "receipt_url": f"https://pay.stripe.com/receipts/simulated/{charge_id}",
        "status": status,
    }


def _unspent(amount: int) -> Record:
    """The amounts of a charge before anything was captured, refunded or disputed."""
    zero = {"amount_captured": 0, "amount_refunded": 0}
    return {"amount": amount, **zero, "captured": False, "disputed": False, "refunded": False}


ACCEPTED = {
    "advice_code": None,
    "network_advice_code": None,
    "network_decline_code": None,
    "network_status": "approved_by_network",
    "reason": None,
    "risk_level": "normal",
    "risk_score": 12,
    "seller_message": "Payment complete.",
    "type": "authorized",
}


def _declined_outcome(decline: cards.Decline) -> Record:
    return {
        **ACCEPTED,
        "advice_code": "try_again_later" if decline.decline_code else None,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _save(world: World, intent: Record) -> None:
    world.store.put("payment_intent", intent)


def _get(world: World, kind: str, record_id: str) -> Record:
    record = world.store.get(kind, record_id)
    assert record is not None, f"{kind} {record_id} vanished"
    return record
