"""PaymentIntents through the API: their parameters, states and the words of a refusal."""

import pytest
import requests
import stripe

from fakestripe import payments
from fakestripe.beginning import build_world
from fakestripe.instruments import resolve
from fakestripe.options import Options

ADDRESS = {"line1": "1 Sea Road", "city": "Brno", "country": "CZ"}


@pytest.fixture
def intend(api):
    def make(**changes):
        return api.payment_intents.create({"amount": 500, "currency": "eur", **changes})

    return make


@pytest.fixture
def pay(intend):
    def make(token="pm_card_visa", **changes):
        return intend(payment_method=token, confirm=True, **changes)

    return make


def complete(intent):
    url = intent.next_action.redirect_to_url.url
    requests.post(url, {"answer": "complete"}, allow_redirects=False, timeout=5)


def test_what_is_said_of_the_payment_is_copied_to_the_charge(api, pay):
    customer = api.customers.create({"name": "Grace"}).id
    details = {
        "customer": customer,
        "description": "Three nights",
        "receipt_email": "grace@example.com",
        "shipping": {"name": "Grace", "address": ADDRESS, "tracking_number": "7"},
        "statement_descriptor_suffix": "SEAVIEW",
        "transfer_group": "bookings",
        "metadata": {"booking": "17"},
    }

    intent = pay(**details)
    charge = api.charges.retrieve(intent.latest_charge)

    for name in ("customer", "description", "receipt_email", "transfer_group"):
        assert getattr(intent, name) == getattr(charge, name) == details[name]
    assert charge.shipping.address.city == intent.shipping.address.city == "Brno"
    assert (charge.shipping.tracking_number, charge.shipping.carrier) == ("7", None)
    assert charge.calculated_statement_descriptor == "FAKESTRIPE* SEAVIEW"
    assert charge.metadata.to_dict() == {"booking": "17"}


def test_a_method_named_at_creation_is_made_and_waits_for_confirmation(api, intend):
    intent = intend(payment_method="pm_card_visa")

    assert intent.status == "requires_confirmation"
    assert api.payment_methods.retrieve(intent.payment_method).card.last4 == "4242"
    assert api.payment_intents.confirm(intent.id).payment_method == intent.payment_method


def test_a_method_can_be_described_on_the_spot(api, intend):
    data = {
        "type": "card",
        "card": {"token": "tok_visa"},
        "billing_details": {"name": "Grace", "address": {"postal_code": "110 00"}},
    }

    intent = intend(payment_method_data=data, confirm=True)

    assert intent.status == "succeeded"
    charge = api.charges.retrieve(intent.latest_charge)
    assert (charge.billing_details.name, charge.billing_details.address.postal_code) == ("Grace", "110 00")
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        intend(payment_method_data=data, payment_method="pm_card_visa")


def test_methods_are_automatic_and_follow_the_currency(intend):
    euro, dollar = intend(), intend(currency="usd")

    assert euro.automatic_payment_methods.enabled
    assert (euro.payment_method_types, dollar.payment_method_types) == (["card", "sepa_debit"], ["card"])
    assert euro.payment_method_options.card.request_three_d_secure == "automatic"


def test_methods_can_be_allowed_and_excluded(intend):
    assert intend(excluded_payment_method_types=["sepa_debit"]).payment_method_types == ["card"]
    assert intend(allowed_payment_method_types=["sepa_debit"]).payment_method_types == ["sepa_debit"]
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method types"):
        intend(currency="usd", excluded_payment_method_types=["card"])


def test_a_method_of_another_type_is_refused(intend):
    data = {"type": "sepa_debit", "sepa_debit": {"iban": "AT321904300235473204"}}

    with pytest.raises(stripe.InvalidRequestError) as refused:
        intend(currency="usd", payment_method_data=data)
    assert refused.value.code == "payment_intent_incompatible_payment_method"


def test_older_versions_list_the_types_themselves(connect, sim):
    old = connect(sim.url, stripe_version="2026-08-26.dahlia")

    intent = old.payment_intents.create({"amount": 500, "currency": "eur", "payment_method_types": ["sepa_debit"]})
    assert (intent.payment_method_types, intent.automatic_payment_methods) == (["sepa_debit"], None)
    with pytest.raises(stripe.InvalidRequestError, match="does not simulate payment method type ideal"):
        old.payment_intents.create({"amount": 500, "currency": "eur", "payment_method_types": ["ideal"]})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be used with this currency"):
        old.payment_intents.create({"amount": 500, "currency": "usd", "payment_method_types": ["sepa_debit"]})


def test_before_august_2023_a_payment_was_for_cards_unless_it_said_more(connect, sim):
    older = connect(sim.url, stripe_version="2022-11-15")

    intent = older.payment_intents.create({"amount": 500, "currency": "eur"})

    assert (intent.payment_method_types, intent.automatic_payment_methods) == (["card"], None)


def test_manual_confirmation_waits_for_the_server_after_three_d_secure(api, pay):
    intent = pay("pm_card_authenticationRequired", confirmation_method="manual")
    complete(intent)
    assert api.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    assert api.charges.list().data == []

    paid = api.payment_intents.confirm(intent.id)

    assert paid.status == "succeeded"
    charge = api.charges.retrieve(paid.latest_charge)
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_another_card_after_manual_authentication_must_authenticate_itself(api, pay):
    intent = pay("pm_card_authenticationRequired", confirmation_method="manual")
    complete(intent)

    again = api.payment_intents.confirm(intent.id, {"payment_method": "pm_card_authenticationRequired"})

    assert again.status == "requires_action"


def test_the_shop_can_ask_for_three_d_secure_where_the_card_offers_it(pay):
    asked = {"payment_method_options": {"card": {"request_three_d_secure": "challenge"}}}

    assert pay("pm_card_threeDSecureOptional").status == "succeeded"
    assert pay("pm_card_threeDSecureOptional", **asked).status == "requires_action"
    assert pay("pm_card_visa", **asked).status == "succeeded"


def test_capture_can_be_manual_for_cards_alone(pay):
    intent = pay(payment_method_options={"card": {"capture_method": "manual"}})

    assert (intent.status, intent.amount_capturable) == ("requires_capture", 500)


def test_the_charge_of_an_authorisation_says_until_when_it_can_be_captured(api, pay):
    held, taken = pay(capture_method="manual"), pay()

    charge = api.charges.retrieve(held.latest_charge)

    assert charge.payment_method_details.card.capture_before == charge.created + 7 * 24 * 3600
    assert "capture_before" not in api.charges.retrieve(taken.latest_charge).payment_method_details.card


def test_an_authorisation_that_nobody_captures_ends_after_seven_days(api, sim, pay):
    intent = pay(capture_method="manual")

    sim.post("clock", {"advance": 7 * 24 * 3600 - 60})
    assert api.payment_intents.retrieve(intent.id).status == "requires_capture"
    sim.post("clock", {"advance": 120})

    ended = api.payment_intents.retrieve(intent.id)
    assert (ended.status, ended.cancellation_reason) == ("canceled", "automatic")
    assert len(sim.events("charge.expired")) == 1
    assert api.balance_transactions.list().data == []


def test_what_was_captured_or_canceled_does_not_expire(api, sim, pay):
    captured = pay(capture_method="manual").id
    api.payment_intents.capture(captured)
    canceled = pay(capture_method="manual").id
    api.payment_intents.cancel(canceled, {"cancellation_reason": "duplicate"})
    assert [job["id"] for job in sim.get("state")["jobs"] if job["task"] == "expire_authorization"] == []

    sim.post("clock", {"advance": 8 * 24 * 3600})

    assert api.payment_intents.retrieve(captured).status == "succeeded"
    assert api.payment_intents.retrieve(canceled).cancellation_reason == "duplicate"
    assert sim.events("charge.expired") == []


def test_a_blocked_payment_was_never_sent_to_the_bank(api, pay):
    with pytest.raises(stripe.CardError) as refused:
        pay("pm_card_radarBlock")

    outcome = api.charges.retrieve(refused.value.error.charge).outcome
    assert (outcome.type, outcome.network_status, outcome.risk_level) == ("blocked", "not_sent_to_network", "highest")


def test_an_update_changes_what_may_still_change(api, intend):
    intent = intend(description="Two nights", setup_future_usage="off_session")

    changed = api.payment_intents.update(
        intent.id,
        {
            "amount": 70000,
            "currency": "czk",
            "description": "",
            "setup_future_usage": "",
            "shipping": {"name": "G", "address": ADDRESS},
        },
    )

    assert (changed.amount, changed.currency, changed.description) == (70000, "czk", None)
    assert changed.setup_future_usage is None
    assert changed.shipping.name == "G"


def test_a_paid_intent_takes_a_new_description_but_no_new_amount(api, pay):
    intent = pay().id

    assert api.payment_intents.update(intent, {"description": "Paid", "metadata": {"a": "1"}}).description == "Paid"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.update(intent, {"amount": 600})
    assert refused.value.code == "payment_intent_unexpected_state"


def test_an_intent_keeps_its_customer(api, intend):
    first, second = (api.customers.create({"name": name}).id for name in ("Grace", "Alan"))
    intent = intend().id

    assert api.payment_intents.update(intent, {"customer": first}).customer == first
    with pytest.raises(stripe.InvalidRequestError, match="cannot modify `customer`"):
        api.payment_intents.update(intent, {"customer": second})


def test_a_wrong_client_secret_confirms_nothing(api, intend):
    intent = intend(payment_method="pm_card_visa")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.confirm(intent.id, {"client_secret": intend().client_secret})
    assert refused.value.param == "client_secret"
    assert api.payment_intents.confirm(intent.id, {"client_secret": intent.client_secret}).status == "succeeded"


def test_a_card_takes_no_full_statement_descriptor(api, pay, intend):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(statement_descriptor="SEAVIEW COTTAGE")
    assert refused.value.param == "statement_descriptor"
    assert api.payment_intents.list().data == []


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"customer": "cus_nobody"}, "customer"),
        ({"payment_method": "pm_nobody"}, "payment_method"),
        ({"error_on_requires_action": True}, "error_on_requires_action"),
        ({"setup_future_usage": "perhaps"}, "setup_future_usage"),
        (
            {"payment_method_options": {"sepa_debit": {"setup_future_usage": "none"}}},
            "payment_method_options[sepa_debit]",
        ),
        ({"payment_method_options": {"card": {"moto": True}}}, "payment_method_options[card][moto]"),
        ({"application_fee_amount": 5}, "application_fee_amount"),
        ({"confirm": True, "payment_method": "pm_card_visa", "use_stripe_sdk": True}, "use_stripe_sdk"),
    ],
)
def test_bad_parameters_are_refused_by_name_and_leave_nothing(api, intend, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intend(currency="usd", **params)
    assert refused.value.param == param
    assert api.payment_intents.list().data == []


@pytest.fixture
def heard():
    """Each status that a listener of `payments.when_ended` was told."""
    statuses = []
    payments.when_ended(lambda world, intent: statuses.append(intent["status"]))
    yield statuses
    payments._WHEN_ENDED.pop()


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("pm_card_visa", ["succeeded"]),
        ("pm_card_chargeDeclined", ["requires_payment_method"]),
        ("pm_card_authenticationRequired", []),
    ],
)
def test_listeners_are_told_how_an_attempt_ended_and_not_that_it_waits(heard, token, told):
    world = build_world(Options(background=False))
    with world.store.change():
        intent = payments.create(world, 500, "eur")
        method = resolve(world, token)
        intent = payments.confirm(world, intent, method, "http://fake.test/c/3ds/x")

    assert heard == told
    with world.store.change():
        if intent["status"] == "requires_action":
            payments.authenticate(world, intent, success=False)
            assert heard == ["requires_payment_method"]
