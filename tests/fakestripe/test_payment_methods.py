"""Payment methods: made from tokens and test numbers, kept by customers, and used up."""

import pytest
import stripe

CARD = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}


@pytest.fixture
def customer(api):
    return api.customers.create({"email": "grace@example.com"})


@pytest.fixture
def kept(api, customer):
    return api.payment_methods.attach("pm_card_visa", {"customer": customer.id})


def card(**changes):
    return {"type": "card", "card": {**CARD, **changes}}


def test_a_card_is_made_from_a_token_or_from_a_test_number(api):
    by_token = api.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    by_number = api.payment_methods.create({**card(exp_year=34), "billing_details": {"name": "Grace"}})

    assert (by_token.card.brand, by_token.card.last4) == ("mastercard", "4444")
    assert (by_number.card.last4, by_number.card.exp_year, by_number.billing_details.name) == ("4242", 2034, "Grace")
    assert by_number.customer is None
    assert "4242424242424242" not in str(by_number)


def test_the_same_number_has_the_same_fingerprint_and_debit_is_debit(api):
    one, two = (api.payment_methods.create(card()) for _ in range(2))
    debit = api.payment_methods.create({"type": "card", "card": {"token": "tok_visa_debit"}})

    assert one.card.fingerprint == two.card.fingerprint != debit.card.fingerprint
    assert (one.card.funding, debit.card.funding) == ("credit", "debit")


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "4111111111111111"}, "card_declined", "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2019}, "invalid_expiry_year", "exp_year"),
        ({"exp_year": 2099}, "invalid_expiry_year", "exp_year"),
    ],
)
def test_a_card_that_cannot_be_is_refused(api, changes, code, param):
    with pytest.raises(stripe.CardError) as refused:
        api.payment_methods.create(card(**changes))
    assert (refused.value.code, refused.value.param) == (code, param)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "card"}, "parameter_missing"),
        ({"type": "card", "card": {"number": "4242424242424242"}}, "parameter_missing"),
        ({"type": "card", "card": {"token": "tok_nobody"}}, "resource_missing"),
        ({"type": "sepa_debit", "sepa_debit": {"iban": "DE00"}}, "invalid_bank_account_iban"),
        ({"card": {"token": "tok_visa"}}, "parameter_missing"),
    ],
)
def test_an_incomplete_description_is_refused(api, params, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_methods.create(params)
    assert refused.value.code == code


def test_attaching_is_told_and_shows_in_the_customers_list(api, sim, customer, kept):
    assert kept.customer == customer.id
    assert sim.events("payment_method.attached")[0]["data"]["object"]["id"] == kept.id
    assert [m.id for m in api.customers.payment_methods.list(customer.id).data] == [kept.id]
    assert [m.id for m in api.payment_methods.list({"customer": customer.id, "type": "card"}).data] == [kept.id]
    assert api.payment_methods.list({"customer": customer.id, "type": "sepa_debit"}).data == []
    assert api.customers.payment_methods.retrieve(customer.id, kept.id).id == kept.id


def test_the_methods_of_a_customer_come_in_pages(api, customer):
    made = [api.payment_methods.attach("pm_card_visa", {"customer": customer.id}).id for _ in range(3)]

    first = api.customers.payment_methods.list(customer.id, {"limit": 2})
    rest = api.customers.payment_methods.list(customer.id, {"starting_after": first.data[-1].id})

    assert first.has_more
    assert [m.id for m in first.data + rest.data] == made[::-1]


def test_a_method_of_one_customer_is_nothing_to_another(api, kept):
    other = api.customers.create({"name": "Alan"})

    with pytest.raises(stripe.InvalidRequestError, match="No such payment_method"):
        api.customers.payment_methods.retrieve(other.id, kept.id)
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        api.payment_methods.attach(kept.id, {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        api.payment_intents.create({"amount": 500, "currency": "eur", "customer": other.id, "payment_method": kept.id})


def test_attaching_it_again_to_its_customer_changes_nothing(api, sim, customer, kept):
    again = api.payment_methods.attach(kept.id, {"customer": customer.id})

    assert again.to_dict() == kept.to_dict()
    assert len(sim.events("payment_method.attached")) == 1


@pytest.mark.parametrize("token", ["pm_card_chargeDeclined", "pm_card_chargeDeclinedExpiredCard"])
def test_a_card_that_is_declined_cannot_be_attached(api, sim, customer, token):
    with pytest.raises(stripe.CardError):
        api.payment_methods.attach(token, {"customer": customer.id})

    assert api.customers.payment_methods.list(customer.id).data == []
    assert sim.events("payment_method.attached") == []


def test_the_0341_card_can_be_attached_and_is_declined_later(api, customer):
    kept = api.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    assert kept.card.last4 == "0341"

    with pytest.raises(stripe.CardError) as refused:
        api.payment_intents.create(
            {
                "amount": 500,
                "currency": "eur",
                "customer": customer.id,
                "payment_method": kept.id,
                "confirm": True,
                "off_session": True,
            }
        )
    assert refused.value.error.decline_code == "generic_decline"
    assert api.payment_methods.retrieve(kept.id).customer == customer.id


def test_a_detached_method_can_never_be_used_again(api, sim, customer, kept):
    gone = api.payment_methods.detach(kept.id)

    assert gone.customer is None
    told = sim.events("payment_method.detached")[0]["data"]
    assert told["previous_attributes"] == {"customer": customer.id}
    for again in (
        lambda: api.payment_methods.attach(kept.id, {"customer": customer.id}),
        lambda: api.payment_intents.create({"amount": 500, "currency": "eur", "payment_method": kept.id}),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
            again()
    with pytest.raises(stripe.InvalidRequestError, match="not attached"):
        api.payment_methods.detach(kept.id)


def test_a_method_used_once_without_a_customer_is_used_up(api, customer):
    method = api.payment_methods.create(card()).id
    api.payment_intents.create({"amount": 500, "currency": "eur", "payment_method": method, "confirm": True})

    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        api.payment_intents.create({"amount": 500, "currency": "eur", "payment_method": method, "confirm": True})
    with pytest.raises(stripe.InvalidRequestError, match="previously used"):
        api.payment_methods.attach(method, {"customer": customer.id})


def test_a_customers_method_needs_the_customer_in_the_request(api, kept):
    with pytest.raises(stripe.InvalidRequestError, match="must provide the customer"):
        api.payment_intents.create({"amount": 500, "currency": "eur", "payment_method": kept.id})


def test_a_kept_method_can_be_changed_and_tells_what_was_before(api, sim, kept):
    changed = api.payment_methods.update(
        kept.id,
        {
            "billing_details": {"address": {"city": "Brno"}, "email": "grace@example.com"},
            "card": {"exp_year": 2040},
            "metadata": {"a": "1"},
            "allow_redisplay": "always",
        },
    )

    assert (changed.card.exp_year, changed.card.last4, changed.allow_redisplay) == (2040, "4242", "always")
    assert (changed.billing_details.address.city, changed.billing_details.email) == ("Brno", "grace@example.com")
    previous = sim.events("payment_method.updated")[0]["data"]["previous_attributes"]
    assert set(previous) == {"billing_details", "card", "metadata", "allow_redisplay"}
    assert previous["card"]["exp_year"] == 2034


def test_a_method_without_a_customer_cannot_be_changed(api):
    method = api.payment_methods.create(card()).id

    with pytest.raises(stripe.InvalidRequestError, match="save this PaymentMethod to a customer"):
        api.payment_methods.update(method, {"metadata": {"a": "1"}})
