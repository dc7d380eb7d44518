"""The list of events, which a shop reconciles against."""

import pytest
import stripe


@pytest.fixture
def paid(api, offer, sim):
    return sim.pay(api.checkout.sessions.create(offer()).id)


def test_an_event_can_be_read_again_as_it_was(api, sim, paid):
    made = sim.events("checkout.session.completed")[0]
    api.checkout.sessions.update(paid["session"]["id"], {"metadata": {"later": "1"}})

    event = api.events.retrieve(made["id"])

    assert event.data.object.id == paid["session"]["id"]
    assert event.data.object.metadata.to_dict() == {}


def test_events_are_listed_by_type(api, paid):
    def types(**filters):
        return [event.type for event in api.events.list(filters).data]

    assert types(type="charge.succeeded") == ["charge.succeeded"]
    assert types(type="payment_intent.*") == ["payment_intent.succeeded", "payment_intent.created"]
    assert types(types=["charge.succeeded", "checkout.session.completed"]) == [
        "checkout.session.completed",
        "charge.succeeded",
    ]
    assert types(created={"gt": paid["session"]["created"] + 60}) == []


def test_type_and_types_exclude_each_other(api):
    with pytest.raises(stripe.InvalidRequestError, match="only one"):
        api.events.list({"type": "a", "types": ["b"]})


def test_more_than_twenty_types_are_refused(api):
    with pytest.raises(stripe.InvalidRequestError, match="at most 20"):
        api.events.list({"types": [f"type.{n}" for n in range(21)]})


def test_events_are_gone_after_30_days(api, sim, paid):
    event = api.events.list().data[0].id
    sim.post("clock", {"advance": 31 * 24 * 3600})

    assert {e.type for e in api.events.list().data} == {"balance.available"}
    with pytest.raises(stripe.InvalidRequestError):
        api.events.retrieve(event)
