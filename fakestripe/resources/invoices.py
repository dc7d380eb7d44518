"""Invoices: docs.stripe.com/api/invoices. Their lines come from subscriptions and from invoice items."""

from __future__ import annotations

from typing import Any

from fakestripe import customers, instruments, invoices, subscriptions
from fakestripe.billing import collection, expansions, lines, previews, renewals
from fakestripe.billing.periods import DAY
from fakestripe.calls import Call, Operation, merge_metadata
from fakestripe.errors import ApiError, invalid_parameter, invalid_request, missing_parameter, resource_missing
from fakestripe.events import emit_change
from fakestripe.lists import cut, list_params, page_of
from fakestripe.resources.intents import raise_if_refused
from fakestripe.resources.reading import get, retrieving
from fakestripe.schema import Choice, Currency, Flag, Integer, Metadata, Param, Text, Unsettable, group
from fakestripe.store import Record
from fakestripe.world import World

PATH = "/v1/invoices"
COLLECTION = Choice("charge_automatically", "send_invoice")
STATUS = Choice("draft", "open", "paid", "uncollectible", "void")
# What may change once it is finalized, and what only before.
ALWAYS: dict[str, Param] = {
    "auto_advance": Flag(),
    "default_payment_method": Text(),
    "metadata": Metadata(),
}
DRAFT: dict[str, Param] = {
    "collection_method": COLLECTION,
    "days_until_due": Integer(minimum=0),
    "description": Unsettable(Text(1500)),
    "due_date": Integer(minimum=0),
    "footer": Unsettable(Text()),
    "statement_descriptor": Text(22),
}
CREATE = group(
    **ALWAYS,
    **DRAFT,
    currency=Currency(),
    customer=Text(),
    pending_invoice_items_behavior=Choice("exclude", "include"),
    subscription=Text(),
)
PAY = group(off_session=Flag(), paid_out_of_band=Flag(), payment_method=Text())
LIST = list_params(collection_method=COLLECTION, customer=Text(), status=STATUS, subscription=Text())
PAGING = list_params(dated=False)
COPIED = ("description", "footer", "statement_descriptor")


def create(world: World, call: Call) -> Record:
    params = call.params
    subscription = _subscription(world, params)
    customer = _customer(world, params, subscription)
    currency = params.get("currency") or (subscription or customer)["currency"] or world.options.currency
    fields = {name: params[name] for name in COPIED if params.get(name)}
    invoice = invoices.create(
        world,
        customer,
        currency,
        [],
        _waiting(world, params, customer, currency),
        billing_reason="manual",
        metadata=params.get("metadata") or {},
        parent=renewals.parent(subscription) if subscription else None,
        _base=call.base_url,
        _subscription=subscription["id"] if subscription else None,
        **_terms(world, params),
        **_own_method(world, customer["id"], params),
        **fields,
    )
    return collection.plan_finalizing(world, invoice) if params.get("auto_advance") else invoice


def update(world: World, call: Call) -> Record:
    before = get(world, "invoice", call.args["invoice"], "invoice")
    invoice, params = dict(before), call.params
    if set(params) - set(ALWAYS):
        invoices.refuse_if_not_editable(invoice)
    merge_metadata(invoice, params.get("metadata", {}))
    invoice.update({name: params[name] or None for name in COPIED if name in params})
    invoice.update(_own_method(world, invoice["customer"], params))
    if {"collection_method", "days_until_due", "due_date"} & set(params):
        invoice.update(_terms(world, {"collection_method": invoice["collection_method"], **params}))
    world.store.put("invoice", invoice)
    if "auto_advance" in params:
        invoice = _advance(world, invoice, automatic=params["auto_advance"])
    emit_change(world, "invoice.updated", invoice, before)
    return invoice


def delete(world: World, call: Call) -> Record:
    return invoices.delete(world, get(world, "invoice", call.args["invoice"], "invoice"))


def finalize(world: World, call: Call) -> Record:
    invoice = get(world, "invoice", call.args["invoice"], "invoice")
    invoice["auto_advance"] = call.params.get("auto_advance", invoice["auto_advance"])
    invoice = invoices.finalize(world, invoice)
    if invoice["status"] == "open":
        collection.plan_due_date(world, invoice)
        if invoice["auto_advance"]:
            invoice = collection.plan_collection(world, invoice)
    return invoice


def pay(world: World, call: Call) -> Record:
    """Now, with the method given or the default one; a draft is finalized first."""
    invoice = get(world, "invoice", call.args["invoice"], "invoice")
    method = _paying_method(world, invoice, call.params)
    if invoice["status"] == "draft":
        invoice = invoices.finalize(world, invoice)
        if invoice["status"] == "paid":
            return invoice
    _check_payable(invoice)
    if call.params.get("paid_out_of_band"):
        return invoices.mark_paid(world, invoice, out_of_band=True)
    if method is None and collection.default_method(world, invoice) is None:
        message = "There is no `default_payment_method` set on this Customer or Invoice. Please set one, or pass one."
        raise invalid_request(message, code="missing")
    invoice = collection.attempt(world, invoice, method, off_session=call.params.get("off_session", True))
    _raise_if_unpaid(world, invoice)
    return invoice


def void(world: World, call: Call) -> Record:
    return invoices.void(world, get(world, "invoice", call.args["invoice"], "invoice"))


def mark_uncollectible(world: World, call: Call) -> Record:
    return invoices.mark_uncollectible(world, get(world, "invoice", call.args["invoice"], "invoice"))


def send(world: World, call: Call) -> Record:
    """By mail, Stripe would; here only the event tells of it."""
    invoice = get(world, "invoice", call.args["invoice"], "invoice")
    if invoice["collection_method"] != "send_invoice":
        message = "You can only manually send an invoice if its collection method is 'send_invoice'."
        raise invalid_request(message)
    if invoice["status"] == "draft":
        invoice = invoices.finalize(world, invoice)
        collection.plan_due_date(world, invoice)
    return collection.send(world, invoice)


def list_lines(world: World, call: Call) -> Record:
    invoice = get(world, "invoice", call.args["invoice"], "invoice")
    data, has_more = cut(invoice["lines"]["data"], call.params, "line_item")
    return {"object": "list", "data": data, "has_more": has_more, "url": call.path}


def listed(world: World, call: Call) -> Record:
    params = {**call.params, "_subscription": call.params.get("subscription")}
    if params["_subscription"] is None:
        del params["_subscription"]
    return page_of(world.store, "invoice", params, PATH, "_subscription", "customer", "status", "collection_method")


def preview(world: World, call: Call) -> Record:
    """What the next invoice of a subscription would be, as things stand."""
    subscription = _subscription(world, call.params)
    if subscription is None:
        raise missing_parameter("subscription")
    return previews.upcoming(world, subscription)


def _subscription(world: World, params: Record) -> Record | None:
    if "subscription" not in params:
        return None
    found = world.store.get("subscription", params["subscription"])
    if found is None:
        raise resource_missing("subscription", params["subscription"], "subscription", status=400)
    return found


def _customer(world: World, params: Record, subscription: Record | None) -> Record:
    if "customer" not in params and subscription is None:
        raise missing_parameter("customer")
    customer_id = params.get("customer") or (subscription or {})["customer"]
    if subscription and subscription["customer"] != customer_id:
        raise invalid_parameter("The subscription does not belong to this customer.", "subscription")
    return customers.find(world, customer_id)


def _waiting(world: World, params: Record, customer: Record, currency: str) -> list[Record]:
    """The invoice items it begins with: those of its subscription, or all where that was asked for."""
    if "subscription" in params:
        return lines.wait_for(world, customer["id"], currency, _subscription=params["subscription"])
    included = params.get("pending_invoice_items_behavior") == "include"
    return lines.wait_for(world, customer["id"], currency) if included else []


def _terms(world: World, params: Record) -> dict[str, Any]:
    """docs.stripe.com/api/invoices/create: an invoice that is sent has a day when it is due."""
    method = params.get("collection_method", "charge_automatically")
    due, days = params.get("due_date"), params.get("days_until_due")
    if method == "send_invoice":
        if (due is None) == (days is None):
            message = "If collection_method is send_invoice, you must specify either days_until_due or due_date."
            raise invalid_parameter(message, "days_until_due")
        due = due if days is None else world.clock.timestamp() + days * DAY
    elif due is not None or days is not None:
        message = "You can only set a due date when collection_method is send_invoice."
        raise invalid_parameter(message, "due_date" if due is not None else "days_until_due")
    return {"collection_method": method, "due_date": due}


def _own_method(world: World, customer: str, params: Record) -> dict[str, Any]:
    if "default_payment_method" not in params:
        return {}
    method = subscriptions.own_method(world, customer, params["default_payment_method"])
    return {"default_payment_method": method["id"]}


def _paying_method(world: World, invoice: Record, params: Record) -> Record | None:
    """A test token stands for a card that the customer is given with this payment."""
    if "payment_method" not in params:
        return None
    method = instruments.resolve(world, params["payment_method"])
    if method is None:
        raise resource_missing("payment_method", params["payment_method"], "payment_method", status=400)
    if method["customer"] not in (None, invoice["customer"]):
        return subscriptions.own_method(world, invoice["customer"], method["id"], "payment_method")
    return method


def _advance(world: World, invoice: Record, *, automatic: bool) -> Record:
    if not automatic:
        return collection.stop(world, invoice)
    if invoice["status"] == "draft":
        return collection.plan_finalizing(world, invoice)
    return collection.plan_collection(world, {**invoice, "auto_advance": True})


def _check_payable(invoice: Record) -> None:
    if invoice["status"] == "paid":
        raise invalid_request("Invoice is already paid")
    if invoice["status"] == "void":
        raise invalid_request("This invoice is voided and can no longer be paid.")


def _raise_if_unpaid(world: World, invoice: Record) -> None:
    intent = invoices.intent_of(world, invoice)
    assert intent is not None
    if intent["status"] == "requires_action":
        message = (
            "This payment requires additional user action before it can be completed successfully. Payment can be "
            "completed using the PaymentIntent associated with the invoice."
        )
        code = "invoice_payment_intent_requires_action"
        raise ApiError(402, "card_error", message, code=code, keep_effects=True)
    raise_if_refused(intent)


expansions.register()
OPERATIONS = [
    Operation("POST", PATH, create, CREATE),
    Operation("GET", PATH, listed, LIST),
    Operation("POST", PATH + "/create_preview", preview, group(customer=Text(), subscription=Text())),
    retrieving(PATH, "invoice", "invoice"),
    Operation("POST", PATH + "/{invoice}", update, group(**ALWAYS, **DRAFT)),
    Operation("DELETE", PATH + "/{invoice}", delete, group()),
    Operation("POST", PATH + "/{invoice}/finalize", finalize, group(auto_advance=Flag())),
    Operation("POST", PATH + "/{invoice}/pay", pay, PAY),
    Operation("POST", PATH + "/{invoice}/void", void, group()),
    Operation("POST", PATH + "/{invoice}/send", send, group()),
    Operation("POST", PATH + "/{invoice}/mark_uncollectible", mark_uncollectible, group()),
    Operation("GET", PATH + "/{invoice}/lines", list_lines, PAGING),
]
