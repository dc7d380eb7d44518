"""What becomes of a PaymentIntent: the state machine, its charges and their events.

Source: docs.stripe.com/payments/paymentintents/lifecycle and docs.stripe.com/api/events/types.
Functions here join their caller's `store.change()` and save what they touch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakestripe import attempts, balance, cards, jobs
from fakestripe.errors import ApiError, invalid_request
from fakestripe.events import emit, emit_change
from fakestripe.jobs import task
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

Listener = Callable[[World, Record], None]
_WHEN_ENDED: list[Listener] = []

NULLS = (
    "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason "
    "customer customer_account description excluded_payment_method_types last_payment_error "
    "latest_charge managed_payments next_action on_behalf_of payment_method "
    "payment_method_configuration_details processing receipt_email review setup_future_usage "
    "shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
).split()
CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
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
    attempts.save(world, intent)
    emit(world, "payment_intent.created", intent)
    return intent


def when_ended(listener: Listener) -> Listener:
    """Register who is told of an intent that an attempt brought somewhere.

    That is: succeeded, processing, requires_capture, canceled, or failed and so back at
    requires_payment_method. The listener gets a record of its own and saves what it changes.
    """
    _WHEN_ENDED.append(listener)
    return listener


def confirm(
    world: World,
    intent: Record,
    method: Record,
    challenge_url: str,
    *,
    off_session: bool = False,
    error_on_action: bool = False,
) -> Record:
    """Try to pay. What happened is told by the intent's status and `last_payment_error`.

    With `off_session` or `error_on_action` nobody is there to authenticate: where the bank wants
    it, the payment fails (docs.stripe.com/payments/save-and-reuse#charge-saved-payment-method).
    """
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    authenticated = intent.pop("_authenticated", None) == method["id"]
    if method["type"] == "sepa_debit":
        return _ended(world, attempts.start_debit(world, intent, method))
    if not authenticated and attempts.asks(intent, method, off_session):
        if off_session:
            return _ended(world, attempts.decline(world, intent, method, cards.AUTHENTICATION_REQUIRED))
        if error_on_action:
            return _ended(world, attempts.decline(world, intent, method, cards.NOT_HANDLED))
        return attempts.ask_for_authentication(world, intent, challenge_url)
    return _ended(world, attempts.charge_card(world, intent, method, authenticated=authenticated))


def authenticate(world: World, intent: Record, *, success: bool) -> Record:
    """The guest came back from 3-D Secure. Once answered, a second answer changes nothing."""
    if intent["status"] != "requires_action":
        return intent
    intent["next_action"] = None
    method = attempts.get(world, "payment_method", intent["payment_method"])
    if not success:
        return _ended(world, attempts.fail_authentication(world, intent, method))
    if intent["confirmation_method"] == "manual":
        return _wait_for_server(world, intent, method)
    return _ended(world, attempts.charge_card(world, intent, method, authenticated=True))


def settle(world: World, intent: Record, outcome: str) -> Record:
    """A delayed payment comes to its end; `outcome` is "succeeded" or "failed"."""
    if intent["status"] != "processing":
        message = f"This PaymentIntent is {intent['status']}: there is nothing to settle."
        raise invalid_request(message, code="payment_intent_unexpected_state")
    jobs.cancel(world, "settle_payment", intent["id"])
    charge = attempts.get(world, "charge", intent["latest_charge"])
    if outcome == "succeeded":
        charge.update(status="succeeded", paid=True, captured=True)
        charge["amount_captured"] = charge["amount"]
        balance.book_charge(world, charge)
        return _ended(world, attempts.succeed(world, intent, charge))
    return _ended(world, attempts.fail_debit(world, intent, charge))


def capture(world: World, intent: Record, amount: int) -> Record:
    """Take money that was authorised; the rest of it is released."""
    charge = attempts.get(world, "charge", intent["latest_charge"])
    jobs.cancel(world, "expire_authorization", intent["id"])
    charge.update(captured=True, amount_captured=amount)
    # Stripe reports what was authorised but not taken as refunded (docs.stripe.com/payments/
    # place-a-hold-on-a-payment-method).
    charge["amount_refunded"] = charge["amount"] - amount
    balance.book_charge(world, charge)
    world.store.put("charge", charge)
    emit(world, "charge.captured", charge)
    intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
    attempts.save(world, intent)
    emit(world, "payment_intent.succeeded", intent)
    attempts.promise_dispute(world, charge, attempts.get(world, "payment_method", charge["payment_method"]))
    return _ended(world, intent)


def cancel(world: World, intent: Record, reason: str | None) -> Record:
    """End it unpaid. An authorisation is given back."""
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "cancel", CANCELABLE)
    jobs.cancel(world, "settle_payment", intent["id"])
    if intent["status"] == "requires_capture":
        jobs.cancel(world, "expire_authorization", intent["id"])
        _release(world, attempts.get(world, "charge", intent["latest_charge"]), expired=reason == "automatic")
    intent.update(
        status="canceled",
        amount_capturable=0,
        canceled_at=world.clock.timestamp(),
        cancellation_reason=reason,
        next_action=None,
    )
    attempts.save(world, intent)
    emit(world, "payment_intent.canceled", intent)
    return _ended(world, intent)


@task("expire_authorization")
def expire_due(world: World, job: Record) -> None:
    """An authorisation lasts seven days (docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""
    intent = world.store.get("payment_intent", job["target"])
    if intent and intent["status"] == "requires_capture":
        cancel(world, intent, "automatic")


def unexpected_state(intent: Record, verb: str, allowed: tuple[str, ...]) -> ApiError:
    states = ", ".join(allowed[:-1]) + (" or " if len(allowed) > 1 else "") + allowed[-1]
    message = (
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be used: {states}."
    )
    details = {"code": "payment_intent_unexpected_state", "payment_intent": visible(intent)}
    return ApiError(400, "invalid_request_error", message, **details)


def _ended(world: World, intent: Record) -> Record:
    """Tell the listeners; gives the intent as they left it."""
    for listener in _WHEN_ENDED:
        listener(world, attempts.get(world, "payment_intent", intent["id"]))
    return attempts.get(world, "payment_intent", intent["id"])


def _release(world: World, charge: Record, *, expired: bool) -> None:
    """The authorisation ends: Stripe tells of a refund, or of a charge that expired."""
    before = dict(charge)
    charge.update(refunded=True, amount_refunded=charge["amount"])
    world.store.put("charge", charge)
    emit_change(world, "charge.expired" if expired else "charge.refunded", charge, before)


def _wait_for_server(world: World, intent: Record, method: Record) -> Record:
    """With confirmation_method=manual the server confirms again after the guest's answer."""
    intent.update(status="requires_confirmation", _authenticated=method["id"])
    attempts.save(world, intent)
    return intent
