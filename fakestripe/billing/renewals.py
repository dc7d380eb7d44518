"""What the clock does with subscriptions: next periods, ends of trials, first payments that never came.

Source: docs.stripe.com/billing/subscriptions/overview, docs.stripe.com/billing/subscriptions/trials
and docs.stripe.com/billing/subscriptions/webhooks.
"""

from __future__ import annotations

from fakestripe import invoices, jobs
from fakestripe.billing import collection, lines, standing
from fakestripe.billing.periods import DAY, next_boundary
from fakestripe.events import emit
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World

HOURS_TO_PAY_FIRST = 23
TRIAL_NOTICE = 3 * DAY
RENEWAL_NOTICE = 7 * DAY


def set_period(subscription: Record, start: int, end: int) -> None:
    """Periods are kept on the items (docs.stripe.com/changelog/basil)."""
    data = [{**item, "current_period_start": start, "current_period_end": end} for item in items_of(subscription)]
    subscription["items"] = {**subscription["items"], "data": data}


def items_of(subscription: Record) -> list[Record]:
    return list(subscription["items"]["data"])


def period_of(subscription: Record) -> tuple[int, int]:
    first = items_of(subscription)[0]
    return first["current_period_start"], first["current_period_end"]


def next_period(subscription: Record, start: int) -> tuple[int, int]:
    recurring = items_of(subscription)[0]["price"]["recurring"]
    return start, next_boundary(recurring, subscription["billing_cycle_anchor"], start)


def plan(world: World, subscription: Record) -> None:
    """Come back when the period is over, or earlier where it is to end before that."""
    end = period_of(subscription)[1]
    moment = min(end, subscription["cancel_at"] or end)
    jobs.schedule(world, "renew_subscription", subscription["id"], moment)
    if end - RENEWAL_NOTICE > world.clock.timestamp():
        jobs.schedule(world, "announce_renewal", subscription["id"], end - RENEWAL_NOTICE)


def ends_with_period(subscription: Record) -> bool:
    end = period_of(subscription)[1]
    return subscription["status"] in standing.OVER or (subscription["cancel_at"] or end + 1) <= end


def plan_trial_notice(world: World, subscription: Record) -> None:
    """Three days before the end, or at once when the trial is shorter."""
    moment = max(world.clock.timestamp(), subscription["trial_end"] - TRIAL_NOTICE)
    jobs.schedule(world, "announce_trial_end", subscription["id"], moment)


def plan_expiry(world: World, subscription: Record) -> None:
    due = world.clock.timestamp() + HOURS_TO_PAY_FIRST * 3600
    jobs.schedule(world, "expire_subscription", subscription["id"], due)


@task("announce_trial_end")
def announce_trial_end(world: World, job: Record) -> None:
    subscription = world.store.get("subscription", job["target"])
    if subscription and subscription["status"] == "trialing":
        emit(world, "customer.subscription.trial_will_end", subscription)


@task("expire_subscription")
def expire_due(world: World, job: Record) -> None:
    subscription = world.store.get("subscription", job["target"])
    if subscription and subscription["status"] == "incomplete":
        expire(world, subscription)


def expire(world: World, subscription: Record, **fields: object) -> Record:
    """The first payment never came: over for good, and its invoice is void."""
    now = world.clock.timestamp()
    standing.forget_plans(world, subscription["id"])
    invoice = world.store.get("invoice", subscription["latest_invoice"] or "")
    if invoice and invoice["status"] == "open":
        invoices.void(world, invoice)
    ended = {"status": "incomplete_expired", "canceled_at": now, "ended_at": now}
    return standing.change(world, subscription, **ended, **fields)


@task("renew_subscription")
def renew_due(world: World, job: Record) -> None:
    subscription = world.store.get("subscription", job["target"])
    if subscription is None or subscription["status"] in (*standing.OVER, "incomplete", "paused"):
        return
    now = world.clock.timestamp()
    if subscription["cancel_at"] and subscription["cancel_at"] <= now:
        standing.end(world, subscription, subscription["cancellation_details"]["reason"] or "cancellation_requested")
    elif subscription["status"] == "trialing":
        end_trial(world, subscription)
    else:
        renew(world, subscription, period_of(subscription)[1])


def end_trial(world: World, subscription: Record) -> Record:
    """Without a payment method it goes as `trial_settings` says, else it is billed from now on."""
    now = world.clock.timestamp()
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    automatic = subscription["collection_method"] == "charge_automatically"
    if automatic and missing != "create_invoice" and not _can_pay(world, subscription):
        if missing == "cancel":
            return standing.end(world, subscription, "payment_failed")
        return pause(world, subscription)
    subscription.update(billing_cycle_anchor=now, trial_end=now)
    return renew(world, subscription, now, status="active")


def pause(world: World, subscription: Record) -> Record:
    """docs.stripe.com/billing/subscriptions/trials#create-free-trials-without-payment"""
    subscription = standing.change(world, subscription, status="paused")
    emit(world, "customer.subscription.paused", subscription)
    return subscription


def renew(world: World, subscription: Record, start: int, **fields: object) -> Record:
    """The next period begins, with an invoice that is finalized and paid an hour later."""
    before = period_of(subscription)
    start, end = next_period(subscription, start)
    set_period(subscription, start, end)
    invoice = bill(world, subscription, "subscription_cycle", before)
    plan(world, subscription)
    subscription = standing.change(world, subscription, latest_invoice=invoice["id"], **fields)
    if subscription["status"] == "unpaid":
        # "Invoices will be created, but then immediately automatically closed" (docs.stripe.com/api).
        return subscription
    collection.plan_finalizing(world, invoice)
    return subscription


def bill(
    world: World, subscription: Record, reason: str, period: tuple[int, int], *, trial: bool = False, own: bool = True
) -> Record:
    """A draft with the subscription's lines (unless `own` is off) and whatever waits for an invoice."""
    customer = world.store.get("customer", subscription["customer"])
    assert customer is not None
    found = lines.of_period(world, subscription, *period_of(subscription), trial=trial) if own else []
    return invoices.create(
        world,
        customer,
        subscription["currency"],
        found,
        waiting(world, subscription),
        auto_advance=subscription["status"] != "unpaid",
        billing_reason=reason,
        parent=parent(subscription),
        period_start=period[0],
        period_end=period[1],
        _base=subscription["_base"],
        _subscription=subscription["id"],
        **_terms(world, subscription),
    )


def waiting(world: World, subscription: Record) -> list[Record]:
    found = lines.wait_for(world, subscription["customer"], subscription["currency"])
    return [item for item in found if item.get("_subscription") in (None, subscription["id"])]


def _terms(world: World, subscription: Record) -> Record:
    days = subscription["days_until_due"]
    due = world.clock.timestamp() + days * DAY if days is not None else None
    return {"collection_method": subscription["collection_method"], "due_date": due}


def parent(subscription: Record) -> Record:
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def _can_pay(world: World, subscription: Record) -> bool:
    asked = {
        "customer": subscription["customer"],
        "default_payment_method": None,
        "_subscription": subscription["id"],
    }
    return collection.default_method(world, asked) is not None
