"""The stand-in for Stripe.js: what a browser may do with the publishable key, and nothing more."""

import pytest
import requests


@pytest.fixture
def intent(api):
    return api.payment_intents.create({"amount": 4200, "currency": "eur", "metadata": {"app": "shop-1"}})


@pytest.fixture
def confirm(sim):
    def ask(intent_id, secret, number="4242424242424242", key="pk_test_abc", path="confirm"):
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        form = {f"payment_method_data[card][{name}]": value for name, value in card.items()}
        form |= {"payment_method_data[type]": "card", "return_url": "http://shop.test/back"}
        form |= {"client_secret": secret} if secret else {}
        headers = {"Authorization": f"Bearer {key}"}
        return requests.post(f"{sim.url}/v1/payment_intents/{intent_id}/{path}", form, headers=headers, timeout=5)

    return ask


def test_a_browser_with_the_publishable_key_and_the_secret_pays(api, intent, confirm):
    answer = confirm(intent.id, intent.client_secret)

    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert api.payment_intents.retrieve(intent.id).amount_received == 4200


def test_a_decline_is_told_with_its_code_and_another_card_may_follow(intent, confirm):
    declined = confirm(intent.id, intent.client_secret, "4000000000009995")
    paid = confirm(intent.id, intent.client_secret)

    assert (declined.status_code, declined.json()["error"]["decline_code"]) == (402, "insufficient_funds")
    assert paid.json()["status"] == "succeeded"


def test_a_card_that_asks_sends_the_browser_to_the_bank_and_back(api, intent, confirm):
    asked = confirm(intent.id, intent.client_secret, "4000002760003184").json()
    bank = asked["next_action"]["redirect_to_url"]["url"]
    back = requests.post(bank, {"answer": "complete"}, allow_redirects=False, timeout=5)

    assert back.headers["Location"].startswith(f"http://shop.test/back?payment_intent={intent.id}&")
    assert api.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(
    ("secret", "key", "path"),
    [
        ("", "pk_test_abc", "confirm"),
        ("pi_1_secret_of_somebody_else", "pk_test_abc", "confirm"),
        ("right", "pk_test_", "confirm"),
        ("right", "pk_live_abc", "confirm"),
        ("right", "pk_test_abc", "cancel"),
    ],
)
def test_nothing_else_is_open_to_a_browser(api, intent, confirm, secret, key, path):
    answer = confirm(intent.id, intent.client_secret if secret == "right" else secret, key=key, path=path)

    assert answer.status_code in (400, 401)
    assert api.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_the_script_and_its_frame_are_served_and_the_frame_keeps_to_itself(sim):
    script = requests.get(f"{sim.url}/v3/", timeout=5)
    frame = requests.get(f"{sim.url}/v3/fields?theme=night", timeout=5)

    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "window.Stripe" in script.text
    assert "connect-src 'self'" in frame.headers["Content-Security-Policy"]
    assert 'class="night"' in frame.text
