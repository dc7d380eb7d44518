"""What PaymentIntents and SetupIntents have in common: types of payment method, options, the card's no.

Source: docs.stripe.com/api/payment_intents/create and docs.stripe.com/api/setup_intents/create.
"""

from __future__ import annotations

from typing import Any

from fakestripe import customers
from fakestripe.calls import Call
from fakestripe.errors import ApiError, invalid_parameter, invalid_request, not_simulated
from fakestripe.render import visible
from fakestripe.resources.method_params import find_method, make_method
from fakestripe.resources.session_params import EXCLUDABLE, METHODS
from fakestripe.schema import Choice, Flag, Integer, Items, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

ENDIVE = "2026-09-30"
AUTOMATIC_SINCE = "2023-08-16"
"""docs.stripe.com/changelog: from this version on payment methods are automatic unless listed."""
TYPES = Items(Choice(*METHODS))
TYPE_PARAMS: dict[str, Param] = {
    "allowed_payment_method_types": TYPES,
    "excluded_payment_method_types": Unsettable(Items(Choice(*EXCLUDABLE))),
    "payment_method_types": TYPES,
}
AUTOMATIC = group("enabled", enabled=Flag(), allow_redirects=Choice("always", "never"))
ACCEPTANCE = group(
    "type",
    accepted_at=Integer(),
    offline=group(),
    online=group("ip_address user_agent", ip_address=Text(), user_agent=Text()),
    type=Choice("offline", "online"),
)
MANDATE_DATA = Unsettable(group("customer_acceptance", customer_acceptance=ACCEPTANCE))
SECURE = Choice("any", "automatic", "challenge")
BLANK_OPTIONS: dict[str, Record] = {
    "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
    "sepa_debit": {},
}


def refuse_retired(call: Call) -> None:
    """docs.stripe.com/changelog/endive/2026-09-30: the parameter is gone from that version on."""
    if "payment_method_types" in call.params and call.version_date >= ENDIVE:
        message = (
            "The parameter `payment_method_types` is no longer supported. Use "
            "`allowed_payment_method_types` or `excluded_payment_method_types` instead."
        )
        code = "payment_method_types_no_longer_supported"
        raise invalid_parameter(message, "payment_method_types", code)


def type_fields(call: Call, offered: list[str]) -> dict[str, Any]:
    """The types of an intent by what its caller lists, allows and excludes of those on offer."""
    params = call.params
    listed = params.get("payment_method_types")
    automatic = params.get("automatic_payment_methods")
    if listed and automatic and automatic["enabled"]:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise invalid_parameter(message, "payment_method_types")
    if automatic is None and not listed:
        enabled = not call.version_date or call.version_date >= AUTOMATIC_SINCE
        automatic = {"enabled": True} if enabled else None
    allowed = params.get("allowed_payment_method_types")
    excluded = params.get("excluded_payment_method_types") or None
    is_automatic = bool(automatic and automatic["enabled"])
    types = [kind for kind in _listed(listed, offered, is_automatic) if kind in (allowed or offered)]
    fields = {
        "automatic_payment_methods": {"allow_redirects": "always", **automatic} if automatic else None,
        "excluded_payment_method_types": excluded,
        "payment_method_types": [kind for kind in types if kind not in (excluded or [])],
    }
    if not fields["payment_method_types"]:
        raise invalid_parameter("No valid payment method types for this intent.", "payment_method_types")
    return {**fields, "allowed_payment_method_types": allowed} if allowed else fields


def change_types(call: Call, intent: Record) -> None:
    """Other types for an intent that has not been confirmed."""
    params = call.params
    if "payment_method_types" in params:
        intent["payment_method_types"] = _listed(params["payment_method_types"], ["card", "sepa_debit"], False)
        intent["automatic_payment_methods"] = None
    if "allowed_payment_method_types" in params:
        intent["allowed_payment_method_types"] = params["allowed_payment_method_types"]
    if "excluded_payment_method_types" in params:
        intent["excluded_payment_method_types"] = params["excluded_payment_method_types"] or None
    allowed = intent.get("allowed_payment_method_types") or METHODS
    excluded = intent["excluded_payment_method_types"] or []
    kept = [kind for kind in intent["payment_method_types"] if kind in allowed and kind not in excluded]
    if not kept:
        raise invalid_parameter("No valid payment method types for this intent.", "excluded_payment_method_types")
    intent["payment_method_types"] = kept


def options_by_type(types: list[str], given: dict[str, Any], before: Record | None = None, **more: Any) -> Record:
    """`payment_method_options` as Stripe shows them: a block for each type, with what was given."""
    shown: Record = {}
    for kind in types:
        blank = {**BLANK_OPTIONS[kind], **(more if kind == "card" else {})}
        chosen = {key: value for key, value in given.get(kind, {}).items() if value != ""}
        shown[kind] = {**blank, **(before or {}).get(kind, {}), **chosen}
    for kind in given:
        if kind not in types:
            message = f"payment_method_options[{kind}] is only valid if this intent can be paid with {kind}."
            raise invalid_parameter(message, f"payment_method_options[{kind}]")
    return shown


def chosen_method(world: World, params: dict[str, Any], intent: Record) -> Record | None:
    """The method a call names or describes, or else the one the intent holds already."""
    if "payment_method" in params and "payment_method_data" in params:
        message = "You may only specify one of these parameters: payment_method, payment_method_data."
        raise invalid_parameter(message, "payment_method_data")
    if "payment_method_data" in params:
        method = make_method(world, params["payment_method_data"], "payment_method_data")
    elif "payment_method" in params:
        method = find_method(world, params["payment_method"], intent["customer"])
    else:
        return world.store.get("payment_method", intent["payment_method"]) if intent["payment_method"] else None
    if method["type"] not in intent["payment_method_types"]:
        raise _incompatible(intent, method)
    return method


def check_customer(world: World, params: dict[str, Any], intent: Record | None = None) -> None:
    """It must exist, and once set it stays."""
    if "customer" not in params:
        return
    customers.find(world, params["customer"])
    if intent and intent["customer"] not in (None, params["customer"]):
        message = (
            f"You cannot modify `customer` on a {_noun(intent)} once it already has been set. To fulfill a payment "
            f"with a different Customer, cancel this {_noun(intent)} and create a new one."
        )
        raise invalid_request(message, param="customer")


def check_secret(params: dict[str, Any], intent: Record) -> None:
    if params.get("client_secret", intent["client_secret"]) != intent["client_secret"]:
        message = f"The client_secret provided does not match any associated {_noun(intent)} on this account."
        raise invalid_request(message, param="client_secret")


def refuse_script(params: dict[str, Any]) -> None:
    """Without Stripe.js there is only the redirect."""
    if params.get("use_stripe_sdk"):
        raise not_simulated("use_stripe_sdk=true: it needs Stripe.js", "use_stripe_sdk")


def missing_method(intent: Record) -> ApiError:
    noun = _noun(intent)
    message = (
        f"You cannot confirm this {noun} because it's missing a payment method. Update "
        f"the {noun} with a payment method and then confirm it again."
    )
    return invalid_request(message, code=f"{intent['object']}_unexpected_state")


def raise_if_refused(intent: Record, *, keep_effects: bool = True) -> None:
    """A declined confirmation is a 402 whose effects stay as a rule (docs.stripe.com/error-handling)."""
    error = intent["last_payment_error" if intent["object"] == "payment_intent" else "last_setup_error"]
    if error is None:
        return
    details = {key: value for key, value in error.items() if key not in ("type", "message", "doc_url")}
    shown = {**details, intent["object"]: visible(intent)}
    raise ApiError(402, error["type"], error["message"], keep_effects=keep_effects, **shown)


def _listed(listed: list[str] | None, offered: list[str], is_automatic: bool) -> list[str]:
    if not listed:
        return offered if is_automatic else ["card"]
    for kind in listed:
        if kind not in BLANK_OPTIONS:
            raise not_simulated(f"payment method type {kind}", "payment_method_types")
        if kind not in offered:
            message = f"The payment method type {kind} cannot be used with this currency."
            raise invalid_parameter(message, "payment_method_types")
    return listed


def _incompatible(intent: Record, method: Record) -> ApiError:
    message = (
        f"The PaymentMethod provided ({method['type']}) is not allowed for this {_noun(intent)}. Please attach a "
        f"PaymentMethod of one of the following types: {', '.join(intent['payment_method_types'])}."
    )
    return invalid_request(message, code="payment_intent_incompatible_payment_method", param="payment_method")


def _noun(intent: Record) -> str:
    return "PaymentIntent" if intent["object"] == "payment_intent" else "SetupIntent"
