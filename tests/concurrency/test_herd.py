"""A herd at the door of the shop as it runs in production: what it cannot do at once it says, and loses nothing.

`HERD_VIEWS`, `HERD_GUESTS` and `HERD_EVENTS` say how many pages are looked at, guests press the button, and events
come, each at the same moment; `HERD_DATABASES` (sqlite) says on which databases.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import requests

from booking.models import OutboxRow, WebhookEvent
from tests.concurrency.race import BUTTON, SLUG, page_of
from tests.concurrency.truth import find_truth, kind_of
from tests.support.crowd import prepare, rush
from tests.support.figures import note_figures
from tests.support.gunicorn import gunicorn_shop
from tests.support.hostile import Answer, request_of, send, sign
from tests.support.servers import FakeStripe
from tests.support.shop import GRACE, Shop, Visitor

pytestmark = [pytest.mark.race, pytest.mark.gunicorn]

VIEWS = int(os.environ.get("HERD_VIEWS", "300"))
GUESTS = int(os.environ.get("HERD_GUESTS", "60"))
DATABASES = os.environ.get("HERD_DATABASES", "sqlite").split(",")
EVENTS = int(os.environ.get("HERD_EVENTS", "500"))
STRIPES_LIMIT = 25  # requests a second, as Stripe's sandbox: https://docs.stripe.com/rate-limits
HOLDS_PER_HOUR = 10
MOST_VIEWERS = 300
T = TypeVar("T")


@dataclass(frozen=True)
class Guest:
    """A browser with an address of its own, and the form on its review page."""

    visitor: Visitor
    form: dict[str, str]

    def press(self) -> requests.Response:
        return self.visitor.post(BUTTON, self.form)


@dataclass(frozen=True)
class Seen:
    """One answer and how long it took."""

    what: str
    answer: requests.Response
    seconds: float

    @property
    def is_fine(self) -> bool:
        """What was asked for, or when to ask again."""
        status = self.answer.status_code
        return status in (200, 303) or (status in (429, 503) and int(self.answer.headers["Retry-After"]) > 0)


@pytest.mark.parametrize("database_url", DATABASES, indirect=True)
def test_a_herd_is_served_or_told_when_to_come_back_and_nothing_is_lost(
    database_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    units = GUESTS + HOLDS_PER_HOUR
    with gunicorn_shop(database_url, stripe, tmp_path, units=units, RATE_LIMITS="on", PROXY_HOPS="1") as shop:
        stripe.drop_webhooks()  # the test brings the news
        guests = prepare(lambda number: _guest(shop, f"10.0.{number // 250}.{number % 250}"), range(GUESTS))
        impatient = prepare(lambda _number: _guest(shop, "192.0.2.1"), range(HOLDS_PER_HOUR + 5))
        stripe.post("limits", {"per_second": STRIPES_LIMIT})

        seen = _come_all_at_once(shop, guests, impatient)

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


def _guest(shop: Shop, address: str) -> Guest:
    visitor = Visitor(shop.url)
    visitor.web.headers["X-Forwarded-For"] = address
    form = visitor.review_form(SLUG, shop.stay(), replace(GRACE, email=f"{address}@example.org"))
    visitor.web.close()  # or the server would hang up on an idle line just when the button is pressed
    return Guest(visitor, form)


def _come_all_at_once(shop: Shop, guests: list[Guest], impatient: list[Guest]) -> list[Seen]:
    stay = shop.stay(ahead=60)
    asked = f"arrive={stay.arrive}&leave={stay.leave}&guests=2"
    pages = ["/", f"/stays?{asked}", f"/stays/{SLUG}?{asked}", f"/stays/{SLUG}/book?{asked}"]
    views = [partial(_see, "view", partial(requests.get, shop.url + pages[n % 4], timeout=120)) for n in range(VIEWS)]
    crowd = [views[n::MOST_VIEWERS] for n in range(min(VIEWS, MOST_VIEWERS))]  # one after the other, each of them
    crowd += [[partial(_see, "press", guest.press)] for guest in guests]
    crowd += [[partial(_see, "impatient", guest.press)] for guest in impatient]
    return [seen for some in _no_errors(rush(lambda acts: [act() for act in acts], crowd)) for seen in some]


def _see(what: str, ask: Callable[[], requests.Response]) -> Seen:
    began = time.monotonic()
    return Seen(what, ask(), time.monotonic() - began)


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
        answers = _no_errors(rush(partial(_deliver, shop), left))
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

    _no_errors(rush(work, range(2)))
    return rows / (time.monotonic() - began)


def _no_errors(answers: list[T | Exception]) -> list[T]:
    """What came, where nobody was left without an answer."""
    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert not errors, f"{len(errors)} of {len(answers)} got no answer, the first: {errors[0]!r}"
    return answers  # type: ignore[return-value]


def _note(database_url: str, seen: list[Seen], events_a_second: float, jobs_a_second: float) -> None:
    views = sorted(each.seconds for each in seen if each.what == "view")
    presses = sorted(each.seconds for each in seen if each.what != "view")
    note_figures(
        f"herd_{kind_of(database_url)}",
        views=len(views),
        presses=len(presses),
        told_to_come_back=sum(each.answer.status_code == 503 for each in seen),
        refused_for_haste=sum(each.answer.status_code == 429 for each in seen),
        view_p99_seconds=round(views[len(views) * 99 // 100], 3),
        press_p99_seconds=round(presses[len(presses) * 99 // 100], 3),
        events_a_second=round(events_a_second, 1),
        outbox_rows_a_second=round(jobs_a_second, 1),
    )
