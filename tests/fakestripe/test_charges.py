"""Charges: changed, captured and listed. PaymentIntents make them."""

import pytest
import stripe


@pytest.fixture
def charge(api):
    def make(**changes):
        params = {"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa", **changes}
        return api.charges.retrieve(api.payment_intents.create(params).latest_charge)

    return make


def test_a_charge_can_be_annotated_and_tells_what_was_before(api, sim, charge):
    made = charge(description="Two nights")

    changed = api.charges.update(
        made.id,
        {
            "description": "Three nights",
            "metadata": {"a": "1"},
            "fraud_details": {"user_report": "safe"},
            "receipt_email": "grace@example.com",
        },
    )

    assert (changed.description, changed.fraud_details.user_report) == ("Three nights", "safe")
    told = sim.events("charge.updated")[0]["data"]["previous_attributes"]
    assert told == {"description": "Two nights", "metadata": {}, "fraud_details": {}, "receipt_email": None}
    assert api.charges.update(made.id, {"fraud_details": {"user_report": ""}}).fraud_details.to_dict() == {}


def test_an_update_that_changes_nothing_tells_nothing(api, sim, charge):
    api.charges.update(charge(description="Two nights").id, {"description": "Two nights"})

    assert sim.events("charge.updated") == []


def test_a_charge_without_a_customer_can_be_given_one_once(api, charge):
    first, second = (api.customers.create({"name": name}).id for name in ("Grace", "Alan"))
    made = charge().id

    assert api.charges.update(made, {"customer": first}).customer == first
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.charges.update(made, {"customer": second})
    assert refused.value.param == "customer"


def test_capturing_a_charge_is_capturing_its_intent(api, sim, charge):
    made = charge(capture_method="manual")

    captured = api.charges.capture(made.id, {"amount": 300})

    assert (captured.captured, captured.amount_captured, captured.amount_refunded) == (True, 300, 200)
    intent = api.payment_intents.retrieve(made.payment_intent)
    assert (intent.status, intent.amount_received) == ("succeeded", 300)
    assert len(sim.events("charge.captured")) == len(sim.events("payment_intent.succeeded")) == 1
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.charges.capture(made.id)
    assert refused.value.code == "charge_already_captured"


def test_a_declined_charge_cannot_be_captured(api):
    with pytest.raises(stripe.CardError) as declined:
        api.payment_intents.create(
            {"amount": 500, "currency": "eur", "confirm": True, "payment_method": "pm_card_chargeDeclined"}
        )

    with pytest.raises(stripe.InvalidRequestError, match="cannot be captured"):
        api.charges.capture(declined.value.error.charge)


def test_a_dispute_comes_only_once_the_money_was_taken(api, sim, charge):
    made = charge(capture_method="manual", payment_method="pm_card_createDispute")
    sim.post("clock", {"advance": 5})
    assert api.disputes.list().data == []

    api.payment_intents.capture(made.payment_intent)
    sim.post("clock", {"advance": 5})

    assert [d.charge for d in api.disputes.list().data] == [made.id]


def test_charges_are_listed_by_group(api, charge):
    wanted = charge(transfer_group="bookings").id
    charge()

    assert [c.id for c in api.charges.list({"transfer_group": "bookings"}).data] == [wanted]


def test_charges_are_made_by_payment_intents_alone(call):
    answer = call("POST", "/v1/charges", {"amount": "500", "currency": "eur", "source": "tok_visa"})

    assert answer.status_code == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]
