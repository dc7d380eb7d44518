"""The dashboard, as a browser without script uses it: what it shows, what its buttons do, and whom it refuses."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
import requests


class Page(HTMLParser):
    """The buttons of a page: for each label the fields of its form."""

    def __init__(self, html):
        super().__init__()
        self.html = html
        self.forms = {}
        self.action = self._fields = self._select = None
        self._in_button = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and given.get("method") == "post":
            self._fields = {}
        if self._fields is None:
            return
        self._in_button = tag == "button"
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and (self._select not in self._fields or "selected" in given):
            self._fields[self._select] = given["value"]
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self._fields[given["name"]] = given.get("value", "")

    def handle_data(self, data):
        if self._in_button and self._fields is not None:
            self.forms[data.strip()] = self._fields

    def handle_endtag(self, tag):
        if tag == "button":
            self._in_button = False
        if tag == "form":
            self._fields = None


class Desk:
    """Somebody at the dashboard."""

    def __init__(self, url):
        self.url = url

    def open(self, path="/"):
        answer = requests.get(self.url + path, timeout=10)
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    def object(self, record_id):
        return self.open(f"/dashboard/object/{record_id}")

    def press(self, page, label, **fields):
        """Press a button after choosing; the page that follows."""
        answer = self.send({**page.forms[label], **{name.replace("__", ":"): value for name, value in fields.items()}})
        assert answer.status_code == 303, answer.text
        return self.open(answer.headers["Location"].partition("#")[0])

    def send(self, form, **headers):
        given = headers or {"Origin": self.url}
        return requests.post(f"{self.url}/dashboard/press", form, headers=given, timeout=20, allow_redirects=False)


@pytest.fixture
def desk(sim):
    return Desk(sim.url)


@pytest.fixture
def session(api, offer):
    return api.checkout.sessions.create(offer(metadata={"booking": "B-17"}))


@pytest.fixture
def paid(api, sim, session):
    """The PaymentIntent of a paid session."""
    sim.pay(session.id)
    return api.checkout.sessions.retrieve(session.id).payment_intent


def test_an_empty_simulator_has_a_page_that_says_so(desk, sim):
    page = desk.open()

    assert "SIMULATED" in page.html
    assert "Nothing has happened yet" in page.html
    assert sim.url in page.html


def test_the_overview_shows_sessions_events_and_what_the_clock_will_do(desk, session, paid):
    html = desk.open().html

    assert f"/dashboard/object/{session.id}" in html
    assert "€420.00" in html
    assert "checkout.session.completed" in html


@pytest.mark.parametrize(
    ("section", "shown"),
    [
        ("sessions", "complete"),
        ("payments", "succeeded"),
        ("charges", "succeeded"),
        ("balance", "€420.00"),
        ("methods", "4242"),
        ("events", "payment_intent.succeeded"),
        ("deliveries", "payment_intent.succeeded"),
        ("requests", "POST /v1/checkout/sessions"),
        ("endpoints", "/webhooks/stripe"),
    ],
)
def test_each_list_shows_what_there_is(desk, shop, sim, api, offer, section, shown):
    sim.pay(api.checkout.sessions.create(offer()).id)

    assert shown in desk.open(f"/dashboard/{section}").html


@pytest.mark.parametrize("section", ["refunds", "disputes", "customers", "subscriptions", "invoices", "products"])
def test_an_empty_list_says_so(desk, section):
    assert "None yet." in desk.open(f"/dashboard/{section}").html


def test_a_long_list_goes_on_at_the_next_page(desk, api, offer):
    made = [api.checkout.sessions.create(offer()).id for _ in range(53)]

    first = desk.open("/dashboard/sessions").html
    older = unescape(re.search(r'href="([^"]*after=[^"]*)"', first)[1])
    second = desk.open(older).html

    shown = [re.findall(r'href="/dashboard/object/(cs_test_\w+)"', html) for html in (first, second)]
    assert shown[0] + shown[1] == made[::-1]
    assert len(shown[0]) == 50
    assert "after=" not in second


def test_a_list_can_be_narrowed_down(desk, api, offer):
    ada = api.checkout.sessions.create(offer(customer_email="ada@example.com"))
    grace = api.checkout.sessions.create(offer(customer_email="grace@example.com"))

    html = desk.open("/dashboard/sessions?q=ADA@").html

    assert ada.id in html
    assert grace.id not in html


def test_an_id_leads_straight_to_its_object_and_words_to_a_list(desk, session):
    straight = requests.get(f"{desk.url}/dashboard/find?q={session.id}", allow_redirects=False, timeout=5)

    assert straight.headers["Location"] == f"/dashboard/object/{session.id}"
    assert session.id in desk.open("/dashboard/find?q=b-17").html
    assert "No object" in desk.open("/dashboard/find?q=nowhere").html


def test_an_object_has_its_json_in_which_ids_are_links(desk, session, paid):
    html = desk.object(session.id).html

    assert "&#34;payment_status&#34;: &#34;paid&#34;" in html
    assert f'<a href="/dashboard/object/{paid}">{paid}</a>' in html
    assert "_intent_fields" not in html
    assert "<dt>booking</dt><dd>B-17</dd>" in html


def test_an_object_has_the_story_of_all_that_belongs_to_it(desk, api, session, paid):
    api.refunds.create({"payment_intent": paid, "amount": 2000})

    html = desk.object(session.id).html

    story = re.findall(r'<a href="/dashboard/object/evt_\w+">([a-z_.]+)</a>', html)
    assert story[-1] in ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded")
    assert {"checkout.session.completed", "charge.refunded", "refund.created"} <= set(story)


def test_what_others_typed_is_escaped(desk, api, offer):
    evil = '"><script>alert(1)</script>'
    session = api.checkout.sessions.create(offer(metadata={evil: evil}, client_reference_id=evil))

    for html in (desk.object(session.id).html, desk.open(f"/dashboard/find?q={evil}").html):
        assert "<script" not in html


@pytest.mark.parametrize("path", ["/dashboard/nothing", "/dashboard/object/cs_none"])
def test_what_is_not_there_is_a_404_with_a_page(desk, path):
    answer = requests.get(desk.url + path, timeout=5)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


# --- buttons --------------------------------------------------------------------------------------------------------


def test_a_session_is_paid_with_the_chosen_card(desk, api, session):
    declined = desk.press(desk.object(session.id), "Pay with this card", text__card="4000000000009995")
    paid = desk.press(declined, "Pay with this card", text__card="4242424242424242")

    assert "declined. Your card has insufficient funds." in declined.html
    assert f"POST /_fake/sessions/{session.id}/pay" in paid.html
    assert "succeeded" in paid.html
    assert api.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert "Pay with this card" not in paid.forms


def test_a_session_is_expired(desk, api, session):
    desk.press(desk.object(session.id), "Expire")

    assert api.checkout.sessions.retrieve(session.id).status == "expired"


@pytest.mark.parametrize(("button", "status"), [("Let it succeed", "paid"), ("Let it fail", "unpaid")])
def test_a_delayed_payment_is_settled(desk, api, session, button, status):
    page = desk.press(desk.object(session.id), "Pay from this account", text__iban="AT321904300235473204")
    intent = api.checkout.sessions.retrieve(session.id).payment_intent
    assert "processing" in page.html

    desk.press(desk.object(intent), button)

    assert api.checkout.sessions.retrieve(session.id).payment_status == status
    assert api.payment_intents.retrieve(intent).status != "processing"


def test_a_payment_is_refunded_and_the_refund_fails(desk, api, paid):
    desk.press(desk.object(paid), "Refund all that is left")
    refund = api.refunds.list().data[0]
    assert (refund.amount, refund.status) == (42000, "succeeded")

    desk.press(desk.object(refund.id), "Let it fail")

    assert api.refunds.retrieve(refund.id).status == "failed"
    assert desk.object(refund.id).forms == {}


@pytest.mark.parametrize(("button", "status"), [("Win it", "won"), ("Lose it", "lost")])
def test_a_dispute_is_decided(desk, sim, api, session, button, status):
    sim.pay(session.id, card="4000000000000259")
    sim.post("clock", {"advance": 5})
    dispute = api.disputes.list().data[0]

    desk.press(desk.object(dispute.id), button)

    assert api.disputes.retrieve(dispute.id).status == status


def test_the_clock_is_moved_on_and_says_what_came_due(desk, sim, api, session):
    before = sim.get("clock")["offset"]

    page = desk.press(desk.open(), "+ 1 day")

    assert sim.get("clock")["offset"] - before == 24 * 3600
    assert "1 things came due" in page.html
    assert api.checkout.sessions.retrieve(session.id).status == "expired"


def test_the_clock_goes_to_where_something_is_planned(desk, api, session):
    page = desk.object(session.id)
    assert "Expire session" in page.html

    desk.press(page, "Go there")

    assert api.checkout.sessions.retrieve(session.id).status == "expired"


def test_an_event_is_sent_again(desk, sim, shop, paid):
    sim.quiet()
    event = sim.events("checkout.session.completed")[0]
    before = len(shop.heard)

    page = desk.press(desk.object(event["id"]), "Send five times at once")

    assert "sent, answered 200, 200, 200, 200, 200" in page.html
    assert len(shop.heard) - before == 5


def test_deliveries_are_held_and_sent_in_reverse(desk, sim, shop, session):
    desk.press(desk.open(), "Deliver this way", text__mode="hold", number__duplicate="1", flag__reorder="yes")
    rules = sim.get("delivery")
    assert (rules["mode"], rules["duplicate"], rules["reorder"]) == ("hold", 1, True)
    sim.pay(session.id, wait=False)
    assert shop.heard == []

    page = desk.press(desk.open(), "Send it in reverse")

    assert "sent, answered 200" in page.html
    assert shop.types()[0] == "checkout.session.completed"
    assert "Send it in reverse" not in page.forms


def test_a_fault_is_ordered_and_taken_back(desk, sim, call):
    page = desk.press(desk.open(), "Order this fault", text__kind="status_429", text__path_prefix="/v1/refunds")
    desk.press(page, "Order this fault", text__kind="status_500", text__path_prefix="/v1/refunds", number__times="2")
    assert [(fault["kind"], fault["times"]) for fault in sim.get("faults")] == [("status_429", 1), ("status_500", 2)]
    assert call("POST", "/v1/refunds").status_code == 429

    desk.press(desk.open(), "Take all back")

    assert sim.get("faults") == []


def test_a_fault_hits_a_button_that_calls_the_api(desk, sim, session):
    sim.order_faults({"kind": "reset", "path_prefix": "/v1/checkout"})

    page = desk.press(desk.object(session.id), "Expire")

    assert "the connection broke, as ordered" in page.html


def test_an_endpoint_is_set(desk, sim):
    desk.press(desk.open(), "Set the endpoint", text__url="http://127.0.0.1:9/hook")

    assert sim.get("webhook")[0]["url"] == "http://127.0.0.1:9/hook"


def test_a_delivery_shows_its_tries_and_answers(desk, sim, shop, paid):
    sim.quiet()
    delivery = sim.get("deliveries")[0]

    html = desk.object(delivery["id"]).html

    assert "<strong>200</strong>" in html
    assert "thanks" in html


def test_a_delivery_that_waits_is_dropped(desk, sim, shop, session):
    sim.post("delivery", {"mode": "hold"})
    sim.pay(session.id, wait=False)
    delivery = sim.get("deliveries?status=held")[0]

    desk.press(desk.object(delivery["id"]), "Drop it")

    assert delivery["id"] in [dropped["id"] for dropped in sim.get("deliveries?status=dropped")]
    assert desk.object(delivery["id"]).forms == {}


def test_an_endpoint_shows_its_secret_and_rolls_it(desk, sim, shop):
    endpoint = sim.get("webhook")[0]

    page = desk.press(desk.object(endpoint["id"]), "Roll its secret, both for a day")

    secrets = sim.get("webhook")[0]["secrets"]
    assert len(secrets) == 2
    assert all(secret in page.html for secret in secrets)


def test_an_endpoint_is_disabled_and_enabled_again(desk, sim, shop):
    endpoint = sim.get("webhook")[0]["id"]

    page = desk.press(desk.object(endpoint), "Disable")
    assert sim.get("webhook")[0]["status"] == "disabled"
    desk.press(page, "Enable")

    assert sim.get("webhook")[0]["status"] == "enabled"


def test_an_inquiry_becomes_a_chargeback(desk, sim, api, session):
    sim.pay(session.id, card="4000000000001976")
    sim.post("clock", {"advance": 5})
    inquiry = api.disputes.list().data[0]
    assert inquiry.status == "warning_needs_response"

    desk.press(desk.object(inquiry.id), "Make it a chargeback")

    assert api.disputes.retrieve(inquiry.id).status == "needs_response"


def test_a_subscription_is_told_to_end_and_ended(desk, api):
    customer = api.customers.create({"email": "ada@example.com", "payment_method": "pm_card_visa"})
    product = api.products.create({"name": "Winter club"})
    price = api.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 1500, "recurring": {"interval": "month"}}
    )
    method = api.customers.payment_methods.list(customer.id).data[0].id
    subscription = api.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "default_payment_method": method}
    )

    page = desk.press(desk.object(subscription.id), "Cancel when the period ends")
    assert api.subscriptions.retrieve(subscription.id).cancel_at_period_end
    desk.press(page, "Cancel now")

    assert api.subscriptions.retrieve(subscription.id).status == "canceled"
    assert "customer.subscription.deleted" in desk.object(customer.id).html
    for section in ("customers", "subscriptions", "invoices", "products", "prices"):
        assert desk.open(f"/dashboard/{section}").html.count("/dashboard/object/") > 0


def test_everything_is_forgotten(desk, sim, session):
    page = desk.press(desk.open(), "Yes, forget everything")

    assert sim.get("state")["counts"]["checkout.session"] == 0
    assert "POST /_fake/reset" in page.html


# --- whom it refuses ------------------------------------------------------------------------------------------------


def test_each_page_forbids_script_framing_and_strangers(desk, session):
    answer = requests.get(f"{desk.url}/dashboard/object/{session.id}", timeout=5)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert set(re.findall(r'(?:src|href|action)="(https?://[^"]*)"', answer.text)) <= {session.url}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Accept": "text/html"},
    ],
)
def test_a_button_of_another_page_does_nothing(desk, sim, session, headers):
    form = desk.object(session.id).forms["Expire"]

    answer = desk.send(form, **headers)

    assert answer.status_code == 403
    assert sim.get("state")["sessions"][0]["status"] == "open"


@pytest.mark.parametrize("path", ["/", "/dashboard/sessions", "/_fake/state"])
@pytest.mark.parametrize("host", ["evil.test", "shop.example:12111"])
def test_a_name_that_is_not_this_machine_sees_nothing(desk, session, path, host):
    answer = requests.get(desk.url + path, headers={"Host": host}, timeout=5)

    assert answer.status_code == 403
    assert session.id not in answer.text


def test_localhost_is_this_machine(desk):
    port = desk.url.rpartition(":")[2]

    assert requests.get(desk.url, headers={"Host": f"localhost:{port}"}, timeout=5).status_code == 200


def test_another_site_cannot_use_the_controls(sim, session):
    answer = requests.post(f"{sim.url}/_fake/reset", headers={"Origin": "http://evil.test"}, timeout=5)

    assert answer.status_code == 403
    assert sim.get("state")["counts"]["checkout.session"] == 1


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"path": "/c/pay/x"}, 400),
        ({"path": "/_fake/reset", "method": "GET"}, 400),
        ({"path": "/_fake/clock", "body": "{"}, 400),
        ({"path": "/_fake/clock", "body": "{}", "number:advance": "soon"}, 400),
    ],
)
def test_a_call_that_no_button_makes_is_refused(desk, form, status):
    assert desk.send(form).status_code == status


@pytest.mark.parametrize("back", ["//evil.test/", "http://evil.test/", "/\\evil.test"])
def test_a_button_leads_to_no_other_site(desk, back):
    answer = desk.send({"path": "/_fake/clock", "body": '{"advance": 0}', "back": back})

    assert answer.headers["Location"].startswith("/?note=")
