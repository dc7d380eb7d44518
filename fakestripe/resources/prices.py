"""Prices: docs.stripe.com/api/prices. One amount for each unit; no tiers, meters or free amounts."""

from __future__ import annotations

from typing import Any

from fakestripe import prices, products
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, invalid_request, missing_parameter
from fakestripe.lists import list_params, page_of
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Choice, Currency, Flag, Integer, Items, Metadata, Number, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/prices"
INTERVAL = Choice("day", "month", "week", "year")
TAX_BEHAVIOR = Choice("exclusive", "inclusive", "unspecified")
RECURRING = group("interval", interval=INTERVAL, interval_count=Integer(1))
CREATE = group(
    "currency",
    active=Flag(),
    billing_scheme=Choice("per_unit"),
    currency=Currency(),
    lookup_key=Text(200),
    metadata=Metadata(),
    nickname=Text(),
    product=Text(),
    product_data=group(
        "name",
        active=Flag(),
        id=Text(),
        metadata=Metadata(),
        name=Text(),
        statement_descriptor=Text(22),
        tax_code=Text(),
        unit_label=Text(12),
    ),
    recurring=group("interval", interval=INTERVAL, interval_count=Integer(1), usage_type=Choice("licensed")),
    tax_behavior=TAX_BEHAVIOR,
    transfer_lookup_key=Flag(),
    transform_quantity=group("divide_by round", divide_by=Integer(1), round=Choice("down", "up")),
    unit_amount=Integer(minimum=0),
    unit_amount_decimal=Number(),
)
UPDATE = group(
    active=Flag(),
    lookup_key=Text(200),
    metadata=Metadata(),
    nickname=Text(),
    tax_behavior=TAX_BEHAVIOR,
    transfer_lookup_key=Flag(),
)
LIST = list_params(
    active=Flag(),
    currency=Currency(),
    lookup_keys=Items(Text(), max_items=10),
    product=Text(),
    recurring=group(interval=INTERVAL, usage_type=Choice("licensed", "metered"), meter=Text()),
    type=Choice("one_time", "recurring"),
)


def create(world: World, call: Call) -> Record:
    fields = dict(call.params)
    amount = prices.read_amount(fields)
    kept = {
        **common_fields(fields),
        **{name: fields.get(name) for name in ("active", "lookup_key", "nickname", "transform_quantity")},
        "transfer_lookup_key": fields.get("transfer_lookup_key", False),
    }
    product = _product(world, fields)
    return prices.create(world, product["id"], fields["currency"], amount, **kept)


def update(world: World, call: Call) -> Record:
    before = get(world, "price", call.args["price"], "price")
    changes = dict(call.params)
    metadata = changes.pop("metadata", {})
    transfer = changes.pop("transfer_lookup_key", False)
    settled = before["tax_behavior"] != "unspecified"
    if settled and changes.get("tax_behavior", before["tax_behavior"]) != before["tax_behavior"]:
        message = "`tax_behavior` cannot be changed once it is `inclusive` or `exclusive`."
        raise invalid_request(message, param="tax_behavior")
    price = {**before, **changes}
    merge_metadata(price, metadata)
    return prices.save(world, price, before, transfer=transfer)


def listed(world: World, call: Call) -> Record:
    params = call.params
    keys, recurring = params.get("lookup_keys"), params.get("recurring", {})

    def fits(price: Record) -> bool:
        known = price["recurring"] or {}
        fitting = all(known.get(name) == value for name, value in recurring.items())
        return fitting and (keys is None or price["lookup_key"] in keys)

    return page_of(world.store, "price", params, PATH, "product", "currency", "type", "active", fits=fits)


def common_fields(given: Record, param: str = "") -> dict[str, Any]:
    """What prices have wherever they are made: here, with a product, or for one session."""
    recurring = given.get("recurring")
    if recurring:
        prices.check_recurring(recurring, f"{param}[recurring]" if param else "recurring")
    return {
        "metadata": given.get("metadata") or {},
        "recurring": recurring,
        "tax_behavior": given.get("tax_behavior"),
    }


def _product(world: World, fields: Record) -> Record:
    if "product" in fields and "product_data" in fields:
        message = "You may only specify one of these parameters: product, product_data."
        raise invalid_parameter(message, "product_data")
    if "product_data" in fields:
        given = fields["product_data"]
        return products.create(world, **{**given, "metadata": given.get("metadata") or {}})
    if "product" not in fields:
        raise missing_parameter("product")
    return products.find(world, fields["product"], "product")


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    Operation("GET", PATH, listed, LIST),
    retrieving(PATH, "price", "price"),
    Operation("POST", PATH + "/{price}", update, UPDATE),
]
