"""Many at once: a session is paid once, a charge is never refunded beyond itself, expiry wins or loses whole."""

import threading
from collections import Counter

import pytest
import requests

CROWD = 50


@pytest.fixture
def together():
    """Run the same call many times at the same moment; gives what each one gave."""

    def run(call, times=CROWD):
        gate, given = threading.Barrier(times), []

        def one(number):
            gate.wait()
            given.append(call(number))

        threads = [threading.Thread(target=one, args=(number,)) for number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(given) == times
        return given

    return run


def submit(session, form):
    return requests.post(session.url, data=form, allow_redirects=False, timeout=60)


def everything(service, **filters):
    return list(service.list({"limit": 100, **filters}).auto_paging_iter())


def test_fifty_submits_pay_once(api, sim, offer, card_form, together):
    session = api.checkout.sessions.create(offer())

    answers = together(lambda _: submit(session, card_form()))

    assert {(a.status_code, a.headers["Location"]) for a in answers} == {(303, f"http://shop.test/ok?s={session.id}")}
    assert [charge.status for charge in everything(api.charges)] == ["succeeded"]
    assert len(everything(api.payment_intents)) == 1
    assert len(sim.events("checkout.session.completed")) == 1
    assert [entry.amount for entry in everything(api.balance_transactions)] == [42000]


def test_fifty_submits_of_different_cards_pay_at_most_once(api, offer, card_form, together):
    """Half of them are declined, which leaves the session open for the others."""
    session = api.checkout.sessions.create(offer())
    cards = ["4000 0000 0000 0002", "4242 4242 4242 4242"]

    together(lambda number: submit(session, card_form(cards[number % 2])))

    charges = Counter(charge.status for charge in everything(api.charges))
    assert charges["succeeded"] == 1
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_fifty_answers_to_3d_secure_charge_once(api, sim, offer, card_form, together):
    session = api.checkout.sessions.create(offer())
    challenge = sim.url + submit(session, card_form("4000 0027 6000 3184")).headers["Location"]

    together(lambda _: requests.post(challenge, data={"answer": "complete"}, allow_redirects=False, timeout=60))

    assert [charge.status for charge in everything(api.charges)] == ["succeeded"]
    assert len(sim.events("payment_intent.succeeded")) == 1


@pytest.mark.parametrize("amount", [1000, 900, 42000])
def test_fifty_refunds_never_give_back_more_than_was_paid(api, call, sim, offer, together, amount):
    session = api.checkout.sessions.create(offer())
    intent = sim.pay(session.id)["payment_intent"]["id"]
    form = {"payment_intent": intent, "amount": str(amount)}

    answers = together(lambda _: call("POST", "/v1/refunds", form))

    possible = min(CROWD, 42000 // amount)
    assert Counter(a.status_code for a in answers) == Counter({200: possible, 400: CROWD - possible})
    charge = everything(api.charges)[0]
    assert charge.amount_refunded == possible * amount == sum(r.amount for r in everything(api.refunds))
    assert charge.amount_refunded <= charge.amount


def test_fifty_refunds_under_one_key_are_one(api, call, sim, offer, together):
    session = api.checkout.sessions.create(offer())
    intent = sim.pay(session.id)["payment_intent"]["id"]
    form = {"payment_intent": intent, "amount": "1000"}

    answers = together(lambda _: call("POST", "/v1/refunds", form, Idempotency_Key="refund-4711"))

    assert {a.status_code for a in answers} <= {200, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 200}) == 1
    assert len(everything(api.refunds)) == 1


def test_a_session_is_either_expired_or_paid_however_closely_they_meet(api, call, sim, offer, card_form, together):
    sessions = [api.checkout.sessions.create(offer()) for _ in range(10)]

    def race(number):
        session = sessions[number // 4]
        if number % 4:
            return submit(session, card_form()).status_code
        return call("POST", f"/v1/checkout/sessions/{session.id}/expire").status_code

    together(race, 4 * len(sessions))

    for session in everything(api.checkout.sessions):
        succeeded = [c for c in everything(api.charges, payment_intent=session.payment_intent) if c.paid]
        expected = {"complete": ("paid", 1), "expired": ("unpaid", 0)}[session.status]
        assert (session.payment_status, len(succeeded) if session.payment_intent else 0) == expected
    ended = Counter(e["data"]["object"]["id"] for e in sim.events("checkout.session.completed"))
    ended += Counter(e["data"]["object"]["id"] for e in sim.events("checkout.session.expired"))
    assert ended == Counter(session.id for session in sessions)


def test_fifty_submits_on_an_expired_session_pay_nothing(api, sim, offer, card_form, together):
    session = api.checkout.sessions.create(offer())
    sim.post("clock", {"advance": 24 * 3600 + 1})

    answers = together(lambda _: submit(session, card_form()))

    assert {a.status_code for a in answers} == {200}
    assert all("expired" in a.text for a in answers)
    assert everything(api.charges) == everything(api.payment_intents) == []


def test_the_clock_may_leap_while_guests_pay(api, sim, offer, card_form, together):
    """Whoever was in time has paid, whoever was not has not; nobody is in between."""
    sessions = [api.checkout.sessions.create(offer()) for _ in range(CROWD)]

    def race(number):
        if number == CROWD // 2:
            return sim.post("clock", {"advance": 24 * 3600 + 1})
        return submit(sessions[number], card_form())

    together(race)

    outcomes = Counter((s.status, s.payment_status) for s in everything(api.checkout.sessions))
    assert set(outcomes) <= {("complete", "paid"), ("expired", "unpaid")}
    assert len(everything(api.charges)) == outcomes["complete", "paid"]


def test_every_event_of_a_crowd_arrives_once(api, sim, shop, offer, together):
    def book(_):
        return sim.pay(api.checkout.sessions.create(offer()).id)

    together(book, 20)
    sim.quiet()

    heard = Counter(heard.event["id"] for heard in shop.heard)
    assert set(heard) == {event["id"] for event in sim.get("events")}
    assert set(heard.values()) == {1}
