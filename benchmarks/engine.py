"""Holds, confirmations, refusals and searches in one process, against the least that the same stack can do."""

import itertools
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from flask import Flask
from sqlalchemy import func, select

from benchmarks.big_shop import DAYS, SOLO
from benchmarks.places import Place, shop_in
from benchmarks.ratios import Measured
from booking.cli.made_up_events import Wishes, make_event, sign
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable
from booking.extensions import db
from booking.models import Booking, Listing, Night, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.queries.nights import free_listings
from booking.queries.story import get_attempt_facts
from booking.services import reservations, webhooks
from booking.services.instance import get_instance_id
from booking.services.reservations import GuestDetails, Placed, PlaceRequest
from booking.wiring import current_runtime
from tests.support.shop import SECRET

_Result = TypeVar("_Result")
_numbers = itertools.count(1)
SEARCHES = 300


def measure(place: Place, rounds: int, times: int) -> Iterator[Measured]:
    """All of one shop, each kind of work in turn, round after round."""
    with shop_in(place) as app:
        names = ("floor", "hold", "confirm")
        spent: dict[str, list[float]] = {name: [] for name in names}
        for each in range(rounds + 1):
            requests = [make_request(*stay) for stay in _free_stays(times)]
            took = {"floor": [_timed(write_floor)[0] for _ in range(times)]}
            holds = [_timed(lambda request=request: hold(request)) for request in requests]
            events = [paid_event(placed.booking_id) for _, placed in holds]
            took["hold"] = [seconds for seconds, _ in holds]
            took["confirm"] = [_timed(lambda event=event: receive(*event))[0] for event in events]
            if each:  # the first round warms up
                for name in names:
                    spent[name].append(statistics.median(took[name]))
        for name in ("hold", "confirm"):
            yield Measured.against(spent["floor"], spent[name], name, place.database, place.units)
        yield _crowd(app, place, rounds)
        yield _rush(app, place, rounds)
        yield _search(place)


# --- one at a time --------------------------------------------------------------------------------------------------


def _timed(work: Callable[[], _Result]) -> tuple[float, _Result]:
    began = time.perf_counter()
    result = work()
    took = time.perf_counter() - began
    db.session.remove()
    return took, result


def write_floor() -> None:
    """The least that a confirmation could be: an event written, a booking changed, both committed."""
    now = datetime.now(UTC)
    with transaction() as session:
        session.add(
            WebhookEvent(id=f"evt_floor_{next(_numbers)}_{time.time_ns()}", type="x", object_id="cs_1", payload={},
                         outcome=InboxOutcome.HANDLED, received_at=now)
        )  # fmt: skip
        session.get_one(Booking, 1).calendar_sequence += 1


def hold(request: PlaceRequest) -> Placed:
    """Hold the nights of a stay."""
    return reservations.place_booking(current_runtime(), request)


def receive(body: bytes, signature: str) -> None:
    """Take in news of Stripe's. Raises RuntimeError where it changes nothing."""
    receipt = webhooks.receive_event(current_runtime(), body, signature)
    if receipt.status is not webhooks.ReceiptStatus.HANDLED:
        raise RuntimeError(receipt.note)


def paid_event(booking_id: int) -> tuple[bytes, str]:
    """Stripe's news that a booking was paid, and its signature."""
    facts, now = get_attempt_facts(db.session(), booking_id), int(time.time())
    event = make_event("checkout.session.completed", facts, Wishes(), get_instance_id(current_runtime()), now)
    body = json.dumps(event).encode()
    db.session.remove()
    return body, sign(body, SECRET, now)


# --- many at once ---------------------------------------------------------------------------------------------------


def _crowd(app: Flask, place: Place, rounds: int) -> Measured:
    """How many refusals of taken nights sixteen clients get in the time of one hold of theirs."""
    ratios, costs = [], []
    for _ in range(rounds):
        held = _by_many(app, 16, [make_request(*stay) for stay in _free_stays(64)])
        refused = _by_many(app, 16, [make_request(*stay) for stay in _taken_stays(64)])
        ratios.append(held / refused)
        costs.append(refused / 64)
    return Measured("refuse", place.database, place.units, ratios, statistics.median(costs) * 1000)


def _rush(app: Flask, place: Place, rounds: int) -> Measured:
    """What sixty-four clients get done who all want one unit, against as many who want different ones."""
    ratios, costs = [], []
    for _ in range(rounds):
        apart = _by_many(app, 64, [make_request(*stay) for stay in _free_stays(64)])
        solo = db.session.scalars(select(Listing.id).where(Listing.slug == SOLO)).one()
        wanted = _free_stays(1)[0][1]
        together = _by_many(app, 64, [make_request(solo, wanted) for _ in range(64)])
        ratios.append(apart / together)
        costs.append(together / 64)
    return Measured("rush", place.database, place.units, ratios, statistics.median(costs) * 1000)


def _by_many(app: Flask, clients: int, requests: list[PlaceRequest]) -> float:
    """Seconds until all have their answer."""
    start = threading.Barrier(clients + 1)

    def one(share: list[PlaceRequest]) -> None:
        with app.app_context():
            start.wait()
            for request in share:
                try:
                    hold(request)
                except DatesUnavailable:
                    pass
                finally:
                    db.session.remove()

    with ThreadPoolExecutor(clients) as pool:
        done = [pool.submit(one, requests[number::clients]) for number in range(clients)]
        start.wait()
        began = time.perf_counter()
        for each in done:
            each.result()
        return time.perf_counter() - began


# --- search ---------------------------------------------------------------------------------------------------------


def _search(place: Place) -> Measured:
    """The slowest hundredth of questions which units are free, against that of a look at one booking by its index."""
    chance, today, now = random.Random(3), _today(), datetime.now(UTC)
    known = list(db.session.scalars(select(Booking.reference).limit(SEARCHES)))
    plain, asked = [], []
    for reference in known:
        arrive = today + timedelta(days=chance.randrange(5, 300))
        stay = Stay(arrive, arrive + timedelta(days=chance.randrange(2, 8)))
        one = select(Booking.id).where(Booking.reference == reference)
        plain.append(_timed(lambda one=one: db.session.execute(one).all())[0])
        asked.append(_timed(lambda stay=stay: free_listings(db.session(), stay, now))[0])
    slow, floor = statistics.quantiles(asked, n=100)[98], statistics.quantiles(plain, n=100)[98]
    return Measured("search", place.database, place.units, [slow / floor], slow * 1000)


# --- stays ----------------------------------------------------------------------------------------------------------


def _today() -> date:
    return datetime.now(UTC).date()


def _free_stays(count: int) -> list[tuple[int, Stay]]:
    """Nights behind all that is booked, no two of them in one listing at the same time."""
    listing_ids = list(db.session.scalars(select(Listing.id).order_by(Listing.id)))
    first = db.session.scalars(select(func.max(Night.day))).one() + timedelta(days=1)
    db.session.remove()
    last = _today() + timedelta(days=DAYS - 10)
    starts = [first + timedelta(days=ahead) for ahead in range(0, (last - first).days, 4)]
    places = itertools.product(starts, listing_ids)
    return [(listing_id, Stay(day, day + timedelta(days=4))) for day, listing_id in itertools.islice(places, count)]


def _taken_stays(count: int) -> list[tuple[int, Stay]]:
    """Nights on which no unit of a listing is free."""
    chance, now, found = random.Random(time.time_ns()), datetime.now(UTC), []
    listing_ids = list(db.session.scalars(select(Listing.id)))
    while len(found) < count:
        arrive = _today() + timedelta(days=chance.randrange(5, 300))
        stay = Stay(arrive, arrive + timedelta(days=28))
        free = free_listings(db.session(), stay, now)
        found += [(listing_id, stay) for listing_id in listing_ids if listing_id not in free][:8]
    db.session.remove()
    return found[:count]


def make_request(listing_id: int, stay: Stay) -> PlaceRequest:
    """What the review page of a new guest asks for."""
    listing = db.session.get_one(Listing, listing_id)
    total = reservations.check_and_quote(listing, stay, 2, datetime.now(UTC)).total
    mark = listing.payment_plan.schedule(total, stay.arrive, _today()).mark
    db.session.remove()
    name = f"bench-{next(_numbers)}-{time.time_ns()}"
    guest = GuestDetails("Grace Hopper", f"{name}@example.org", "", "")
    return PlaceRequest(listing_id, stay, 2, guest, name, total, shown_plan=mark)
