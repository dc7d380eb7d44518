"""Getting an open invoice paid: attempts with a saved method, and later ones by the clock.

Source: docs.stripe.com/billing/revenue-recovery/smart-retries (order of methods, what counts as an
attempt) and docs.stripe.com/billing/subscriptions/overview#requires-action. The days between
attempts are ours: Stripe chooses them by machine.
"""

from __future__ import annotations

from fakestripe import attempts, invoices, jobs, payments
from fakestripe.billing import standing
from fakestripe.billing.periods import DAY
from fakestripe.events import emit, emit_change
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

RETRY_DAYS = (3, 5, 7)
# Stripe finalizes about an hour after `invoice.created` (docs.stripe.com/billing/subscriptions/webhooks).
DRAFT_SECONDS = 3600


def plan_finalizing(world: World, invoice: Record) -> Record:
    """A draft that goes on by itself is finalized after an hour."""
    due = world.clock.timestamp() + DRAFT_SECONDS
    invoice = {**invoice, "auto_advance": True, "automatically_finalizes_at": due}
    world.store.put("invoice", invoice)
    jobs.schedule(world, "finalize_invoice", invoice["id"], due)
    return invoice


def attempt(
    world: World,
    invoice: Record,
    method: Record | None = None,
    *,
    off_session: bool = True,
    retry: bool = False,
) -> Record:
    """Try to pay with this method, or with the default one; what happened is told by the invoice."""
    method = method or default_method(world, invoice)
    intent = invoices.intent_of(world, invoice)
    assert intent is not None
    invoice = _count(world, invoice, retry=retry)
    if method is None:
        return _fail(world, invoice)
    url = f"{invoice['_base']}/c/3ds/{intent['id']}"
    # Where the bank asks, billing waits for the guest even off session, and says so by an event.
    asked = method["type"] == "card" and attempts.asks(intent, method, off_session)
    intent = payments.confirm(world, intent, method, url, off_session=off_session and not asked)
    if intent["status"] == "requires_action":
        return _fail(world, invoice, "invoice.payment_action_required")
    return _again(world, invoice)


def default_method(world: World, invoice: Record) -> Record | None:
    """The invoice's own, then the subscription's, then the customer's."""
    subscription = standing.owner(world, invoice) or {}
    customer = world.store.get("customer", invoice["customer"]) or {}
    settings = customer.get("invoice_settings") or {}
    chosen = (
        invoice["default_payment_method"]
        or subscription.get("default_payment_method")
        or settings.get("default_payment_method")
    )
    return world.store.get("payment_method", chosen) if chosen else None


def send(world: World, invoice: Record) -> Record:
    """Only the event: no mail leaves this machine."""
    emit(world, "invoice.sent", invoice)
    return invoice


@payments.when_ended
def follow_payment(world: World, intent: Record) -> None:
    """The PaymentIntent of an invoice came to an end, however it was confirmed."""
    invoice = world.store.get("invoice", intent.get("_invoice") or "")
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    if intent["status"] == "succeeded":
        invoices.mark_paid(world, invoice)
        _keep_method(world, invoice, intent)
    elif intent["status"] == "processing":
        standing.after_payment(world, invoice)
    elif intent["status"] == "requires_payment_method":
        _fail(world, invoice)
    elif intent["status"] == "canceled":
        standing.after_cancellation(world, invoice)


@task("finalize_invoice")
def finalize_due(world: World, job: Record) -> None:
    invoice = world.store.get("invoice", job["target"])
    if invoice is None or invoice["status"] != "draft":
        return
    invoice = invoices.finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if invoice["collection_method"] == "charge_automatically":
        attempt(world, invoice)
    else:
        send(world, invoice)
        plan_due_date(world, invoice)


@task("collect_invoice")
def collect_due(world: World, job: Record) -> None:
    invoice = world.store.get("invoice", job["target"])
    if invoice and invoice["status"] == "open":
        attempt(world, invoice, retry=True)


@task("invoice_overdue")
def overdue(world: World, job: Record) -> None:
    """An invoice that was sent and not paid in time."""
    invoice = world.store.get("invoice", job["target"])
    if invoice and invoice["status"] == "open":
        emit(world, "invoice.overdue", invoice)
        standing.after_failure(world, invoice, final=False)


def plan_due_date(world: World, invoice: Record) -> None:
    if invoice["due_date"]:
        jobs.schedule(world, "invoice_overdue", invoice["id"], invoice["due_date"])


def plan_collection(world: World, invoice: Record) -> Record:
    """Finalized by hand with `auto_advance`: the first attempt comes within the hour."""
    if invoice["collection_method"] == "charge_automatically":
        invoice = {**invoice, "next_payment_attempt": world.clock.timestamp() + DRAFT_SECONDS}
        jobs.schedule(world, "collect_invoice", invoice["id"], invoice["next_payment_attempt"])
    world.store.put("invoice", invoice)
    return invoice


def stop(world: World, invoice: Record) -> Record:
    """`auto_advance=false`: from now on only by hand."""
    invoice = {**invoice, "auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
    for name in ("collect_invoice", "finalize_invoice"):
        jobs.cancel(world, name, invoice["id"])
    world.store.put("invoice", invoice)
    return invoice


def _count(world: World, invoice: Record, *, retry: bool) -> Record:
    """Any first attempt counts; after it only those of the schedule do."""
    counts = retry or not invoice["attempt_count"]
    invoice = {**invoice, "attempted": True, "attempt_count": invoice["attempt_count"] + counts}
    world.store.put("invoice", invoice)
    return invoice


def _fail(world: World, invoice: Record, *told_before: str) -> Record:
    before = dict(invoice)
    invoice = _count(world, _again(world, invoice), retry=False)
    final = _plan_retry(world, invoice)
    world.store.put("invoice", invoice)
    emit_change(world, "invoice.updated", invoice, before)
    for type_ in (*told_before, "invoice.payment_failed"):
        emit(world, type_, invoice)
    standing.after_failure(world, invoice, final=final)
    return _again(world, invoice)


def _plan_retry(world: World, invoice: Record) -> bool:
    """Sets the next attempt; True when there will be none. A first invoice is not tried again."""
    waiting = (invoice["next_payment_attempt"] or 0) > world.clock.timestamp()
    if waiting or not invoice["auto_advance"] or invoice["billing_reason"] == "subscription_create":
        return False
    tries = invoice["attempt_count"]
    if tries > len(RETRY_DAYS):
        invoice.update(next_payment_attempt=None, auto_advance=False)
        return True
    invoice["next_payment_attempt"] = world.clock.timestamp() + RETRY_DAYS[tries - 1] * DAY
    jobs.schedule(world, "collect_invoice", invoice["id"], invoice["next_payment_attempt"])
    return False


def _keep_method(world: World, invoice: Record, intent: Record) -> None:
    """`save_default_payment_method=on_subscription` (docs.stripe.com/api/subscriptions/create)."""
    subscription = standing.owner(world, invoice)
    wanted = subscription and subscription["payment_settings"]["save_default_payment_method"]
    if subscription and wanted == "on_subscription" and not subscription["default_payment_method"]:
        standing.change(world, subscription, default_payment_method=intent["payment_method"])


def _again(world: World, invoice: Record) -> Record:
    found = world.store.get("invoice", invoice["id"])
    assert found is not None
    return found
