"""Whole pages through gunicorn, each told as a share of what Flask's hello costs the same processor."""

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from benchmarks.places import Place, Server, serving, shop_in
from benchmarks.ratios import Measured
from booking.extensions import db
from booking.models import Listing

CLIENTS = 4


def measure(shops: list[Place], rounds: int, requests: int) -> Iterator[Measured]:
    """Results and the page of a stay, for each shop: how many hellos one of them costs, as a share."""
    with ExitStack() as stack:
        hello = stack.enter_context(serving("benchmarks.hello:app"))
        running = [(place, stack.enter_context(serving("wsgi:app", place))) for place in shops]
        paths = {(place, page): address for place, _ in running for page, address in _addresses(place).items()}
        costs: dict[tuple[Place, str], list[float]] = {key: [] for key in paths}
        waits: dict[tuple[Place, str], list[float]] = {key: [] for key in paths}
        floor: list[float] = []
        _ask(hello, "/", 50)
        for place, server in running:
            for page in _addresses(place):
                _ask(server, paths[place, page], 20)
        for _ in range(rounds):
            floor.append(_cost(hello, "/", 10 * requests)[0])
            for place, server in running:
                for page in _addresses(place):
                    cost, wait = _cost(server, paths[place, page], requests)
                    costs[place, page].append(cost)
                    waits[place, page].append(wait)
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


def _cost(server: Server, path: str, requests: int) -> tuple[float, float]:
    """Seconds of processor time for one request, and the time that the slowest hundredth had to wait."""
    before = server.seconds()
    waits = _ask(server, path, requests)
    return (server.seconds() - before) / len(waits), statistics.quantiles(waits, n=100)[98]


def _ask(server: Server, path: str, requests: int) -> list[float]:
    """Ask by several clients that keep their connections; how long each answer took, in seconds."""
    waits: list[float] = []
    share = max(1, requests // CLIENTS)
    threads = [threading.Thread(target=_client, args=(server.url, path, share, waits.append)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _client(url: str, path: str, times: int, note: Callable[[float], None]) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        note(time.perf_counter() - began)
