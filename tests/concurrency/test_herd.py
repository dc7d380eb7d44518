"""A herd at the door of the shop as it runs in production: what it cannot do at once it says, and loses nothing.

`HERD_VIEWS`, `HERD_GUESTS` and `HERD_EVENTS` say how many pages are looked at, guests press the button, and events
come, each at the same moment; `HERD_DATABASES` (sqlite) says on which databases.
"""

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest

from booking.models import OutboxRow, WebhookEvent
from tests.concurrency.herd import Guest, Seen, come, no_errors, p99
from tests.concurrency.race import page_of
from tests.concurrency.truth import find_truth, kind_of
from tests.support.crowd import prepare, rush
from tests.support.figures import note_figures
from tests.support.gunicorn import gunicorn_shop
from tests.support.hostile import Answer, request_of, send, sign
from tests.support.servers import FakeStripe
from tests.support.shop import Shop

pytestmark = [pytest.mark.race, pytest.mark.gunicorn]

VIEWS = int(os.environ.get("HERD_VIEWS", "300"))
GUESTS = int(os.environ.get("HERD_GUESTS", "60"))
DATABASES = os.environ.get("HERD_DATABASES", "sqlite").split(",")
EVENTS = int(os.environ.get("HERD_EVENTS", "500"))
STRIPES_LIMIT = 25  # requests a second, as Stripe's sandbox: https://docs.stripe.com/rate-limits
HOLDS_PER_HOUR = 10


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
def test_a_herd_is_served_or_told_when_to_come_back_and_nothing_is_lost(
    database_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    units = GUESTS + HOLDS_PER_HOUR
    with gunicorn_shop(database_url, stripe, tmp_path, units=units, RATE_LIMITS="on", PROXY_HOPS="1") as shop:
        stripe.drop_webhooks()  # the test brings the news
        guests = prepare(lambda number: Guest.at(shop, f"10.0.{number // 250}.{number % 250}"), range(GUESTS))
        impatient = prepare(lambda _number: Guest.at(shop, "192.0.2.1"), range(HOLDS_PER_HOUR + 5))
        stripe.post("limits", {"per_second": STRIPES_LIMIT})

        seen = come(shop, VIEWS, {"press": guests, "impatient": impatient})

        assert [(each.what, each.answer.status_code) for each in seen if not each.is_fine] == []
        passed = [each for each in seen if each.what == "impatient" and each.answer.status_code != 429]
        assert len(passed) <= HOLDS_PER_HOUR
        stripe.post("limits", {"per_second": None})
        sessions = [page_of(guest.press()) for guest in guests]  # who was to come back comes back
        assert all(sessions)
        assert len(set(sessions)) == GUESTS

        events_a_second = _hear_of_all_at_once(shop, sessions)
        jobs_a_second = _drain(shop)

        truth = find_truth(shop)
        assert truth.astray() == truth.sold_twice() == truth.unfinished() == []
        assert len(truth.confirmed) == len(truth.payments) == GUESTS
    _note(database_url, seen, events_a_second, jobs_a_second)


def _hear_of_all_at_once(shop: Shop, sessions: list[str]) -> float:
    """Everybody pays; every event comes several times, all at once, and again until it is answered 200, as Stripe does.

    How many were answered in a second.
    """
    prepare(lambda session_id: shop.stripe.pay(session_id, wait=False), sessions)
    told = [shop.stripe.events(kind) for kind in ("checkout.session.completed", "payment_intent.succeeded")]
    bodies = [json.dumps(event).encode() for events in told for event in events]
    copies = max(1, EVENTS // len(bodies))
    left, posts, began = bodies * copies, 0, time.monotonic()
    while left:
        answers = no_errors(rush(partial(_deliver, shop), left))
        assert {answer.status for answer in answers} <= {200, 503}
        left, posts = (
            [body for body, answer in zip(left, answers, strict=True) if answer.status != 200],
            posts + len(left),
        )
    assert shop.count(WebhookEvent) == len(bodies)
    return posts / (time.monotonic() - began)


def _deliver(shop: Shop, body: bytes) -> Answer:
    return send(shop.url, request_of("POST", body, sign(body)), seconds=120)


def _drain(shop: Shop) -> float:
    """Two threads work the outbox off, as the worker's do; rows a second."""
    rows, began = shop.count(OutboxRow), time.monotonic()

    def work(_number: int) -> None:
        while shop.work():
            pass

    no_errors(rush(work, range(2)))
    return rows / (time.monotonic() - began)


def _note(database_url: str, seen: list[Seen], events_a_second: float, jobs_a_second: float) -> None:
    views = [each for each in seen if each.what == "view"]
    presses = [each for each in seen if each.what != "view"]
    note_figures(
        f"herd_{kind_of(database_url)}",
        views=len(views),
        presses=len(presses),
        told_to_come_back=sum(each.answer.status_code == 503 for each in seen),
        refused_for_haste=sum(each.answer.status_code == 429 for each in seen),
        view_p99_seconds=round(p99(views), 3),
        press_p99_seconds=round(p99(presses), 3),
        events_a_second=round(events_a_second, 1),
        outbox_rows_a_second=round(jobs_a_second, 1),
    )
