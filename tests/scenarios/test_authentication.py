"""Whether a bank had its guest confirm a payment: kept from Stripe's own list of charges, and from nowhere else."""

from typing import Any

import pytest
import requests

from booking.domain.states import Authentication
from booking.gateways.stripe_objects import read_charge
from booking.services import reconciliation, verification
from tests.support.shop import Shop

GOOD, ASKS = "4242424242424242", "4000002760003184"
CHARGE: dict[str, Any] = {"id": "ch_1", "currency": "eur", "amount_captured": 900, "metadata": {}}


def _reconcile(shop: Shop, *, dry_run: bool = False) -> None:
    shop.pass_time(minutes=10)
    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime, dry_run=dry_run)


def _kept(shop: Shop) -> list[Authentication | None]:
    return [payment.authentication for booking in shop.bookings() for payment in shop.payments(booking.id)]


def test_the_comparison_with_stripes_list_keeps_what_each_bank_did(shop: Shop) -> None:
    plain, asked = shop.book(shop.stay()), shop.book(shop.stay(ahead=40), browser="another")
    shop.pay(plain, GOOD)
    intent = shop.stripe.pay(shop.session_of(asked), ASKS, wait=False)["payment_intent"]["id"]
    requests.post(f"{shop.stripe.url}/c/3ds/{intent}", {"answer": "complete"}, allow_redirects=False, timeout=30)
    shop.stripe.settle_down()
    assert _kept(shop) == [None, None]

    _reconcile(shop, dry_run=True)
    assert _kept(shop) == [None, None]
    for _ in range(2):
        _reconcile(shop)
        assert _kept(shop) == [Authentication.NONE, Authentication.CHALLENGE]

    with shop.app.app_context():
        assert verification.compare_with_stripe(shop.runtime).differences == ()
    assert shop.broken_promises() == []


@pytest.mark.parametrize(
    ("details", "read"),
    [
        (None, None),
        ({"type": "sepa_debit", "sepa_debit": {}}, Authentication.NO_CARD),
        ({"type": "card", "card": {"three_d_secure": None}}, Authentication.NONE),
        (("authenticated", "challenge"), Authentication.CHALLENGE),
        (("authenticated", "frictionless"), Authentication.FRICTIONLESS),
        (("attempt_acknowledged", None), Authentication.OTHER),
        (("exempted", "frictionless"), Authentication.OTHER),
        (("authenticated", "something_new"), Authentication.OTHER),
    ],
)
def test_what_a_charge_says_becomes_one_word(details: Any, read: Authentication | None) -> None:
    if isinstance(details, tuple):
        result, flow = details
        details = {"type": "card", "card": {"three_d_secure": {"result": result, "authentication_flow": flow}}}

    assert read_charge({**CHARGE, "payment_method_details": details}).authentication is read
