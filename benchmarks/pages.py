"""Whole pages through gunicorn, each told as a share of what Flask's hello costs the same processor."""

import itertools
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from benchmarks.clients import Ask, cost
from benchmarks.places import Place, Server, serving, shop_in
from benchmarks.ratios import Measured
from booking.extensions import db
from booking.models import Listing

POPULAR = 5  # pages of a kind that several people look at in the same minute
_HOUSES = 20
_Running = tuple[Place, Server, dict[str, Iterator[str]]]


def measure(shops: list[Place], rounds: int, requests: int) -> Iterator[Measured]:
    """Results and the page of a stay, for each shop: how many hellos one of them costs, as a share.

    Each is one of those that others ask for in the same minute; "new" stands for pages that nobody asked for before.
    """
    with ExitStack() as stack:
        hello = stack.enter_context(serving("benchmarks.hello:app"))
        running = [(place, stack.enter_context(serving("wsgi:app", place)), pages_of(place)) for place in shops]
        cost(hello, [Ask("/")] * 50)
        for shop in running:
            _costs(shop, 8 * POPULAR)  # until every process has made each
        floor, found = [], []
        for _ in range(rounds):
            floor.append(cost(hello, [Ask("/")] * (10 * requests))[0])
            found.append({shop[0]: _costs(shop, requests) for shop in running})
        for place, server, pages in running:
            for page in pages:
                spent = [each[place][page] for each in found]
                yield Measured.against(floor, spent, page, place.database, place.units)
            yield Measured("memory", place.database, place.units, [server.megabytes()], server.megabytes())


def _costs(shop: _Running, requests: int) -> dict[str, float]:
    """What one page of each kind costs, in seconds of processor time."""
    _, server, pages = shop
    return {page: cost(server, [Ask(next(addresses)) for _ in range(requests)])[0] for page, addresses in pages.items()}


def pages_of(place: Place) -> dict[str, Iterator[str]]:
    """Addresses of each kind of page, without end where they are popular."""
    with shop_in(place):
        slugs = list(db.session.scalars(select(Listing.slug).order_by(Listing.id).limit(_HOUSES)))
    today, chance = datetime.now(UTC).date(), random.Random(7)
    results = [_results(today + timedelta(days=ahead), 4, 2) for ahead in range(40, 40 + POPULAR)]
    stays = [_stay(slug, today + timedelta(days=40)) for slug in slugs[:POPULAR]]
    others = [
        _results(today + timedelta(days=ahead), nights, guests)
        for ahead, nights, guests in itertools.product(range(61, 300), range(2, 8), (1, 2))
    ]
    days = [_stay(slug, today + timedelta(days=ahead)) for slug in slugs for ahead in range(41, 300)]
    return {
        "results": itertools.cycle(results),
        "stay": itertools.cycle(stays),
        "results new": iter(chance.sample(others, len(others))),
        "stay new": iter(chance.sample(days, len(days))),
    }


def _results(arrive: date, nights: int, guests: int) -> str:
    return f"/stays?arrive={arrive}&leave={arrive + timedelta(days=nights)}&guests={guests}"


def _stay(slug: str, arrive: date) -> str:
    return f"/stays/{slug}?arrive={arrive}"
