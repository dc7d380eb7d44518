"""What can be expanded on the objects of billing (docs.stripe.com/expand)."""

from __future__ import annotations

from fakestripe import invoices
from fakestripe.billing import shapes, standing
from fakestripe.render import EXPANDABLE, INCLUDED, visible
from fakestripe.store import Record
from fakestripe.world import World


def payments(world: World, invoice: Record) -> Record:
    found = [visible(record) for record in world.store.where("invoice_payment", "invoice", invoice["id"])]
    return shapes.listed(found, f"/v1/invoice_payments?invoice={invoice['id']}")


def confirmation_secret(world: World, invoice: Record) -> Record | None:
    """docs.stripe.com/changelog/basil/2025-03-31: it took the place of `payment_intent`."""
    stored = world.store.get("invoice", invoice["id"])
    intent = invoices.intent_of(world, stored) if stored else None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def subscriptions(world: World, customer: Record) -> Record:
    """Those that are not over."""
    found = world.store.where("subscription", "customer", customer["id"])
    shown = [visible(record) for record in reversed(found) if record["status"] not in standing.OVER]
    return shapes.listed(shown, f"/v1/customers/{customer['id']}/subscriptions")


FIELDS = {
    "subscription": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "latest_invoice": "invoice",
        "pending_setup_intent": "setup_intent",
    },
    "subscription.items": {},
    "subscription_item": {"price": "price"},
    "invoice": {"customer": "customer", "default_payment_method": "payment_method"},
    "invoice.lines": {},
    "invoice.parent": {},
    "invoice.parent.subscription_details": {"subscription": "subscription"},
    "line_item": {"subscription": "subscription"},
    "line_item.pricing": {},
    "line_item.pricing.price_details": {"price": "price"},
    "invoiceitem": {"customer": "customer", "invoice": "invoice"},
    "invoice_payment": {"invoice": "invoice"},
    "invoice_payment.payment": {"payment_intent": "payment_intent"},
    "billing_portal.session": {"configuration": "billing_portal.configuration"},
}


def register() -> None:
    """Once, before the first request."""
    EXPANDABLE.update(FIELDS)
    INCLUDED["invoice"] = {"payments": payments, "confirmation_secret": confirmation_secret}
    INCLUDED.setdefault("customer", {})["subscriptions"] = subscriptions
