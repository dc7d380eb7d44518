"""The account behind the key: docs.stripe.com/api/accounts/retrieve."""

from __future__ import annotations

from fakestripe.calls import Call, Operation
from fakestripe.ids import scramble
from fakestripe.schema import group
from fakestripe.store import Record
from fakestripe.world import World


def retrieve(world: World, call: Call) -> Record:
    return {
        "id": "acct_" + scramble("fakestripe", 16),
        "object": "account",
        "business_profile": {"name": "SIMULATED by fakestripe", "url": None, "mcc": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active"},
        "charges_enabled": True,
        "country": world.options.country,
        "default_currency": world.options.currency,
        "details_submitted": True,
        "email": "simulated@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


OPERATIONS = [Operation("GET", "/v1/account", retrieve, group())]
