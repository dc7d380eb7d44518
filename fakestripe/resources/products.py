"""Products: docs.stripe.com/api/products."""

from __future__ import annotations

from typing import Any

from fakestripe import prices, products
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter
from fakestripe.lists import list_params, page_of
from fakestripe.resources.prices import RECURRING, TAX_BEHAVIOR, common_fields
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import (
    Currency,
    Flag,
    Integer,
    Items,
    Metadata,
    Number,
    Param,
    Text,
    Unsettable,
    Url,
    group,
)
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/products"
SIZE = Number(2)
SIZES = group("height length weight width", height=SIZE, length=SIZE, weight=SIZE, width=SIZE)
OWN: dict[str, Param] = {
    "description": Text(40000),
    "images": Items(Url(), max_items=8),
    "marketing_features": Items(group("name", name=Text(5000)), max_items=15),
    "package_dimensions": SIZES,
    "tax_code": Text(),
    "unit_label": Text(12),
    "url": Url(),
}
ALWAYS: dict[str, Param] = {
    "active": Flag(),
    "metadata": Metadata(),
    "shippable": Flag(),
    "statement_descriptor": Text(22),
}
DEFAULT_PRICE = group(
    "currency",
    currency=Currency(),
    metadata=Metadata(),
    recurring=RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Integer(minimum=0),
    unit_amount_decimal=Number(),
)
CREATE = group("name", id=Text(), name=Text(), default_price_data=DEFAULT_PRICE, **OWN, **ALWAYS)
UPDATE = group(
    name=Text(),
    default_price=Text(),
    **{name: Unsettable(kind) for name, kind in OWN.items()},
    **ALWAYS,
)
LIST = list_params(active=Flag(), ids=Items(Text()), shippable=Flag(), url=Text())
EMPTY: dict[str, Any] = {"images": [], "marketing_features": []}


def create(world: World, call: Call) -> Record:
    fields = _plain(call.params)
    fields["metadata"] = fields.get("metadata") or {}
    price_data = fields.pop("default_price_data", None)
    product = products.create(world, fields.pop("name"), **fields)
    if price_data is None:
        return product
    amount = prices.read_amount(price_data, "default_price_data")
    kept = common_fields(price_data, "default_price_data")
    price = prices.create(world, product["id"], price_data["currency"], amount, **kept)
    return products.save(world, {**product, "default_price": price["id"]}, product)


def update(world: World, call: Call) -> Record:
    before = get(world, "product", call.args["id"])
    changes = _plain(call.params)
    metadata = changes.pop("metadata", {})
    changes = {key: EMPTY.get(key) if value == "" else value for key, value in changes.items()}
    if "default_price" in changes:
        _check_default(world, before, call.params["default_price"])
    product = {**before, **changes}
    merge_metadata(product, metadata)
    return products.save(world, product, before)


def delete(world: World, call: Call) -> Record:
    return products.delete(world, get(world, "product", call.args["id"]))


def listed(world: World, call: Call) -> Record:
    params = call.params
    wanted = params.get("ids")

    def fits(product: Record) -> bool:
        return wanted is None or product["id"] in wanted

    return page_of(world.store, "product", params, PATH, "url", "shippable", "active", fits=fits)


def _plain(params: Record) -> Record:
    """The parameters with sizes as JSON numbers."""
    fields = dict(params)
    if fields.get("package_dimensions"):
        fields["package_dimensions"] = {k: float(v) for k, v in fields["package_dimensions"].items()}
    return fields


def _check_default(world: World, product: Record, price_id: str) -> None:
    price = get(world, "price", price_id, "default_price")
    if price["product"] != product["id"]:
        message = f"The price `{price_id}` does not belong to the product `{product['id']}`."
        raise invalid_parameter(message, "default_price")


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    Operation("GET", PATH, listed, LIST),
    retrieving(PATH, "product", "id"),
    Operation("POST", PATH + "/{id}", update, UPDATE),
    Operation("DELETE", PATH + "/{id}", delete, group()),
]
