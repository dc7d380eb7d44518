"""What the Stripe CLI alone uses: payment pages, and the line on which `stripe listen` hears events."""

import contextlib
import json
import threading

import pytest
import requests
import simple_websocket
import stripe
from wsproto.utilities import LocalProtocolError

KEY = "sk_test_grace"
PROTOCOL = "stripecli-devproxy-v1"
FORWARD = {"device_name": "desk", "websocket_features[0]": "webhooks", "forward_to_url": "http://shop.test/hook"}


class Line:
    """A small CLI: it acknowledges what it hears, and answers as a receiver would."""

    def __init__(self, session, answer=200):
        self.session, self.answer = session, answer
        self.heard = []
        self.socket = simple_websocket.Client.connect(
            session["websocket_url"], subprotocols=[PROTOCOL], headers={"Websocket-Id": session["websocket_id"]}
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def events(self):
        """Of the two sayings of each event, the one for the account's own version."""
        own = [message for message in self.heard if message["endpoint"]["api_version"] is None]
        return [
            stripe.Webhook.construct_event(
                message["event_payload"], message["http_headers"]["Stripe-Signature"], self.session["secret"]
            )
            for message in own
        ]

    def _listen(self):
        with contextlib.suppress(simple_websocket.ConnectionClosed, LocalProtocolError, OSError):
            while text := self.socket.receive():
                message = json.loads(text)
                self.heard.append(message)
                if message["endpoint"]["api_version"] is None:
                    self._reply(message)

    def _reply(self, message):
        about = {"webhook_conversation_id": message["webhook_conversation_id"], "webhook_id": message["webhook_id"]}
        self.socket.send(json.dumps({"type": "event_ack", **about}))
        if self.answer:
            self.socket.send(json.dumps({"type": "webhook_response", "status": self.answer, "body": "ok", **about}))


@pytest.fixture
def session(call):
    """A session of the CLI that forwards."""
    return call("POST", "/v1/stripecli/sessions", FORWARD).json()


def deliveries_to(session, sim):
    """Not those to the line of a test before, which hung up a moment ago."""
    return [delivery for delivery in sim.get("deliveries") if delivery["endpoint"] == session["websocket_id"]]


@pytest.fixture
def dial():
    """Opens lines, and hangs up at the end."""
    lines = []

    def open_line(session, answer=200):
        lines.append(Line(session, answer))
        return lines[-1]

    yield open_line
    for line in lines:
        if line.socket.connected:
            line.socket.close()


def test_a_session_names_the_line_and_its_secret(call, sim, session):
    again = call("POST", "/v1/stripecli/sessions", FORWARD).json()

    assert session["websocket_url"] == sim.url.replace("http", "ws", 1) + "/stripecli/line"
    assert session["secret"].startswith("whsec_")
    assert (again["secret"], again["websocket_id"]) == (session["secret"], again["websocket_id"])
    assert again["websocket_id"] != session["websocket_id"]


def test_a_feature_that_is_not_simulated_is_refused(call):
    answer = call("POST", "/v1/stripecli/sessions", {"websocket_features[0]": "request_logs"})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "websocket_features"


def test_nobody_listens_without_a_session(sim):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "ATV7S2myF1Mx/SeXF5UnRg==",
        "Sec-WebSocket-Version": "13",
        "Websocket-Id": "cliws_made_up",
    }

    answer = requests.get(f"{sim.url}/stripecli/line", headers=upgrade, timeout=5)

    # In these words the CLI understands that it has to ask for a new session.
    assert (answer.status_code, answer.json()) == (404, {"error": {"message": "Unknown WebSocket ID."}})


def test_events_go_over_the_line_signed_and_logged(api, sim, session, dial):
    line = dial(session)

    product = api.products.create({"name": "Night"})
    sim.quiet()

    assert [(event.type, event.data.object["id"]) for event in line.events()] == [("product.created", product.id)]
    assert len(line.heard) == 2
    (delivery,) = deliveries_to(session, sim)
    assert (delivery["status"], delivery["endpoint"]) == ("delivered", session["websocket_id"])
    assert [(tried["status"], tried["body"]) for tried in delivery["attempts"]] == [(200, "ok")]


def test_webhook_endpoints_and_lines_are_both_served(api, sim, shop, session, dial):
    line = dial(session)

    api.products.create({"name": "Night"})
    sim.quiet()

    assert shop.types() == ["product.created"]
    assert [event.type for event in line.events()] == ["product.created"]


def test_a_silent_cli_counts_as_failed_and_is_not_asked_again(api, sim, session, dial):
    line = dial(session, answer=None)  # it forwards, and its receiver never answers

    api.products.create({"name": "Night"})
    sim.quiet()
    sim.post("clock", {"advance": 24 * 3600})
    sim.quiet()

    (delivery,) = deliveries_to(session, sim)
    assert (delivery["status"], [tried["error"] for tried in delivery["attempts"]]) == ("failed", ["TimeoutError"])
    assert len(line.events()) == 1


def test_hanging_up_ends_the_wait_at_once(api, sim, session, dial):
    line = dial(session, answer=None)
    api.products.create({"name": "Night"})
    sim.wait_for(lambda: line.heard)

    line.socket.close()

    delivery = sim.wait_for(lambda: sim.get("deliveries?status=failed"), seconds=2.5)[0]
    assert delivery["attempts"][0]["error"] == "ConnectionError"
    api.products.create({"name": "Other night"})
    assert len(deliveries_to(session, sim)) == 1


def test_the_same_session_may_come_back(api, sim, session, dial):
    dial(session).socket.close()
    line = dial(session)

    api.products.create({"name": "Night"})
    sim.quiet()

    assert [event.type for event in line.events()] == ["product.created"]


@pytest.mark.parametrize("nonsense", ["not json", "[]", '{"webhook_conversation_id": []}', '{"type": 7}'])
def test_nonsense_on_the_line_is_passed_over(api, sim, session, dial, nonsense):
    line = dial(session)
    line.socket.send(nonsense)

    api.products.create({"name": "Night"})
    sim.quiet()

    assert [event.type for event in line.events()] == ["product.created"]


def test_an_event_can_be_sent_to_a_line_again(api, sim, session, dial):
    line = dial(session)
    api.products.create({"name": "Night"})
    sim.quiet()
    event = sim.events("product.created")[0]

    answers = sim.post(f"events/{event['id']}/resend", {"times": 2})

    assert [answer["status"] for answer in answers] == [200, 200]
    assert [heard.id for heard in line.events()] == [event["id"]] * 3


def test_stripe_events_resend_reaches_whoever_listens_and_nobody_else(api, call, sim, shop, session, dial):
    api.products.create({"name": "Night"})
    sim.quiet()
    shop.forget()
    event = sim.events("product.created")[0]
    line = dial(session)

    answer = call("POST", f"/v1/events/{event['id']}/retry", {"for_stripecli": "true"})
    sim.quiet()

    assert answer.json()["id"] == event["id"]
    assert [heard.id for heard in line.events()] == [event["id"]]
    assert shop.heard == []


def test_a_guest_does_not_wait_for_stripe_listen(api, sim, offer, session, dial):
    dial(session, answer=None)
    made = api.checkout.sessions.create(offer())

    assert sim.pay(made.id)["shop_answered"] is True


# --- payment pages --------------------------------------------------------------------------------------------------


@pytest.fixture
def method(api):
    """A saved card with an address."""
    billing = {"email": "grace@example.com", "name": "Grace Hopper", "address": {"country": "CZ"}}
    card = {"type": "card", "card": {"token": "tok_visa"}, "billing_details": billing}
    return api.payment_methods.create(card)


def test_a_payment_page_shows_its_session(api, call, offer):
    session = api.checkout.sessions.create(offer())

    shown = call("GET", f"/v1/payment_pages/{session.id}").json()

    assert (shown["id"], shown["amount_total"]) == (session.id, 42000)


def test_confirming_a_payment_page_pays_as_the_guest(api, call, sim, offer, method):
    session = api.checkout.sessions.create(offer())

    answer = call(
        "POST",
        f"/v1/payment_pages/{session.id}/confirm",
        {"payment_method": method.id, "expected_amount": "42000"},
    )

    assert (answer.status_code, answer.json()["payment_status"]) == (200, "paid")
    paid = api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert (paid.status, paid.payment_intent.payment_method) == ("complete", method.id)
    assert (paid.customer_details.email, paid.customer_details.name) == ("grace@example.com", "Grace Hopper")
    assert len(sim.events("checkout.session.completed")) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expected_amount": "41999"}, "checkout_amount_mismatch"),
        ({"payment_method": "pm_made_up"}, "resource_missing"),
        ({"payment_method": ""}, "parameter_invalid_empty"),
        ({"surprise": "1"}, "parameter_unknown"),
    ],
)
def test_a_confirmation_that_does_not_fit_pays_nothing(api, call, offer, method, changes, code):
    session = api.checkout.sessions.create(offer())

    answer = call("POST", f"/v1/payment_pages/{session.id}/confirm", {"payment_method": method.id, **changes})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert api.checkout.sessions.retrieve(session.id).payment_status == "unpaid"


def test_a_page_is_paid_once_and_never_after_its_end(api, call, sim, offer, method):
    path = "/v1/payment_pages/{}/confirm"
    paid, ended = (api.checkout.sessions.create(offer()).id for _ in range(2))
    assert call("POST", path.format(paid), {"payment_method": method.id}).status_code == 200
    api.checkout.sessions.expire(ended)

    answers = [call("POST", path.format(page), {"payment_method": method.id}) for page in (paid, ended)]

    assert [answer.json()["error"]["code"] for answer in answers] == ["checkout_not_active_session"] * 2
    assert len(sim.events("payment_intent.succeeded")) == 1


def test_a_declined_confirmation_leaves_the_page_open(api, call, offer):
    session = api.checkout.sessions.create(offer())

    answer = call("POST", f"/v1/payment_pages/{session.id}/confirm", {"payment_method": "pm_card_chargeDeclined"})

    assert (answer.status_code, answer.json()["status"]) == (200, "open")
