"""The account behind the key: docs.stripe.com/api/accounts. There is this one only; no Connect."""

from __future__ import annotations

from fakestripe.calls import Call, Operation
from fakestripe.errors import no_access
from fakestripe.ids import scramble
from fakestripe.schema import group
from fakestripe.store import Record
from fakestripe.world import World

ACCOUNT_ID = "acct_" + scramble("fakestripe", 16)
NAME = "SIMULATED by fakestripe"
BANKS = f"/v1/accounts/{ACCOUNT_ID}/external_accounts"
OPENED = 1577836800
"""The first second of 2020."""
PROFILE_NULLS = (
    "annual_revenue estimated_worker_count mcc product_description support_address support_email support_phone "
    "support_url url"
).split()
NOTHING_DUE: Record = {
    "alternatives": [],
    "current_deadline": None,
    "currently_due": [],
    "disabled_reason": None,
    "errors": [],
    "eventually_due": [],
    "past_due": [],
    "pending_verification": [],
}


def retrieve(world: World, call: Call) -> Record:
    if call.args.get("account", ACCOUNT_ID) != ACCOUNT_ID:
        raise no_access(call.args["account"])
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {**dict.fromkeys(PROFILE_NULLS), "name": NAME},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": world.options.country,
        "created": OPENED,
        "default_currency": world.options.currency,
        "details_submitted": True,
        "email": "simulated@example.com",
        "external_accounts": {"object": "list", "data": [], "has_more": False, "url": BANKS},
        "future_requirements": dict(NOTHING_DUE),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": dict(NOTHING_DUE),
        "settings": _settings(),
        "tos_acceptance": {"date": OPENED, "ip": None, "user_agent": None},
        "type": "standard",
    }


def _settings() -> Record:
    descriptor = "FAKESTRIPE"
    kanji = {"statement_descriptor_kana": None, "statement_descriptor_kanji": None}
    return {
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": True},
            "statement_descriptor_prefix": descriptor,
        },
        "dashboard": {"display_name": NAME, "timezone": "Etc/UTC"},
        "payments": {"statement_descriptor": descriptor, **kanji},
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "manual"},
            "statement_descriptor": None,
        },
    }


OPERATIONS = [
    Operation("GET", "/v1/account", retrieve, group()),
    Operation("GET", "/v1/accounts/{account}", retrieve, group()),
]
