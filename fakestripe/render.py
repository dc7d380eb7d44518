"""How a stored object leaves the program: without our private keys, and expanded on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakestripe.errors import invalid_parameter
from fakestripe.store import Record
from fakestripe.world import World

# Which field of which object can be expanded, and what kind it then is
# (docs.stripe.com/expand). A part of an object is named like `customer.invoice_settings`. Kinds
# that are not simulated yet are listed: their fields are null.
EXPANDABLE: dict[str, dict[str, str]] = {
    "checkout.session": {
        "payment_intent": "payment_intent",
        "customer": "customer",
        "invoice": "invoice",
        "payment_link": "payment_link",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
    },
    "payment_intent": {
        "latest_charge": "charge",
        "payment_method": "payment_method",
        "customer": "customer",
    },
    "charge": {
        "balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
    },
    "customer.invoice_settings": {"default_payment_method": "payment_method"},
    "payment_method": {"customer": "customer"},
    "setup_attempt": {"customer": "customer", "payment_method": "payment_method", "setup_intent": "setup_intent"},
    "setup_intent": {"customer": "customer", "latest_attempt": "setup_attempt", "payment_method": "payment_method"},
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {"source": "*"},
    "payout": {"balance_transaction": "balance_transaction", "failure_balance_transaction": "balance_transaction"},
    "item": {"price": "price"},
    "price": {"product": "product"},
    "product": {"default_price": "price"},
}
# What may be expanded too, but leads to kinds that are not simulated: null, or left as an id.
NOT_SIMULATED = {
    "billing_portal.configuration": "application",
    "charge": "application application_fee on_behalf_of review source_transfer transfer",
    "customer": "default_source test_clock",
    "invoice": "application default_source latest_revision on_behalf_of test_clock",
    "invoiceitem": "test_clock",
    "payment_intent": "application on_behalf_of review",
    "payout": "application_fee destination original_payout reversed_by",
    "product": "tax_code",
    "refund": "source_transfer_reversal transfer_reversal",
    "setup_attempt": "application on_behalf_of",
    "setup_intent": "application mandate on_behalf_of single_use_mandate",
    "subscription": "application default_source on_behalf_of schedule test_clock",
}
MAX_DEPTH = 4
SOURCES = ("charge", "refund", "dispute", "payout")


def visible(record: Record) -> Record:
    """The object as the API shows it. A leading underscore marks what is ours alone."""
    return {key: value for key, value in record.items() if not key.startswith("_")}


def expand(world: World, shown: Record, paths: list[str]) -> Record:
    """Replace ids by objects along each path, as `expand[]` asks."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_DEPTH:
            message = "You cannot expand more than 4 levels of a property"
            raise invalid_parameter(message, "expand")
        _expand(world, shown, parts, path)
    return shown


def _expand(world: World, shown: Any, parts: list[str], path: str, part: str = "") -> None:
    if not parts:
        return
    name, rest = parts[0], parts[1:]
    kind = part or shown.get("object", "")
    if shown.get("object") == "list" and name == "data":
        for item in shown["data"]:
            _expand(world, item, rest, path)
        return
    if f"{kind}.{name}" in EXPANDABLE:
        shown[name] = dict(shown[name] or {})
        _expand(world, shown[name], rest, path, f"{kind}.{name}")
        return
    if not _is_open(world, shown, kind, name, path):
        return
    if isinstance(shown[name], dict):
        _expand(world, shown[name], rest, path)


def _is_open(world: World, shown: Record, kind: str, name: str, path: str) -> bool:
    """Put the object in place of its id; False where there is nothing to expand."""
    if name in INCLUDED.get(kind, {}):
        if name not in shown:
            shown[name] = INCLUDED[kind][name](world, shown)
        return True
    target = EXPANDABLE.get(kind, {}).get(name)
    if name in NOT_SIMULATED.get(kind, "").split():
        return False
    if target is None:
        raise invalid_parameter(f"This property cannot be expanded ({path}).", "expand")
    value = shown.get(name)
    if isinstance(value, str):
        shown[name] = _find(world, target, value)
    return bool(shown.get(name))


def _find(world: World, kind: str, record_id: str) -> Any:
    for candidate in SOURCES if kind == "*" else (kind,):
        record = world.store.get(candidate, record_id)
        if record:
            return visible(record)
    return record_id


def line_items(world: World, session: Record) -> Record:
    """The first page of a session's line items."""
    record = world.store.get("_line_items", session["id"]) or {"data": []}
    url = f"/v1/checkout/sessions/{session['id']}/line_items"
    data = [visible(item) for item in record["data"]]
    return {"object": "list", "data": data[:10], "has_more": len(data) > 10, "url": url}


def charge_refunds(world: World, charge: Record) -> Record:
    found = [visible(r) for r in world.store.where("refund", "charge", charge["id"])]
    url = f"/v1/charges/{charge['id']}/refunds"
    return {"object": "list", "data": found[::-1][:10], "has_more": len(found) > 10, "url": url}


# Fields that are absent until asked for.
INCLUDED: dict[str, dict[str, Callable[[World, Record], Record | None]]] = {
    "checkout.session": {"line_items": line_items},
    "charge": {"refunds": charge_refunds},
}
