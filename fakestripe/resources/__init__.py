"""The API's endpoints, one module for each resource. A new resource is one more line here."""

from __future__ import annotations

from fakestripe.calls import Operation
from fakestripe.resources import (
    account,
    balance_transactions,
    charges,
    disputes,
    events,
    payment_intents,
    refunds,
    sessions,
)

MODULES = (
    sessions,
    payment_intents,
    charges,
    refunds,
    disputes,
    balance_transactions,
    events,
    account,
)
OPERATIONS: list[Operation] = [operation for module in MODULES for operation in module.OPERATIONS]
