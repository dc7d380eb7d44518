"""Checkout Sessions: docs.stripe.com/api/checkout/sessions."""

from __future__ import annotations

from typing import Any

from fakestripe import checkout
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter
from fakestripe.lists import cut, list_params, page_of
from fakestripe.render import visible
from fakestripe.resources import session_lines, session_rules
from fakestripe.resources import session_params as shapes
from fakestripe.resources.method_params import shipping
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Choice, Metadata, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/checkout/sessions"
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
    "adaptive_pricing allow_promotion_codes billing_address_collection cancel_url client_reference_id customer "
    "customer_creation customer_email integration_identifier locale mode origin_context "
    "payment_method_collection phone_number_collection submit_type success_url ui_mode"
).split()


def create(world: World, call: Call) -> Record:
    params = call.params
    session_rules.check(world, call)
    now = world.clock.timestamp()
    expires_at = session_rules.expiry(params, now)
    items, optional = session_lines.read(world, params)
    currency = items[0]["currency"] if items else params.get("currency")
    if items:
        session_lines.check_total(items)
    methods = session_rules.methods(params, currency)
    session_id = world.ids.new("cs_test_", 58)
    page = f"{call.base_url}/c/pay/{session_id}"
    session = {
        **_blank(session_id, now),
        **_by_mode(params),
        **{name: params[name] for name in COPIED if name in params},
        **_collections(params),
        **_amounts(items),
        "optional_items": _optional_items(params),
        "currency": currency,
        "expires_at": expires_at,
        "metadata": params.get("metadata") or {},
        "payment_method_types": methods,
        "url": page,
        "_page": page,
        **_later(params),
    }
    return checkout.open_session(world, session, items, optional)


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
    email = params.get("customer_details", {}).get("email")
    fields = ("payment_intent", "subscription", "customer", "payment_link", "status")

    def fits(session: Record) -> bool:
        return not email or (session["customer_details"] or {}).get("email") == email

    return page_of(world.store, "checkout.session", params, PATH, *fields, fits=fits)


def line_items(world: World, call: Call) -> Record:
    session = get(world, "checkout.session", call.args["session"], "session")
    record = world.store.get("_line_items", session["id"])
    assert record is not None
    data, has_more = cut([visible(item) for item in record["data"]], call.params, "item")
    return {"object": "list", "data": data, "has_more": has_more, "url": call.path}


def _by_mode(params: dict[str, Any]) -> dict[str, Any]:
    """What a session begins with in its mode; a customer who is there need not be created."""
    mode = params["mode"]
    created = {"payment": "if_required", "setup": "if_required", "subscription": "always"}[mode]
    return {
        "customer_creation": None if "customer" in params else created,
        "invoice_creation": _invoice_creation(params) if mode == "payment" else None,
        "payment_method_collection": "if_required" if mode == "payment" else "always",
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
    }


def _invoice_creation(params: dict[str, Any]) -> Record:
    given = params.get("invoice_creation", {})
    data = {name: value or None for name, value in given.get("invoice_data", {}).items()}
    data["metadata"] = data.get("metadata") or {}
    return {"enabled": given.get("enabled", False), "invoice_data": {**shapes.NO_INVOICE_DATA, **data}}


def _optional_items(params: dict[str, Any]) -> list[Record] | None:
    given = params.get("optional_items")
    if given is None:
        return None
    return [
        {"adjustable_quantity": session_lines.adjustable(item), "price": item["price"], "quantity": item["quantity"]}
        for item in given
    ]


def _amounts(items: list[Record]) -> dict[str, Any]:
    """In setup mode there is nothing to add up."""
    total = session_lines.total(items) if items else None
    return {
        "amount_subtotal": total,
        "amount_total": total,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if items else None,
    }


def _later(params: dict[str, Any]) -> dict[str, Any]:
    """What is kept for the objects that will be made. The session's own metadata is not copied to them."""
    made_later: dict[str, Any] = {}
    for name in ("payment_intent_data", "setup_intent_data", "subscription_data"):
        given = params.get(name, {})
        made_later[f"_{name}"] = {**given, "metadata": given.get("metadata") or {}}
    sent_to = made_later["_payment_intent_data"]
    if "shipping" in sent_to:
        sent_to["shipping"] = shipping(sent_to["shipping"])
    return {
        **made_later,
        "_allow_redisplay": params.get("payment_method_data", {}).get("allow_redisplay"),
        "_customer_update": params.get("customer_update", {}),
    }


def _collections(params: dict[str, Any]) -> dict[str, Any]:
    """The parts of a session that hold more keys than the caller gave."""
    consent = params.get("consent_collection")
    tax_on = params.get("automatic_tax", {}).get("enabled", False)
    return {
        "after_expiration": _after_expiration(params),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_tax": {
            "enabled": tax_on,
            "liability": {"type": "self"} if tax_on else None,
            "provider": "stripe" if tax_on else None,
            # Without a tax registration Stripe calculates zero (docs.stripe.com/tax/zero-tax).
            "status": "complete" if tax_on else None,
        },
        "branding_settings": {**shapes.BRANDING, **_branding(params)},
        "consent_collection": {**shapes.NO_CONSENT, **consent} if consent else None,
        "custom_fields": [_custom_field(item) for item in params.get("custom_fields", [])],
        "custom_text": {**shapes.NO_TEXT, **_texts(params.get("custom_text", {}))},
        "excluded_payment_method_types": params.get("excluded_payment_method_types", []),
        "payment_method_options": {"card": {"request_three_d_secure": _three_d_secure(params)}},
        "saved_payment_method_options": _saving(params),
        "shipping_address_collection": params.get("shipping_address_collection"),
        **_names(params),
    }


def _three_d_secure(params: dict[str, Any]) -> str:
    card = params.get("payment_method_options", {}).get("card", {})
    return str(card.get("request_three_d_secure", "automatic"))


def _names(params: dict[str, Any]) -> dict[str, Any]:
    """`name_collection` is absent until it is used."""
    if "name_collection" not in params:
        return {}
    given = params["name_collection"]
    return {"name_collection": {kind: {"optional": False, **each} for kind, each in given.items()}}


def _after_expiration(params: dict[str, Any]) -> Record | None:
    recovery = params.get("after_expiration", {}).get("recovery")
    if recovery is None:
        return None
    return {"recovery": {"allow_promotion_codes": False, "expires_at": None, "url": None, **recovery}}


def _branding(params: dict[str, Any]) -> dict[str, Any]:
    """An empty colour is the account's own."""
    return {name: value for name, value in params.get("branding_settings", {}).items() if value != ""}


def _saving(params: dict[str, Any]) -> Record | None:
    given = params.get("saved_payment_method_options")
    if given is None:
        return None
    return {
        "allow_redisplay_filters": ["always"],
        "payment_method_remove": None,
        "payment_method_save": None,
        **given,
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


def _blank(session_id: str, now: int) -> Record:
    return {
        **dict.fromkeys(NULLS),
        "id": session_id,
        "object": "checkout.session",
        "created": now,
        "discounts": [],
        "livemode": False,
        "phone_number_collection": {"enabled": False},
        "redirect_on_completion": "always",
        "shipping_options": [],
        "status": "open",
        "tax_id_collection": {"enabled": False, "required": "never"},
        "ui_mode": "hosted_page",
    }


LIST = list_params(
    customer=Text(),
    customer_details=group("email", email=Text()),
    payment_intent=Text(),
    payment_link=Text(),
    status=Choice("complete", "expired", "open"),
    subscription=Text(),
)
PAGING = list_params(dated=False)
OPERATIONS = [
    Operation("POST", PATH, create, shapes.CREATE),
    Operation("GET", PATH, listed, LIST),
    retrieving(PATH, "checkout.session", "session"),
    Operation("POST", PATH + "/{session}", update, group(metadata=Metadata())),
    Operation("GET", PATH + "/{session}/line_items", line_items, PAGING),
    Operation("POST", PATH + "/{session}/expire", expire, group()),
]
