"""What the objects of billing look like when they are new (docs.stripe.com/api/subscriptions, /invoices)."""

from __future__ import annotations

from typing import Any

from fakestripe.store import Record
from fakestripe.world import World

SELF = {"type": "self"}
NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
SUBSCRIPTION_NULLS = (
    "application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at "
    "canceled_at customer_account days_until_due default_payment_method default_source description "
    "ended_at latest_invoice managed_payments next_pending_invoice_item_invoice on_behalf_of "
    "pause_collection pending_invoice_item_interval pending_setup_intent pending_update schedule "
    "test_clock transfer_data trial_end trial_start"
).split()
INVOICE_NULLS = (
    "account_tax_ids application automatically_finalizes_at billing_reason custom_fields "
    "customer_account default_payment_method default_source description due_date effective_at "
    "ending_balance footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error "
    "latest_revision next_payment_attempt number on_behalf_of parent receipt_number rendering "
    "shipping_cost shipping_details statement_descriptor test_clock webhooks_delivered_at"
).split()
INVOICE_ZEROS = (
    "amount_due amount_overpaid amount_paid amount_paid_off_stripe amount_remaining amount_shipping "
    "attempt_count post_payment_credit_notes_amount pre_payment_credit_notes_amount "
    "starting_balance subtotal subtotal_excluding_tax total total_excluding_tax"
).split()
INVOICE_LISTS = (
    "customer_tax_ids default_tax_rates discounts total_discount_amounts total_pretax_credit_amounts total_taxes"
).split()
FLEXIBLE = {"flexible": {"proration_discounts": "included"}, "type": "flexible"}
CLASSIC = {"flexible": None, "type": "classic"}


def listed(data: list[Record], url: str) -> Record:
    """A list that is part of another object."""
    return {"object": "list", "data": data, "has_more": False, "url": url}


def subscription(world: World, customer: str, currency: str, **fields: Any) -> Record:
    """Incomplete, and without items yet."""
    now = world.clock.timestamp()
    subscription_id = world.ids.new("sub_")
    return {
        **dict.fromkeys(SUBSCRIPTION_NULLS),
        "id": subscription_id,
        "object": "subscription",
        "automatic_tax": dict(NO_TAX),
        "billing_cycle_anchor": now,
        "billing_mode": FLEXIBLE,
        "billing_schedules": [],
        "cancel_at_period_end": False,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer,
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {"account_tax_ids": None, "issuer": dict(SELF)},
        "items": listed([], f"/v1/subscription_items?subscription={subscription_id}"),
        "livemode": False,
        "metadata": {},
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "start_date": now,
        "status": "incomplete",
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        **fields,
    }


def item(world: World, owner: str, price: Record, quantity: int, **fields: Any) -> Record:
    return {
        "id": world.ids.new("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": world.clock.timestamp(),
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": owner,
        "tax_rates": [],
        **fields,
    }


def plan(price: Record) -> Record:
    """The price under its older name, as items still carry it (docs.stripe.com/api/plans/object)."""
    same = ("active", "billing_scheme", "created", "currency", "id", "livemode", "metadata", "nickname", "product")
    recurring = price["recurring"] or {}
    return {
        **{name: price[name] for name in same},
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "meter": None,
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def invoice(world: World, customer: Record, currency: str, **fields: Any) -> Record:
    """A draft without lines."""
    now = world.clock.timestamp()
    invoice_id = world.ids.new("in_")
    return {
        **dict.fromkeys(INVOICE_NULLS),
        **dict.fromkeys(INVOICE_ZEROS, 0),
        **{name: [] for name in INVOICE_LISTS},
        **_of_customer(customer),
        "id": invoice_id,
        "object": "invoice",
        "account_country": world.options.country,
        "account_name": "fakestripe",
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {**NO_TAX, "provider": None, "status": None},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "issuer": dict(SELF),
        "lines": listed([], f"/v1/invoices/{invoice_id}/lines"),
        "livemode": False,
        "metadata": {},
        "payment_settings": dict.fromkeys(("default_mandate", "payment_method_options", "payment_method_types")),
        "period_end": now,
        "period_start": now,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        **fields,
    }


def invoice_item(world: World, customer: str, currency: str, amount: int, **fields: Any) -> Record:
    now = world.clock.timestamp()
    return {
        "id": world.ids.new("ii_"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": now,
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": now, "start": now},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": None,
        **fields,
    }


def invoice_payment(world: World, invoice: Record, intent_id: str) -> Record:
    """How an invoice and the PaymentIntent that pays it are tied (docs.stripe.com/api/invoice-payment)."""
    return {
        "id": world.ids.new("inpay_"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": world.clock.timestamp(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent_id, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def _of_customer(customer: Record) -> Record:
    """What an invoice remembers of the customer as they were then."""
    copied = ("address", "email", "name", "phone", "shipping")
    return {
        "customer": customer["id"],
        **{f"customer_{name}": customer.get(name) for name in copied},
        "customer_tax_exempt": customer.get("tax_exempt") or "none",
    }
