"""Refunds: never above the rest, and not always final."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe


@pytest.fixture
def pay(api, sim, offer):
    """Pay 420 euro with a card; gives the PaymentIntent's id."""

    def make(card="4242424242424242", **options):
        session = api.checkout.sessions.create(offer())
        return sim.pay(session.id, card=card, **options)["payment_intent"]["id"]

    return make


def charge_of(api, intent):
    return api.charges.retrieve(api.payment_intents.retrieve(intent).latest_charge)


def test_a_full_refund_gives_all_back(api, sim, pay):
    intent = pay()

    refund = api.refunds.create({"payment_intent": intent, "reason": "requested_by_customer", "metadata": {"a": "1"}})

    assert (refund.amount, refund.status, refund.payment_intent) == (42000, "succeeded", intent)
    charge = charge_of(api, intent)
    assert (charge.amount_refunded, charge.refunded) == (42000, True)
    assert api.balance_transactions.retrieve(refund.balance_transaction).amount == -42000
    assert len(sim.events("refund.created")) == len(sim.events("charge.refunded")) == 1
    assert sim.events("charge.refunded")[0]["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}


def test_partial_refunds_add_up_to_the_whole_and_no_further(api, pay):
    intent = pay()
    charge = charge_of(api, intent).id

    for _ in range(2):
        api.refunds.create({"charge": charge, "amount": 20000})
    assert not charge_of(api, intent).refunded
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded") as refused:
        api.refunds.create({"charge": charge, "amount": 2001})
    assert refused.value.param == "amount"
    assert api.refunds.create({"charge": charge}).amount == 2000

    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.refunds.create({"charge": charge, "amount": 1})
    assert refused.value.code == "charge_already_refunded"
    assert [r.amount for r in api.refunds.list({"payment_intent": intent}).data] == [
        2000,
        20000,
        20000,
    ]


def test_many_refunds_at_once_never_exceed_the_charge(api, pay):
    intent = pay()

    def refund(_):
        try:
            return api.refunds.create({"payment_intent": intent, "amount": 10000}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(10) as pool:
        given = sum(pool.map(refund, range(10)))

    assert given == charge_of(api, intent).amount_refunded == 40000


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "parameter_missing"),
        ({"charge": "ch_none"}, "resource_missing"),
        ({"payment_intent": "pi_none"}, "resource_missing"),
    ],
)
def test_a_refund_needs_a_payment(api, params, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.refunds.create(params)

    assert refused.value.code == code


def test_an_unpaid_intent_cannot_be_refunded(api, pay):
    with pytest.raises(stripe.InvalidRequestError, match="successful charge"):
        api.refunds.create({"payment_intent": pay("4000000000000002")})


def test_a_refund_may_be_pending_first(api, sim, pay):
    refund = api.refunds.create({"payment_intent": pay("4000000000007726")})
    assert (refund.status, refund.pending_reason) == ("pending", "processing")

    sim.post("clock", {"advance": 120})

    assert api.refunds.retrieve(refund.id).status == "succeeded"
    told = sim.events("refund.updated")
    assert told[0]["data"]["previous_attributes"] == {
        "destination_details": {"card": {"type": "pending"}},
        "pending_reason": "processing",
        "status": "pending",
    }


def test_a_refund_may_fail_after_it_succeeded_and_then_be_tried_again(api, sim, pay):
    intent = pay("4000000000005126")
    refund = api.refunds.create({"payment_intent": intent})
    assert refund.status == "succeeded"

    sim.post("clock", {"advance": 120})

    failed = api.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert api.balance_transactions.retrieve(failed.failure_balance_transaction).amount == 42000
    assert charge_of(api, intent).amount_refunded == 0
    assert len(sim.events("refund.failed")) == len(sim.events("charge.refund.updated")) == 1
    assert api.refunds.create({"payment_intent": intent}).amount == 42000


def test_a_pending_refund_can_be_made_to_fail(api, sim, pay):
    intent = pay("4000000000007726")
    refund = api.refunds.create({"payment_intent": intent, "amount": 100})

    sim.post(f"refunds/{refund.id}", {"status": "failed", "failure_reason": "declined"})
    sim.post("clock", {"advance": 600})

    failed = api.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "declined")
    assert charge_of(api, intent).amount_refunded == 0


def test_metadata_of_a_refund_can_be_changed(api, sim, pay):
    refund = api.refunds.create({"payment_intent": pay(), "metadata": {"a": "1"}})

    changed = api.refunds.update(refund.id, {"metadata": {"a": "", "b": "2"}})

    assert changed.metadata.to_dict() == {"b": "2"}
    assert sim.events("refund.updated")[0]["data"]["previous_attributes"] == {"metadata": {"a": "1"}}


def test_only_a_refund_that_waits_can_be_canceled(api, sim, pay):
    intent = pay()
    refund = api.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError, match="can't cancel"):
        api.refunds.cancel(refund.id)

    sim.post(f"refunds/{refund.id}", {"status": "requires_action"})
    assert api.refunds.cancel(refund.id).status == "canceled"
    assert charge_of(api, intent).amount_refunded == 0


def test_a_charge_lists_its_refunds_when_asked(api, pay):
    intent = pay()
    refund = api.refunds.create({"payment_intent": intent, "amount": 5})

    charge = api.charges.retrieve(refund.charge, {"expand": ["refunds"]})

    assert [r.id for r in charge.refunds.data] == [refund.id]
