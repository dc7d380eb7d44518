"""Disasters of the news: webhooks that are lost, repeated, shuffled, early, forged, or come when nobody can listen."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from booking.cli.made_up_events import sign
from booking.drill.checks import confirmed_once, untouched
from booking.drill.crowd import at_once
from booking.drill.disaster import disaster
from booking.drill.evidence import plain
from booking.drill.house import House
from booking.drill.visitor import send_event
from booking.extensions import db
from booking.models import WebhookEvent

ROUNDS = 5
DECLINED = "4000000000000002"


def pay_and_hold_the_news(house: House, ahead: int = 30) -> int:
    """A booking that is paid at Stripe, while its events wait to be delivered; the booking's id."""
    booking_id = house.book(house.stay(ahead=ahead))
    house.simulator.hold_webhooks()
    house.pay(booking_id)
    return booking_id


def completed_event(house: House, booking_id: int) -> Any:
    """Stripe's own event of the paid session."""
    session_id = house.session_of(booking_id)
    events = house.simulator.events("checkout.session.completed")
    return next(event for event in events if event["data"]["object"]["id"] == session_id)


@disaster
def webhook_lost(house: House) -> None:
    """Given a guest has paid on Stripe's page and closed the browser.
    When the webhook never comes.
    Then the worker asks Stripe, and the booking is confirmed once.
    """
    booking_id = house.book(house.stay())
    house.simulator.lose_webhooks()
    house.pay(booking_id)
    untouched(house, booking_id)

    house.pass_time(timedelta(minutes=3))
    house.sweep()

    confirmed_once(house, booking_id, via="reconcile")


@disaster
def webhook_ten_times_at_once(house: House) -> None:
    """Given a guest has paid.
    When Stripe delivers the same event ten times at the same moment.
    Then it has its effect once, and the other deliveries are told that it was handled.
    """
    booking_id = pay_and_hold_the_news(house)
    event = completed_event(house, booking_id)

    answers = house.simulator.deliver_again(event["id"], times=10)

    words = Counter(f"{answer['status']} {json.loads(answer['body'] or '{}').get('status', '')}" for answer in answers)
    house.evidence.note(f"answers: {plain(words)}")
    house.check("deliveries answered with success", words["200 success"], 1)
    house.check("deliveries that failed for good", sum(answer["status"] not in (200, 503) for answer in answers), 0)
    confirmed_once(house, booking_id, via="webhook")


@disaster
def events_in_the_wrong_order(house: House) -> None:
    """Given a card was declined, another one paid, and staff sent a part back, while no event came through.
    When Stripe then delivers all of these events, the last one first.
    Then booking and money stand as if the events had come in order.
    """
    booking_id = house.book(house.stay())
    house.simulator.hold_webhooks()
    house.pay(booking_id, DECLINED)
    house.pay(booking_id)
    house.check("answer to the guest who came back", house.come_back(house.session_of(booking_id)), 200)
    house.order_refund(booking_id, 500)
    house.work()

    answers = house.simulator.deliver_held("reverse")

    house.evidence.note(f"delivered: {', '.join(answer['type'] for answer in answers)}")
    house.check("deliveries that were not taken", [a["type"] for a in answers if a["status"] != 200], [])
    stands = house.standing(booking_id)
    house.check(f"booking {booking_id}", stands.state, "confirmed, partially_refunded")
    house.check("it was confirmed via", stands.confirmed_via, ("redirect",))
    house.check("payments", stands.payments, 1)
    house.check("refunds", stands.refunds, ("5.00 EUR goodwill succeeded",))


@disaster
def redirect_and_webhook_at_the_same_instant(house: House) -> None:
    """Given a guest has paid and is on the way back from Stripe's page.
    When the guest and the webhook arrive at the same instant, five times over.
    Then each time one of the two confirms the booking and the other finds it done.
    """
    for number in range(ROUNDS):
        booking_id = pay_and_hold_the_news(house, ahead=30 + 5 * number)

        house.check("answers to guest and webhook", _both_at_once(house, booking_id), [200, 200])
        confirmed_once(house, booking_id)


def _both_at_once(house: House, booking_id: int) -> list[int]:
    session_id, event_id = house.session_of(booking_id), completed_event(house, booking_id)["id"]
    return at_once([lambda: house.come_back(session_id), lambda: house.simulator.deliver_again(event_id)[0]["status"]])


@disaster
def forged_stale_and_foreign_events(house: House) -> None:
    """Given a booking that waits for its payment.
    When events come that are signed by somebody else, changed, an hour old, of another shop or of the other mode.
    Then nothing is written and nothing is confirmed, and the true event still counts afterwards.
    """
    booking_id = pay_and_hold_the_news(house)
    event = completed_event(house, booking_id)

    seen = {name: send_event(house.settings.base_url, *parts) for name, parts in _hostile(house, event).items()}

    house.check("answers", seen, {name: 400 if name in _REFUSED else 200 for name in seen})
    house.check("events in the inbox", house.count(WebhookEvent), 0)
    untouched(house, booking_id)
    house.check("answer to the true event", house.simulator.deliver_again(event["id"])[0]["status"], 200)
    confirmed_once(house, booking_id, via="webhook")


_REFUSED = ("unsigned", "signed by somebody else", "changed on its way", "an hour old")


def _hostile(house: House, event: Any) -> dict[str, tuple[bytes, str]]:
    """What strangers may send, by name: body and signature."""
    now, ours = int(house.clock.now().timestamp()), house.settings.stripe_webhook_secrets[0]
    good = json.dumps(event).encode()
    foreign, live = (json.dumps(other).encode() for other in (_of_another_shop(event), {**event, "livemode": True}))
    return {
        "unsigned": (good, ""),
        "signed by somebody else": (good, sign(good, "whsec_of_somebody_else", now)),
        "changed on its way": (good.replace(b'"paid"', b'"unpaid"'), sign(good, ours, now)),
        "an hour old": (good, sign(good, ours, now - 3600)),
        "of another shop": (foreign, sign(foreign, ours, now)),
        "of the other mode": (live, sign(live, ours, now)),
    }


def _of_another_shop(event: Any) -> Any:
    """Another program on the same Stripe account, which counts its bookings from one as well."""
    session = event["data"]["object"]
    metadata = {**session["metadata"], "app": "another-shop", "attempt": "1"}
    other = {**session, "id": "cs_test_other", "payment_intent": "pi_other", "metadata": metadata}
    return {**event, "id": "evt_other", "data": {"object": other}}


@disaster
def database_locked_during_a_delivery(house: House) -> None:
    """Given a guest has paid.
    When the database is locked by somebody else while the webhook is delivered.
    Then the answer is 503 within seconds and nothing is half written, and Stripe's next try confirms the booking.
    """
    booking_id = pay_and_hold_the_news(house)
    event_id = completed_event(house, booking_id)["id"]

    with _locked(house):
        first = house.simulator.deliver_again(event_id)[0]
    untouched(house, booking_id)
    second = house.simulator.deliver_again(event_id)[0]

    house.evidence.note(f"the first answer took {first['ms'] / 1000:.1f} seconds")
    house.check("answers while it is locked, and afterwards", (first["status"], second["status"]), (503, 200))
    confirmed_once(house, booking_id, via="webhook")


@contextmanager
def _locked(house: House) -> Iterator[None]:
    """Somebody else writes, and takes their time."""
    on_postgresql = house.scratch.kind == "PostgreSQL"
    lock = "LOCK TABLE webhook_event" if on_postgresql else "UPDATE instance SET instance_id = instance_id"
    with house.app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql(lock)
        yield
        connection.rollback()
