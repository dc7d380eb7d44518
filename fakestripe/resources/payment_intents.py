"""PaymentIntents: docs.stripe.com/api/payment_intents, with cards and SEPA debit."""

from __future__ import annotations

from typing import Any

from fakestripe import checkout, money, payments
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, invalid_request
from fakestripe.resources import intents
from fakestripe.resources.method_params import METHOD_DATA, SHIPPING, shipping
from fakestripe.resources.reading import get, listing, retrieving
from fakestripe.schema import (
    Choice,
    Currency,
    Email,
    Flag,
    Group,
    Integer,
    Metadata,
    Param,
    Text,
    Unsettable,
    Url,
    group,
)
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/payment_intents"
KIND = "payment_intent"
USAGE = Choice("off_session", "on_session")
CARD_OPTIONS = group(
    capture_method=Unsettable(Choice("manual")),
    request_three_d_secure=intents.SECURE,
    require_cvc_recollection=Flag(),
    setup_future_usage=Unsettable(Choice("none", "off_session", "on_session")),
)
SEPA_OPTIONS = group(
    mandate_options=group(reference_prefix=Unsettable(Text(12))),
    setup_future_usage=Unsettable(Choice("none", "off_session", "on_session")),
)
PLAIN: dict[str, Param] = {
    "description": Unsettable(Text(1000)),
    "receipt_email": Unsettable(Email()),
    "setup_future_usage": Unsettable(USAGE),
    "statement_descriptor": Unsettable(Text(22)),
    "statement_descriptor_suffix": Unsettable(Text(22)),
    "transfer_group": Text(),
}
METHOD: dict[str, Param] = {
    **intents.TYPE_PARAMS,
    "capture_method": Choice("automatic", "automatic_async", "manual"),
    "payment_method": Text(),
    "payment_method_data": METHOD_DATA,
    "payment_method_options": group(card=CARD_OPTIONS, sepa_debit=SEPA_OPTIONS),
    "shipping": Unsettable(SHIPPING),
}
ON_CONFIRM: dict[str, Param] = {
    "error_on_requires_action": Flag(),
    "mandate_data": intents.MANDATE_DATA,
    "off_session": Choice("true", "false", "one_off", "recurring"),
    "return_url": Url(),
    "use_stripe_sdk": Flag(),
}
ONLY_WITH_CONFIRM = ("error_on_requires_action", "mandate_data", "off_session", "return_url")
MONEY: dict[str, Param] = {"amount": Integer(minimum=1), "currency": Currency(), "customer": Text()}
CREATE = Group(
    {
        **MONEY,
        **PLAIN,
        **METHOD,
        **ON_CONFIRM,
        "automatic_payment_methods": intents.AUTOMATIC,
        "confirm": Flag(),
        "confirmation_method": Choice("automatic", "manual"),
        "metadata": Metadata(),
    },
    frozenset({"amount", "currency"}),
)
UPDATE = Group({**MONEY, **PLAIN, **METHOD, "metadata": Metadata()})
CONFIRM = Group(
    {
        **METHOD,
        **ON_CONFIRM,
        "client_secret": Text(),
        "receipt_email": PLAIN["receipt_email"],
        "setup_future_usage": PLAIN["setup_future_usage"],
    }
)
CAPTURE = group(
    amount_to_capture=Integer(minimum=1),
    final_capture=Flag(),
    metadata=Metadata(),
    statement_descriptor=Text(22),
    statement_descriptor_suffix=Text(22),
)
REASON = Choice("abandoned", "duplicate", "fraudulent", "requested_by_customer")
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
ALWAYS_CHANGEABLE = {"description", "metadata", "receipt_email", "shipping", "transfer_group"}


def create(world: World, call: Call) -> Record:
    params = call.params
    intents.refuse_retired(call)
    money.check_chargeable(params["amount"], params["currency"], "amount")
    intents.check_customer(world, params)
    if not params.get("confirm"):
        _refuse_without_confirm(params)
    types = intents.type_fields(call, _offered(params["currency"]))
    fields: dict[str, Any] = {
        **{name: params.get(name) or None for name in PLAIN},
        **types,
        "capture_method": params.get("capture_method"),
        "confirmation_method": params.get("confirmation_method"),
        "customer": params.get("customer"),
        "metadata": params.get("metadata") or {},
        "payment_method_options": _options(types["payment_method_types"], params.get("payment_method_options", {})),
        "shipping": shipping(params.get("shipping")),
    }
    method = intents.chosen_method(world, params, {"object": KIND, "payment_method": None, **fields})
    if method:
        fields.update(payment_method=method["id"], status="requires_confirmation")
    intent = payments.create(world, params["amount"], params["currency"], **fields)
    return _confirm(world, call, intent, method) if params.get("confirm") else intent


def update(world: World, call: Call) -> Record:
    intent = get(world, KIND, call.args["intent"], "intent")
    intents.refuse_retired(call)
    _check_update(world, intent, call.params)
    _change(call, intent)
    merge_metadata(intent, call.params.get("metadata", {}))
    if "payment_method" in call.params or "payment_method_data" in call.params:
        method = intents.chosen_method(world, call.params, intent)
        assert method is not None
        intent.update(status="requires_confirmation", payment_method=method["id"], next_action=None)
        intent.pop("_authenticated", None)
    world.store.put(KIND, intent)
    return intent


def confirm(world: World, call: Call) -> Record:
    intent = get(world, KIND, call.args["intent"], "intent")
    checkout.refuse_if_checkout(intent, "confirm")
    intents.check_secret(call.params, intent)
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirm", CONFIRMABLE)
    _change(call, intent)
    return _confirm(world, call, intent, intents.chosen_method(world, call.params, intent))


def capture(world: World, call: Call) -> Record:
    return capture_intent(world, get(world, KIND, call.args["intent"], "intent"), call.params)


def capture_intent(world: World, intent: Record, params: dict[str, Any]) -> Record:
    """Take all or a part of what is authorised; a second capture is not on offer."""
    if intent["status"] != "requires_capture":
        raise payments.unexpected_state(intent, "capture", ("requires_capture",))
    if params.get("final_capture") is False:
        message = "This PaymentIntent does not support multicapture: final_capture must be true."
        raise invalid_parameter(message, "final_capture")
    amount: int = params.get("amount_to_capture") or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        message = (
            f"The amount_to_capture you provided ({amount}) is greater than the capturable "
            f"amount ({intent['amount_capturable']})."
        )
        raise invalid_request(message, code="amount_too_large", param="amount_to_capture")
    merge_metadata(intent, params.get("metadata", {}))
    for name in ("statement_descriptor", "statement_descriptor_suffix"):
        intent[name] = params.get(name, intent[name])
    intent = payments.capture(world, intent, amount)
    checkout.mark_captured(world, intent)
    return intent


def cancel(world: World, call: Call) -> Record:
    """A Checkout payment is ended by expiring its session, unless it is only authorised."""
    intent = get(world, KIND, call.args["intent"], "intent")
    if intent["status"] != "requires_capture":
        checkout.refuse_if_checkout(intent, "cancel")
    return payments.cancel(world, intent, call.params.get("cancellation_reason"))


def _confirm(world: World, call: Call, intent: Record, method: Record | None) -> Record:
    params = call.params
    intents.refuse_script(params)
    if method is None:
        raise intents.missing_method(intent)
    _refuse_descriptor(intent, method)
    intent["_return_url"] = params.get("return_url")
    intent = payments.confirm(
        world,
        intent,
        method,
        f"{call.base_url}/c/3ds/{intent['id']}",
        off_session=params.get("off_session", "false") != "false",
        error_on_action=params.get("error_on_requires_action", False),
    )
    intents.raise_if_refused(intent)
    return intent


def _change(call: Call, intent: Record) -> None:
    """Write what an update or a confirmation says into the intent."""
    params = call.params
    for name in PLAIN:
        if name in params:
            intent[name] = params[name] or None
    for name in ("amount", "capture_method", "currency", "customer"):
        intent[name] = params.get(name, intent[name])
    if "shipping" in params:
        intent["shipping"] = shipping(params["shipping"])
    if any(name in params for name in intents.TYPE_PARAMS):
        intents.change_types(call, intent)
    given = params.get("payment_method_options", {})
    before = intent["payment_method_options"]
    intent["payment_method_options"] = _options(intent["payment_method_types"], given, before)


def _options(types: list[str], given: dict[str, Any], before: Record | None = None) -> Record:
    return intents.options_by_type(types, given, before, installments=None)


def _offered(currency: str) -> list[str]:
    """Cards always, SEPA debit for euro, as on the hosted page."""
    return ["card", "sepa_debit"] if currency == "eur" else ["card"]


def _check_update(world: World, intent: Record, params: dict[str, Any]) -> None:
    intents.check_customer(world, params, intent)
    if set(params) <= ALWAYS_CHANGEABLE:
        return
    checkout.refuse_if_checkout(intent, "update the amount or payment method of")
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "update", CONFIRMABLE)
    if "amount" in params or "currency" in params:
        amount, currency = (params.get(name, intent[name]) for name in ("amount", "currency"))
        money.check_chargeable(amount, currency, "amount")


def _refuse_without_confirm(params: dict[str, Any]) -> None:
    for name in ONLY_WITH_CONFIRM:
        if name in params:
            message = f"{name} can only be given together with confirm=true."
            raise invalid_parameter(message, name)


def _refuse_descriptor(intent: Record, method: Record) -> None:
    """docs.stripe.com/get-started/account/statement-descriptors: cards take the suffix only."""
    if method["type"] == "card" and intent["statement_descriptor"]:
        message = (
            "The `statement_descriptor` parameter is not supported for `card` charges. "
            "Please use `statement_descriptor_suffix` instead."
        )
        raise invalid_request(message, param="statement_descriptor")


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    listing(PATH, KIND, customer=Text()),
    retrieving(PATH, KIND, "intent"),
    Operation("POST", PATH + "/{intent}", update, UPDATE),
    Operation("POST", PATH + "/{intent}/confirm", confirm, CONFIRM),
    Operation("POST", PATH + "/{intent}/capture", capture, CAPTURE),
    Operation("POST", PATH + "/{intent}/cancel", cancel, group(cancellation_reason=REASON)),
]
