"""Strictness: what is not understood is refused, by name, and never ignored."""

import time

import pytest
import stripe

SESSIONS = "/v1/checkout/sessions"
GOOD = {
    "mode": "payment",
    "success_url": "http://shop.test/ok",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][unit_amount]": "5000",
    "line_items[0][price_data][product_data][name]": "Night",
}
LONG = "x" * 41


def test_the_form_used_below_is_good(call):
    assert call("POST", SESSIONS, GOOD).status_code == 200


def test_lists_may_be_sent_with_empty_brackets(call):
    changed = {name.replace("[0]", "[]"): value for name, value in GOOD.items()}

    answer = call("POST", SESSIONS, changed)

    assert answer.status_code == 200
    assert answer.json()["amount_total"] == 5000


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("sucess_url", "http://x.test", "parameter_unknown"),
        ("customer", "cus_1", "resource_missing"),
        ("line_items[0][colour]", "red", "parameter_unknown"),
        ("payment_intent_data[setup_future_usage]", "later", None),
        ("payment_intent_data[on_behalf_of]", "acct_1", "parameter_unknown"),
        ("line_items[0][price_data][unit_amount]", "12.50", "parameter_invalid_integer"),
        ("line_items[0][price_data][unit_amount]", "-1", "parameter_invalid_integer"),
        ("line_items[0][quantity]", "0", "parameter_invalid_integer"),
        ("line_items[0][price_data][unit_amount]", "49", "amount_too_small"),
        ("line_items[0][price_data][unit_amount]", "100000000", "amount_too_large"),
        ("client_reference_id", "", "parameter_invalid_empty"),
        ("customer_email", "nobody", "email_invalid"),
        ("cancel_url", "shop.test/back", "url_invalid"),
        ("submit_type", "bok", None),
        ("allow_promotion_codes", "yes", None),
        ("line_items", "one", None),
        ("metadata", "one", None),
        (f"metadata[{LONG}]", "1", None),
        ("metadata[a]", "x" * 501, None),
        ("expand", "line_items", None),
        ("mode", "gift", None),
        ("ui_mode", "elements", "parameter_unknown"),
        ("customer_creation", "never", None),
        ("invoice_creation[enabled]", "maybe", None),
    ],
)
def test_a_bad_parameter_is_named(call, name, value, code):
    form = {key: val for key, val in GOOD.items() if not (name == "line_items" and name in key)}

    answer = call("POST", SESSIONS, {**form, name: value})

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert error.get("code") == code
    expected = {"line_items[0][price_data][unit_amount]": ("line_items", name)}.get(name, (name,))
    assert error["param"] in expected


@pytest.mark.parametrize("name", ["mode", "success_url", "line_items[0][price_data][product_data][name]"])
def test_a_missing_parameter_is_named(call, name):
    form = {key: value for key, value in GOOD.items() if key != name}

    error = call("POST", SESSIONS, form).json()["error"]

    assert error["code"] == "parameter_missing"
    assert name.startswith(error["param"])


def test_a_name_used_as_value_and_as_hash_is_refused(call):
    assert call("POST", SESSIONS, {**GOOD, "metadata": "1", "metadata[a]": "1"}).status_code == 400


def test_unknown_parameters_of_a_get_are_refused(call):
    error = call("GET", "/v1/events?colour=red").json()["error"]

    assert (error["code"], error["param"]) == ("parameter_unknown", "colour")


def test_items_in_two_currencies_are_refused(api, offer):
    params = offer()
    params["line_items"].append(offer(currency="usd")["line_items"][0])

    with pytest.raises(stripe.InvalidRequestError, match="same currency"):
        api.checkout.sessions.create(params)


@pytest.mark.parametrize(("seconds", "words"), [(30 * 60 - 5, "at least 30 minutes"), (24 * 3600 + 60, "24 hours")])
def test_expiry_lies_between_30_minutes_and_24_hours(api, offer, seconds, words):
    with pytest.raises(stripe.InvalidRequestError, match=words) as refused:
        api.checkout.sessions.create(offer(expires_at=int(time.time()) + seconds))

    assert refused.value.param == "expires_at"


def test_expiry_is_measured_by_the_simulators_clock(api, offer, sim):
    sim.post("clock", {"advance": 3600})

    with pytest.raises(stripe.InvalidRequestError, match="at least 30 minutes"):
        api.checkout.sessions.create(offer(expires_at=int(time.time()) + 3600))


def test_payment_method_types_is_gone_since_endive(sim, connect, offer):
    params = offer(payment_method_types=["card"])

    old = connect(sim.url, stripe_version="2026-08-26.dahlia")
    assert old.checkout.sessions.create(params).payment_method_types == ["card"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        connect(sim.url).checkout.sessions.create(params)
    assert (refused.value.code, refused.value.param) == (
        "parameter_unknown",
        "payment_method_types",
    )


def test_payment_method_types_without_a_version_is_accepted(call):
    assert call("POST", SESSIONS, {**GOOD, "payment_method_types[0]": "card"}).status_code == 200


def test_payment_method_types_of_an_intent_has_its_own_code(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.create({"amount": 500, "currency": "eur", "payment_method_types": ["card"]})

    assert refused.value.code == "payment_method_types_no_longer_supported"


@pytest.mark.parametrize(("amount", "currency"), [(5124, "kwd"), (50050, "isk"), (5000, "xyz")])
def test_amounts_that_a_currency_cannot_have_are_refused(api, offer, amount, currency):
    with pytest.raises(stripe.InvalidRequestError):
        api.checkout.sessions.create(offer(amount, currency))
