"""Products: made, changed and deleted, with their events.

Source: docs.stripe.com/api/products and docs.stripe.com/products-prices/how-products-and-prices-work.
"""

from __future__ import annotations

from typing import Any

from fakestripe.errors import invalid_request, resource_missing
from fakestripe.events import emit, emit_change
from fakestripe.store import Record
from fakestripe.world import World

NULLS = ("default_price description package_dimensions shippable statement_descriptor tax_code unit_label url").split()


def create(world: World, name: str, **fields: Any) -> Record:
    """A product of the catalogue. `id` may be chosen by the caller, once."""
    product = _make(world, name, fields)
    emit(world, "product.created", product)
    return product


def create_inline(world: World, name: str, **fields: Any) -> Record:
    """A product made for one Checkout Session: archived from the start, and without an event.

    Stripe does not document events for these; here they would only be noise.
    """
    return _make(world, name, {**fields, "active": False})


def find(world: World, product_id: str, param: str) -> Record:
    """The product another object names in `param`."""
    product = world.store.get("product", product_id)
    if product is None:
        raise resource_missing("product", product_id, param, status=400)
    return product


def save(world: World, product: Record, before: Record) -> Record:
    """Keep a changed product and tell of it; `updated` is the time of the last change."""
    if product != before:
        product["updated"] = world.clock.timestamp()
        world.store.put("product", product)
        emit_change(world, "product.updated", product, before)
    return product


def delete(world: World, product: Record) -> Record:
    """Only a product without prices can be deleted; others are archived (`active=false`)."""
    if world.store.where("price", "product", product["id"]):
        message = "This product cannot be deleted because it has one or more user-created prices."
        raise invalid_request(message)
    world.store.delete("product", product["id"])
    emit(world, "product.deleted", product)
    return {"id": product["id"], "object": "product", "deleted": True}


def _make(world: World, name: str, fields: Record) -> Record:
    now = world.clock.timestamp()
    product_id = fields.pop("id", None) or world.ids.new("prod_", 14)
    if world.store.get("product", product_id):
        raise invalid_request("Product already exists.", code="resource_already_exists", param="id")
    product: Record = {
        **dict.fromkeys(NULLS),
        "id": product_id,
        "object": "product",
        "active": True,
        "created": now,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": name,
        "type": "service",
        "updated": now,
        **{key: value for key, value in fields.items() if value is not None},
    }
    world.store.put("product", product)
    return product
