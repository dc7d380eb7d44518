"""Whole pages through gunicorn, each told as a share of what Flask's hello costs the same processor."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from benchmarks.clients import Ask, cost
from benchmarks.places import Place, serving, shop_in
from benchmarks.ratios import Measured
from booking.extensions import db
from booking.models import Listing


def measure(shops: list[Place], rounds: int, requests: int) -> Iterator[Measured]:
    """Results and the page of a stay, for each shop: how many hellos one of them costs, as a share."""
    with ExitStack() as stack:
        hello = stack.enter_context(serving("benchmarks.hello:app"))
        running = [(place, stack.enter_context(serving("wsgi:app", place))) for place in shops]
        paths = {(place, page): address for place, _ in running for page, address in _addresses(place).items()}
        costs: dict[tuple[Place, str], list[float]] = {key: [] for key in paths}
        floor: list[float] = []
        cost(hello, [Ask("/")] * 50)
        for place, server in running:
            for page in _addresses(place):
                cost(server, [Ask(paths[place, page])] * 20)
        for _ in range(rounds):
            floor.append(cost(hello, [Ask("/")] * (10 * requests))[0])
            for place, server in running:
                for page in _addresses(place):
                    costs[place, page].append(cost(server, [Ask(paths[place, page])] * requests)[0])
        for place, page in paths:
            shares = [one / other for one, other in zip(floor, costs[place, page], strict=True)]
            yield Measured(page, place.database, place.units, shares, statistics.median(costs[place, page]) * 1000)
        for place, server in running:
            yield Measured("memory", place.database, place.units, [server.megabytes()], server.megabytes())


def _addresses(place: Place) -> dict[str, str]:
    arrive = datetime.now(UTC).date() + timedelta(days=40)
    dates = f"arrive={arrive}&leave={arrive + timedelta(days=4)}&guests=2"
    with shop_in(place):
        slug = db.session.scalars(select(Listing.slug).order_by(Listing.id).limit(1)).one()
    return {"results": f"/stays?{dates}", "stay": f"/stays/{slug}?arrive={arrive}"}
