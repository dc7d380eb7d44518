"""Invoice items: docs.stripe.com/api/invoiceitems. They wait for an invoice, or are put on a draft."""

from __future__ import annotations

from typing import Any

from fakestripe import customers, invoices, prices, products
from fakestripe.billing import lines, shapes
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import invalid_parameter, invalid_request, missing_parameter
from fakestripe.events import emit
from fakestripe.lists import list_params, page_of
from fakestripe.resources.prices import TAX_BEHAVIOR
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Currency, Flag, Integer, Metadata, Number, Param, Text, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/invoiceitems"
PRICE_DATA = group(
    "currency product",
    currency=Currency(),
    product=Text(),
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Integer(minimum=0),
    unit_amount_decimal=Number(),
)
COMMON: dict[str, Param] = {
    "amount": Integer(),
    "description": Text(),
    "discountable": Flag(),
    "metadata": Metadata(),
    "period": group("end start", end=Integer(), start=Integer()),
}
CREATE = group(
    "customer",
    **COMMON,
    currency=Currency(),
    customer=Text(),
    invoice=Text(),
    price_data=PRICE_DATA,
    pricing=group(price=Text()),
    quantity=Integer(minimum=0),
    subscription=Text(),
)
LIST = list_params(customer=Text(), invoice=Text(), pending=Flag())


def create(world: World, call: Call) -> Record:
    params = call.params
    customer = customers.find(world, params["customer"])
    price = _price(world, params)
    currency = price["currency"] if price else params.get("currency") or customer["currency"]
    if currency is None:
        raise missing_parameter("currency")
    item = shapes.invoice_item(
        world,
        customer["id"],
        currency,
        _amount(params, price),
        **_fields(world, params, price),
        _subscription=_subscription(world, params, customer["id"]),
    )
    draft = _draft(world, params, item) if "invoice" in params else None
    world.store.put("invoiceitem", item)
    if customer["currency"] is None:
        world.store.put("customer", {**customer, "currency": currency})
    emit(world, "invoiceitem.created", item)
    if draft:
        lines.take(world, draft, [item])
        world.store.put("invoice", draft)
    return get(world, "invoiceitem", item["id"])


def update(world: World, call: Call) -> Record:
    item = _waiting(world, call)
    params = call.params
    merge_metadata(item, params.get("metadata", {}))
    item.update({name: params[name] for name in ("description", "discountable", "period") if name in params})
    if "amount" in params:
        item.update(amount=params["amount"], net_amount=params["amount"])
    world.store.put("invoiceitem", item)
    return item


def delete(world: World, call: Call) -> Record:
    """Not once it is on an invoice that is finalized."""
    item = _waiting(world, call)
    world.store.delete("invoiceitem", item["id"])
    emit(world, "invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def listed(world: World, call: Call) -> Record:
    pending = call.params.get("pending")

    def fits(item: Record) -> bool:
        return pending is None or (item["invoice"] is None) == pending

    return page_of(world.store, "invoiceitem", call.params, PATH, "customer", "invoice", fits=fits)


def _waiting(world: World, call: Call) -> Record:
    item = get(world, "invoiceitem", call.args["item"], "invoiceitem")
    if item["invoice"]:
        message = "This invoice item is already attached to an invoice and can no longer be changed here."
        raise invalid_request(message, code="invoice_not_editable")
    return item


def _price(world: World, params: Record) -> Record | None:
    if "price_data" in params:
        data = params["price_data"]
        products.find(world, data["product"], "price_data[product]")
        amount = prices.read_amount(data, "price_data")
        behavior = data.get("tax_behavior")
        return prices.create_inline(world, data["product"], data["currency"], amount, tax_behavior=behavior)
    if "price" not in params.get("pricing", {}):
        return None
    price = prices.find_active(world, params["pricing"]["price"], "pricing[price]")
    if price["type"] != "one_time":
        message = "The price specified is set to `type=recurring` but this field only accepts `type=one_time`."
        raise invalid_parameter(message, "pricing[price]")
    return price


def _amount(params: Record, price: Record | None) -> int:
    if price and "amount" in params:
        raise invalid_parameter("You may only specify one of these parameters: amount, pricing.", "amount")
    if price:
        return prices.amount(price, params.get("quantity", 1))
    if "amount" not in params:
        raise missing_parameter("amount")
    return int(params["amount"])


def _fields(world: World, params: Record, price: Record | None) -> dict[str, Any]:
    quantity = params.get("quantity", 1)
    fields: dict[str, Any] = {n: params[n] for n in ("description", "discountable", "period") if n in params}
    if price:
        fields.setdefault("description", lines.product_name(world, price))
        fields["pricing"] = lines.pricing(price)
    return {
        **fields,
        "metadata": params.get("metadata") or {},
        "quantity": quantity,
        "quantity_decimal": str(quantity),
    }


def _subscription(world: World, params: Record, customer: str) -> str | None:
    if "subscription" not in params:
        return None
    found = get(world, "subscription", params["subscription"], "subscription")
    if found["customer"] != customer:
        raise invalid_parameter("The subscription does not belong to this customer.", "subscription")
    return str(found["id"])


def _draft(world: World, params: Record, item: Record) -> Record:
    draft = get(world, "invoice", params["invoice"], "invoice")
    invoices.refuse_if_not_editable(draft)
    if draft["customer"] != item["customer"] or draft["currency"] != item["currency"]:
        raise invalid_parameter("The invoice has another customer or currency.", "invoice")
    return draft


OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    Operation("GET", PATH, listed, LIST),
    retrieving(PATH, "invoiceitem", "item"),
    Operation("POST", PATH + "/{item}", update, group(**COMMON)),
    Operation("DELETE", PATH + "/{item}", delete, group()),
]
