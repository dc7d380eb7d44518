"""SetupIntents: saving a card or account for later, with no charge."""

import pytest
import requests
import stripe

from fakestripe import setups
from fakestripe.beginning import build_world
from fakestripe.instruments import resolve
from fakestripe.options import Options


@pytest.fixture
def customer(api):
    return api.customers.create({"email": "grace@example.com"})


@pytest.fixture
def save(api, customer):
    """Set a card up for the customer in one call."""

    def make(token="pm_card_visa", **changes):
        params = {"customer": customer.id, "payment_method": token, "confirm": True, **changes}
        return api.setup_intents.create(params)

    return make


def answer(setup, word):
    url = setup.next_action.redirect_to_url.url
    return requests.post(url, {"answer": word}, allow_redirects=False, timeout=5)


def types(sim):
    return [event["type"] for event in sim.get("events") if not event["type"].startswith("customer.")]


def test_a_setup_goes_from_method_to_confirmation_to_success(api, sim, customer):
    setup = api.setup_intents.create({"customer": customer.id, "metadata": {"a": "1"}})
    assert (setup.status, setup.usage) == ("requires_payment_method", "off_session")
    assert setup.client_secret.startswith(f"{setup.id}_secret_")

    held = api.setup_intents.update(setup.id, {"payment_method": "pm_card_visa", "description": "Keep"})
    assert (held.status, held.description) == ("requires_confirmation", "Keep")
    done = api.setup_intents.confirm(setup.id)

    assert (done.status, done.payment_method) == ("succeeded", held.payment_method)
    kept = api.customers.payment_methods.list(customer.id).data
    assert [m.id for m in kept] == [done.payment_method]
    assert api.charges.list().data == []
    assert types(sim) == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


def test_without_a_customer_the_method_stays_free(api):
    setup = api.setup_intents.create({"payment_method": "pm_card_visa", "confirm": True})

    assert setup.status == "succeeded"
    assert api.payment_methods.retrieve(setup.payment_method).customer is None


def test_three_d_secure_completes_the_setup_and_returns_to_the_shop(api, sim, save):
    setup = save("pm_card_authenticationRequired", return_url="http://shop.test/kept?a=1")
    assert setup.status == "requires_action"
    assert setup.next_action.redirect_to_url.return_url == "http://shop.test/kept?a=1"

    back = answer(setup, "complete")

    assert back.headers["Location"].startswith(f"http://shop.test/kept?a=1&setup_intent={setup.id}")
    done = api.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
    assert (done.status, done.next_action) == ("succeeded", None)
    assert done.latest_attempt.status == "succeeded"
    assert done.latest_attempt.payment_method_details.card.three_d_secure.result == "authenticated"
    assert len(sim.events("setup_intent.requires_action")) == 1


def test_failed_three_d_secure_fails_the_setup_and_keeps_no_card(api, sim, customer, save):
    setup = save("pm_card_authenticationRequired")

    answer(setup, "fail")
    answer(setup, "complete")

    failed = api.setup_intents.retrieve(setup.id)
    assert (failed.status, failed.payment_method) == ("requires_payment_method", None)
    assert failed.last_setup_error.code == "setup_intent_authentication_failure"
    assert api.customers.payment_methods.list(customer.id).data == []
    assert len(sim.events("setup_intent.setup_failed")) == 1


def test_a_declined_card_is_a_card_error_that_names_the_setup(api, sim, customer, save):
    with pytest.raises(stripe.CardError) as refused:
        save("pm_card_chargeDeclinedInsufficientFunds")

    error = refused.value.error
    assert (refused.value.http_status, error.code, error.decline_code) == (402, "card_declined", "insufficient_funds")
    assert error.setup_intent.status == "requires_payment_method"
    kept = api.setup_intents.retrieve(error.setup_intent.id)
    assert kept.last_setup_error.payment_method.card.last4 == "9995"
    assert len(sim.events("setup_intent.setup_failed")) == 1


def test_after_a_decline_another_card_sets_the_same_intent_up(api, save):
    with pytest.raises(stripe.CardError) as refused:
        save("pm_card_chargeDeclined")
    setup = refused.value.error.setup_intent.id

    done = api.setup_intents.confirm(setup, {"payment_method": "pm_card_visa"})

    assert (done.status, done.last_setup_error) == ("succeeded", None)
    attempts = api.setup_attempts.list({"setup_intent": setup}).data
    assert [a.status for a in attempts] == ["succeeded", "failed"]
    assert attempts[1].setup_error.code == "card_declined"


def test_a_bank_account_is_set_up_at_once(api, customer):
    setup = api.setup_intents.create(
        {
            "customer": customer.id,
            "confirm": True,
            "payment_method_data": {
                "type": "sepa_debit",
                "sepa_debit": {"iban": "AT32 1904 3002 3547 3204"},
                "billing_details": {"name": "Grace", "email": "grace@example.com"},
            },
            "mandate_data": {"customer_acceptance": {"type": "offline"}},
        }
    )

    assert setup.status == "succeeded"
    assert api.payment_methods.retrieve(setup.payment_method).sepa_debit.last4 == "3204"


@pytest.mark.parametrize("token", [None, "pm_card_visa", "pm_card_authenticationRequired"])
def test_a_setup_can_be_canceled_until_it_succeeds(api, sim, token):
    setup = api.setup_intents.create(
        {"payment_method": token, "confirm": token == "pm_card_authenticationRequired"} if token else {}
    )

    canceled = api.setup_intents.cancel(setup.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason, canceled.next_action) == ("canceled", "abandoned", None)
    assert len(sim.events("setup_intent.canceled")) == 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "setup_intent_unexpected_state"


def test_what_succeeded_cannot_be_canceled_or_confirmed(api, save):
    setup = save().id

    for again in (lambda: api.setup_intents.cancel(setup), lambda: api.setup_intents.confirm(setup)):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again()
        assert refused.value.code == "setup_intent_unexpected_state"


def test_the_answer_of_three_d_secure_after_canceling_does_nothing(api, customer, save):
    setup = save("pm_card_authenticationRequired")
    api.setup_intents.cancel(setup.id)

    answer(setup, "complete")

    assert api.setup_intents.retrieve(setup.id).status == "canceled"
    assert api.customers.payment_methods.list(customer.id).data == []


def test_nobody_keeps_the_card_of_a_customer_who_went_while_three_d_secure_waited(api, customer, save):
    setup = save("pm_card_authenticationRequired")
    api.customers.delete(customer.id)

    answer(setup, "complete")

    done = api.setup_intents.retrieve(setup.id)
    assert done.status == "succeeded"
    assert api.payment_methods.retrieve(done.payment_method).customer is None


def test_the_shop_can_ask_for_three_d_secure_by_itself(save):
    asked = {"payment_method_options": {"card": {"request_three_d_secure": "any"}}}

    assert save("pm_card_threeDSecureOptional").status == "succeeded"
    assert save("pm_card_threeDSecureOptional", **asked).status == "requires_action"


def test_setups_are_listed_by_customer_and_by_method(api, customer, save):
    setup = save()
    api.setup_intents.create()

    assert [s.id for s in api.setup_intents.list({"customer": customer.id}).data] == [setup.id]
    assert [s.id for s in api.setup_intents.list({"payment_method": setup.payment_method}).data] == [setup.id]
    assert len(api.setup_intents.list().data) == 2


def test_a_setup_keeps_its_customer(api, save, customer):
    other = api.customers.create({"name": "Alan"})
    setup = api.setup_intents.create({"customer": customer.id})

    with pytest.raises(stripe.InvalidRequestError, match="cannot modify `customer`"):
        api.setup_intents.update(setup.id, {"customer": other.id})


def test_the_retired_parameter_is_refused_from_endive_on_and_taken_before(connect, sim):
    old = connect(sim.url, stripe_version="2026-08-26.dahlia")

    assert old.setup_intents.create({"payment_method_types": ["card"]}).payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        connect(sim.url).setup_intents.create({"payment_method_types": ["card"]})
    assert refused.value.code == "payment_method_types_no_longer_supported"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"return_url": "http://shop.test/"}, "return_url"),
        ({"usage": "sometimes"}, "usage"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"payment_method": "pm_nobody"}, "payment_method"),
        ({"confirm": True, "payment_method": "pm_card_visa", "use_stripe_sdk": True}, "use_stripe_sdk"),
        ({"single_use": {"amount": 5, "currency": "eur"}}, "single_use"),
    ],
)
def test_bad_parameters_are_refused_by_name(api, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.setup_intents.create(params)
    assert refused.value.param == param
    assert api.setup_intents.list().data == []


def test_a_setup_without_a_method_cannot_be_confirmed(api):
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        api.setup_intents.confirm(api.setup_intents.create().id)


def test_a_second_answer_to_three_d_secure_changes_nothing():
    world = build_world(Options(background=False))
    with world.store.change():
        setup = setups.create(world)
        method = resolve(world, "pm_card_authenticationRequired")
        setup = setups.confirm(world, setup, method, "http://fake.test/c/3ds/x")
        setup = setups.authenticate(world, setup, success=True)

        assert setups.authenticate(world, setup, success=False)["status"] == "succeeded"
