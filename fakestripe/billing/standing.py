"""Where a subscription stands: it follows what becomes of its latest invoice.

Source: docs.stripe.com/billing/subscriptions/overview (statuses; "paying the latest associated
invoice" makes a past-due subscription active again).
"""

from __future__ import annotations

from typing import Any

from fakestripe import jobs
from fakestripe.events import emit, emit_change
from fakestripe.store import Record
from fakestripe.world import World

OVER = ("canceled", "incomplete_expired")
BEHIND = ("past_due", "unpaid")
# What Stripe's settings let an account choose for a subscription whose payment kept failing.
LAST_RESORTS = {"cancel": "canceled", "mark_unpaid": "unpaid", "leave_past_due": "past_due"}


def change(world: World, subscription: Record, **fields: Any) -> Record:
    """Save with these fields, and tell of it once the subscription has been announced."""
    before = world.store.get("subscription", subscription["id"]) or subscription
    subscription = {**subscription, **fields}
    world.store.put("subscription", subscription)
    if subscription["_announced"]:
        emit_change(world, "customer.subscription.updated", subscription, before)
    return subscription


def announce(world: World, subscription: Record) -> Record:
    """`customer.subscription.created`; what changes later is an update."""
    subscription = {**subscription, "_announced": True}
    world.store.put("subscription", subscription)
    emit(world, "customer.subscription.created", subscription)
    return subscription


def owner(world: World, invoice: Record) -> Record | None:
    subscription_id = invoice.get("_subscription")
    return world.store.get("subscription", subscription_id) if subscription_id else None


def after_payment(world: World, invoice: Record) -> None:
    """Paid, or a bank debit under way: the latest invoice puts things right again."""
    subscription = owner(world, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] in ("incomplete", *BEHIND):
        jobs.cancel(world, "expire_subscription", subscription["id"])
        change(world, subscription, status="active")


def after_failure(world: World, invoice: Record, *, final: bool) -> None:
    """The first invoice leaves it incomplete; a later one makes it past due, and in the end what was chosen."""
    subscription = owner(world, invoice)
    if subscription is None or subscription["status"] in (*OVER, "incomplete"):
        return
    if not final:
        change(world, subscription, status="past_due")
        return
    status = LAST_RESORTS[last_resort(world)]
    if status == "canceled":
        end(world, subscription, "payment_failed")
    else:
        change(world, subscription, status=status)


def after_cancellation(world: World, invoice: Record) -> None:
    """Somebody canceled the PaymentIntent of a first invoice: it can never be paid, so its time runs out now."""
    subscription = owner(world, invoice)
    if subscription and subscription["status"] == "incomplete":
        jobs.schedule(world, "expire_subscription", subscription["id"], world.clock.now())


def last_resort(world: World) -> str:
    return str(world.setting("billing").get("last_resort", "cancel"))


def end(world: World, subscription: Record, reason: str) -> Record:
    """Canceled now. Invoices that are open stay so, but are no longer collected by themselves."""
    now = world.clock.timestamp()
    subscription = {
        **subscription,
        "status": "canceled",
        "canceled_at": subscription["canceled_at"] or now,
        "ended_at": now,
        "cancellation_details": {**subscription["cancellation_details"], "reason": reason},
    }
    world.store.put("subscription", subscription)
    forget_plans(world, subscription["id"])
    _stop_collection(world, subscription["id"])
    emit(world, "customer.subscription.deleted", subscription)
    return subscription


def forget_plans(world: World, subscription_id: str) -> None:
    for name in ("renew_subscription", "expire_subscription", "announce_trial_end", "announce_renewal"):
        jobs.cancel(world, name, subscription_id)


def _stop_collection(world: World, subscription_id: str) -> None:
    for invoice in list(world.store.where("invoice", "_subscription", subscription_id)):
        if invoice["status"] in ("draft", "open"):
            stopped = {"auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
            world.store.put("invoice", {**invoice, **stopped})
            for name in ("collect_invoice", "finalize_invoice"):
                jobs.cancel(world, name, invoice["id"])
