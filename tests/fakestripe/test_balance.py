"""The balance: always the sum of its entries; pending first, available two days later."""

import pytest

DAY = 24 * 3600


@pytest.fixture
def pay(api, sim, offer):
    def make(card="4242424242424242", **changes):
        session = api.checkout.sessions.create(offer(**changes))
        return sim.pay(session.id, card=card)["payment_intent"]["id"]

    return make


def amounts(api):
    balance = api.balance.retrieve()
    return {
        name: {entry.currency: entry.amount for entry in balance[name] if entry.amount}
        for name in ("available", "pending")
    }


def test_an_empty_balance_is_nothing_in_the_accounts_currency(api):
    balance = api.balance.retrieve().to_dict()

    assert balance["available"] == [{"amount": 0, "currency": "eur", "source_types": {"card": 0}}]
    assert (balance["object"], balance["livemode"]) == ("balance", False)


def test_a_payment_is_pending_for_two_days_and_then_available(api, sim, pay):
    pay()
    net = api.balance_transactions.list().data[0].net
    assert amounts(api) == {"available": {}, "pending": {"eur": net}}

    sim.post("clock", {"advance": 2 * DAY})

    entry = api.balance_transactions.list().data[0]
    assert amounts(api) == {"available": {"eur": net}, "pending": {}}
    assert entry.status == "available"
    assert entry.available_on % DAY == 0
    told = sim.events("balance.available")
    assert [e["data"]["object"]["available"][0]["amount"] for e in told] == [net]


def test_a_refund_of_pending_money_is_taken_from_what_is_pending(api, pay):
    api.refunds.create({"payment_intent": pay(), "amount": 20000})

    entries = api.balance_transactions.list().data
    assert [entry.amount for entry in entries] == [-20000, 42000]
    assert amounts(api) == {"available": {}, "pending": {"eur": sum(entry.net for entry in entries)}}


def test_a_refund_of_available_money_is_taken_at_once(api, sim, pay):
    intent = pay()
    sim.post("clock", {"advance": 2 * DAY})
    before = amounts(api)["available"]["eur"]

    api.refunds.create({"payment_intent": intent, "amount": 20000})

    assert amounts(api) == {"available": {"eur": before - 20000}, "pending": {}}
    assert api.balance_transactions.list().data[0].status == "available"


def test_each_currency_has_its_own_balance(api, pay):
    pay()
    pay(amount=500000, currency="czk")

    sums = {entry.currency: entry.net for entry in api.balance_transactions.list().data}
    assert amounts(api)["pending"] == sums
    assert set(sums) == {"eur", "czk"}


def test_the_card_that_skips_pending_is_available_at_once(api, pay):
    pay("4000000000000077")

    assert set(amounts(api)["available"]) == {"eur"}
    assert amounts(api)["pending"] == {}


def test_the_money_of_one_day_becomes_available_together(api, sim, pay):
    for _ in range(3):
        pay()

    sim.post("clock", {"advance": 3 * DAY})

    assert len(sim.events("balance.available")) == 1
    assert {entry.status for entry in api.balance_transactions.list().data} == {"available"}


def test_entries_are_listed_by_source_type_and_currency(api, pay):
    intent = pay()
    refund = api.refunds.create({"payment_intent": intent, "amount": 100})

    def ids(**filters):
        return [entry.id for entry in api.balance_transactions.list(filters).data]

    assert ids(source=refund.id) == ids(type="refund") == [refund.balance_transaction]
    assert len(ids(currency="eur")) == 2
    assert ids(currency="usd") == []
