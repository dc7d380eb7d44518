"""The parameters that describe a card or account, and the PaymentMethod made from them.

Source: docs.stripe.com/api/payment_methods/create. `payment_method_data` of intents is the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fakestripe import cards, customers, instruments
from fakestripe.errors import ApiError, invalid_request, missing_parameter, resource_missing
from fakestripe.instruments import Billing, Instrument
from fakestripe.schema import Choice, Email, Group, Integer, Metadata, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

LINES = ("city", "country", "line1", "line2", "postal_code", "state")
ADDRESS = Group({name: Unsettable(Text()) for name in LINES})
SHIPPING_TO = group("address name", address=ADDRESS, name=Text(), phone=Text())
SHIPPING = Group({**SHIPPING_TO.members, "carrier": Text(), "tracking_number": Text()}, SHIPPING_TO.required)
REDISPLAY = Choice("always", "limited", "unspecified")
BILLING = group(
    address=Unsettable(ADDRESS),
    email=Unsettable(Email()),
    name=Unsettable(Text()),
    phone=Unsettable(Text()),
    tax_id=Unsettable(Text()),
)
CARD = group(cvc=Text(4), exp_month=Integer(), exp_year=Integer(), number=Text(), token=Text())
DATA: dict[str, Param] = {
    "allow_redisplay": REDISPLAY,
    "billing_details": BILLING,
    "card": CARD,
    "metadata": Metadata(),
    "sepa_debit": group("iban", iban=Text()),
    "type": Choice("card", "sepa_debit"),
}
METHOD_DATA = Group(DATA, frozenset({"type"}))


def make_method(world: World, params: dict[str, Any], prefix: str = "") -> Record:
    """A PaymentMethod by what a form said; `prefix` is the name the form was sent under."""
    kind = params["type"]
    if kind not in params:
        raise missing_parameter(_name(prefix, kind))
    number, month, year = _card(world, params["card"]) if kind == "card" else (*_account(params, prefix), 12, 2034)
    instrument = Instrument(
        kind,
        number,
        month,
        year,
        billing=_billing(params.get("billing_details", {})),
        allow_redisplay=params.get("allow_redisplay", "unspecified"),
        metadata=params.get("metadata") or {},
    )
    return instruments.make_payment_method(world, instrument)


def find_method(world: World, token_or_id: str, customer: str | None, param: str = "payment_method") -> Record:
    """A method that may be used with this customer (docs.stripe.com/api/payment_methods)."""
    method = instruments.resolve(world, token_or_id)
    if method is None:
        raise resource_missing("payment_method", token_or_id, param, status=400)
    if method["customer"] is None:
        customers.check_free(method)
    elif customer is None:
        message = (
            "The payment method you provided is attached to a customer so for security purposes you must "
            "provide the customer in the request."
        )
        raise invalid_request(message, param=param)
    elif method["customer"] != customer:
        message = (
            f"The customer does not have a payment method with the ID {method['id']}. "
            "The payment method must be attached to the customer."
        )
        raise invalid_request(message, code="resource_missing", param=param)
    return method


def change_billing(details: Record, changes: dict[str, Any]) -> Record:
    """Billing details with some of them replaced or, by an empty value, removed."""
    changed = {**details, **{key: value or None for key, value in changes.items()}}
    if "address" in changes:
        changed["address"] = address(changes["address"] or {}, details["address"])
    return changed


def address(given: dict[str, Any], before: Record | None = None) -> Record:
    return {**instruments.EMPTY_ADDRESS, **(before or {}), **{key: value or None for key, value in given.items()}}


def shipping(given: dict[str, Any] | None) -> Record | None:
    """docs.stripe.com/api/payment_intents/object#payment_intent_object-shipping."""
    if not given:
        return None
    blank = dict.fromkeys(("carrier", "phone", "tracking_number"))
    return {**blank, **given, "address": address(given["address"])}


def _card(world: World, given: dict[str, Any]) -> tuple[str, int, int]:
    """By token, or by a published test number: no other card means anything here."""
    if "token" in given:
        card = cards.BY_CARD_TOKEN.get(given["token"])
        if card is None:
            raise resource_missing("token", given["token"], "card[token]", status=400)
        return card.number, 12, 2034
    for name in ("number", "exp_month", "exp_year"):
        if name not in given:
            raise missing_parameter(f"card[{name}]")
    number = given["number"].replace(" ", "").replace("-", "")
    _check_number(number)
    year = given["exp_year"] if given["exp_year"] > 99 else 2000 + given["exp_year"]
    check_expiry(world, given["exp_month"], year)
    return number, given["exp_month"], year


def _check_number(number: str) -> None:
    rule = cards.rule_for(number)
    if rule.decline and number not in cards.BY_NUMBER:
        why = rule.decline
        raise _card_error(why.message, why.code, "number", decline_code=why.decline_code)


def check_expiry(world: World, month: int, year: int) -> None:
    if not 1 <= month <= 12:
        raise _card_error("Your card's expiration month is invalid.", "invalid_expiry_month", "exp_month")
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    if (year, month) < (now.year, now.month) or year > now.year + 50:
        raise _card_error("Your card's expiration year is invalid.", "invalid_expiry_year", "exp_year")


def _account(params: dict[str, Any], prefix: str) -> tuple[str]:
    iban = params["sepa_debit"]["iban"].replace(" ", "").upper()
    if iban not in cards.BY_IBAN:
        message = "The provided IBAN is none of the test accounts at docs.stripe.com/payments/sepa-debit."
        name = _name(prefix, "sepa_debit") + "[iban]"
        raise invalid_request(message, code="invalid_bank_account_iban", param=name)
    return (iban,)


def _billing(given: dict[str, Any]) -> Billing:
    text = {name: given.get(name) or None for name in ("email", "name", "phone", "tax_id")}
    return Billing(**text, address=address(given.get("address") or {}))


def _name(prefix: str, key: str) -> str:
    return f"{prefix}[{key}]" if prefix else key


def _card_error(message: str, code: str, param: str, **details: Any) -> ApiError:
    return ApiError(402, "card_error", message, code=code, param=param, **details)
