"""Prices: what something costs, once or again and again; lookup keys; and sums from them.

Source: docs.stripe.com/api/prices and docs.stripe.com/products-prices/manage-prices.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from fakestripe import money
from fakestripe.errors import invalid_parameter, invalid_request, resource_missing
from fakestripe.events import emit, emit_change
from fakestripe.store import Record
from fakestripe.world import World

# At most three years (docs.stripe.com/api/prices/create, recurring.interval_count).
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
RECURRING = {"interval_count": 1, "meter": None, "usage_type": "licensed"}


def create(world: World, product: str, currency: str, amount: Decimal, **fields: Any) -> Record:
    """A price of the catalogue, of so many minor units, possibly with decimals."""
    transfer = fields.pop("transfer_lookup_key", False)
    price = _make(world, product, currency, amount, fields)
    _take_lookup_key(world, price, transfer=transfer)
    world.store.put("price", price)
    emit(world, "price.created", price)
    return price


def create_inline(world: World, product: str, currency: str, amount: Decimal, **fields: Any) -> Record:
    """A price made for one Checkout Session: inactive from the start, and without an event."""
    price = _make(world, product, currency, amount, {**fields, "active": False})
    world.store.put("price", price)
    return price


def save(world: World, price: Record, before: Record, *, transfer: bool = False) -> Record:
    """Keep a changed price and tell of it."""
    if price["lookup_key"] != before["lookup_key"]:
        _take_lookup_key(world, price, transfer=transfer)
    world.store.put("price", price)
    emit_change(world, "price.updated", price, before)
    return price


def find_active(world: World, price_id: str, param: str) -> Record:
    """The price a customer is about to buy; an archived one cannot be bought."""
    price = world.store.get("price", price_id)
    if price is None:
        raise resource_missing("price", price_id, param, status=400)
    if not price["active"]:
        message = "The price specified is inactive. This field only accepts active prices."
        raise invalid_parameter(message, param)
    product = world.store.get("product", price["product"])
    if product and not product["active"]:
        message = "This price is not available to be purchased because its product is not active."
        raise invalid_parameter(message, param)
    return price


def amount(price: Record, quantity: int) -> int:
    """What so many of them cost, in whole minor units."""
    packages = price["transform_quantity"]
    if packages:
        rounding = ROUND_CEILING if packages["round"] == "up" else ROUND_FLOOR
        quantity = int((Decimal(quantity) / packages["divide_by"]).to_integral_value(rounding))
    total = Decimal(price["unit_amount_decimal"]) * quantity
    return int(total.to_integral_value(ROUND_HALF_UP))


def period(price: Record) -> str:
    """`month`, or `3 months`: how often a recurring price is charged, for people."""
    count, unit = price["recurring"]["interval_count"], price["recurring"]["interval"]
    return unit if count == 1 else f"{count} {unit}s"


def check_recurring(recurring: Record, param: str) -> None:
    count, unit = recurring.get("interval_count", 1), recurring["interval"]
    if count > LONGEST[unit]:
        message = f"Invalid interval: at most {LONGEST[unit]} {unit}s (three years)."
        raise invalid_parameter(message, f"{param}[interval_count]")


def read_amount(given: Record, param: str = "") -> Decimal:
    """`unit_amount` or `unit_amount_decimal`, whichever the caller chose; one is needed."""
    both = [name for name in ("unit_amount", "unit_amount_decimal") if name in given]
    where = f"{param}[unit_amount]" if param else "unit_amount"
    if len(both) != 1:
        message = "You must specify either `unit_amount` or `unit_amount_decimal`, and not both."
        raise invalid_parameter(message, where, None if both else "parameter_missing")
    found = Decimal(given[both[0]])
    if found > money.MAXIMUM:
        message = f"Amounts can be at most {money.MAXIMUM}."
        raise invalid_parameter(message, where, "amount_too_large")
    return found


def _make(world: World, product: str, currency: str, unit: Decimal, fields: Record) -> Record:
    if currency not in money.CURRENCIES:
        raise invalid_parameter(f"Invalid currency: {currency}.", "currency")
    recurring = fields.pop("recurring", None)
    whole = unit == unit.to_integral_value()
    return {
        "id": world.ids.new("price_"),
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": world.clock.timestamp(),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": {**RECURRING, **recurring} if recurring else None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": int(unit) if whole else None,
        "unit_amount_decimal": str(int(unit)) if whole else f"{unit.normalize():f}",
        **{key: value for key, value in fields.items() if value is not None},
    }


def _take_lookup_key(world: World, price: Record, *, transfer: bool) -> None:
    """A lookup key belongs to one price; `transfer_lookup_key` takes it from the one before."""
    key = price["lookup_key"]
    if key is None:
        return
    owner = next((p for p in world.store.where("price", "lookup_key", key) if p["id"] != price["id"]), None)
    if owner is None:
        return
    if not transfer:
        message = f"A price (`{owner['id']}`) already uses that lookup key."
        raise invalid_request(message, param="lookup_key")
    save(world, {**owner, "lookup_key": None}, owner)
