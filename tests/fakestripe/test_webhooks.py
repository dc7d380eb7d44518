"""Delivery: signed, at least once, in no order, tried again; and the controls that disturb it."""

import time
from types import SimpleNamespace

import pytest
import stripe

from fakestripe import delivery

SECOND = "whsec_second"


@pytest.fixture
def session(api, offer):
    return api.checkout.sessions.create(offer())


def header(heard):
    return heard.headers["Stripe-Signature"]


def test_each_event_arrives_signed_and_in_stripes_shape(sim, shop, session):
    sim.pay(session.id)
    sim.quiet()

    assert sorted(shop.types()) == [
        "charge.succeeded",
        "checkout.session.completed",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]
    for heard in shop.heard:
        event = stripe.Webhook.construct_event(heard.body, header(heard), "whsec_first")
        assert event.api_version == "2026-10-28.endive"
        assert event.livemode is False
        assert heard.event["request"] == {"id": None, "idempotency_key": None}
        assert heard.headers["User-Agent"].startswith("Stripe/1.0")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(heard.body, header(heard), SECOND)


def test_an_event_names_the_request_that_caused_it(api, sim, session):
    api.checkout.sessions.expire(session.id, options={"idempotency_key": "end"})

    cause = sim.events("checkout.session.expired")[0]["request"]
    assert cause["id"].startswith("req_")
    assert cause["idempotency_key"] == "end"


def test_while_a_secret_rolls_there_are_two_signatures(sim, shop, session):
    sim.post("webhook", {"url": shop.url, "secrets": ["whsec_first", SECOND]})

    sim.pay(session.id)

    assert header(shop.heard[0]).count("v1=") == 2
    for secret in ("whsec_first", SECOND):
        stripe.Webhook.construct_event(shop.heard[0].body, header(shop.heard[0]), secret)


def test_only_the_types_asked_for_are_sent(sim, shop, session):
    wanted = ["checkout.session.completed"]
    sim.post("webhook", {"url": shop.url, "secrets": ["whsec_first"], "enabled_events": wanted})

    sim.pay(session.id)
    sim.quiet()

    assert shop.types() == wanted


@pytest.mark.parametrize("status", [500, 404, 302])
def test_anything_but_2xx_is_tried_again_with_a_new_signature(api, sim, shop, session, status):
    sim.post("delivery", {"types": ["checkout.session.expired"], "retry_after": [1.1, 60]})
    shop.answers = [status]

    api.checkout.sessions.expire(session.id)
    sim.wait_for(lambda: len(shop.heard) == 2)

    first, second = shop.heard
    assert first.event["id"] == second.event["id"]
    assert header(first) != header(second)
    sim.quiet()
    record = sim.get("deliveries")[0]
    assert (record["status"], [a["status"] for a in record["attempts"]]) == (
        "delivered",
        [status, 200],
    )
    assert record["attempts"][0]["body"] == "thanks"


def test_retries_follow_the_clock_and_end(api, sim, shop, session):
    sim.post("delivery", {"retry_after": [100, 1000]})
    shop.answers = [500, 500, 500, 500]
    api.checkout.sessions.expire(session.id)
    sim.wait_for(lambda: len(shop.heard) == 1)
    sim.quiet()
    assert [e.id for e in api.events.list({"delivery_success": False}).data]

    for seconds, expected in [(90, 1), (20, 2), (1100, 3), (100_000, 3)]:
        sim.post("clock", {"advance": seconds})
        sim.quiet()
        assert len(shop.heard) == expected

    assert sim.get("deliveries")[0]["status"] == "failed"
    assert api.events.list().data[0].pending_webhooks == 1


def test_a_shop_that_is_away_is_tried_again(api, sim, shop, session):
    sim.post("webhook", {"url": "http://127.0.0.1:9/nobody", "secrets": ["whsec_first"]})

    api.checkout.sessions.expire(session.id)
    sim.quiet()

    record = sim.get("deliveries")[0]
    assert record["status"] == "pending"
    assert record["attempts"][0]["error"] == "ConnectionError"


def test_a_delivered_event_counts_as_delivered(api, sim, shop, session):
    api.checkout.sessions.expire(session.id)
    sim.quiet()

    assert api.events.list().data[0].pending_webhooks == 0
    assert len(api.events.list({"delivery_success": True}).data) == 1
    assert api.events.list({"delivery_success": False}).data == []


def test_a_slow_shop_does_not_block_the_api(api, sim, shop, session):
    shop.delay = 1.0
    sim.post(f"sessions/{session.id}/pay", {"wait": False})

    started = time.monotonic()
    for _ in range(5):
        api.checkout.sessions.retrieve(session.id)
    assert time.monotonic() - started < 0.8
    sim.quiet()


def test_paying_waits_for_the_shops_answer(sim, shop, session):
    shop.delay = 0.6

    started = time.monotonic()
    receipt = sim.pay(session.id)

    assert receipt["shop_answered"] is True
    assert 0.6 <= time.monotonic() - started < 2
    assert "checkout.session.completed" in shop.types()
    sim.quiet()


def test_paying_waits_only_so_long(sim, shop, session):
    sim.post("delivery", {"redirect_hold": 0.3})
    shop.delay = 1.0

    assert sim.pay(session.id)["shop_answered"] is False
    sim.quiet()


def test_dropped_events_never_arrive_but_are_listed(api, sim, shop, session):
    sim.post("delivery", {"mode": "drop"})

    sim.pay(session.id)
    sim.quiet()

    assert shop.heard == []
    assert len(api.events.list({"type": "checkout.session.completed"}).data) == 1


def test_one_type_can_be_dropped_alone(sim, shop, session):
    sim.post("delivery", {"mode": "drop", "types": ["checkout.session.completed"]})

    sim.pay(session.id)
    sim.quiet()

    assert "checkout.session.completed" not in shop.types()
    assert len(shop.heard) == 3


def test_held_events_are_released_in_the_order_asked_for(sim, shop, session):
    sim.post("delivery", {"mode": "hold"})
    sim.pay(session.id)
    made = [event["id"] for event in sim.get("events")]
    assert shop.heard == []

    sim.post("delivery/flush", {"order": [made[3], made[0]]})
    assert [heard.event["id"] for heard in shop.heard] == [made[3], made[0]]
    answers = sim.post("delivery/flush", {"order": "reverse"})

    assert [heard.event["id"] for heard in shop.heard[2:]] == [made[2], made[1]]
    assert [answer["status"] for answer in answers] == [200, 200]
    assert sim.post("delivery/flush") == []


def test_duplicates_carry_the_same_id(sim, shop, session):
    sim.post("delivery", {"duplicate": 2, "types": ["checkout.session.completed"]})

    sim.pay(session.id)
    sim.quiet()

    ids = [h.event["id"] for h in shop.heard if h.event["type"] == "checkout.session.completed"]
    assert len(ids) == 3
    assert len(set(ids)) == 1


def test_reordering_loses_nothing(sim, shop, session):
    sim.post("delivery", {"reorder": True})

    sim.pay(session.id, wait=False)
    sim.wait_for(lambda: len(shop.heard) == 4)

    made = [event["id"] for event in sim.get("events")]
    assert sorted(heard.event["id"] for heard in shop.heard) == sorted(
        made
    )  # several senders: the order is not certain


def test_within_a_burst_each_later_event_goes_out_before_the_earlier_ones():
    """What is planned; when it arrives hangs on how busy the machine is."""
    settings, now = {}, [1_000.0]
    world = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: now[0]),
        setting=lambda name: settings.get(name, {}),
        put_setting=lambda record: settings.update({record["id"]: record}),
    )
    rules = {"delay_ms": 0, "reorder": True}
    planned = []
    for at in (1_000.0, 1_000.01, 1_000.02, 1_000.29, 1_000.31):  # the last one begins a burst of its own
        now[0] = at
        planned.append(delivery._first_try(world, rules))

    assert planned[0] > planned[1] > planned[2] > planned[3]
    assert planned[4] > planned[3]


def test_delivery_can_be_delayed(api, sim, shop, session):
    sim.post("delivery", {"delay_ms": 60_000})
    api.checkout.sessions.expire(session.id)
    sim.quiet()
    assert shop.heard == []

    sim.post("clock", {"advance": 61})
    sim.quiet()

    assert shop.types() == ["checkout.session.expired"]


def test_an_event_can_be_sent_again_many_times_at_once(api, sim, shop, session):
    api.checkout.sessions.expire(session.id)
    sim.quiet()
    event = sim.get("events")[0]["id"]

    answers = sim.post(f"events/{event}/resend", {"times": 6, "concurrency": 3})

    assert [answer["status"] for answer in answers] == [200] * 6
    assert {heard.event["id"] for heard in shop.heard} == {event}
    assert len(shop.heard) == 7


def test_misspelt_controls_are_refused(sim):
    with pytest.raises(AssertionError, match="unknown: mood"):
        sim.post("delivery", {"mood": "drop"})
    with pytest.raises(AssertionError, match="mode must be one of"):
        sim.post("delivery", {"mode": "drip"})
    with pytest.raises(AssertionError, match="only moves forward"):
        sim.post("clock", {"advance": -1})
