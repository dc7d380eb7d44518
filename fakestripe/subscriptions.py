"""Subscriptions: how one begins, is changed, and ends.

Source: docs.stripe.com/api/subscriptions and docs.stripe.com/billing/subscriptions/overview. What the
clock does with them is `billing/renewals.py`. Functions here join their caller's `store.change()`.
"""

from __future__ import annotations

from typing import Any

from fakestripe import customers, invoices, setups
from fakestripe.billing import collection, renewals, shapes, standing
from fakestripe.billing.periods import DAY
from fakestripe.errors import invalid_parameter, invalid_request, resource_missing
from fakestripe.store import Record
from fakestripe.world import World


def start(
    world: World,
    *,
    customer: str,
    items: list[Record],
    method: Record | None,
    metadata: dict[str, str] | None = None,
    trial_days: int | None = None,
    challenge_base: str,
    session_id: str | None = None,
    payment_behavior: str = "allow_incomplete",
    off_session: bool = False,
    **fields: Any,
) -> Record:
    """A subscription with its first invoice, paid with `method` where something is due.

    `items` are {"price": record, "quantity": n, "metadata"?}. The status says how it went: active,
    trialing, or incomplete; then `_intent` names the PaymentIntent to authenticate or pay again.
    With a `session_id` the method becomes the subscription's own, as after Checkout. `fields` are
    further ones of the subscription, such as its description.
    """
    if trial_days:
        fields["trial_end"] = world.clock.timestamp() + trial_days * DAY
    if session_id and method:
        fields["default_payment_method"] = method["id"]
    private = {"_announced": False, "_base": challenge_base, "_intent": None, "_session": session_id}
    currency = check_prices([item["price"] for item in items])
    subscription = shapes.subscription(world, customer, currency, metadata=dict(metadata or {}), **private, **fields)
    subscription["items"]["data"] = [shapes.item(world, subscription["id"], **item) for item in items]
    subscription = _begin(world, subscription)
    pays = payment_behavior != "default_incomplete"
    waits = bool(session_id or not pays)
    return _pay_first(world, subscription, method, waits=waits, pays=pays, off_session=off_session)


def pay_again(world: World, subscription: Record, method: Record) -> Record:
    """Another card for a first invoice that is still open, as when Checkout is tried once more."""
    invoice = world.store.get("invoice", subscription["latest_invoice"])
    assert invoice is not None
    if subscription["_session"]:
        standing.change(world, subscription, default_payment_method=method["id"])
    collection.attempt(world, invoice, method, off_session=False)
    return _again(world, subscription)


def abandon(world: World, subscription: Record) -> Record:
    """Its Checkout Session expired: what is incomplete will never be paid."""
    if subscription["status"] == "incomplete":
        return renewals.expire(world, subscription)
    return subscription


def cancel(world: World, subscription: Record, details: Record | None = None) -> Record:
    """At once. An incomplete one expires, and its invoice is void."""
    refuse_if_over(subscription)
    subscription["cancellation_details"] = {**subscription["cancellation_details"], **(details or {})}
    if subscription["status"] == "incomplete":
        return renewals.expire(world, subscription)
    return standing.end(world, subscription, "cancellation_requested")


def cancel_later(world: World, subscription: Record, moment: int | None, *, at_period_end: bool = False) -> Record:
    """Plan the end, or with None take the plan back (docs.stripe.com/billing/subscriptions/cancel)."""
    if at_period_end:
        moment = renewals.period_of(subscription)[1]
    reason = "cancellation_requested" if moment else None
    subscription.update(
        cancel_at=moment,
        cancel_at_period_end=at_period_end,
        canceled_at=world.clock.timestamp() if moment else None,
        cancellation_details={**subscription["cancellation_details"], "reason": reason},
    )
    renewals.plan(world, subscription)
    return subscription


def end_trial_now(world: World, subscription: Record) -> Record:
    """`trial_end=now`: billed from this moment, and paid at once."""
    subscription = renewals.end_trial(world, subscription)
    if subscription["status"] != "active":
        return subscription
    invoice = world.store.get("invoice", subscription["latest_invoice"])
    assert invoice is not None
    collect(world, invoice)
    return _again(world, subscription)


def collect(world: World, invoice: Record) -> Record:
    """Finalize a draft and try to pay it, without the hour that the clock would wait."""
    invoice = invoices.finalize(world, invoice)
    if invoice["status"] == "open" and invoice["collection_method"] == "charge_automatically":
        return collection.attempt(world, invoice)
    return invoice


def check_prices(prices: list[Record]) -> str:
    """All recurring, in one currency and with one interval; gives the currency."""
    for price in prices:
        if price["type"] != "recurring":
            message = "This field only accepts prices with `type=recurring`; the price given has `type=one_time`."
            raise invalid_parameter(message, "items[0][price]")
    if len({price["currency"] for price in prices}) > 1:
        message = "All prices on a subscription must have the same currency."
        raise invalid_parameter(message, "items")
    if len({(price["recurring"]["interval"], price["recurring"]["interval_count"]) for price in prices}) > 1:
        message = "fakestripe does not simulate subscriptions whose prices have different intervals."
        raise invalid_parameter(message, "items")
    return str(prices[0]["currency"])


def own_method(world: World, customer: str, method_id: str, param: str = "default_payment_method") -> Record:
    """A payment method that this customer keeps."""
    method = world.store.get("payment_method", method_id)
    if method is None:
        raise resource_missing("payment_method", method_id, param, status=400)
    if method["customer"] != customer:
        message = (
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be "
            "attached to the customer."
        )
        raise invalid_parameter(message, param, "resource_missing")
    return method


def refuse_if_over(subscription: Record) -> None:
    if subscription["status"] in standing.OVER:
        message = f"No such subscription: '{subscription['id']}' (it is {subscription['status']} and cannot be changed)"
        raise invalid_request(message, code="resource_missing", param="id")


def _begin(world: World, subscription: Record) -> Record:
    """Its first period: the trial, or from now to the next boundary of the billing cycle."""
    now = world.clock.timestamp()
    trial_end = subscription["trial_end"]
    if trial_end:
        subscription.update(status="trialing", trial_start=now, billing_cycle_anchor=trial_end)
        renewals.set_period(subscription, now, trial_end)
        renewals.plan_trial_notice(world, subscription)
    else:
        renewals.set_period(subscription, *renewals.next_period(subscription, now))
        renewals.plan_expiry(world, subscription)
    world.store.put("subscription", subscription)
    if subscription["cancel_at_period_end"]:
        cancel_later(world, subscription, None, at_period_end=True)
    renewals.plan(world, subscription)
    return subscription


def _pay_first(
    world: World, subscription: Record, method: Record | None, *, waits: bool, pays: bool, off_session: bool
) -> Record:
    """The first invoice. `waits`: the subscription is announced before it is paid."""
    now = world.clock.timestamp()
    trial = subscription["status"] == "trialing"
    invoice = renewals.bill(world, subscription, "subscription_create", (now, now), trial=trial)
    by_mail = subscription["collection_method"] == "send_invoice"
    subscription["latest_invoice"] = invoice["id"]
    if by_mail and not trial:
        subscription["status"] = "active"
    world.store.put("subscription", subscription)
    if waits or by_mail:
        standing.announce(world, subscription)
    if by_mail and invoice["total"]:
        collection.plan_finalizing(world, invoice)
        return _again(world, subscription)
    invoice = invoices.finalize(world, invoice)
    standing_now = {**_again(world, subscription), "_intent": invoice.get("_intent")}
    world.store.put("subscription", standing_now)
    if invoice["status"] == "open" and pays:
        collection.attempt(world, invoice, method, off_session=off_session)
    return _settle(world, subscription, method)


def _settle(world: World, subscription: Record, method: Record | None) -> Record:
    """Announce what has not been, and offer to set a card up where none was given for a trial."""
    subscription = _again(world, subscription)
    if subscription["status"] == "trialing" and method is None and subscription["_session"] is None:
        setup = setups.create(world, customer=subscription["customer"])
        subscription["pending_setup_intent"] = setup["id"]
        world.store.put("subscription", subscription)
    if method and subscription["_session"] and subscription["status"] in ("active", "trialing"):
        _keep(world, subscription, method["id"])
    return subscription if subscription["_announced"] else standing.announce(world, subscription)


def _keep(world: World, subscription: Record, method_id: str) -> None:
    method = world.store.get("payment_method", method_id)
    if method and method["customer"] is None:
        customers.attach(world, method, subscription["customer"])


def _again(world: World, subscription: Record) -> Record:
    found = world.store.get("subscription", subscription["id"])
    assert found is not None
    return found


@customers.when_deleted
def end_with_customer(world: World, customer: Record) -> None:
    """docs.stripe.com/api/customers/delete: it cancels their subscriptions at once."""
    for subscription in world.store.where("subscription", "customer", customer["id"]):
        if subscription["status"] not in standing.OVER:
            cancel(world, dict(subscription))
