"""Payments without a hosted page, at the border to Stripe: against the simulator, with the library as it is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
import stripe

from booking.clock import SystemClock
from booking.domain.money import Money
from booking.gateways.payments import ChargeOrder, EvidenceState, GatewayRefused, GatewayUnavailable, Tag
from booking.gateways.stripe_gateway import StripeGateway
from tests.support import servers

TAG = Tag(app="shop-1", purpose="balance", booking_id="17", attempt="a" * 32)
KEY = "sk_test_0123456789abcdef"
ALWAYS_ASKS, NO_MONEY = "pm_card_authenticationRequired", "pm_card_chargeCustomerFail"


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with servers.fakestripe() as fake:
        yield fake.url


@pytest.fixture
def gateway(simulator: str) -> StripeGateway:
    return StripeGateway(KEY, ("whsec_0123456789abcdefghijkl",), SystemClock(), api_base=simulator)


@pytest.fixture
def api(simulator: str) -> Any:
    return stripe.StripeClient(KEY, base_addresses={"api": simulator}).v1


def _order(**changes: Any) -> ChargeOrder:
    return ChargeOrder(**{"tag": TAG, "amount": Money(4200, "eur"), "description": "Harbour Loft", **changes})


def _kept(api: Any, token: str) -> tuple[str, str]:
    """A customer with one card that was set up for later."""
    customer = api.customers.create({"email": "grace@example.org"}).id
    setup = api.setup_intents.create({"customer": customer, "payment_method": token, "confirm": True})
    if setup.status == "requires_action":
        requests.post(setup.next_action.redirect_to_url.url, {"answer": "complete"}, timeout=5)
    return customer, api.setup_intents.retrieve(setup.id).payment_method


def _charge(gateway: StripeGateway, api: Any, token: str, key: str) -> Any:
    customer, method = _kept(api, token)
    order = _order(customer_id=customer, payment_method_id=method)
    return gateway.open_charge(gateway.charge_params(order), key)


def test_a_kept_card_is_charged_at_once_and_the_same_key_charges_it_once(gateway: StripeGateway, api: Any) -> None:
    customer, method = _kept(api, "pm_card_visa")
    params = gateway.charge_params(_order(customer_id=customer, payment_method_id=method))

    first, again = gateway.open_charge(params, "charge:1"), gateway.open_charge(params, "charge:1")

    assert first.payment_intent_id == again.payment_intent_id
    assert (first.state, first.amount, first.tag) == (EvidenceState.PAID, Money(4200, "eur"), TAG)
    assert first.charge_id is not None
    assert len(api.payment_intents.list({"customer": customer}).data) == 1
    assert params["metadata"] == {"app": "shop-1", "purpose": "balance", "booking_id": "17", "attempt": "a" * 32}


@pytest.mark.parametrize(("token", "code"), [(NO_MONEY, "generic_decline"), (ALWAYS_ASKS, "authentication_required")])
def test_a_card_that_says_no_is_evidence_of_that_and_no_error(
    gateway: StripeGateway, api: Any, token: str, code: str
) -> None:
    first = _charge(gateway, api, token, f"charge:{token}")

    assert (first.state, first.decline_code) == (EvidenceState.DECLINED, code)
    assert first.payment_intent_id is not None
    assert gateway.look_up_charge(first.payment_intent_id) == first


def test_a_charge_of_nobodys_card_is_refused(gateway: StripeGateway, api: Any) -> None:
    params = gateway.charge_params(_order(customer_id="cus_nobody", payment_method_id="pm_nobody"))

    with pytest.raises(GatewayRefused):
        gateway.open_charge(params, "charge:nobody")


def test_a_payment_for_a_page_of_ours_has_a_secret_that_no_log_shows_and_can_be_ended(gateway: StripeGateway) -> None:
    begun = gateway.open_charge(gateway.charge_params(_order()), "charge:page")
    assert begun.payment_intent_id is not None

    assert begun.state is EvidenceState.OPEN
    assert begun.client_secret
    assert begun.client_secret not in repr(begun)
    ended = gateway.cancel_charge(begun.payment_intent_id, "charge:page:end:0")
    assert ended.state is EvidenceState.EXPIRED
    assert gateway.cancel_charge(begun.payment_intent_id, "charge:page:end:1").state is EvidenceState.EXPIRED


def test_a_payment_that_was_made_meanwhile_is_not_ended(gateway: StripeGateway, api: Any) -> None:
    paid = _charge(gateway, api, "pm_card_visa", "charge:meanwhile")

    assert gateway.cancel_charge(paid.payment_intent_id, "charge:meanwhile:end:0").state is EvidenceState.PAID


def test_whether_a_payment_can_be_made_is_unknown_to_whom_stripe_shows_nothing(gateway: StripeGateway) -> None:
    with pytest.raises(GatewayUnavailable):
        gateway.cancel_charge("pi_nobody", "charge:nobody:end:0")


def test_payments_are_listed_with_what_became_of_them(gateway: StripeGateway, api: Any) -> None:
    paid = _charge(gateway, api, "pm_card_visa", "charge:listed")
    failed = _charge(gateway, api, NO_MONEY, "charge:listed:no")

    listed = {one.payment_intent_id: one.state for one in gateway.list_payments(datetime.now(UTC) - timedelta(hours=1))}

    assert listed[paid.payment_intent_id] is EvidenceState.PAID
    assert listed[failed.payment_intent_id] is EvidenceState.DECLINED


def test_the_card_of_a_payment_is_found_only_where_a_customer_keeps_it(gateway: StripeGateway, api: Any) -> None:
    kept = _charge(gateway, api, "pm_card_visa", "charge:kept")
    loose = api.payment_intents.create(
        {"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True,
         "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )  # fmt: skip

    card = gateway.find_card(kept.payment_intent_id)

    assert card is not None
    assert (card.brand, card.last4) == ("visa", "4242")
    assert card.payment_method_id.startswith("pm_")
    assert card.customer_id.startswith("cus_")
    assert gateway.find_card(loose.id) is None


def test_a_card_that_is_detached_cannot_be_charged_and_to_detach_it_twice_is_to_do_it_once(
    gateway: StripeGateway, api: Any
) -> None:
    customer, method = _kept(api, "pm_card_visa")

    gateway.detach_card(method, "detach:1")
    gateway.detach_card(method, "detach:2")

    with pytest.raises(GatewayRefused):
        gateway.open_charge(
            gateway.charge_params(_order(customer_id=customer, payment_method_id=method)), "charge:detached"
        )
