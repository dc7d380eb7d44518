"""The customer portal: its links, its configurations, and what a customer does on its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
import stripe

from tests.support.fake_billing import make_customer, period, subscribe

RETURN = "http://shop.test/account"


def open_portal(api: Any, customer: Any, **changes: Any) -> Any:
    return api.billing_portal.sessions.create(params={"customer": customer.id, "return_url": RETURN, **changes})


def configure(api: Any, **features: Any) -> Any:
    return api.billing_portal.configurations.create(params={"features": features})


def press(session: Any, path: str, **form: str) -> requests.Response:
    return requests.post(f"{session.url}{path}", data=form, timeout=10)


def test_a_session_leads_to_a_page_with_subscriptions_cards_and_invoices(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    subscribe(api, customer)

    page = requests.get(open_portal(api, customer).url, timeout=10)

    assert page.status_code == 200
    for words in ("SIMULATED", "1 × Club (at €15.00 / month)", "4242", "€15.00", "Renews", RETURN):
        assert words in page.text
    assert "<script" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert len(sim.events("billing_portal.session.created")) == 1


def test_cancel_and_keep_on_the_page(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    session = open_portal(api, customer)

    page = press(session, f"/subscriptions/{subscription.id}", do="cancel")
    planned = api.subscriptions.retrieve(subscription.id)
    assert (planned.cancel_at_period_end, planned.cancel_at) == (True, period(subscription)[1])
    assert "Don't cancel" in page.text or "Don&#39;t cancel" in page.text
    press(session, f"/subscriptions/{subscription.id}", do="keep")

    assert api.subscriptions.retrieve(subscription.id).cancel_at is None
    assert len(sim.events("customer.subscription.updated")) == 2


def test_a_configuration_decides_how_canceling_goes(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    reasons = {"enabled": True, "options": ["too_expensive", "other"]}
    at_once = configure(
        api, subscription_cancel={"enabled": True, "mode": "immediately", "cancellation_reason": reasons}
    )
    session = open_portal(api, customer, configuration=at_once.id)
    assert "It is too expensive" in requests.get(session.url, timeout=10).text

    press(session, f"/subscriptions/{subscription.id}", do="cancel", feedback="too_expensive")

    gone = api.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.cancellation_details.feedback) == ("canceled", "too_expensive")


def test_what_is_switched_off_cannot_be_done(api: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    nothing = configure(api, invoice_history={"enabled": False})
    session = open_portal(api, customer, configuration=nothing.id)

    page = requests.get(session.url, timeout=10)
    press(session, f"/subscriptions/{subscription.id}", do="cancel")
    card = press(session, "/cards", cardNumber="4242424242424242")

    assert not [words for words in ("Cancel", "Invoices", "Add a card") if words in page.text]
    assert api.subscriptions.retrieve(subscription.id).cancel_at is None
    assert card.status_code == 404


def test_a_card_is_added_and_used_from_then_on(api: Any, sim: Any, card_form: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    session = open_portal(api, customer)

    page = press(session, "/cards", **card_form("5555 5555 5555 4444"))

    chosen = api.customers.retrieve(customer.id).invoice_settings.default_payment_method
    assert api.payment_methods.retrieve(chosen).card.last4 == "4444"
    assert "4444" in page.text
    assert len(sim.events("setup_intent.succeeded")) == 1
    sim.post("clock", {"advance": 32 * 24 * 3600})
    newest = api.charges.list().data[0]
    assert (newest.payment_method, newest.amount) == (chosen, 1500)
    assert api.subscriptions.retrieve(subscription.id).status == "active"


def test_a_card_of_the_subscription_itself_is_replaced_too(api: Any, card_form: Any) -> None:
    customer = make_customer(api)
    own = api.customers.retrieve(customer.id).invoice_settings.default_payment_method
    subscription = subscribe(api, customer, default_payment_method=own)

    press(open_portal(api, customer), "/cards", **card_form("5555 5555 5555 4444"))

    assert api.subscriptions.retrieve(subscription.id).default_payment_method != own


@pytest.mark.parametrize(("answer", "last4"), [("complete", "3184"), ("fail", "4242")])
def test_a_new_card_may_ask_for_three_d_secure(api: Any, sim: Any, card_form: Any, answer: str, last4: str) -> None:
    customer = make_customer(api)
    session = open_portal(api, customer)

    challenge = press(session, "/cards", **card_form("4000 0027 6000 3184"))
    assert "/c/3ds/seti_" in challenge.url
    back = requests.post(challenge.url, data={"answer": answer}, timeout=10)

    assert back.url.startswith(session.url)
    chosen = api.customers.retrieve(customer.id).invoice_settings.default_payment_method
    assert api.payment_methods.retrieve(chosen).card.last4 == last4


def test_a_declined_card_is_not_kept_and_the_page_says_why(api: Any, card_form: Any) -> None:
    customer = make_customer(api, None)
    session = open_portal(api, customer)

    declined = press(session, "/cards", **card_form("4000 0000 0000 0002"))
    mistyped = press(session, "/cards", **card_form("4242 4242 4242 4241"))

    assert (declined.status_code, "Your card was declined." in declined.text) == (402, True)
    assert (mistyped.status_code, "Your card number is invalid." in mistyped.text) == (422, True)
    assert api.customers.payment_methods.list(customer.id).data == []


def test_the_page_of_a_card_can_be_filled_in_by_a_link(api: Any) -> None:
    session = open_portal(api, make_customer(api))

    page = requests.get(f"{session.url}/cards?card=4242424242424242", timeout=10)

    assert re.search(r'name="cardNumber"[^>]*value="4242 4242 4242 4242"', page.text)


def test_billing_details_change_as_far_as_allowed(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    only_name = configure(api, customer_update={"enabled": True, "allowed_updates": ["name"]})

    press(
        open_portal(api, customer, configuration=only_name.id),
        "/customer",
        name="Ada Lovelace",
        email="new@example.com",
    )

    after = api.customers.retrieve(customer.id)
    assert (after.name, after.email) == ("Ada Lovelace", "grace@example.com")
    assert sim.events("customer.updated")[-1]["data"]["previous_attributes"] == {"name": "Grace Hopper"}


def test_a_link_ends_when_unused_and_when_idle(api: Any, sim: Any) -> None:
    customer = make_customer(api)
    unused, used = open_portal(api, customer), open_portal(api, customer)
    assert requests.get(used.url, timeout=10).status_code == 200

    sim.post("clock", {"advance": 301})
    assert requests.get(unused.url, timeout=10).status_code == 404
    assert requests.get(used.url, timeout=10).status_code == 200
    sim.post("clock", {"advance": 3601})

    ended = requests.get(used.url, timeout=10)
    assert (ended.status_code, "This link has ended" in ended.text) == (404, True)


def test_nobody_changes_what_belongs_to_another(api: Any) -> None:
    subscription = subscribe(api, make_customer(api))
    stranger = open_portal(api, make_customer(api))

    press(stranger, f"/subscriptions/{subscription.id}", do="cancel")

    assert api.subscriptions.retrieve(subscription.id).cancel_at is None


def test_another_site_cannot_press_the_buttons(api: Any) -> None:
    customer = make_customer(api)
    subscription = subscribe(api, customer)
    session = open_portal(api, customer)

    answer = requests.post(
        f"{session.url}/subscriptions/{subscription.id}",
        data={"do": "cancel"},
        headers={"Origin": "http://evil.test"},
        timeout=10,
    )

    assert answer.status_code == 403
    assert api.subscriptions.retrieve(subscription.id).cancel_at is None


def test_configurations_are_made_changed_and_listed(api: Any, sim: Any) -> None:
    open_portal(api, make_customer(api))
    made = api.billing_portal.configurations.create(
        params={
            "business_profile": {"headline": "Our club"},
            "default_return_url": RETURN,
            "features": {"invoice_history": {"enabled": True}},
        }
    )

    changed = api.billing_portal.configurations.update(
        made.id, params={"features": {"subscription_cancel": {"enabled": True}}, "active": False}
    )

    features = changed.features
    assert (features.invoice_history.enabled, features.subscription_cancel.enabled, changed.active) == (
        True,
        True,
        False,
    )
    assert features.subscription_cancel.mode == "at_period_end"
    defaults = api.billing_portal.configurations.list(params={"is_default": True}).data
    assert [configuration.id == made.id for configuration in defaults] == [False]
    assert sim.events("billing_portal.configuration.updated")[0]["data"]["previous_attributes"]["active"] is True
    with pytest.raises(stripe.InvalidRequestError, match="inactive"):
        open_portal(api, make_customer(api), configuration=made.id)


def test_the_headline_and_the_way_back_come_from_the_configuration(api: Any) -> None:
    made = api.billing_portal.configurations.create(
        params={
            "business_profile": {"headline": "Our <club>"},
            "default_return_url": RETURN,
            "features": {"invoice_history": {"enabled": True}},
        }
    )
    customer = make_customer(api)

    session = api.billing_portal.sessions.create(params={"customer": customer.id, "configuration": made.id})

    page = requests.get(session.url, timeout=10).text
    assert session.return_url == RETURN
    assert "Our &lt;club&gt;" in page
    assert RETURN in page


@pytest.mark.parametrize(
    "features",
    [{"subscription_update": {"enabled": True}}, {"subscription_pause": {"enabled": True}}],
)
def test_what_the_page_cannot_do_is_refused(api: Any, features: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        configure(api, **features)

    assert refused.value.code == "parameter_unknown"
