"""The next invoice of a subscription, before there is one: docs.stripe.com/api/invoices/create_preview."""

from __future__ import annotations

from fakestripe.billing import lines, renewals, shapes
from fakestripe.billing.collection import DRAFT_SECONDS
from fakestripe.errors import ApiError
from fakestripe.events import emit
from fakestripe.jobs import task
from fakestripe.store import Record
from fakestripe.world import World


def upcoming(world: World, subscription: Record) -> Record:
    """Nothing of it is kept."""
    if renewals.ends_with_period(subscription):
        message = "No upcoming invoices for customer: the subscription ends with this period."
        raise ApiError(404, "invalid_request_error", message, code="invoice_upcoming_none")
    period = renewals.period_of(subscription)
    next_start, next_end = renewals.next_period(subscription, period[1])
    customer = world.store.get("customer", subscription["customer"])
    assert customer is not None
    invoice = shapes.invoice(
        world,
        customer,
        subscription["currency"],
        billing_reason="upcoming",
        next_payment_attempt=next_start + DRAFT_SECONDS,
        parent=renewals.parent(subscription),
        period_start=period[0],
        period_end=period[1],
        starting_balance=customer.get("balance") or 0,
    )
    invoice["id"] = f"upcoming_{invoice['id']}"
    waiting = [lines.of_invoice_item(world, item) for item in renewals.waiting(world, subscription)]
    lines.put_on(invoice, waiting + lines.of_period(world, subscription, next_start, next_end))
    return invoice


@task("announce_renewal")
def announce_renewal(world: World, job: Record) -> None:
    """`invoice.upcoming`, some days before (Stripe's number of days is a setting; ours is seven)."""
    subscription = world.store.get("subscription", job["target"])
    if subscription is None or subscription["status"] not in ("active", "past_due", "trialing"):
        return
    if not renewals.ends_with_period(subscription):
        emit(world, "invoice.upcoming", upcoming(world, subscription))
