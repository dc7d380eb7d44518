"""The promises of docs.stripe.com/api/idempotent_requests, one by one."""

import threading

import pytest
import stripe

SESSIONS = "/v1/checkout/sessions"


def keyed(key: str) -> dict[str, str]:
    return {"idempotency_key": key}


def test_the_same_request_gives_the_same_session_and_makes_one(api, offer):
    first = api.checkout.sessions.create(offer(), keyed("k1"))
    second = api.checkout.sessions.create(offer(), keyed("k1"))

    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(api.checkout.sessions.list().data) == 1


def test_the_replay_is_the_old_answer_even_after_the_session_moved_on(api, offer, sim):
    first = api.checkout.sessions.create(offer(), keyed("k1"))
    sim.pay(first.id)

    replayed = api.checkout.sessions.create(offer(), keyed("k1"))

    assert replayed.status == "open"
    assert replayed.last_response.body == first.last_response.body


def test_other_parameters_under_the_key_are_an_idempotency_error(api, offer):
    api.checkout.sessions.create(offer(), keyed("k1"))

    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        api.checkout.sessions.create(offer(43000), keyed("k1"))


def test_another_endpoint_under_the_key_is_an_idempotency_error(api, offer):
    api.checkout.sessions.create(offer(), keyed("k1"))

    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        api.payment_intents.create({"amount": 500, "currency": "eur"}, keyed("k1"))


def test_a_refusal_of_the_parameters_is_not_kept(api, offer):
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.create(offer(expires_at=1), keyed("k1"))

    assert api.checkout.sessions.create(offer(), keyed("k1")).status == "open"


def test_a_refusal_by_the_endpoint_is_kept(api, offer, sim):
    paid = sim.pay(api.checkout.sessions.create(offer()).id)["payment_intent"]
    params = {"payment_intent": paid["id"], "amount": 99999}
    statuses = []

    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            api.refunds.create(params, keyed("r1"))
        statuses.append(refused.value.headers.get("Idempotent-Replayed"))

    assert statuses == [None, "true"]


def test_a_declined_confirmation_is_kept_and_charged_once(api):
    params = {
        "amount": 500,
        "currency": "eur",
        "confirm": True,
        "payment_method": "pm_card_visa_chargeDeclined",
    }

    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.payment_intents.create(params, keyed("p1"))

    assert len(api.charges.list().data) == 1


def test_a_second_request_while_the_first_runs_gets_409(call, sim, offer):
    sim.order_faults({"kind": "slow", "path_prefix": "/v1/payment_intents", "seconds": 0.8})
    form = {"amount": "500", "currency": "eur"}
    answers = []

    def ask() -> None:
        answers.append(call("POST", "/v1/payment_intents", form, Idempotency_Key="k1"))

    first = threading.Thread(target=ask)
    first.start()
    sim.wait_for(lambda: [r for r in sim.get("requests") if r["fault"] == "slow"])
    clash = call("POST", "/v1/payment_intents", form, Idempotency_Key="k1")
    first.join()

    assert clash.status_code == 409
    assert answers[0].status_code == 200
    again = call("POST", "/v1/payment_intents", form, Idempotency_Key="k1")
    assert again.json()["id"] == answers[0].json()["id"]


def test_twenty_at_once_make_one_object(call, api):
    form = {"amount": "500", "currency": "eur"}
    answers = []

    def ask() -> None:
        answers.append(call("POST", "/v1/payment_intents", form, Idempotency_Key="k1"))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 200}) == 1
    assert len(api.payment_intents.list().data) == 1


def test_a_key_is_forgotten_after_24_hours(api, sim):
    params = {"amount": 500, "currency": "eur"}
    first = api.payment_intents.create(params, keyed("k1"))

    sim.post("clock", {"advance": 23 * 3600})
    assert api.payment_intents.create(params, keyed("k1")).id == first.id
    sim.post("clock", {"advance": 2 * 3600})
    assert api.payment_intents.create(params, keyed("k1")).id != first.id


def test_a_key_may_have_255_characters_and_no_more(api):
    params = {"amount": 500, "currency": "eur"}
    api.payment_intents.create(params, keyed("k" * 255))

    with pytest.raises(stripe.InvalidRequestError, match="255"):
        api.payment_intents.create(params, keyed("k" * 256))
