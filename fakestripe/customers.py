"""Customers and the payment methods they keep.

Source: docs.stripe.com/api/customers, docs.stripe.com/api/payment_methods/attach and
docs.stripe.com/payments/save-and-reuse. Functions here join their caller's `store.change()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fakestripe import cards
from fakestripe.errors import ApiError, invalid_request, resource_missing
from fakestripe.events import emit
from fakestripe.ids import scramble
from fakestripe.store import Record
from fakestripe.world import World

Listener = Callable[[World, Record], None]
_WHEN_DELETED: list[Listener] = []
NULLS = (
    "address currency customer_account default_source description discount email name phone shipping test_clock"
).split()
INVOICE_SETTINGS: dict[str, Any] = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


def when_deleted(listener: Listener) -> Listener:
    """Register what else ends with a customer, such as subscriptions; it gets the last record."""
    _WHEN_DELETED.append(listener)
    return listener


def create(world: World, method: Record | None = None, **fields: Any) -> Record:
    """A new customer, who keeps `method`; a field that is None or not given is as Stripe begins it."""
    given = {key: value for key, value in fields.items() if value is not None}
    settings = {**INVOICE_SETTINGS, **given.pop("invoice_settings", {})}
    customer_id = world.ids.new("cus_", 14)
    customer = {
        **dict.fromkeys(NULLS),
        "id": customer_id,
        "object": "customer",
        "balance": 0,
        "created": world.clock.timestamp(),
        "delinquent": False,
        "invoice_prefix": scramble(customer_id, 8).upper(),
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
        **given,
        "invoice_settings": settings,
    }
    if method:
        attach(world, method, customer_id)
    world.store.put("customer", customer)
    emit(world, "customer.created", customer)
    return customer


def update(world: World, customer: Record, changes: Record) -> Record:
    """Keep the changes and tell of those that are changes indeed."""
    previous = {key: customer.get(key) for key, value in changes.items() if customer.get(key) != value}
    customer.update(changes)
    world.store.put("customer", customer)
    if previous:
        emit(world, "customer.updated", customer, previous)
    return customer


def delete(world: World, customer: Record) -> Record:
    """Gone for good: cards are detached, listeners end the rest (docs.stripe.com/api/customers/delete)."""
    for method in methods_of(world, customer["id"]):
        detach(world, method)
    for listener in _WHEN_DELETED:
        listener(world, customer)
    gone = {"id": customer["id"], "object": "customer", "deleted": True}
    world.store.put("customer", gone)
    emit(world, "customer.deleted", customer)
    return gone


def find(world: World, customer_id: str, param: str = "customer") -> Record:
    """A customer named by a parameter; one that is deleted cannot be used any more."""
    customer = world.store.get("customer", customer_id)
    if customer is None or customer.get("deleted"):
        raise resource_missing("customer", customer_id, param, status=400)
    return customer


def is_there(world: World, customer_id: str | None) -> bool:
    """Whether there is somebody to keep a card for; a customer may go while 3-D Secure waits."""
    customer = world.store.get("customer", customer_id) if customer_id else None
    return customer is not None and not customer.get("deleted")


def attach(world: World, method: Record, customer_id: str) -> Record:
    """Keep a payment method with a customer. A card that is declined is declined here too."""
    if method["customer"] == customer_id:
        return method
    check_free(method)
    refuse_if_declined(method)
    method["customer"] = customer_id
    world.store.put("payment_method", method)
    emit(world, "payment_method.attached", method)
    return method


def detach(world: World, method: Record) -> Record:
    """Take it from its customer, for good: it can never be used again."""
    customer = world.store.get("customer", method["customer"])
    previous = {"customer": method["customer"]}
    method.update(customer=None, _spent=True)
    world.store.put("payment_method", method)
    emit(world, "payment_method.detached", method, previous)
    if customer and not customer.get("deleted"):
        _forget_default(world, customer, method["id"])
    return method


def methods_of(world: World, customer_id: str) -> list[Record]:
    """Oldest first."""
    return [dict(method) for method in world.store.where("payment_method", "customer", customer_id)]


def check_free(method: Record) -> None:
    """docs.stripe.com/api/payment_methods: used once without a customer, or detached, is used up."""
    if method["customer"]:
        message = "The payment method you provided has already been attached to a customer."
        raise invalid_request(message, param="payment_method", code="payment_method_unexpected_state")
    if method.get("_spent"):
        message = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, "
            "or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, "
            "you must attach it to a Customer first."
        )
        raise invalid_request(message, param="payment_method")


def refuse_if_declined(method: Record) -> None:
    """docs.stripe.com/testing#declined-payments: these cards cannot be attached to a customer."""
    rule = cards.rule_for(method["_number"]) if method["type"] == "card" else None
    if rule and rule.decline and rule.refuses_saving:
        why = rule.decline
        raise ApiError(402, "card_error", why.message, code=why.code, decline_code=why.decline_code)


def _forget_default(world: World, customer: Record, method_id: str) -> None:
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method_id:
        update(world, customer, {"invoice_settings": {**settings, "default_payment_method": None}})
