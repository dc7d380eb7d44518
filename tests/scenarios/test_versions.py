"""Scenario 21: secrets that rotate, two endpoints at once, and events told in the words of another API version."""

import json
from typing import Any

import pytest

from booking.gateways.stripe_objects import API_VERSION
from booking.models import WebhookEvent
from booking.services.webhooks import ReceiptStatus, replay_event
from tests.support import hostile
from tests.support.hostile import Answer, completed_event, envelope
from tests.support.shop import SECRET, Shop

NEW_SECRET = "whsec_the_new_one_0123456789"
OLDER = {"api_version": "2024-06-20"}
ANY = {"method": "*", "path_prefix": "/v1/", "times": 9}


def _deliver(shop: Shop, event: dict[str, Any], *secrets: str) -> Answer:
    body = json.dumps(event).encode()
    return hostile.post(shop.url, body, hostile.sign(body, *secrets))


def _asked(shop: Shop) -> list[str]:
    return [row["path"] for row in shop.stripe.get("requests", method="GET", path="/v1/")]


def _paid_unheard(shop: Shop) -> tuple[int, dict[str, Any]]:
    """A booking paid at Stripe that nothing here knows of yet, and its session as Stripe shows it."""
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    (event,) = shop.stripe.events("checkout.session.completed")
    return booking_id, event["data"]["object"]


def test_scenario_21_a_header_signed_with_both_secrets_of_a_rotation_is_taken_once(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    event = completed_event(shop, booking_id)

    answers = [_deliver(shop, event, NEW_SECRET, SECRET), _deliver(shop, event, SECRET, NEW_SECRET)]

    assert [answer.json["status"] for answer in answers] == ["success", "ignored"]
    assert len(shop.causes(booking_id, "confirmed")) == len(shop.payments(booking_id)) == 1


def test_scenario_21_two_endpoints_with_two_secrets_have_one_effect(shop: Shop) -> None:
    shop.runtime.payments._inner._webhook_secrets = (NEW_SECRET, SECRET)
    booking_id, session = _paid_unheard(shop)
    old = envelope("checkout.session.completed", _as_of_old(session), **OLDER)
    new = envelope("checkout.session.completed", session)

    answers = [_deliver(shop, old, SECRET), _deliver(shop, new, NEW_SECRET)]

    assert [answer.json["status"] for answer in answers] == ["success", "success"]
    assert len(shop.causes(booking_id, "confirmed")) == len(shop.payments(booking_id)) == 1
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]


def _as_of_old(session: dict[str, Any]) -> dict[str, Any]:
    """The object in a shape that no version ever had, so that reading it could only go wrong."""
    return {"id": session["id"], "object": session["object"], "amount_total": "one hundred", "metadata": []}


def test_scenario_21_an_event_of_an_older_version_is_believed_only_as_far_as_its_id(shop: Shop) -> None:
    booking_id, session = _paid_unheard(shop)
    before = _asked(shop)

    answer = _deliver(shop, envelope("checkout.session.completed", _as_of_old(session), **OLDER))

    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.causes(booking_id, "confirmed") == ["webhook"]
    assert _asked(shop)[len(before) :] == [f"/v1/checkout/sessions/{session['id']}"]


def test_scenario_21_what_cannot_be_fetched_is_503_writes_nothing_and_works_when_told_again(shop: Shop) -> None:
    booking_id, session = _paid_unheard(shop)
    event = envelope("checkout.session.completed", session, **OLDER)
    shop.stripe.post("faults", [{"kind": "status_500", **ANY}])

    first = _deliver(shop, event)

    assert (first.status, set(first.json)) == (503, {"error"})
    assert shop.state(booking_id) == ("pending", "unpaid")
    assert shop.count(WebhookEvent) == 0
    shop.stripe.post("faults", [])
    assert _deliver(shop, event).json == {"status": "success"}
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_scenario_21_every_kind_of_object_is_fetched_and_read_as_it_is_now(shop: Shop) -> None:
    booking_id, _ = _paid_unheard(shop)
    disputed = shop.book(shop.stay(ahead=50), browser="linus")
    shop.pay(disputed, card="4000000000000259")
    shop.pass_time(seconds=5)
    intent_id = shop.stripe.events("payment_intent.succeeded")[0]["data"]["object"]["id"]
    shop.stripe_client().refunds.create(params={"payment_intent": intent_id, "amount": 500})
    told = ("payment_intent.succeeded", "refund.created", "charge.refunded", "charge.dispute.created")
    objects = {kind: [event["data"]["object"] for event in shop.stripe.events(kind)] for kind in told}

    for kind, shown in objects.items():
        for data in shown:
            assert _deliver(shop, envelope(kind, _as_of_old(data), **OLDER)).json == {"status": "success"}, kind

    assert shop.state(booking_id) == ("confirmed", "partially_refunded")
    assert shop.state(disputed) == ("confirmed", "paid")
    assert shop.booking(disputed).disputed
    assert [dispute.funds_withdrawn for dispute in shop.disputes(disputed)] == [True]


def test_scenario_21_events_of_the_other_mode_or_of_nothing_known_are_not_asked_about(small_shop: Shop) -> None:
    shop = small_shop
    booking_id = shop.book(shop.stay())
    event = completed_event(shop, booking_id)
    before = _asked(shop)

    answers = [
        _deliver(shop, {**event, **OLDER, "livemode": True}),
        _deliver(shop, envelope("customer.created", {"id": "cus_1", "object": "customer"}, **OLDER)),
        _deliver(shop, envelope("refund.created", {"id": "x", "object": "refund/../x"}, **OLDER)),
    ]

    assert [answer.status for answer in answers] == [200, 200, 400]
    assert _asked(shop) == before


def test_staff_replaying_an_event_of_an_older_version_fetch_its_object_too(small_shop: Shop) -> None:
    booking_id, session = _paid_unheard(small_shop)
    event = envelope("checkout.session.completed", _as_of_old(session), **OLDER)
    _deliver(small_shop, event)

    with small_shop.app.app_context():
        receipt = replay_event(small_shop.runtime, event["id"], "ada@example.org")

    assert (receipt.status, receipt.note) == (ReceiptStatus.HANDLED, "already")
    assert len(small_shop.payments(booking_id)) == 1


@pytest.mark.parametrize("version", [API_VERSION, "2026-09-30.endive", None])
def test_versions_that_break_nothing_cost_no_call(small_shop: Shop, version: str | None) -> None:
    booking_id = small_shop.book(small_shop.stay())
    before = _asked(small_shop)

    _deliver(small_shop, {**completed_event(small_shop, booking_id), "api_version": version})

    assert small_shop.state(booking_id) == ("confirmed", "paid")
    assert _asked(small_shop) == before


def test_what_is_read_is_what_the_library_asks_for() -> None:
    import stripe

    assert stripe.api_version == API_VERSION
