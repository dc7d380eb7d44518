"""Stripe's side of the guest club in memory: customers, pages of mode subscription, subscriptions and their invoices.

As stripe_model.py, whose account it is a part of: plain data, no dice, no trouble. Shapes are those that
`booking.gateways.stripe_billing` reads. When a period is over, a test or the dice say, and not the clock.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from booking.gateways.payments import GatewayRefused

if TYPE_CHECKING:
    from tests.simulation.stripe_model import StripeModel

Record = dict[str, Any]
MONTH = 30 * 24 * 3600
PRICE = {
    "id": "price_club", "product": "prod_club", "unit_amount": 900, "currency": "eur",
    "recurring": {"interval": "month", "interval_count": 1}, "metadata": {},
}  # fmt: skip
OVER = ("canceled", "unpaid")


class ClubModel:
    """The subscriptions of one account."""

    def __init__(self, stripe: "StripeModel") -> None:
        self._stripe = stripe
        self.customers: dict[str, Record] = {}
        self.subscriptions: dict[str, Record] = {}
        self.invoices: dict[str, Record] = {}

    def endpoints(self) -> dict[str, Callable[[Record], Record]]:
        """What can be asked of it."""
        page = self._stripe._page
        return {
            "customers.create": self._create_customer,
            "customers.list": lambda asked: page(self._known_as(asked["email"]), asked),
            "subscriptions.retrieve": lambda asked: self._shown(self.subscriptions[asked["id"]]),
            "subscriptions.list": lambda asked: page(map(self._shown, self.subscriptions.values()), asked),
            "billing_portal.sessions.create": lambda asked: {"id": "bps_1", "url": "https://billing.example/p"},
        }

    def open_page(self, params: Record) -> Record:
        """A page on which a membership can be paid."""
        if params["customer"] not in self.customers:
            raise GatewayRefused("no such customer", reason="resource_missing")
        session = self._stripe._add_session(PRICE["unit_amount"], "eur", params["metadata"], params["expires_at"])  # type: ignore[call-overload]
        session.update(mode="subscription", subscription=None, customer=params["customer"])
        return session

    def pay(self, session_id: str) -> Record:
        """The guest pays for the first month; the subscription."""
        stripe, session = self._stripe, self._stripe.sessions[session_id]
        subscription = stripe._put(self.subscriptions, {
            "id": stripe._new("sub"), "object": "subscription", "customer": session["customer"], "livemode": False,
            "metadata": dict(session["metadata"]), "status": "active", "currency": "eur", "created": stripe.now(),
            "cancel_at_period_end": False, "cancel_at": None, "trial_end": None, "ended_at": None,
            "latest_invoice": None, "_start": stripe.now(),
        })  # fmt: skip
        self._bill(subscription, "subscription_create", "paid")
        session.update(status="complete", payment_status="paid", subscription=subscription["id"])
        self._tell("created", subscription)
        self._tell_of_invoice("paid", subscription)
        stripe._emit("checkout.session.completed", session)
        return subscription

    def renew(self, subscription_id: str, *, is_good: bool) -> None:
        """A period is over: the card pays for the next, or does not; who has cancelled is a member no more."""
        subscription = self.subscriptions[subscription_id]
        if subscription["status"] != "active":
            return
        if subscription["cancel_at_period_end"]:
            self.end(subscription_id)
            return
        subscription.update(_start=subscription["_start"] + MONTH, status="active" if is_good else "past_due")
        self._bill(subscription, "subscription_cycle", "paid" if is_good else "open")
        self._tell("updated", subscription)
        self._tell_of_invoice("paid" if is_good else "payment_failed", subscription)

    def end_dunning(self, subscription_id: str, *, came: bool) -> None:
        """Stripe has tried the card again: the money came after all, or it gives up."""
        subscription = self.subscriptions[subscription_id]
        if subscription["status"] != "past_due":
            return
        if not came:
            self.end(subscription_id)
            return
        subscription["status"] = "active"
        self.invoices[subscription["latest_invoice"]]["status"] = "paid"
        self._tell("updated", subscription)
        self._tell_of_invoice("paid", subscription)

    def leave(self, subscription_id: str) -> None:
        """In the portal: it ends with the period that is paid for."""
        subscription = self.subscriptions[subscription_id]
        if subscription["status"] == "active" and not subscription["cancel_at_period_end"]:
            subscription["cancel_at_period_end"] = True
            self._tell("updated", subscription)

    def end(self, subscription_id: str) -> None:
        """It is over, for good."""
        subscription = self.subscriptions[subscription_id]
        if subscription["status"] not in OVER:
            subscription.update(status="canceled", ended_at=self._stripe.now())
            self._tell("deleted", subscription)

    # --- shapes -----------------------------------------------------------------------------------------------------

    def _create_customer(self, params: Record) -> Record:
        made = {"id": self._stripe._new("cus"), "email": params["email"], "metadata": params["metadata"]}
        return self._stripe._put(self.customers, {**made, "created": self._stripe.now()})

    def _known_as(self, email: str) -> list[Record]:
        return [customer for customer in self.customers.values() if customer["email"] == email]

    def _bill(self, subscription: Record, reason: str, status: str) -> None:
        invoice = self._stripe._put(self.invoices, {
            "id": self._stripe._new("in"), "object": "invoice", "status": status, "billing_reason": reason,
            "total": PRICE["unit_amount"], "currency": "eur", "created": self._stripe.now(), "number": "A-1",
            "livemode": False, "hosted_invoice_url": "", "metadata": {},
            "parent": {
                "subscription_details": {"subscription": subscription["id"], "metadata": subscription["metadata"]}
            },
        })  # fmt: skip
        subscription["latest_invoice"] = invoice["id"]

    def _shown(self, subscription: Record) -> Record:
        """As it is now, with the newest invoice: the shop always asks for that, too."""
        start = subscription["_start"]
        item = {"price": PRICE, "current_period_start": start, "current_period_end": start + MONTH}
        invoice = dict(self.invoices[subscription["latest_invoice"]])
        return {**subscription, "items": {"data": [item]}, "latest_invoice": invoice}

    def _tell(self, what: str, subscription: Record) -> None:
        self._stripe._emit(f"customer.subscription.{what}", subscription)

    def _tell_of_invoice(self, what: str, subscription: Record) -> None:
        invoice = self.invoices[subscription["latest_invoice"]]
        self._stripe._emit(f"invoice.{what}", {**invoice, "metadata": subscription["metadata"]})
