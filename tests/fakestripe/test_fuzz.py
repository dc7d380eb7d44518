"""Nonsense in: under `/v1` each answer is JSON, and a refusal has Stripe's envelope; nothing makes it a 500."""

import json
import re
import socket
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import fakestripe
from fakestripe.options import Options
from fakestripe.resources import OPERATIONS
from tests.support.nonsense import (
    HEADERS,
    KINDS,
    NAMES,
    TREES,
    WORDS,
    Known,
    fields_of,
    forms_for,
    kind_called,
    known,
    values_for,
)

KEY = {"Authorization": "Bearer sk_test_fuzz"}
FORM = "application/x-www-form-urlencoded"
ARGUMENT = re.compile(r"\{\w+\}")
EXAMPLES = 30
FUZZ = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
FIELDS = (
    "method email cardNumber cardExpiry cardCvc billingName billingCountry billingPostalCode iban card answer status "
    "outcome advance number:advance text:status flag:x path body times order mode url secrets kind endpoint seconds "
    "delay_ms q limit page beyond next back"
).split()


@pytest.fixture
def world():
    """One simulator for all examples of a test, with a few objects of every kind."""
    app = fakestripe.create_app(Options(background=False, seed=3, redirect_hold=0))
    client = app.test_client()
    for fill in (_sell, _dispute, _shelve, _subscribe):
        fill(client)
    return app.extensions["fakestripe"], client


def _make(client, path, form):
    answer = client.post(f"/v1/{path}", data=dict(fields_of(form, {})), headers=KEY)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json["id"]


def _sell(client):
    price = {"currency": "eur", "unit_amount": 4200, "product_data": {"name": "Cottage"}}
    form = {
        "mode": "payment",
        "success_url": "http://shop.test",
        "line_items": {"0": {"price_data": price, "quantity": 1}},
    }
    paid, debited, _ = [_make(client, "checkout/sessions", form) for _ in range(3)]
    intent = client.post(f"/_fake/sessions/{paid}/pay", json={"wait": False}).json["payment_intent"]["id"]
    client.post(f"/_fake/sessions/{debited}/pay", json={"method": "sepa_debit", "wait": False})
    _make(client, "refunds", {"payment_intent": intent, "amount": 200})


def _dispute(client):
    intent = {"amount": 500, "currency": "eur", "confirm": "true", "return_url": "http://shop.test"}
    for token in ("pm_card_createDispute", "pm_card_visa"):
        _make(client, "payment_intents", {**intent, "payment_method": token, "capture_method": "automatic"})
    _make(client, "payment_intents", {**intent, "payment_method": "pm_card_visa", "capture_method": "manual"})
    _make(client, "payment_intents", {"amount": 700, "currency": "eur"})
    client.post("/_fake/clock", json={"advance": 60})


def _shelve(client):
    _make(client, "setup_intents", {"payment_method": "pm_card_visa"})
    for word in ("first", "second"):
        _make(client, "products", {"name": f"The {word} cottage"})
    _make(client, "payment_methods", {"type": "card", "card": {"token": "tok_visa"}})
    _make(client, "webhook_endpoints", {"url": "http://127.0.0.1:9/hook", "enabled_events": {"0": "customer.created"}})
    _make(client, "billing_portal/configurations", {"features": {"invoice_history": {"enabled": "true"}}})


def _subscribe(client):
    recurring = {"interval": "month"}
    product = {"name": "Friends of the cottage"}
    price = {"currency": "eur", "unit_amount": 900, "recurring": recurring, "product_data": product}
    prices = [_make(client, "prices", price) for _ in range(2)]
    _make(client, "prices", {"currency": "eur", "unit_amount": 500, "product_data": product})
    for _ in range(2):
        customer = _make(client, "customers", {"email": "grace@example.com", "payment_method": "pm_card_visa"})
        method = client.get(f"/v1/customers/{customer}/payment_methods", headers=KEY).json["data"][0]["id"]
        _make(client, f"customers/{customer}", {"invoice_settings": {"default_payment_method": method}})
        _make(client, "subscriptions", {"customer": customer, "items": {"0": {"price": prices[0]}}})
        _make(client, "invoiceitems", {"customer": customer, "amount": 300, "currency": "eur"})
        _make(client, "invoices", {"customer": customer})


def check(answer):
    assert answer.status_code < 500, answer.text
    assert answer.content_type == "application/json"
    body = json.loads(answer.data)
    assert answer.headers["Request-Id"].startswith("req_")
    if answer.status_code >= 400:
        assert body["error"]["type"] in ("invalid_request_error", "idempotency_error", "card_error")
        assert body["error"]["message"]
    else:
        assert body


EXPANDABLE = (
    "data payment_intent latest_charge balance_transaction customer refunds line_items source charge price product "
    "invoice subscription default_payment_method payment_method latest_invoice confirmation_secret payments lines "
    "invoice_settings subscriptions setup_intent latest_attempt pending_setup_intent items discounts"
).split()
PATHS = st.lists(st.sampled_from(EXPANDABLE), min_size=1, max_size=5).map(".".join)
EXPANDED = st.one_of(st.just([]), st.just([]), st.lists(PATHS, max_size=2))


PRICE = {"currency": "eur", "unit_amount": 4200, "product_data": {"name": "Cottage"}}
MONTHLY = {"currency": "eur", "unit_amount": 900, "product": Known("product", 0), "recurring": {"interval": "month"}}
CUSTOMER = Known("customer", 9)
GOOD = {
    "/v1/checkout/sessions": {
        "mode": "payment",
        "success_url": "http://shop.test",
        "line_items": {"0": {"price_data": PRICE, "quantity": 1}},
    },
    "/v1/prices": {"currency": "eur", "unit_amount": 900, "product": Known("product", 0)},
    "/v1/payment_intents": {"amount": 500, "currency": "eur", "payment_method": "pm_card_visa", "confirm": "true"},
    "/v1/payment_methods": {"type": "card", "card": {"token": "tok_visa"}},
    "/v1/payment_methods/{payment_method}/attach": {"customer": CUSTOMER},
    "/v1/refunds": {"payment_intent": Known("payment_intent", 0), "amount": 1},
    "/v1/subscriptions": {"customer": CUSTOMER, "items": {"0": {"price_data": MONTHLY}}},
    "/v1/invoiceitems": {"customer": CUSTOMER, "amount": 300, "currency": "eur"},
    "/v1/invoices": {"customer": CUSTOMER},
    "/v1/invoices/create_preview": {"customer": CUSTOMER},
    "/v1/billing_portal/sessions": {"customer": CUSTOMER},
    "/v1/billing_portal/configurations": {"features": {"invoice_history": {"enabled": "true"}}},
    "/v1/webhook_endpoints": {"url": "http://127.0.0.1:9/hook", "enabled_events": {"0": "*"}},
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_no_parameters_break_an_endpoint(world, operation):
    """Values of the right type and of the wrong one, with ids of things that exist."""
    simulator, client = world
    parts = operation.path.split("/")
    arguments = [kind_called(parts[n - 1]) for n, part in enumerate(parts) if ARGUMENT.match(part)]
    own = kind_called(parts[-1])

    @settings(FUZZ, max_examples=EXAMPLES)
    @given(st.tuples(*(known(kind or "nothing") for kind in arguments)), good_or_bad(operation, own), EXPANDED)
    def ask(named, form, expand):
        ids = known_ids(simulator)
        path = operation.path
        for argument in named:
            path = ARGUMENT.sub(argument.find(ids), path, count=1)
        body = urlencode([*fields_of(form, ids), *(("expand[]", name) for name in expand)])
        asked = {"query_string": body} if operation.method == "GET" else {"data": body, "content_type": FORM}
        check(client.open(path, method=operation.method, headers=KEY, **asked))

    ask()


def good_or_bad(operation, own):
    """Made up from nothing, or something good with a few members more or other."""
    made_up = forms_for(operation.params, own)
    good = GOOD.get(operation.path) if operation.method == "POST" else None
    return st.one_of(made_up, st.builds(lambda extra: {**good, **extra}, few_of(operation, own))) if good else made_up


def few_of(operation, own):
    """One or two of the members it takes, by themselves."""
    members = {name: st.one_of(values_for(param, name, own), WORDS) for name, param in operation.params.members.items()}
    chosen = st.sets(st.sampled_from(sorted(members)), max_size=2)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: members[name] for name in names}))


def known_ids(simulator):
    """The oldest and the newest of each kind."""
    ids = {}
    for kind in [*KINDS, "checkout.session", "billing_portal.configuration"]:
        records = [*simulator.store.pick(kind, bool, 3, newest_first=False), *simulator.store.pick(kind, bool, 5)]
        ids[kind] = [record["id"] for record in records]
    return ids


@settings(FUZZ, max_examples=400)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]),
    path=st.one_of(
        st.sampled_from([ARGUMENT.sub("pi_x", o.path) for o in OPERATIONS]),
        st.text(max_size=30).map(lambda t: "/v1/" + t.encode("utf-8", "ignore").decode()),
        st.sampled_from(
            ["/v1", "/v1/", "/v1//", "/v1/../v1/x", "/v1/%00", "/v1/charges/", "/v1/Charges", "/v1/" + "a/" * 300]
        ),
    ),
    body=st.one_of(
        st.binary(max_size=60), TREES.map(json.dumps).map(str.encode), st.text("[]=&%a0", max_size=40).map(str.encode)
    ),
    query=st.text("[]=&%a0+", max_size=30),
    headers=HEADERS,
)
def test_no_method_path_body_or_header_breaks_the_api(world, method, path, body, query, headers):
    _, client = world
    latin = {name: value.encode().decode("latin-1") for name, value in headers.items()}

    answer = client.open(path, method=method, data=body, query_string=query, headers={**KEY, **latin})

    if answer.status_code == 308:  # "/v1" and "//" are tidied away before anything is read
        return
    if method == "HEAD":
        assert answer.status_code < 500
        return
    check(answer)


@pytest.mark.parametrize(
    "body",
    [
        "a" + "[b]" * 20_000 + "=1",
        "&".join(f"metadata[k{n}]=v" for n in range(2500)),
        "a[=1",
        "a]=1",
        "=1",
        "[a]=1",
        "a=1&a[b]=2",
        "a[b]=2&a=1",
        "a[]=1&a[x]=2",
        "metadata[a][b]=c",
        "expand=charge",
        "expand[]=" + "a." * 3000,
        "amount=%FF%FE",
        "amount=" + "9" * 100_000,
        "%",
        "&&&",
    ],
)
@pytest.mark.parametrize("key", [None, "one key for all"])
def test_bodies_known_to_be_nasty_are_refused(world, body, key):
    _, client = world
    headers = {**KEY, "Content-Type": FORM}

    answer = client.post(
        "/v1/payment_intents", data=body, headers={**headers, **({"Idempotency-Key": key} if key else {})}
    )

    check(answer)
    assert answer.status_code == 400


PLAIN = st.one_of(WORDS, st.integers(-9, 9**30), st.floats(), st.none(), st.booleans(), st.lists(WORDS, max_size=2))


@settings(FUZZ, max_examples=500)
@given(
    place=st.integers(0, 999),
    named=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), min_size=3, max_size=3),
    form=st.dictionaries(st.one_of(NAMES, st.sampled_from(FIELDS)), WORDS, max_size=6),
    body=st.one_of(st.none(), PLAIN, st.lists(PLAIN), st.dictionaries(st.sampled_from(FIELDS), PLAIN, max_size=3)),
)
def test_no_page_and_no_control_breaks_either(world, place, named, form, body):
    simulator, client = world
    rules = [rule for rule in client.application.url_map.iter_rules() if is_page_or_control(rule.rule)]
    rule, ids = rules[place % len(rules)], known_ids(simulator)
    path = rule.rule
    for kind, number in named:
        some = list(ids.values())[kind % len(ids)] or ["nothing"]
        path = re.sub(r"<.*?>", some[number % len(some)], path, count=1)
    fields = dict(fields_of(form, ids))
    sent = {"data": fields} if body is None else {"json": body}
    if path == "/dashboard/press":
        sent = {"data": {"path": "/_fake/clock", "body": json.dumps(body), **fields}}

    for method in sorted(rule.methods & {"GET", "POST"}):
        query = fields if method == "GET" else {}
        asked = {"query_string": query, "headers": {"Sec-Fetch-Site": "same-origin"}, **sent}
        with client.open(path, method=method, **asked) as answer:  # a file stays open until then
            assert answer.status_code < 500, (method, path, fields, body)


def is_page_or_control(rule):
    """Without what would forget the world of the other examples, or wait for a shop that is not there."""
    return not rule.startswith(("/v1", "/_sim")) and rule not in ("/_fake/reset", "/_fake/delivery/wait")


@pytest.mark.parametrize(
    "advance", ["1e308", "Infinity", "NaN", "1e12", "-1", "-0.1", "true", "null", '"1"', "1" + "0" * 400]
)
def test_the_clock_moves_to_no_moment_that_a_calendar_does_not_have(world, advance):
    _, client = world
    before = client.get("/_fake/clock").json["offset"]
    form = {"path": "/_fake/clock", "body": f'{{"advance": {advance}}}'}

    straight = client.post("/_fake/clock", data=form["body"], content_type="application/json")
    pressed = client.post("/dashboard/press", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    typed = client.post(
        "/dashboard/press",
        data={"path": "/_fake/clock", "body": "{}", "number:advance": "inf"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert (straight.status_code, pressed.status_code < 500, typed.status_code) == (400, True, 400)
    assert client.get("/_fake/clock").json["offset"] == before
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("name", ["requests", "state", "deliveries", "events"])
def test_the_controls_can_still_show_what_was_asked(world, name):
    _, client = world

    assert client.get(f"/_fake/{name}").status_code == 200


@pytest.mark.parametrize(
    "bytes_",
    [
        b"GET /v1/charges HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk_test_x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"POST /v1/refunds HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/refunds HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/refunds HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        b"GET\r\n\r\n",
        b"\r\n" * 50,
        b"",
    ],
    ids=["long header", "negative length", "no length", "bad chunk", "TLS", "no path", "blank", "nothing"],
)
def test_what_is_not_http_does_not_harm_the_server(sim, api, bytes_):
    host, port = sim.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(bytes_)
        connection.shutdown(socket.SHUT_WR)
        said = connection.recv(4096)

    assert b" 500 " not in said.split(b"\r\n")[0]
    assert api.balance.retrieve().object == "balance"
