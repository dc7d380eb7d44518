"""What becomes of a SetupIntent: keeping a card or account for later without charging it.

Source: docs.stripe.com/payments/setupintents/lifecycle and docs.stripe.com/api/setup_intents.
Functions here join their caller's `store.change()` and save what they touch.
"""

from __future__ import annotations

from typing import Any

from fakestripe import cards, customers
from fakestripe.errors import ApiError
from fakestripe.events import emit
from fakestripe.instruments import setup_details
from fakestripe.render import visible
from fakestripe.store import Record
from fakestripe.world import World

NULLS = (
    "application automatic_payment_methods cancellation_reason customer customer_account description "
    "excluded_payment_method_types flow_directions last_setup_error latest_attempt managed_payments mandate "
    "next_action on_behalf_of payment_method payment_method_configuration_details single_use_mandate"
).split()
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
AUTHENTICATION_FAILED = (
    "The latest attempt to set up the payment method has failed because authentication failed. "
    "Provide a new PaymentMethod to attempt to fulfill this SetupIntent again."
)


def create(world: World, **fields: Any) -> Record:
    """A SetupIntent that waits for a payment method, or for confirmation if one is given."""
    setup_id = world.ids.new("seti_")
    setup: Record = {
        **dict.fromkeys(NULLS),
        "id": setup_id,
        "object": "setup_intent",
        "client_secret": f"{setup_id}_secret_{world.ids.new('', 32)}",
        "created": world.clock.timestamp(),
        "livemode": False,
        "metadata": {},
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": "requires_confirmation" if fields.get("payment_method") else "requires_payment_method",
        "usage": "off_session",
        **{key: value for key, value in fields.items() if value is not None},
    }
    _save(world, setup)
    emit(world, "setup_intent.created", setup)
    return setup


def confirm(world: World, setup: Record, method: Record, challenge_url: str) -> Record:
    """Try to set the method up. What happened is told by `status` and `last_setup_error`."""
    setup.update(payment_method=method["id"], last_setup_error=None, next_action=None)
    _begin_attempt(world, setup, method)
    if _asks(setup, method):
        return _ask_for_authentication(world, setup, challenge_url)
    return _finish(world, setup, method)


def authenticate(world: World, setup: Record, *, success: bool) -> Record:
    """The guest came back from 3-D Secure. Once answered, a second answer changes nothing."""
    if setup["status"] != "requires_action":
        return setup
    setup["next_action"] = None
    method = world.store.get("payment_method", setup["payment_method"])
    assert method is not None
    if success:
        return _finish(world, setup, method, authenticated=True)
    error = {
        "code": "setup_intent_authentication_failure",
        "message": AUTHENTICATION_FAILED,
        "payment_method": visible(method),
        "type": "invalid_request_error",
    }
    return _fail(world, setup, error)


def cancel(world: World, setup: Record, reason: str | None) -> Record:
    if setup["status"] not in CANCELABLE:
        raise unexpected_state(setup, "cancel", CANCELABLE)
    if setup["status"] == "requires_action":
        _end_attempt(world, setup, "abandoned")
    setup.update(status="canceled", cancellation_reason=reason, next_action=None)
    _save(world, setup)
    emit(world, "setup_intent.canceled", setup)
    return setup


def unexpected_state(setup: Record, verb: str, allowed: tuple[str, ...]) -> ApiError:
    message = (
        f"You cannot {verb} this SetupIntent because it has a status of {setup['status']}. "
        f"Only a SetupIntent with one of the following statuses may be used: {', '.join(allowed)}."
    )
    details = {"code": "setup_intent_unexpected_state", "setup_intent": visible(setup)}
    return ApiError(400, "invalid_request_error", message, **details)


def _asks(setup: Record, method: Record) -> bool:
    options = setup["payment_method_options"].get("card") or {}
    requested = options.get("request_three_d_secure") in ("any", "challenge")
    return cards.rule_for(method["_number"]).asks(off_session=False, set_up=False, requested=requested)


def _ask_for_authentication(world: World, setup: Record, challenge_url: str) -> Record:
    where = {"return_url": setup.get("_return_url"), "url": challenge_url}
    setup.update(
        status="requires_action",
        next_action={"type": "redirect_to_url", "redirect_to_url": where},
    )
    _end_attempt(world, setup, "requires_action")
    _save(world, setup)
    emit(world, "setup_intent.requires_action", setup)
    return setup


def _finish(world: World, setup: Record, method: Record, *, authenticated: bool = False) -> Record:
    """Set up, or declined. It is attached to the customer, if there is one."""
    rule = cards.rule_for(method["_number"]) if method["type"] == "card" else None
    if rule and rule.decline and rule.refuses_saving:
        return _fail(world, setup, _decline(method, rule.decline))
    if setup["usage"] == "off_session":
        method["_set_up"] = True
    world.store.put("payment_method", method)
    if customers.is_there(world, setup["customer"]):
        customers.attach(world, method, setup["customer"])
    setup["status"] = "succeeded"
    _end_attempt(world, setup, "succeeded", details=setup_details(method, authenticated=authenticated))
    _save(world, setup)
    emit(world, "setup_intent.succeeded", setup)
    return setup


def _decline(method: Record, why: cards.Decline) -> Record:
    error = {
        "code": why.code,
        "decline_code": why.decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes#{why.code.replace('_', '-')}",
        "message": why.message,
        "payment_method": visible(method),
        "type": "card_error",
    }
    return {key: value for key, value in error.items() if value is not None}


def _fail(world: World, setup: Record, error: Record) -> Record:
    """Back to the start: the same SetupIntent may be tried with another card."""
    _end_attempt(world, setup, "failed", setup_error=error)
    setup.update(status="requires_payment_method", payment_method=None, last_setup_error=error)
    _save(world, setup)
    emit(world, "setup_intent.setup_failed", setup)
    return setup


def _begin_attempt(world: World, setup: Record, method: Record) -> None:
    """Shape: docs.stripe.com/api/setup_attempts/object."""
    attempt = {
        "id": world.ids.new("setatt_"),
        "object": "setup_attempt",
        "application": None,
        "created": world.clock.timestamp(),
        "customer": setup["customer"],
        "customer_account": None,
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": setup_details(method, authenticated=False),
        "setup_error": None,
        "setup_intent": setup["id"],
        "status": "processing",
        "usage": setup["usage"],
    }
    world.store.put("setup_attempt", attempt)
    setup["latest_attempt"] = attempt["id"]


def _end_attempt(
    world: World, setup: Record, status: str, *, setup_error: Record | None = None, details: Record | None = None
) -> None:
    attempt = world.store.get("setup_attempt", setup["latest_attempt"])
    assert attempt is not None
    attempt.update(status=status, setup_error=setup_error)
    if details:
        attempt["payment_method_details"] = details
    world.store.put("setup_attempt", attempt)


def _save(world: World, setup: Record) -> None:
    world.store.put("setup_intent", setup)
