"""The life of an invoice: draft, open, then paid, void or uncollectible.

Source: docs.stripe.com/invoicing/overview and docs.stripe.com/invoicing/integration/workflow-transitions.
How an open one is paid is `billing/collection.py`.
"""

from __future__ import annotations

from typing import Any

from fakestripe import jobs, money, payments
from fakestripe.billing import lines, shapes, standing
from fakestripe.errors import ApiError, invalid_request
from fakestripe.events import emit, emit_change
from fakestripe.ids import scramble
from fakestripe.store import Record
from fakestripe.world import World

DESCRIPTIONS = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
    "subscription_update": "Subscription update",
}


def create(
    world: World, customer: Record, currency: str, found: list[Record], waiting: list[Record], **fields: Any
) -> Record:
    """A draft with these lines and these invoice items; `_base` is where its page will be."""
    starting = customer.get("balance") or 0
    invoice = shapes.invoice(world, customer, currency, **{"starting_balance": starting, **fields})
    lines.put_on(invoice, found)
    lines.take(world, invoice, waiting)
    world.store.put("invoice", invoice)
    emit(world, "invoice.created", invoice)
    return invoice


def finalize(world: World, invoice: Record, *, paid_by: Record | None = None) -> Record:
    """It can be paid now and no longer edited; with nothing to pay it is paid at once.

    `paid_by` is a PaymentIntent that has paid it already, as after Checkout with `invoice_creation`.
    """
    if invoice["status"] != "draft":
        raise invalid_request("This invoice is already finalized, you can't re-finalize it.")
    jobs.cancel(world, "finalize_invoice", invoice["id"])
    number = _settle_with_balance(world, invoice, use=paid_by is None)
    now = world.clock.timestamp()
    invoice.update(
        number=number,
        status="open",
        automatically_finalizes_at=None,
        effective_at=invoice["effective_at"] or now,
        hosted_invoice_url=f"{invoice['_base']}/i/{invoice['id']}",
        status_transitions={**invoice["status_transitions"], "finalized_at": now},
    )
    if invoice["amount_due"]:
        invoice["_intent"] = _open_payment(world, invoice, paid_by)
    world.store.put("invoice", invoice)
    emit(world, "invoice.finalized", invoice)
    return invoice if invoice["amount_due"] else mark_paid(world, invoice)


def mark_paid(world: World, invoice: Record, *, out_of_band: bool = False) -> Record:
    """Paid by its PaymentIntent, by something outside Stripe, or because nothing was due."""
    before = dict(invoice)
    now = world.clock.timestamp()
    invoice = {
        **invoice,
        **_stopped(),
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_paid_off_stripe": invoice["amount_due"] if out_of_band else 0,
        "amount_remaining": 0,
        "attempted": True,
        "status_transitions": {**invoice["status_transitions"], "paid_at": now},
    }
    world.store.put("invoice", invoice)
    jobs.cancel(world, "collect_invoice", invoice["id"])
    if out_of_band:
        _drop_payment(world, invoice, None)
    else:
        _close_payment(world, invoice, "paid")
    emit_change(world, "invoice.updated", invoice, before)
    emit(world, "invoice.paid", invoice)
    if not out_of_band:
        emit(world, "invoice.payment_succeeded", invoice)
    standing.after_payment(world, invoice)
    return invoice


def void(world: World, invoice: Record) -> Record:
    """As if it had never been owed. Voiding does not change where a subscription stands."""
    _need(invoice, "void", "open", "uncollectible")
    invoice = _end(world, invoice, "void", "voided_at")
    _drop_payment(world, invoice, "void_invoice")
    emit(world, "invoice.voided", invoice)
    return invoice


def mark_uncollectible(world: World, invoice: Record) -> Record:
    """A bad debt; it can still be paid."""
    _need(invoice, "mark as uncollectible", "open")
    invoice = _end(world, invoice, "uncollectible", "marked_uncollectible_at")
    emit(world, "invoice.marked_uncollectible", invoice)
    standing.after_payment(world, invoice)
    return invoice


def delete(world: World, invoice: Record) -> Record:
    """Only a draft that belongs to no subscription; its items wait again."""
    if invoice["status"] != "draft" or invoice.get("_subscription"):
        message = "You can only delete draft invoices that don't belong to a subscription."
        raise invalid_request(message, code="invoice_not_editable")
    for item in world.store.where("invoiceitem", "invoice", invoice["id"]):
        world.store.put("invoiceitem", {**item, "invoice": None})
    world.store.delete("invoice", invoice["id"])
    jobs.cancel(world, "finalize_invoice", invoice["id"])
    emit(world, "invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def intent_of(world: World, invoice: Record) -> Record | None:
    intent_id = invoice.get("_intent")
    return world.store.get("payment_intent", intent_id) if intent_id else None


def _need(invoice: Record, verb: str, *statuses: str) -> None:
    if invoice["status"] not in statuses:
        message = (
            f"You can't {verb} this invoice because it has a status of {invoice['status']}. "
            f"Only an invoice that is {' or '.join(statuses)} can be."
        )
        raise invalid_request(message)


def _end(world: World, invoice: Record, status: str, when: str) -> Record:
    before = dict(invoice)
    transitions = {**invoice["status_transitions"], when: world.clock.timestamp()}
    invoice = {**invoice, **_stopped(), "status": status, "status_transitions": transitions}
    world.store.put("invoice", invoice)
    jobs.cancel(world, "collect_invoice", invoice["id"])
    emit_change(world, "invoice.updated", invoice, before)
    return invoice


def _stopped() -> Record:
    return {"auto_advance": False, "next_payment_attempt": None}


def _settle_with_balance(world: World, invoice: Record, *, use: bool) -> str:
    """Take the customer's credit into account (`use`), and their next invoice number.

    What is below the smallest charge waits in the balance (docs.stripe.com/billing/customer/balance).
    """
    customer = world.store.get("customer", invoice["customer"])
    assert customer is not None
    before = dict(customer)
    starting = (customer.get("balance") or 0) if use else 0
    due = invoice["total"] + starting
    waits = due < money.MINIMUM.get(invoice["currency"], 1)
    if use:
        customer["balance"] = due if waits else 0
    invoice.update(starting_balance=starting, ending_balance=customer["balance"] if use else 0)
    invoice["amount_due"] = invoice["amount_remaining"] = 0 if waits else due
    sequence = customer.get("next_invoice_sequence") or 1
    customer["next_invoice_sequence"] = sequence + 1
    world.store.put("customer", customer)
    if customer["balance"] != before.get("balance", 0):
        emit_change(world, "customer.updated", customer, before)
    prefix = customer.get("invoice_prefix") or scramble(customer["id"], 8).upper()
    return f"{prefix}-{sequence:04}"


def _open_payment(world: World, invoice: Record, intent: Record | None) -> str:
    """The PaymentIntent that will pay it, and the InvoicePayment that ties the two."""
    first = invoice["billing_reason"] == "subscription_create"
    intent = intent or payments.create(
        world,
        invoice["amount_due"],
        invoice["currency"],
        customer=invoice["customer"],
        description=DESCRIPTIONS.get(invoice["billing_reason"], f"Payment for Invoice {invoice['id']}"),
        setup_future_usage="off_session" if first else None,
        _invoice=invoice["id"],
    )
    world.store.put("invoice_payment", shapes.invoice_payment(world, invoice, intent["id"]))
    return str(intent["id"])


def _close_payment(world: World, invoice: Record, status: str) -> None:
    now = world.clock.timestamp()
    for found in world.store.where("invoice_payment", "invoice", invoice["id"]):
        changed = {**found, "status": status}
        changed["status_transitions"] = {**found["status_transitions"], f"{status}_at": now}
        if status == "paid":
            changed["amount_paid"] = invoice["amount_paid"]
        world.store.put("invoice_payment", changed)
        if status == "paid":
            emit(world, "invoice_payment.paid", changed)


def _drop_payment(world: World, invoice: Record, reason: str | None) -> None:
    """Nobody can pay it through its PaymentIntent any more."""
    intent = intent_of(world, invoice)
    if intent is None:
        return
    _close_payment(world, invoice, "canceled")
    if intent["status"] in payments.CANCELABLE:
        payments.cancel(world, intent, reason)


def refuse_if_not_editable(invoice: Record) -> None:
    if invoice["status"] != "draft":
        message = "Finalized invoices can't be updated in this way."
        raise ApiError(400, "invalid_request_error", message, code="invoice_not_editable")
