"""How a stored object leaves the program: without our private keys, and expanded on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakestripe.errors import invalid_parameter
from fakestripe.store import Record
from fakestripe.world import World

# Which field of which object can be expanded, and what kind it then is
# (docs.stripe.com/expand). Kinds that are not simulated yet are listed: their fields are null.
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
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "balance_transaction": {"source": "*"},
}
MAX_DEPTH = 4
SOURCES = ("charge", "refund", "dispute")


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


def _expand(world: World, shown: Any, parts: list[str], path: str) -> None:
    if not parts:
        return
    name, rest = parts[0], parts[1:]
    if shown.get("object") == "list" and name == "data":
        for item in shown["data"]:
            _expand(world, item, rest, path)
        return
    if not _is_open(world, shown, name, path):
        return
    if isinstance(shown[name], dict):
        _expand(world, shown[name], rest, path)


def _is_open(world: World, shown: Record, name: str, path: str) -> bool:
    """Put the object in place of its id; False where there is nothing to expand."""
    kind = shown.get("object", "")
    if name in INCLUDED.get(kind, {}):
        if name not in shown:
            shown[name] = INCLUDED[kind][name](world, shown)
        return True
    target = EXPANDABLE.get(kind, {}).get(name)
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
    found = [visible(r) for r in world.store.all("refund") if r["charge"] == charge["id"]]
    url = f"/v1/charges/{charge['id']}/refunds"
    return {"object": "list", "data": found[::-1][:10], "has_more": len(found) > 10, "url": url}


# Fields that are absent until asked for.
INCLUDED: dict[str, dict[str, Callable[[World, Record], Record]]] = {
    "checkout.session": {"line_items": line_items},
    "charge": {"refunds": charge_refunds},
}
