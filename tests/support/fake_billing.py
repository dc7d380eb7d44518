"""What the tests of billing begin with: a price, a customer with a card, a subscription."""

from __future__ import annotations

from typing import Any

DAY = 24 * 3600


def make_price(api: Any, amount: int = 1500, interval: str = "month", currency: str = "eur") -> Any:
    product = api.products.create(params={"name": "Club"})
    recurring = {"interval": interval}
    params = {"product": product.id, "currency": currency, "unit_amount": amount, "recurring": recurring}
    return api.prices.create(params=params)


def make_customer(api: Any, card: str | None = "pm_card_visa", **changes: Any) -> Any:
    given = {"payment_method": card, "invoice_settings": {"default_payment_method": card}} if card else {}
    return api.customers.create(params={"email": "grace@example.com", "name": "Grace Hopper", **given, **changes})


def subscribe(api: Any, customer: Any, *prices: Any, **changes: Any) -> Any:
    items = [{"price": price.id} for price in prices or [make_price(api)]]
    return api.subscriptions.create(params={"customer": customer.id, "items": items, **changes})


def use_card(api: Any, customer: Any, token: str) -> Any:
    """From now on the customer is charged on this card."""
    method = api.payment_methods.attach(token, params={"customer": customer.id})
    api.customers.update(customer.id, params={"invoice_settings": {"default_payment_method": method.id}})
    return method


def period(subscription: Any) -> tuple[int, int]:
    item = subscription["items"].data[0]
    return item.current_period_start, item.current_period_end


def intent_of(api: Any, invoice_id: str) -> Any:
    payments = api.invoices.retrieve(invoice_id, params={"expand": ["payments"]}).payments
    return api.payment_intents.retrieve(payments.data[0].payment.payment_intent)
