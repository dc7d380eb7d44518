"""Line items of a Checkout Session: a price of the catalogue or one made for it, times a quantity.

Source: docs.stripe.com/api/checkout/sessions/create (line_items) and
docs.stripe.com/products-prices/manage-prices.
"""

from __future__ import annotations

from typing import Any

from fakestripe import basket, money, prices, products
from fakestripe.errors import invalid_parameter, missing_parameter
from fakestripe.resources.prices import common_fields
from fakestripe.store import Record
from fakestripe.world import World

ONLY_ONE_TIME = (
    "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode "
    "or use only one-time prices."
)
NO_RECURRING = "You must provide at least one recurring price in `subscription` mode when using prices."
MIXED_INTERVALS = "Checkout does not support multiple prices with different billing intervals."


def read(world: World, params: dict[str, Any]) -> tuple[list[Record], list[Record]]:
    """The session's line items and optional ones; refused where prices do not fit together or the mode."""
    mode = params["mode"]
    if mode == "setup":
        return [], []
    if not params.get("line_items"):
        raise missing_parameter("line_items")
    given = [(_price(world, item, f"line_items[{i}]"), item) for i, item in enumerate(params["line_items"])]
    offered = [
        (prices.find_active(world, item["price"], f"optional_items[{i}][price]"), {**item, "optional": True})
        for i, item in enumerate(params.get("optional_items", []))
    ]
    _check_mode(mode, [price for price, _ in given], [price for price, _ in offered])
    _check_currency(params, [price for price, _ in given], [price for price, _ in offered])
    trial = _has_trial(params)
    made = [_line(world, price, item, free=trial and bool(price["recurring"])) for price, item in given + offered]
    return made[: len(given)], made[len(given) :]


def total(items: list[Record]) -> int:
    return sum(item["amount_total"] for item in items)


def check_total(items: list[Record]) -> None:
    """A payment may be free (docs.stripe.com/payments/checkout/no-cost-orders), never tiny or huge."""
    currency = items[0]["currency"]
    for amount in (total(items), sum(item["_full_amount"] for item in items)):
        if amount:
            money.check_chargeable(amount, currency, "line_items")


def _has_trial(params: dict[str, Any]) -> bool:
    return not {"trial_end", "trial_period_days"}.isdisjoint(params.get("subscription_data", {}))


def _price(world: World, item: dict[str, Any], name: str) -> Record:
    if "price" in item and "price_data" in item:
        message = "You may only specify one of these parameters: price, price_data."
        raise invalid_parameter(message, f"{name}[price_data]")
    if "price" in item:
        return prices.find_active(world, item["price"], f"{name}[price]")
    if "price_data" not in item:
        raise missing_parameter(f"{name}[price]")
    return _inline_price(world, item["price_data"], f"{name}[price_data]")


def _inline_price(world: World, data: dict[str, Any], name: str) -> Record:
    amount = prices.read_amount(data, name)
    kept = common_fields(data, name)
    product = _product(world, data, name)
    return prices.create_inline(world, product["id"], data["currency"], amount, **kept)


def _product(world: World, data: dict[str, Any], name: str) -> Record:
    if ("product" in data) == ("product_data" in data):
        message = "One of `product` or `product_data` is required, and not both."
        code = None if "product" in data else "parameter_missing"
        raise invalid_parameter(message, f"{name}[product_data]", code)
    if "product" in data:
        product = products.find(world, data["product"], f"{name}[product]")
        if not product["active"]:
            message = f"The product `{product['id']}` is not active and cannot be purchased."
            raise invalid_parameter(message, f"{name}[product]")
        return product
    given = data["product_data"]
    return products.create_inline(world, **{**given, "metadata": given.get("metadata") or {}})


def _check_currency(params: dict[str, Any], used: list[Record], offered: list[Record]) -> None:
    currency = params.get("currency", used[0]["currency"])
    for name, found in (("line_items", used), ("optional_items", offered)):
        for position, price in enumerate(found):
            if price["currency"] != currency:
                message = "All prices on a Checkout Session must use the same currency."
                kind = "price_data" if "price_data" in params[name][position] else "price"
                raise invalid_parameter(message, f"{name}[{position}][{kind}]")


def _check_mode(mode: str, used: list[Record], offered: list[Record]) -> None:
    recurring = [price["recurring"] for price in used + offered if price["recurring"]]
    if mode == "payment" and recurring:
        raise invalid_parameter(ONLY_ONE_TIME, "mode")
    if mode == "subscription" and not any(price["recurring"] for price in used):
        raise invalid_parameter(NO_RECURRING, "line_items")
    if len({(each["interval"], each["interval_count"]) for each in recurring}) > 1:
        raise invalid_parameter(MIXED_INTERVALS, "line_items")


def _line(world: World, price: Record, item: dict[str, Any], *, free: bool) -> Record:
    """`free`: nothing is due for it now, because a trial comes first. What is optional begins at none."""
    product = products.find(world, price["product"], "line_items")
    optional = item.get("optional", False)
    quantity = 0 if optional else item["quantity"]
    amount = 0 if free else prices.amount(price, quantity)
    return {
        "id": world.ids.new("li_"),
        "object": "item",
        "adjustable_quantity": adjustable(item),
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": item.get("metadata") or {},
        "price": price,
        "quantity": quantity,
        "_details": product["description"],
        "_free": free,
        "_full_amount": prices.amount(price, quantity),
        "_images": product["images"],
        "_offered": item["quantity"],
        "_optional": optional,
    }


def adjustable(item: dict[str, Any]) -> Record | None:
    """From 0 to 99 unless said otherwise (docs.stripe.com/payments/checkout/adjustable-quantity)."""
    given = item.get("adjustable_quantity")
    if given is None:
        return None
    wide = {"maximum": max(basket.MAXIMUM, item["quantity"]), "minimum": 0, **given}
    if not wide["minimum"] <= item["quantity"] <= wide["maximum"]:
        message = "The quantity has to be between `minimum` and `maximum` of `adjustable_quantity`."
        raise invalid_parameter(message, "line_items")
    return wide
