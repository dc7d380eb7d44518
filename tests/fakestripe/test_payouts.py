"""Payouts: what is available goes to the bank, each entry once, and the payout can say which entries it holds."""

import pytest
from stripe import InvalidRequestError

DAY = 24 * 3600


@pytest.fixture
def pay(api, sim, offer):
    def make(**changes):
        return sim.pay(api.checkout.sessions.create(offer(**changes)).id)["payment_intent"]["id"]

    return make


def test_what_is_pending_is_not_paid_out(sim, pay):
    pay()

    assert sim.post("payouts", {}) == []


def test_a_payout_holds_its_entries_and_leaves_nothing_available(api, sim, pay):
    intent = pay()
    sim.post("clock", {"advance": 3 * DAY})
    api.refunds.create({"payment_intent": intent, "amount": 5000})
    pay()

    (made,) = sim.post("payouts", {})

    entries = api.balance_transactions.list({"payout": made["id"]}).data
    assert [entry.type for entry in entries] == ["payout", "refund", "charge"]
    assert sum(entry.net for entry in entries) == 0
    assert made["amount"] == -entries[0].amount == entries[1].net + entries[2].net
    assert [entry.amount for entry in api.balance.retrieve()["available"]] == [0]
    assert api.payouts.retrieve(made["id"]).to_dict() == made
    assert made["status"] == "paid"
    for told in ("payout.created", "payout.paid", "payout.reconciliation_completed"):
        assert len(sim.events(told)) == 1


def test_each_entry_is_paid_out_once_and_each_currency_by_itself(api, sim, pay):
    pay()
    pay(
        line_items=[
            {"price_data": {"currency": "jpy", "unit_amount": 9000, "product_data": {"name": "x"}}, "quantity": 1}
        ]
    )
    sim.post("clock", {"advance": 3 * DAY})

    made = sim.post("payouts", {})

    assert {payout["currency"] for payout in made} == {"eur", "jpy"}
    assert sim.post("payouts", {}) == []
    assert {payout.id for payout in api.payouts.list({"status": "paid"}).data} == {payout["id"] for payout in made}


def test_less_than_nothing_is_not_paid_out(api, sim, pay):
    intent = pay()
    sim.post("clock", {"advance": 3 * DAY})
    sim.post("payouts", {})
    api.refunds.create({"payment_intent": intent})

    assert sim.post("payouts", {}) == []


def test_an_unknown_payout_is_not_found(api):
    for ask in (lambda: api.payouts.retrieve("po_none"), lambda: api.balance_transactions.list({"payout": "po_none"})):
        with pytest.raises(InvalidRequestError) as refused:
            ask()
        assert refused.value.code == "resource_missing"
