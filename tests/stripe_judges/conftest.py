"""Judge B for tests that ask for it by name, and a short conversation for all judges to look at."""

import contextlib
import os
from typing import Any

import pytest
import stripe

from tests.stripe_judges import description
from tests.stripe_judges.description import Description
from tests.stripe_judges.fetching import NotFetched
from tests.support import servers
from tests.support.recordings import recordings

KEY = "sk_test_judged"
IS_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def judge() -> Description:
    """Stripe's description; on a laptop without a network the tests that need it are skipped."""
    try:
        return description.load()
    except NotFetched as missing:
        if IS_CI:
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def conversation() -> list[dict[str, Any]]:
    """What a fakestripe recorded while somebody was declined, paid, and got a part back."""
    stripe.enable_telemetry = False
    with servers.fakestripe() as simulated:
        api = stripe.StripeClient(KEY, base_addresses={"api": simulated.url}).v1
        price = {"currency": "eur", "unit_amount": 42000, "product_data": {"name": "Seaview Cottage"}}
        offer = {"mode": "payment", "line_items": [{"price_data": price, "quantity": 1}]}
        session = api.checkout.sessions.create(params={**offer, "success_url": "https://shop.example/ok"})
        simulated.pay(session.id, card="4000000000000002")
        paid = simulated.pay(session.id)["payment_intent"]["id"]
        api.payment_intents.update(paid, params={"metadata": {"booking": "7"}, "expand": ["latest_charge"]})
        api.refunds.create(params={"payment_intent": paid, "amount": 1000})
        with contextlib.suppress(stripe.InvalidRequestError):
            api.refunds.create(params={"payment_intent": paid, "amount": 99000})
        api.balance_transactions.list(params={"created": {"gte": 1}})
        return list(recordings.kept[-1].fresh())
