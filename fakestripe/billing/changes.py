"""Changing what a subscription is for: its items, and the money for the rest of the period.

Source: docs.stripe.com/billing/subscriptions/change-price and docs.stripe.com/billing/subscriptions/prorations:
a credit for the unused time of the old, a charge for the remaining time of the new, to the second.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from fakestripe import prices
from fakestripe.billing import lines, renewals, shapes
from fakestripe.billing.periods import day
from fakestripe.errors import invalid_parameter, not_simulated, resource_missing
from fakestripe.events import emit
from fakestripe.store import Record
from fakestripe.world import World


def with_items(world: World, subscription: Record, wanted: list[Record]) -> Record:
    """The subscription with other items; what is not named stays. `price` is a record."""
    items = {item["id"]: dict(item) for item in renewals.items_of(subscription)}
    start, end = renewals.period_of(subscription)
    for number, change in enumerate(wanted):
        change = dict(change)
        item_id = change.pop("id", None)
        if item_id is None:
            change.pop("deleted", None)
            period: Record = {"current_period_start": start, "current_period_end": end}
            added = shapes.item(world, subscription["id"], **{"quantity": 1, **change}, **period)
            items[added["id"]] = added
        elif item_id not in items:
            raise resource_missing("subscription_item", item_id, f"items[{number}][id]", status=400)
        elif change.pop("deleted", False):
            del items[item_id]
        else:
            items[item_id].update(change)
            items[item_id]["plan"] = shapes.plan(items[item_id]["price"])
    return _checked(subscription, list(items.values()))


def prorate(world: World, before: Record, after: Record | None) -> list[Record]:
    """Invoice items that wait for the next invoice: credits, then charges. None: it all ends."""
    if before["status"] == "trialing":
        return []
    old = {item["id"]: item for item in renewals.items_of(before)}
    new = {item["id"]: item for item in renewals.items_of(after)} if after else {}
    differ = [item_id for item_id in {**old, **new} if _terms(old.get(item_id)) != _terms(new.get(item_id))]
    credits = [_proration(world, before, old[item_id], -1) for item_id in differ if item_id in old]
    charges = [_proration(world, before, new[item_id], 1) for item_id in differ if item_id in new]
    return credits + charges


def _checked(subscription: Record, items: list[Record]) -> Record:
    if not items:
        raise invalid_parameter("A subscription must have at least one active plan.", "items")
    rhythm = renewals.items_of(subscription)[0]["price"]["recurring"]
    for item in items:
        recurring = item["price"]["recurring"] or {}
        if any(recurring.get(name) != rhythm[name] for name in ("interval", "interval_count")):
            raise not_simulated("changing the interval of a subscription", "items")
        if item["price"]["currency"] != subscription["currency"]:
            message = "All prices on a subscription must have the same currency."
            raise invalid_parameter(message, "items")
    return {**subscription, "items": {**subscription["items"], "data": items}}


def _terms(item: Record | None) -> tuple[str, int] | None:
    return (item["price"]["id"], item["quantity"]) if item else None


def _proration(world: World, subscription: Record, item: Record, sign: int) -> Record:
    now = world.clock.timestamp()
    start, end = renewals.period_of(subscription)
    share = Decimal(max(0, end - now)) / (end - start)
    full = prices.amount(item["price"], item["quantity"])
    amount = sign * int((full * share).to_integral_value(ROUND_HALF_UP))
    details = {"subscription": subscription["id"], "subscription_item": item["id"]}
    record = shapes.invoice_item(
        world,
        subscription["customer"],
        subscription["currency"],
        amount,
        description=_words(world, item, now, sign),
        discountable=False,
        parent={"subscription_details": details, "type": "subscription_details"},
        period={"end": end, "start": now},
        pricing=lines.pricing(item["price"]),
        proration=True,
        proration_details={"credited_items": None, "discount_amounts": []},
        quantity=item["quantity"],
        quantity_decimal=str(item["quantity"]),
        _subscription=subscription["id"],
    )
    world.store.put("invoiceitem", record)
    emit(world, "invoiceitem.created", record)
    return record


def _words(world: World, item: Record, now: int, sign: int) -> str:
    what = f"{item['quantity']} × {lines.product_name(world, item['price'])}"
    return f"{'Remaining' if sign > 0 else 'Unused'} time on {what} after {day(now)}"
