"""PaymentIntents: docs.stripe.com/api/payment_intents, as far as card payments need them."""

from __future__ import annotations

from fakestripe import cards, checkout, money, payments
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import ApiError, invalid_parameter, invalid_request, resource_missing
from fakestripe.instruments import Instrument
from fakestripe.render import visible
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import (
    Choice,
    Currency,
    Email,
    Flag,
    Group,
    Integer,
    Items,
    Metadata,
    Text,
    Unsettable,
    Url,
    group,
)
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/payment_intents"
ENDIVE = "2026-09-30"
CAPTURE = Choice("automatic", "automatic_async", "manual")
DETAILS = {
    "description": Unsettable(Text(1000)),
    "metadata": Metadata(),
    "receipt_email": Unsettable(Email()),
    "statement_descriptor_suffix": Unsettable(Text(22)),
}
CONFIRM = {"payment_method": Text(), "return_url": Url()}
CREATE = Group(
    {
        "amount": Integer(minimum=1),
        "currency": Currency(),
        "capture_method": CAPTURE,
        "automatic_payment_methods": group("enabled", enabled=Flag(), allow_redirects=Choice("always", "never")),
        "confirm": Flag(),
        "payment_method_types": Items(Choice("card")),
        **DETAILS,
        **CONFIRM,
    },
    frozenset({"amount", "currency"}),
)
UPDATE = Group({"amount": Integer(minimum=1), "payment_method": Text(), **DETAILS})
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(world: World, call: Call) -> Record:
    params = call.params
    _refuse_retired(call)
    money.check_chargeable(params["amount"], params["currency"], "amount")
    fields = {name: params.get(name) or None for name in DETAILS}
    fields["capture_method"] = params.get("capture_method")
    fields["automatic_payment_methods"] = params.get("automatic_payment_methods")
    if params.get("return_url") and not params.get("confirm"):
        message = "return_url can only be given together with confirm=true."
        raise invalid_parameter(message, "return_url")
    instrument = _instrument(params.get("payment_method"))
    intent = payments.create(world, params["amount"], params["currency"], **fields)
    if instrument:
        _hold_method(world, intent, params["payment_method"])
    return _confirm(world, call, intent) if params.get("confirm") else intent


def update(world: World, call: Call) -> Record:
    intent = get(world, "payment_intent", call.args["intent"], "intent")
    params = call.params
    _check_update(intent, params)
    for name in ("description", "receipt_email", "statement_descriptor_suffix"):
        if name in params:
            intent[name] = params[name] or None
    merge_metadata(intent, params.get("metadata", {}))
    intent["amount"] = params.get("amount", intent["amount"])
    world.store.put("payment_intent", intent)
    if "payment_method" in params:
        _instrument(params["payment_method"])
        _hold_method(world, intent, params["payment_method"])
    return intent


def confirm(world: World, call: Call) -> Record:
    intent = get(world, "payment_intent", call.args["intent"], "intent")
    checkout.refuse_if_checkout(intent, "confirm")
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirm", CONFIRMABLE)
    return _confirm(world, call, intent)


def capture(world: World, call: Call) -> Record:
    intent = get(world, "payment_intent", call.args["intent"], "intent")
    if intent["status"] != "requires_capture":
        raise payments.unexpected_state(intent, "capture", ("requires_capture",))
    amount: int = call.params.get("amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = (
            f"The amount_to_capture you provided ({amount}) is greater than the capturable "
            f"amount ({intent['amount_capturable']})."
        )
        raise invalid_request(message, code="amount_too_large", param="amount_to_capture")
    merge_metadata(intent, call.params.get("metadata", {}))
    intent = payments.capture(world, intent, amount)
    checkout.mark_captured(world, intent)
    return intent


def cancel(world: World, call: Call) -> Record:
    """A Checkout payment is ended by expiring its session, unless it is only authorised."""
    intent = get(world, "payment_intent", call.args["intent"], "intent")
    if intent["status"] != "requires_capture":
        checkout.refuse_if_checkout(intent, "cancel")
    return payments.cancel(world, intent, call.params.get("cancellation_reason"))


def _confirm(world: World, call: Call, intent: Record) -> Record:
    token = call.params.get("payment_method") or intent.get("_token")
    instrument = _instrument(token)
    if instrument is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update "
            "the PaymentIntent with a payment method and then confirm it again."
        )
        raise invalid_request(message, code="payment_intent_unexpected_state")
    intent["_return_url"] = call.params.get("return_url")
    url = f"{call.base_url}/c/3ds/{intent['id']}"
    intent = payments.confirm(world, intent, instrument, url)
    _raise_if_declined(intent)
    return intent


def _raise_if_declined(intent: Record) -> None:
    """A declined confirmation is a 402 whose effects stay (docs.stripe.com/error-handling)."""
    error = intent["last_payment_error"]
    if error is None:
        return
    details = {key: value for key, value in error.items() if key not in ("type", "message")}
    details.pop("doc_url", None)
    shown = {**details, "payment_intent": visible(intent)}
    raise ApiError(402, error["type"], error["message"], keep_effects=True, **shown)


def _instrument(token: str | None) -> Instrument | None:
    """Stripe's test PaymentMethods stand for cards: docs.stripe.com/testing."""
    if token is None:
        return None
    if token not in cards.BY_TOKEN:
        raise resource_missing("payment_method", token, "payment_method", status=400)
    return Instrument("card", cards.BY_TOKEN[token].number)


def _hold_method(world: World, intent: Record, token: str) -> None:
    intent.update(status="requires_confirmation", _token=token)
    world.store.put("payment_intent", intent)


def _check_update(intent: Record, params: Record) -> None:
    if "amount" not in params and "payment_method" not in params:
        return
    checkout.refuse_if_checkout(intent, "update the amount or payment method of")
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "update", CONFIRMABLE)
    if "amount" in params:
        money.check_chargeable(params["amount"], intent["currency"], "amount")


def _refuse_retired(call: Call) -> None:
    """docs.stripe.com/changelog/endive/2026-09-30: the parameter is gone from that version on."""
    if "payment_method_types" in call.params and call.version_date >= ENDIVE:
        message = (
            "The parameter `payment_method_types` is no longer supported. Use "
            "`allowed_payment_method_types` or `excluded_payment_method_types` instead."
        )
        code = "payment_method_types_no_longer_supported"
        raise invalid_parameter(message, "payment_method_types", code)


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    listing(PATH, "payment_intent", customer=Text()),
    retrieving(PATH, "payment_intent", "intent"),
    Operation("POST", PATH + "/{intent}", update, UPDATE),
    Operation("POST", PATH + "/{intent}/confirm", confirm, Group(CONFIRM)),
    Operation(
        "POST",
        PATH + "/{intent}/capture",
        capture,
        group(amount_to_capture=Integer(minimum=1), metadata=Metadata()),
    ),
    Operation(
        "POST",
        PATH + "/{intent}/cancel",
        cancel,
        group(cancellation_reason=Choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")),
    ),
]
