"""The API's endpoints, one module for each resource. A new resource is one more line here."""

from __future__ import annotations

from fakestripe.calls import Operation
from fakestripe.resources import (
    account,
    balance,
    balance_transactions,
    charges,
    customers,
    disputes,
    events,
    files,
    invoice_items,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    payment_pages,
    payouts,
    portal,
    prices,
    products,
    refunds,
    sessions,
    setup_intents,
    stripecli,
    subscriptions,
    webhook_endpoints,
)

MODULES = (
    sessions,
    payment_intents,
    setup_intents,
    payment_methods,
    customers,
    charges,
    refunds,
    disputes,
    balance_transactions,
    balance,
    payouts,
    products,
    prices,
    subscriptions,
    invoices,
    invoice_items,
    invoice_payments,
    portal,
    events,
    files,
    webhook_endpoints,
    account,
    payment_pages,
    stripecli,
)
OPERATIONS: list[Operation] = [operation for module in MODULES for operation in module.OPERATIONS]
