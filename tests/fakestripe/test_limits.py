"""Answers under load and answers that make no sense: rate limits, locks, garbage."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import stripe

from fakestripe.limits import RateLimit

PRODUCT = {"name": "Seaview Cottage"}


def test_a_second_takes_so_many_requests_and_the_next_one_again():
    moments = iter([0.0, 0.1, 0.2, 0.3, 0.99, 1.0, 1.05, 1.1])
    limit = RateLimit(3, now=lambda: next(moments))

    assert [limit.take() for _ in range(8)] == [True, True, True, False, False, True, False, True]
    assert limit.show() == {"per_second": 3, "refused": 3}


def test_beyond_the_limit_the_answer_is_429_and_nothing_is_done(api, sim, call):
    sim.post("limits", {"per_second": 1})

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: call("POST", "/v1/products", data=PRODUCT), range(20)))
    refused = [a for a in answers if a.status_code == 429]
    seen = sim.get("limits")
    sim.post("limits", {"per_second": None})

    assert len(refused) == seen["refused"] >= 1
    assert refused[0].json()["error"]["code"] == "rate_limit"
    assert refused[0].json()["error"]["type"] == "invalid_request_error"
    assert refused[0].headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert len(api.products.list({"limit": 100}).data) == 20 - len(refused)


def test_a_key_that_met_the_limit_is_free(api, sim):
    key = {"idempotency_key": "k"}
    sim.order_faults({"kind": "status_429"})
    with pytest.raises(stripe.RateLimitError):
        api.products.create(PRODUCT, key)

    assert api.products.create(PRODUCT, key).name == PRODUCT["name"]


def test_the_limit_comes_from_the_command_line_and_back_with_a_reset(launch):
    process = launch("--rate-limit", "1")
    url = f"{process.url}/_fake"

    requests.post(f"{url}/limits", json={"per_second": None}, timeout=5)
    assert requests.get(f"{url}/limits", timeout=5).json()["per_second"] is None
    requests.post(f"{url}/reset", timeout=5)
    limit = requests.get(f"{url}/limits", timeout=5).json()
    process.stop()

    assert limit == {"per_second": 1, "refused": 0}


def test_without_an_order_there_is_no_limit(call, sim):
    answers = {call("GET", "/v1/products").status_code for _ in range(40)}

    assert answers == {200}
    assert sim.get("limits")["per_second"] is None


@pytest.mark.parametrize("wrong", [{}, {"per_second": 0}, {"per_second": "many"}, {"per_minute": 5}])
def test_a_misspelt_limit_is_refused(sim, wrong):
    with pytest.raises(AssertionError, match="400"):
        sim.post("limits", wrong)


def test_a_locked_object_answers_429_with_its_own_code(api, sim):
    sim.order_faults({"kind": "lock_timeout", "path": "/v1/products"})

    with pytest.raises(stripe.RateLimitError) as refused:
        api.products.create(PRODUCT)

    assert refused.value.error.code == "lock_timeout"
    assert api.products.list().data == []


def test_garbage_hides_an_answer_that_the_key_still_finds(api, sim, call):
    sim.order_faults({"kind": "garbage", "path": "/v1/products"})

    garbage = call("POST", "/v1/products", data=PRODUCT, Idempotency_Key="k")
    again = call("POST", "/v1/products", data=PRODUCT, Idempotency_Key="k")

    assert (garbage.status_code, garbage.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(requests.JSONDecodeError):
        garbage.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [p.id for p in api.products.list().data] == [again.json()["id"]]


def test_the_library_takes_garbage_for_an_error_of_the_api(api, sim):
    sim.order_faults({"kind": "garbage", "method": "GET"})

    with pytest.raises(stripe.APIError):
        api.products.list()


def test_a_fault_can_wait_for_the_third_call_of_any_method(api, sim, call):
    sim.order_faults({"kind": "status_500", "method": "*", "path": "/v1/products", "skip": 2})

    statuses = [call(m, "/v1/products", data=PRODUCT if m == "POST" else None).status_code for m in ("GET", "POST") * 2]

    assert statuses == [200, 200, 500, 200]


def test_a_whole_path_hits_no_other(api, sim):
    sim.order_faults({"kind": "status_500", "method": "GET", "path": "/v1/products"})
    product = api.products.create(PRODUCT)

    assert api.products.retrieve(product.id).id == product.id
    with pytest.raises(stripe.APIError):
        api.products.list()


@pytest.mark.parametrize("wrong", [{"times": -1}, {"times": "twice"}, {"seconds": None}, {"method": 5}])
def test_a_fault_that_makes_no_sense_is_refused(sim, wrong):
    with pytest.raises(AssertionError, match="400"):
        sim.order_faults({"kind": "reset", **wrong})
