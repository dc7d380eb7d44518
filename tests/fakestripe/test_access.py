"""Who may talk to the simulator, and in which form."""

import base64

import pytest
import requests
import stripe


def test_a_call_without_a_key_is_refused(sim):
    answer = requests.get(f"{sim.url}/v1/events", timeout=5)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize("key", ["sk_live_abcdef", "rk_live_abcdef"])
def test_a_live_key_is_refused_with_a_clear_message(sim, connect, key):
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys"):
        connect(sim.url, key).events.list()


@pytest.mark.parametrize("key", ["nonsense", "pk_test_abc", "sk_test_"])
def test_other_keys_are_refused(sim, connect, key):
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        connect(sim.url, key).events.list()


def test_restricted_test_keys_and_basic_authentication_are_accepted(sim, connect):
    connect(sim.url, "rk_test_abc").events.list()
    basic = base64.b64encode(b"sk_test_abc:").decode()

    answer = requests.get(f"{sim.url}/v1/events", headers={"Authorization": f"Basic {basic}"}, timeout=5)

    assert answer.status_code == 200


def test_an_unknown_url_is_a_404(call):
    answer = call("GET", "/v1/no_such_thing")

    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/no_such_thing)" in answer.text


def test_json_bodies_are_refused(call):
    answer = call("POST", "/v1/refunds", data='{"a": 1}', Content_Type="application/json")

    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json()["error"]["message"]


def test_the_version_sent_is_echoed(call):
    answer = call("GET", "/v1/events", Stripe_Version="2026-10-28.endive")

    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"


def test_the_account_can_be_read(api):
    account = api.accounts.retrieve_current()

    assert account.id.startswith("acct_")
    assert account.charges_enabled
