"""Checkout Sessions: docs.stripe.com/api/checkout/sessions, mode `payment`."""

from __future__ import annotations

from typing import Any

from fakestripe import checkout, money
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, not_simulated
from fakestripe.lists import cut, list_params, matching, page
from fakestripe.render import visible
from fakestripe.resources import session_params as shapes
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Choice, Integer, Metadata, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/checkout/sessions"
ENDIVE = "2026-09-30"
MINUTES_30 = 30 * 60
HOURS_24 = 24 * 3600
NULLS = (
    "adaptive_pricing after_expiration allow_promotion_codes billing_address_collection cancel_url "
    "client_reference_id client_secret collected_information consent consent_collection "
    "currency_conversion customer customer_account customer_creation customer_details "
    "customer_email integration_identifier invoice invoice_creation locale managed_payments "
    "optional_items origin_context payment_intent payment_link payment_method_collection "
    "payment_method_configuration_details permissions recovered_from "
    "saved_payment_method_options setup_intent shipping_address_collection shipping_cost "
    "submit_type subscription success_url wallet_options"
).split()
COPIED = (
    "adaptive_pricing allow_promotion_codes billing_address_collection cancel_url "
    "client_reference_id customer_creation customer_email locale phone_number_collection "
    "submit_type success_url ui_mode"
).split()


def create(world: World, call: Call) -> Record:
    params = call.params
    _refuse(call)
    now = world.clock.timestamp()
    expires_at = _expiry(params, now)
    currency = params["line_items"][0]["price_data"]["currency"]
    total = _total(params["line_items"], currency)
    money.check_chargeable(total, currency, "line_items")
    methods = _payment_methods(params, currency)
    session_id = world.ids.new("cs_test_", 58)
    session = {
        **_blank(session_id, now),
        **{name: params[name] for name in COPIED if name in params},
        **_collections(params),
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency,
        "expires_at": expires_at,
        "metadata": params.get("metadata") or {},
        "payment_method_types": methods,
        "url": f"{call.base_url}/c/pay/{session_id}",
        "_intent_fields": _intent_fields(params),
    }
    items = [_line_item(world, item, now) for item in params["line_items"]]
    return checkout.open_session(world, session, items)


def update(world: World, call: Call) -> Record:
    session = get(world, "checkout.session", call.args["session"], "session")
    merge_metadata(session, call.params.get("metadata", {}))
    world.store.put("checkout.session", session)
    return session


def expire(world: World, call: Call) -> Record:
    session = get(world, "checkout.session", call.args["session"], "session")
    return checkout.expire(world, session)


def listed(world: World, call: Call) -> Record:
    params = call.params
    records = matching(
        world.store.all("checkout.session"),
        params,
        *("payment_intent", "status", "customer", "payment_link", "subscription"),
    )
    email = params.get("customer_details", {}).get("email")
    if email:
        records = [r for r in records if (r["customer_details"] or {}).get("email") == email]
    return page(records, params, PATH, "checkout.session")


def line_items(world: World, call: Call) -> Record:
    session = get(world, "checkout.session", call.args["session"], "session")
    record = world.store.get("_line_items", session["id"])
    assert record is not None
    data, has_more = cut([visible(item) for item in record["data"]], call.params, "item")
    return {"object": "list", "data": data, "has_more": has_more, "url": call.path}


def _refuse(call: Call) -> None:
    """Say no to what Stripe refuses, and to what it knows but we do not simulate."""
    params = call.params
    if params["mode"] != "payment":
        raise not_simulated(f"mode={params['mode']}", "mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_simulated(f"ui_mode={params['ui_mode']}", "ui_mode")
    if params.get("customer_creation") == "always":
        raise not_simulated("customer_creation=always", "customer_creation")
    if params.get("invoice_creation", {}).get("enabled"):
        raise not_simulated("invoices", "invoice_creation[enabled]")
    if params.get("after_expiration", {}).get("recovery", {}).get("enabled"):
        raise not_simulated("recovery of expired sessions", "after_expiration[recovery][enabled]")
    if "payment_method_types" in params and call.version_date >= ENDIVE:
        # docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions
        message = (
            "Received unknown parameter: payment_method_types. It is no longer supported since "
            "2026-09-30.endive. Use `allowed_payment_method_types` or "
            "`excluded_payment_method_types` instead."
        )
        raise invalid_parameter(message, "payment_method_types", "parameter_unknown")


def _expiry(params: dict[str, Any], now: int) -> int:
    """Between 30 minutes and 24 hours from creation; 24 hours unless said otherwise."""
    expires_at = params.get("expires_at", now + HOURS_24)
    if expires_at < now + MINUTES_30:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid_parameter(message, "expires_at")
    if expires_at > now + HOURS_24:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid_parameter(message, "expires_at")
    return int(expires_at)


def _total(items: list[dict[str, Any]], currency: str) -> int:
    total = 0
    for position, item in enumerate(items):
        if item["price_data"]["currency"] != currency:
            message = "All prices on a Checkout Session must use the same currency."
            raise invalid_parameter(message, f"line_items[{position}][price_data][currency]")
        total += item["price_data"]["unit_amount"] * item["quantity"]
    return total


def _payment_methods(params: dict[str, Any], currency: str) -> list[str]:
    """Cards always, SEPA debit for euro, filtered by what the caller allows or excludes."""
    offered = ["card", "sepa_debit"] if currency == "eur" else ["card"]
    for name in ("payment_method_types", "allowed_payment_method_types"):
        if name in params:
            offered = [method for method in offered if method in params[name]]
    excluded = params.get("excluded_payment_method_types", [])
    offered = [method for method in offered if method not in excluded]
    if not offered:
        message = "No valid payment method types for this Checkout Session."
        raise invalid_parameter(message, "allowed_payment_method_types")
    return offered


def _intent_fields(params: dict[str, Any]) -> dict[str, Any]:
    """What the PaymentIntent will have. The session's own metadata is not copied to it."""
    fields = dict(params.get("payment_intent_data", {}))
    fields["metadata"] = fields.get("metadata") or {}
    return fields


def _collections(params: dict[str, Any]) -> dict[str, Any]:
    """The parts of a session that hold more keys than the caller gave."""
    consent = params.get("consent_collection")
    tax_on = params.get("automatic_tax", {}).get("enabled", False)
    return {
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_tax": {
            "enabled": tax_on,
            "liability": {"type": "self"} if tax_on else None,
            "provider": "stripe" if tax_on else None,
            # Without a tax registration Stripe calculates zero (docs.stripe.com/tax/zero-tax).
            "status": "complete" if tax_on else None,
        },
        "consent_collection": {**shapes.NO_CONSENT, **consent} if consent else None,
        "custom_fields": [_custom_field(item) for item in params.get("custom_fields", [])],
        "custom_text": {**shapes.NO_TEXT, **_texts(params.get("custom_text", {}))},
        "excluded_payment_method_types": params.get("excluded_payment_method_types", []),
    }


def _texts(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value or None for name, value in given.items()}


def _custom_field(given: dict[str, Any]) -> Record:
    kind = given["type"]
    details = dict(given.get(kind, {}))
    if kind == "dropdown" and not details.get("options"):
        raise invalid_parameter("A dropdown needs options.", "custom_fields")
    shown = {"default_value": None, **details, "value": None}
    if kind != "dropdown":
        shown = {"maximum_length": None, "minimum_length": None, **shown}
    return {
        "key": given["key"],
        "label": given["label"],
        "optional": given.get("optional", False),
        "type": kind,
        kind: shown,
    }


def _line_item(world: World, given: dict[str, Any], now: int) -> Record:
    price, quantity = given["price_data"], given["quantity"]
    amount = price["unit_amount"] * quantity
    product = price["product_data"]
    return {
        "id": world.ids.new("li_"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": _price(world, price, now),
        "quantity": quantity,
        "_details": product.get("description"),
        "_images": product.get("images", []),
    }


def _price(world: World, price: dict[str, Any], now: int) -> Record:
    """The inline price, made for this session alone and therefore inactive."""
    return {
        "id": world.ids.new("price_"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": price["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": world.ids.new("prod_", 14),
        "recurring": None,
        "tax_behavior": price.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price["unit_amount"],
        "unit_amount_decimal": str(price["unit_amount"]),
    }


def _blank(session_id: str, now: int) -> Record:
    return {
        **dict.fromkeys(NULLS),
        "id": session_id,
        "object": "checkout.session",
        "branding_settings": dict(shapes.BRANDING),
        "created": now,
        "customer_creation": "if_required",
        "discounts": [],
        "livemode": False,
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "redirect_on_completion": "always",
        "shipping_options": [],
        "status": "open",
        "tax_id_collection": {"enabled": False, "required": "never"},
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }


LIST = list_params(
    customer=Text(),
    customer_details=group(email=Text()),
    payment_intent=Text(),
    payment_link=Text(),
    status=Choice("complete", "expired", "open"),
    subscription=Text(),
)
PAGING = group(limit=Integer(1, 100), starting_after=Text(), ending_before=Text())
OPERATIONS = [
    Operation("POST", PATH, create, shapes.CREATE),
    Operation("GET", PATH, listed, LIST),
    retrieving(PATH, "checkout.session", "session"),
    Operation("POST", PATH + "/{session}", update, group(metadata=Metadata())),
    Operation("GET", PATH + "/{session}/line_items", line_items, PAGING),
    Operation("POST", PATH + "/{session}/expire", expire, group()),
]
