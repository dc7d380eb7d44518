"""Charging a saved card while its owner is away: docs.stripe.com/payments/save-and-reuse."""

import pytest
import requests
import stripe


@pytest.fixture
def customer(api):
    return api.customers.create({"email": "grace@example.com"})


@pytest.fixture
def set_up(api, customer):
    """A card that its owner saved, answering 3-D Secure where it was asked for."""

    def make(token):
        setup = api.setup_intents.create({"customer": customer.id, "payment_method": token, "confirm": True})
        if setup.status == "requires_action":
            requests.post(setup.next_action.redirect_to_url.url, {"answer": "complete"}, timeout=5)
        return api.setup_intents.retrieve(setup.id).payment_method

    return make


@pytest.fixture
def charge(api, customer):
    def make(method, **changes):
        params = {"amount": 4200, "currency": "eur", "customer": customer.id, "payment_method": method}
        return api.payment_intents.create({**params, "confirm": True, "off_session": True, **changes})

    return make


def pay_on_session(api, customer, token, **changes):
    intent = api.payment_intents.create(
        {"amount": 500, "currency": "eur", "customer": customer.id, "payment_method": token, "confirm": True, **changes}
    )
    if intent.status == "requires_action":
        requests.post(intent.next_action.redirect_to_url.url, {"answer": "complete"}, timeout=5)
    return api.payment_intents.retrieve(intent.id)


@pytest.mark.parametrize("token", ["pm_card_visa", "pm_card_authenticationRequiredOnSetup"])
def test_a_card_that_was_set_up_pays_without_its_owner_again_and_again(api, customer, set_up, charge, token):
    method = set_up(token)

    paid = [charge(method) for _ in range(2)]

    assert [(p.status, p.payment_method, p.customer) for p in paid] == [("succeeded", method, customer.id)] * 2
    assert [c.customer for c in api.charges.list({"customer": customer.id}).data] == [customer.id] * 2
    assert [p.id for p in api.payment_intents.list({"customer": customer.id}).data] == [p.id for p in paid][::-1]


def test_a_card_that_always_asks_fails_without_its_owner(api, sim, set_up, charge):
    method = set_up("pm_card_authenticationRequired")

    with pytest.raises(stripe.CardError) as refused:
        charge(method)

    error = refused.value
    assert (error.http_status, error.code) == (402, "authentication_required")
    assert error.error.decline_code == "authentication_required"
    assert error.error.payment_method.id == method
    intent = api.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.payment_method, intent.next_action) == ("requires_payment_method", None, None)
    assert intent.last_payment_error.payment_method.id == method
    failed = api.charges.retrieve(intent.latest_charge)
    assert (failed.status, failed.failure_code) == ("failed", "authentication_required")
    assert len(sim.events("payment_intent.payment_failed")) == len(sim.events("charge.failed")) == 1


def test_the_owner_can_come_back_and_authenticate_the_failed_payment(api, customer, set_up, charge):
    method = set_up("pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refused:
        charge(method)
    intent = refused.value.error.payment_intent.id

    asked = api.payment_intents.confirm(intent, {"payment_method": method, "return_url": "http://shop.test/"})
    requests.post(asked.next_action.redirect_to_url.url, {"answer": "complete"}, allow_redirects=False, timeout=5)

    paid = api.payment_intents.retrieve(intent)
    assert (paid.status, paid.amount_received, paid.last_payment_error) == ("succeeded", 4200, None)


def test_the_3155_card_asks_until_it_is_set_up_for_off_session(api, customer, charge):
    only_attached = api.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer.id}).id
    with pytest.raises(stripe.CardError) as refused:
        charge(only_attached)
    assert refused.value.code == "authentication_required"

    pay_on_session(api, customer, only_attached, setup_future_usage="off_session")

    assert charge(only_attached).status == "succeeded"


def test_saving_for_on_session_use_does_not_free_the_3155_card(api, customer, charge):
    paid = pay_on_session(api, customer, "pm_card_authenticationRequiredOnSetup", setup_future_usage="on_session")
    assert api.payment_methods.retrieve(paid.payment_method).customer == customer.id

    with pytest.raises(stripe.CardError):
        charge(paid.payment_method)


def test_the_0446_card_counts_as_set_up_but_asks_its_owner(customer, charge, api):
    assert charge("pm_card_authenticationRequiredSetupForOffSession").status == "succeeded"
    asked = charge("pm_card_authenticationRequiredSetupForOffSession", off_session=False)
    assert asked.status == "requires_action"


def test_the_3178_card_can_be_saved_and_is_declined_all_the_same(set_up, charge):
    method = set_up("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")

    with pytest.raises(stripe.CardError) as refused:
        charge(method)
    assert refused.value.error.decline_code == "insufficient_funds"


def test_paying_with_setup_future_usage_saves_the_card_before_the_charge_is_told(api, sim, customer):
    paid = pay_on_session(api, customer, "pm_card_visa", setup_future_usage="off_session")

    assert [m.id for m in api.customers.payment_methods.list(customer.id).data] == [paid.payment_method]
    types = [event["type"] for event in sim.get("events")]
    assert types[1:] == [
        "payment_intent.created",
        "payment_method.attached",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize("options", [{}, {"payment_method_options": {"card": {"setup_future_usage": "none"}}}])
def test_paying_without_it_saves_nothing(api, customer, options):
    given = {"setup_future_usage": "off_session", **options} if options else {}

    pay_on_session(api, customer, "pm_card_visa", **given)

    assert api.customers.payment_methods.list(customer.id).data == []


def test_a_declined_payment_saves_nothing(api, customer):
    with pytest.raises(stripe.CardError):
        pay_on_session(api, customer, "pm_card_chargeDeclined", setup_future_usage="off_session")

    assert api.customers.payment_methods.list(customer.id).data == []


def test_a_saved_bank_account_is_debited_later(api, sim, customer, charge):
    account = api.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": "AT321904300235473204"}}).id
    api.payment_methods.attach(account, {"customer": customer.id})

    intent = charge(account)
    assert intent.status == "processing"
    sim.post("clock", {"advance": 200})
    assert api.payment_intents.retrieve(intent.id).status == "succeeded"


def test_off_session_makes_sense_only_for_a_payment_that_is_confirmed(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.create({"amount": 500, "currency": "eur", "off_session": True})
    assert refused.value.param == "off_session"


def test_error_on_requires_action_fails_instead_of_asking(api, sim):
    with pytest.raises(stripe.CardError) as refused:
        api.payment_intents.create(
            {
                "amount": 500,
                "currency": "eur",
                "payment_method": "pm_card_authenticationRequired",
                "confirm": True,
                "error_on_requires_action": True,
            }
        )

    error = refused.value.error
    assert (error.code, error.decline_code) == ("card_declined", "authentication_not_handled")
    assert error.payment_intent.status == "requires_payment_method"
    assert sim.events("payment_intent.requires_action") == []
