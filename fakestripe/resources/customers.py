"""Customers: docs.stripe.com/api/customers."""

from __future__ import annotations

from typing import Any

from fakestripe import customers
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import ApiError, invalid_request
from fakestripe.lists import list_params, page_of
from fakestripe.resources.method_params import ADDRESS, SHIPPING_TO, address, find_method, shipping
from fakestripe.resources.reading import get
from fakestripe.schema import Choice, Email, Group, Integer, Items, Metadata, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/customers"
CUSTOM_FIELD = group("name value", name=Text(40), value=Text(140))
INVOICE_SETTINGS = group(
    custom_fields=Unsettable(Items(CUSTOM_FIELD, max_items=4)),
    default_payment_method=Unsettable(Text()),
    footer=Unsettable(Text()),
)
PLAIN: dict[str, Param] = {
    "description": Unsettable(Text()),
    "email": Unsettable(Email(512)),
    "name": Unsettable(Text(256)),
    "phone": Unsettable(Text(20)),
}
PARAMS: dict[str, Param] = {
    **PLAIN,
    "address": Unsettable(ADDRESS),
    "balance": Integer(),
    "business_name": Unsettable(Text(150)),
    "individual_name": Unsettable(Text(150)),
    "invoice_prefix": Text(12),
    "invoice_settings": INVOICE_SETTINGS,
    "metadata": Metadata(),
    "next_invoice_sequence": Integer(1),
    "preferred_locales": Items(Text()),
    "shipping": Unsettable(SHIPPING_TO),
    "tax_exempt": Unsettable(Choice("exempt", "none", "reverse")),
}
AS_GIVEN = ("balance", "invoice_prefix", "next_invoice_sequence", "preferred_locales")


def create(world: World, call: Call) -> Record:
    """With a `payment_method` it is attached at once; a card that is declined makes no customer."""
    params = call.params
    method = find_method(world, params["payment_method"], None) if "payment_method" in params else None
    settings = {key: value or None for key, value in params.get("invoice_settings", {}).items()}
    wanted = settings.get("default_payment_method")
    if wanted:
        if method is None or wanted not in (method["id"], params["payment_method"]):
            raise _not_kept(wanted)
        settings["default_payment_method"] = method["id"]
    return customers.create(world, method, **_changes(params), invoice_settings=settings)


def retrieve(world: World, call: Call) -> Record:
    """A deleted one is still there, as `{id, object, deleted}`."""
    return get(world, "customer", call.args["customer"], "customer")


def update(world: World, call: Call) -> Record:
    customer = _live(world, call)
    changes = _changes(call.params)
    if "invoice_settings" in call.params:
        changes["invoice_settings"] = _settings(world, call.params, customer)
    if changes.get("address"):
        changes["address"] = address(call.params["address"], customer["address"])
    merged = {"metadata": customer["metadata"]}
    merge_metadata(merged, call.params.get("metadata", {}))
    return customers.update(world, customer, {**changes, **merged})


def delete(world: World, call: Call) -> Record:
    return customers.delete(world, _live(world, call))


def listed(world: World, call: Call) -> Record:
    return page_of(world.store, "customer", call.params, PATH, "email", fits=lambda r: not r.get("deleted"))


def _live(world: World, call: Call) -> Record:
    """docs.stripe.com/api/customers/delete: one that is gone cannot be changed."""
    customer = get(world, "customer", call.args["customer"], "customer")
    if customer.get("deleted"):
        raise invalid_request(f"No such customer: '{customer['id']}'", code="resource_missing", param="id")
    return customer


def _changes(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as fields. Names of a person or business are absent from the object until set."""
    changes = {name: params[name] or None for name in PLAIN if name in params}
    changes.update({name: params[name] for name in AS_GIVEN if name in params})
    for name in ("business_name", "individual_name"):
        if params.get(name):
            changes[name] = params[name]
    if "address" in params:
        changes["address"] = address(params["address"]) if params["address"] else None
    if "shipping" in params:
        changes["shipping"] = shipping(params["shipping"])
    if "tax_exempt" in params:
        changes["tax_exempt"] = params["tax_exempt"] or "none"
    if params.get("metadata"):
        changes["metadata"] = params["metadata"]
    return changes


def _settings(world: World, params: dict[str, Any], customer: Record) -> dict[str, Any]:
    """The default payment method must be one that the customer keeps."""
    settings = {key: value or None for key, value in params["invoice_settings"].items()}
    wanted = settings.get("default_payment_method")
    if wanted:
        method = world.store.get("payment_method", wanted)
        if method is None or method["customer"] != customer["id"]:
            raise _not_kept(wanted)
    return {**customer["invoice_settings"], **settings}


def _not_kept(wanted: str) -> ApiError:
    message = (
        f"The customer does not have a payment method with the ID {wanted}. "
        "The payment method must be attached to the customer."
    )
    return invalid_request(message, code="resource_missing", param="invoice_settings[default_payment_method]")


OPERATIONS = [
    Operation("POST", PATH, create, Group({**PARAMS, "payment_method": Text()})),
    Operation("GET", PATH, listed, list_params(email=Text(512))),
    Operation("GET", PATH + "/{customer}", retrieve, group()),
    Operation("POST", PATH + "/{customer}", update, Group(PARAMS)),
    Operation("DELETE", PATH + "/{customer}", delete, group()),
]
