"""Checkout Sessions through the API: shape, state, expiry."""

import time

import pytest
import requests
import stripe

NEVER_NULL = ("automatic_tax", "custom_fields", "custom_text", "payment_method_types")


def test_a_new_session_is_open_unpaid_and_has_no_payment_intent_yet(api, offer):
    session = api.checkout.sessions.create(
        offer(
            client_reference_id="HF-1",
            customer_email="grace@example.com",
            metadata={"booking": "HF-1"},
            payment_intent_data={"metadata": {"attempt": "1"}},
            submit_type="book",
        )
    )

    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert session.payment_intent is None
    assert session.customer_details is None
    assert (session.amount_subtotal, session.amount_total) == (42000, 42000)
    assert session.client_reference_id == "HF-1"
    assert session.metadata.to_dict() == {"booking": "HF-1"}
    assert session.expires_at == pytest.approx(session.created + 24 * 3600, abs=2)
    assert session.url.endswith(f"/c/pay/{session.id}")


def test_the_blank_object_has_all_keys_of_the_api(api, offer):
    shown = api.checkout.sessions.create(offer()).to_dict()
    absent_until_used = {"line_items", "name_collection", "presentment_details", "return_url"}

    named = {name for name in stripe.checkout.Session.__annotations__ if name.islower()}
    names = named - absent_until_used
    assert names <= set(shown)
    assert not [name for name in shown if name.startswith("_")]
    assert all(shown[name] is not None for name in NEVER_NULL)


def test_the_payment_intent_gets_its_own_metadata_only(api, offer, sim):
    session = api.checkout.sessions.create(
        offer(
            metadata={"of": "session"},
            payment_intent_data={"metadata": {"of": "intent"}, "description": "A stay"},
        )
    )

    sim.pay(session.id)

    intent = api.payment_intents.retrieve(
        api.checkout.sessions.retrieve(session.id).payment_intent, {"expand": ["latest_charge"]}
    )
    assert intent.metadata.to_dict() == {"of": "intent"}
    assert intent.description == intent.latest_charge.description == "A stay"
    assert intent.latest_charge.metadata.to_dict() == {"of": "intent"}


def test_a_paid_session_is_complete_and_knows_the_guest(api, offer, sim):
    session = api.checkout.sessions.create(offer())

    receipt = sim.pay(session.id, email="g@example.com", name="Grace", country="DE")

    paid = api.checkout.sessions.retrieve(session.id)
    assert receipt["outcome"] == "succeeded"
    assert receipt["redirect_to"] == f"http://shop.test/ok?s={session.id}"
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "g@example.com"
    assert paid.customer_details.address.country == "DE"


def test_expanding_reaches_through_the_payment(api, offer, sim):
    session = api.checkout.sessions.create(offer())
    sim.pay(session.id)

    paths = ["line_items", "payment_intent.latest_charge.balance_transaction"]
    expanded = api.checkout.sessions.retrieve(session.id, {"expand": paths})

    charge = expanded.payment_intent.latest_charge
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.balance_transaction.net == 42000 - charge.balance_transaction.fee
    assert expanded.line_items.data[0].description == "Seaview Cottage"
    assert "line_items" not in api.checkout.sessions.retrieve(session.id).to_dict()


def test_a_list_can_expand_its_items(api, offer, sim):
    sim.pay(api.checkout.sessions.create(offer()).id)

    listed = api.checkout.sessions.list({"expand": ["data.payment_intent"]})

    assert listed.data[0].payment_intent.amount == 42000


def test_what_cannot_be_expanded_is_refused(api, offer):
    session = api.checkout.sessions.create(offer())

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        api.checkout.sessions.retrieve(session.id, {"expand": ["metadata"]})


def test_line_items_are_listed(api, offer):
    params = offer()
    params["line_items"] *= 3
    session = api.checkout.sessions.create(params)

    page = api.checkout.sessions.line_items.list(session.id, {"limit": 2})

    assert [item.amount_total for item in page.data] == [42000, 42000]
    assert page.has_more
    assert page.data[0].price.unit_amount == 42000
    assert not [name for name in page.data[0].to_dict() if name.startswith("_")]


def test_metadata_is_merged_and_an_empty_value_removes(api, offer):
    session = api.checkout.sessions.create(offer(metadata={"a": "1", "b": "2"}))

    changed = api.checkout.sessions.update(session.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}

    assert api.checkout.sessions.update(session.id, {"metadata": ""}).metadata.to_dict() == {}


def test_lists_filter_by_status_payment_and_time(api, offer, sim):
    paid, open_ = (api.checkout.sessions.create(offer()).id for _ in range(2))
    intent = sim.pay(paid)["payment_intent"]["id"]

    def ids(**filters):
        return [session.id for session in api.checkout.sessions.list(filters).data]

    assert ids() == [open_, paid]
    assert ids(status="complete") == [paid]
    assert ids(payment_intent=intent) == [paid]
    assert ids(created={"gt": int(time.time()) + 60}) == []
    assert ids(created={"gte": int(time.time()) - 60}) == [open_, paid]


def test_an_open_session_can_be_expired_once(api, offer, sim):
    session = api.checkout.sessions.create(offer())

    expired = api.checkout.sessions.expire(session.id)

    assert (expired.status, expired.url) == ("expired", None)
    assert len(sim.events("checkout.session.expired")) == 1
    with pytest.raises(stripe.InvalidRequestError, match=r'\["open"\] can be expired.*`expired`'):
        api.checkout.sessions.expire(session.id)
    assert len(sim.events("checkout.session.expired")) == 1


def test_a_paid_session_cannot_be_expired(api, offer, sim):
    session = api.checkout.sessions.create(offer())
    sim.pay(session.id)

    with pytest.raises(stripe.InvalidRequestError, match="`complete`"):
        api.checkout.sessions.expire(session.id)


def test_time_expires_a_session_and_cancels_its_payment(api, offer, sim):
    session = api.checkout.sessions.create(offer(expires_at=int(time.time()) + 1900))
    intent = sim.pay(session.id, card="4000000000000002")["payment_intent"]["id"]

    sim.post("clock", {"advance": 1800})
    assert api.checkout.sessions.retrieve(session.id).status == "open"
    sim.post("clock", {"advance": 200})

    assert api.checkout.sessions.retrieve(session.id).status == "expired"
    assert api.payment_intents.retrieve(intent).status == "canceled"
    assert len(sim.events("checkout.session.expired")) == 1
    assert len(sim.events("payment_intent.canceled")) == 1
    late = requests.post(f"{sim.url}/_fake/sessions/{session.id}/pay", json={}, timeout=5)
    assert late.status_code == 409


def test_twenty_payments_at_once_pay_once(api, offer, sim):
    from concurrent.futures import ThreadPoolExecutor

    session = api.checkout.sessions.create(offer())
    url = f"{sim.url}/_fake/sessions/{session.id}/pay"
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: requests.post(url, json={}).status_code, range(20)))

    assert sorted(statuses) == [200] + [409] * 19
    assert len(api.charges.list().data) == 1


def test_methods_follow_currency_and_filters(api, offer):
    def methods(**params):
        return api.checkout.sessions.create(offer(**params)).payment_method_types

    assert methods() == ["card", "sepa_debit"]
    assert methods(currency="usd") == ["card"]
    assert methods(allowed_payment_method_types=["card", "link"]) == ["card"]
    assert methods(excluded_payment_method_types=["card"]) == ["sepa_debit"]
    with pytest.raises(stripe.InvalidRequestError, match="No valid payment method"):
        methods(excluded_payment_method_types=["card", "sepa_debit"])


def test_the_same_seed_gives_the_same_ids(launch, connect, offer):
    ids = []
    for _ in range(2):
        process = launch("--seed", "42")
        ids.append(connect(process.url).checkout.sessions.create(offer()).id)
        process.stop()

    assert ids[0] == ids[1]
