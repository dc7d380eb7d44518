"""What a guest may change about an order on the page: quantities, and items offered besides.

Source: docs.stripe.com/payments/checkout/adjustable-quantity and
docs.stripe.com/payments/checkout/optional-items.
"""

from __future__ import annotations

from fakestripe import money, prices
from fakestripe.errors import ApiError
from fakestripe.store import Record
from fakestripe.world import World

MAXIMUM = 99


class Refused(Exception):
    """An order that cannot be: says why, for the guest."""


def contents(world: World, session_id: str) -> Record:
    """`data`: the line items; `optional`: what is offered besides and not chosen."""
    kept = world.store.get("_line_items", session_id) or {"id": session_id, "data": []}
    return {"optional": [], **kept}


def limits(line: Record) -> tuple[int, int]:
    """The fewest and the most a guest may buy of it."""
    chosen, adjustable = line["quantity"], line["adjustable_quantity"] or {}
    if not adjustable.get("enabled"):
        return (0 if line["_optional"] else chosen, line["_offered"])
    fewest = 0 if line["_optional"] else adjustable["minimum"]
    return fewest, adjustable["maximum"]


def is_open(session: Record) -> bool:
    """Once a subscription waits for its first payment, its order stays as it is."""
    return session["status"] == "open" and not session.get("_subscription")


def change(world: World, session: Record, wanted: dict[str, int]) -> None:
    """Set quantities by line item; raises Refused when the order would make no sense."""
    basket = contents(world, session["id"])
    chosen = {line["id"]: line["quantity"] for line in _lines(basket)} | wanted
    everything = [_resized(line, chosen[line["id"]]) for line in _lines(basket)]
    basket["data"] = [line for line in everything if line["quantity"] or not line["_optional"]]
    basket["optional"] = [line for line in everything if line["_optional"] and not line["quantity"]]
    total = sum(line["amount_total"] for line in basket["data"])
    _check(session, basket["data"], total)
    session.update(amount_subtotal=total, amount_total=total)
    with world.store.change():
        world.store.put("_line_items", basket)
        world.store.put("checkout.session", session)


def _lines(basket: Record) -> list[Record]:
    return [*basket["data"], *basket["optional"]]


def _resized(line: Record, quantity: int) -> Record:
    fewest, most = limits(line)
    if quantity != line["quantity"] and not (fewest <= quantity <= most):
        raise Refused(f"{line['description']}: between {fewest} and {most}, please.")
    full = prices.amount(line["price"], quantity)
    amount = 0 if line["_free"] else full
    return {**line, "quantity": quantity, "amount_subtotal": amount, "amount_total": amount, "_full_amount": full}


def _check(session: Record, lines: list[Record], total: int) -> None:
    if not any(line["quantity"] for line in lines):
        raise Refused("Choose at least one item.")
    try:
        if total:
            money.check_chargeable(total, session["currency"], "line_items")
    except ApiError as error:
        raise Refused(str(error)) from error
