"""`Stripe-Version`, and answers in Stripe's form whatever method and path were asked for."""

import http.client
import json
from datetime import UTC, datetime, timedelta

import pytest

KEY = "sk_test_grace"


@pytest.mark.parametrize("version", ["2026-10-28.endive", "2025-03-31.basil", "2024-06-20", "2011-01-01"])
def test_published_versions_are_taken_and_echoed(call, version):
    answer = call("GET", "/v1/events", Stripe_Version=version)

    assert answer.status_code == 200
    assert answer.headers["Stripe-Version"] == version


@pytest.mark.parametrize(
    "version", ["2026-10-27.endive", "2025-12-24.basil", "2024-06-21", "latest", "2099-01-01.zebra"]
)
def test_a_version_nobody_published_is_refused(call, version):
    answer = call("GET", "/v1/events", Stripe_Version=version)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == f"Invalid Stripe API version: {version}"


def test_a_version_published_since_is_taken(call):
    today = datetime.now(UTC).date()
    if today <= datetime(2026, 10, 28, tzinfo=UTC).date():
        pytest.skip("this machine's clock is behind the newest version")

    newer = call("GET", "/v1/events", Stripe_Version=f"{today}.endive")
    future = call("GET", "/v1/events", Stripe_Version=f"{today + timedelta(days=40)}.endive")

    assert (newer.status_code, future.status_code) == (200, 400)


def test_the_version_decides_call_by_call(call):
    form = {"amount": "500", "currency": "eur", "payment_method_types[]": "card"}

    older = call("POST", "/v1/payment_intents", data=form, Stripe_Version="2026-08-26.dahlia")
    newer = call("POST", "/v1/payment_intents", data=form, Stripe_Version="2026-10-28.endive")

    assert (older.status_code, newer.status_code) == (200, 400)


def raw(sim, method, path, body=b"", **headers):
    """A request no library would send."""
    connection = http.client.HTTPConnection(sim.url.removeprefix("http://"), timeout=10)
    connection.request(method, path, body, {"Authorization": f"Bearer {KEY}", **headers})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
@pytest.mark.parametrize("path", ["/v1/products", "/v1", "/v1/", "/v1/no/such/thing", "/v1//products", "/v1/products/"])
def test_any_method_on_any_path_is_answered_in_stripes_form(sim, method, path):
    answer, text = raw(sim, method, path)

    error = json.loads(text)["error"]
    assert (answer.status, error["type"]) == (404, "invalid_request_error")
    assert f"Unrecognized request URL ({method}: {path})" in error["message"]
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Content-Type"] == "application/json"


def test_a_head_request_gets_no_page(sim):
    answer, text = raw(sim, "HEAD", "/v1/products")

    assert (answer.status, text) == (404, b"")


def test_a_trailing_slash_is_explained(call):
    answer = call("GET", "/v1/customers/")

    assert answer.status_code == 404
    assert "valid (non-empty) identifier" in answer.json()["error"]["message"]


def test_a_missing_key_comes_before_a_wrong_path(sim):
    answer, text = raw(sim, "PUT", "/v1/nothing", Authorization="")

    assert answer.status == 401
    assert json.loads(text)["error"]["type"] == "invalid_request_error"


def test_another_account_is_out_of_reach(api, call):
    own = api.accounts.retrieve_current().id

    assert call("GET", "/v1/events", Stripe_Account=own).status_code == 200
    refused = call("GET", "/v1/events", Stripe_Account="acct_other")

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "account_invalid")
    assert api.accounts.retrieve(own).id == own
