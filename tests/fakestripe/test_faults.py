"""Faults on order, and what a shop can find out afterwards."""

import time

import pytest
import requests
import stripe

PATH = "/v1/checkout/sessions"


def fault(kind, **more):
    return {"kind": kind, "path_prefix": PATH, **more}


def key(value="k1"):
    return {"idempotency_key": value}


def sessions(api):
    return len(api.checkout.sessions.list().data)


def test_a_429_does_nothing_and_keeps_nothing(api, sim, offer):
    sim.order_faults(fault("status_429"))

    with pytest.raises(stripe.RateLimitError):
        api.checkout.sessions.create(offer(), key())

    assert sessions(api) == 0
    assert api.checkout.sessions.create(offer(), key()).status == "open"


def test_a_500_before_the_work_leaves_the_key_free(api, sim, offer):
    sim.order_faults(fault("status_500", times=2))
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            api.checkout.sessions.create(offer(), key())

    assert sessions(api) == 0
    assert api.checkout.sessions.create(offer(), key()).status == "open"


def test_a_stored_500_sticks_to_its_key(api, sim, offer):
    sim.order_faults(fault("status_500", stored=True))
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            api.checkout.sessions.create(offer(), key())

    assert sessions(api) == 0
    assert api.checkout.sessions.create(offer(), key("k2")).status == "open"


def test_a_500_after_the_work_is_replayed_though_the_session_exists(api, sim, offer):
    sim.order_faults(fault("status_500_after_effect"))
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            api.checkout.sessions.create(offer(), key())

    assert sessions(api) == 1
    assert [r["replayed"] for r in sim.get(f"requests?method=POST&path={PATH}")] == [False, True]


def test_a_timeout_before_the_work_did_nothing(api, sim, offer):
    sim.order_faults(fault("timeout_before", seconds=0.2))

    with pytest.raises(stripe.APIConnectionError):
        api.checkout.sessions.create(offer(), key())

    assert sessions(api) == 0
    assert api.checkout.sessions.create(offer(), key()).status == "open"


def test_after_a_timeout_behind_the_work_the_key_finds_the_session(api, sim, offer):
    sim.order_faults(fault("timeout_after_effect", seconds=0.2))

    with pytest.raises(stripe.APIConnectionError):
        api.checkout.sessions.create(offer(), key())

    found = api.checkout.sessions.create(offer(), key())
    assert found.last_response.headers["Idempotent-Replayed"] == "true"
    assert sessions(api) == 1


def test_a_reset_tears_the_connection(api, sim, call):
    sim.order_faults(fault("reset", method="GET"))

    with pytest.raises(requests.ConnectionError, match=r"(?i)reset"):
        call("GET", PATH)
    assert sessions(api) == 0


def test_slowness_only_takes_time(api, sim, offer):
    sim.order_faults(fault("slow", seconds=0.3))

    started = time.monotonic()
    api.checkout.sessions.create(offer())

    assert time.monotonic() - started >= 0.3


def test_faults_hit_only_what_they_name(api, sim):
    sim.order_faults(fault("status_500"))

    api.payment_intents.create({"amount": 500, "currency": "eur"})

    assert sim.get("faults")[0]["times"] == 1
    sim.order_faults()
    assert sim.get("faults") == []


@pytest.mark.parametrize("wrong", [{"kind": "explode"}, {"kind": "reset", "tims": 1}, {}])
def test_a_misspelt_fault_is_refused(sim, wrong):
    with pytest.raises(AssertionError, match="400"):
        sim.order_faults(wrong)


def test_requests_are_logged_with_parameters_and_key(api, sim, offer):
    api.checkout.sessions.create(offer(client_reference_id="HF-1"), key())

    entry = sim.get(f"requests?method=POST&path={PATH}")[0]

    assert entry["params"]["client_reference_id"] == "HF-1"
    assert (entry["idempotency_key"], entry["status"], entry["replayed"]) == ("k1", 200, False)
