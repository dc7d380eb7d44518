"""Invoice lines: from a subscription's items for one period, and from invoice items that wait."""

from __future__ import annotations

from typing import Any

from fakestripe import money, prices
from fakestripe.store import Record
from fakestripe.world import World


def of_period(world: World, subscription: Record, start: int, end: int, *, trial: bool = False) -> list[Record]:
    """One line for each item; in a trial it costs nothing."""
    return [_of_item(world, subscription, item, start, end, trial) for item in subscription["items"]["data"]]


def of_invoice_item(world: World, item: Record) -> Record:
    proration = {"proration": item["proration"], "proration_details": {"credited_items": None}}
    details = (item["parent"] or {}).get("subscription_details")
    parent = {
        "invoice_item_details": {
            "invoice_item": item["id"],
            **proration,
            "subscription": details["subscription"] if details else None,
        },
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }
    return _line(
        world,
        item,
        item["amount"],
        description=item["description"],
        discountable=item["discountable"],
        metadata=dict(item["metadata"]),
        parent=parent,
        period=dict(item["period"]),
        pricing=item["pricing"],
        quantity=item["quantity"],
        subscription=details["subscription"] if details else None,
    )


def pricing(price: Record) -> Record:
    return {
        "price_details": {"price": price["id"], "product": price["product"]},
        "type": "price_details",
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def product_name(world: World, price: Record) -> str:
    product = world.store.get("product", price["product"])
    return product["name"] if product else price["nickname"] or "Subscription"


def words(world: World, subscription: Record) -> list[str]:
    """What a subscription is for, item by item."""
    return [_description(world, item, trial=False) for item in subscription["items"]["data"]]


def sum_up(invoice: Record) -> None:
    """Totals from the lines. A customer's credit is taken into account when it is finalized."""
    total = sum(line["amount"] for line in invoice["lines"]["data"])
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        invoice[name] = total
    invoice["amount_due"] = max(0, total + invoice["starting_balance"])
    invoice["amount_remaining"] = invoice["amount_due"] - invoice["amount_paid"]


def _of_item(world: World, subscription: Record, item: Record, start: int, end: int, trial: bool) -> Record:
    parent = {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }
    return _line(
        world,
        subscription,
        0 if trial else prices.amount(item["price"], item["quantity"]),
        description=_description(world, item, trial=trial),
        discountable=True,
        metadata={},
        parent=parent,
        period={"end": end, "start": start},
        pricing={**pricing(item["price"]), **({"unit_amount_decimal": "0"} if trial else {})},
        quantity=item["quantity"],
        subscription=subscription["id"],
    )


def _description(world: World, item: Record, *, trial: bool) -> str:
    name, price = product_name(world, item["price"]), item["price"]
    if trial:
        return f"Trial period for {name}"
    each = money.show(prices.amount(price, 1), price["currency"])
    return f"{item['quantity']} × {name} (at {each} / {prices.period(price)})"


def _line(world: World, source: Record, amount: int, **fields: Any) -> Record:
    return {
        "id": world.ids.new("il_"),
        "object": "line_item",
        "amount": amount,
        "currency": source["currency"],
        "discount_amounts": [],
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "pretax_credit_amounts": [],
        "subtotal": amount,
        "taxes": [],
        **fields,
    }


def put_on(invoice: Record, found: list[Record]) -> None:
    """Add lines to a draft and sum it up again."""
    invoice["lines"]["data"] += [{**line, "invoice": invoice["id"]} for line in found]
    sum_up(invoice)


def wait_for(world: World, customer: str, currency: str, **fields: Any) -> list[Record]:
    """Invoice items of a customer that are on no invoice yet, oldest first."""
    owned = world.store.where("invoiceitem", "customer", customer)
    wanted = {"invoice": None, "currency": currency, **fields}
    return [item for item in owned if all(item.get(name) == value for name, value in wanted.items())]


def take(world: World, invoice: Record, items: list[Record]) -> None:
    """Put waiting invoice items on a draft."""
    for item in items:
        world.store.put("invoiceitem", {**item, "invoice": invoice["id"]})
    put_on(invoice, [of_invoice_item(world, item) for item in items])
