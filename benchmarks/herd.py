"""A herd at the door, on gunicorn with two workers: everybody is served or told when to come back, and how soon."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.places import DATABASES, empty_places
from benchmarks.ratios import Measured
from tests.concurrency.herd import Guest, come, p99
from tests.concurrency.race import page_of
from tests.concurrency.truth import find_truth
from tests.support import servers
from tests.support.crowd import prepare
from tests.support.gunicorn import gunicorn_shop
from tests.support.servers import FakeStripe
from tests.support.shop import Shop


def measure(views: int, guests: int, seconds: float) -> Iterator[Measured]:
    """On both databases: the wait of the slowest hundredth of pages and of bookings, and who was told nothing.

    Raises RuntimeError where a night was sold twice or money went astray.
    """
    with ExitStack() as stack:
        make = stack.enter_context(empty_places(DATABASES))
        stripe = stack.enter_context(servers.fakestripe())
        for database in DATABASES:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-herd-")))
            with gunicorn_shop(make(database).url, stripe, folder, units=guests, PROXY_HOPS="1") as shop:
                yield from _measure(shop, stripe, database, views, guests, seconds)
            stripe.post("reset")


def _measure(
    shop: Shop, stripe: FakeStripe, database: str, views: int, guests: int, seconds: float
) -> Iterator[Measured]:
    ready = prepare(lambda number: Guest.at(shop, f"10.0.{number // 250}.{number % 250}"), range(guests))
    seen = come(shop, views, {"press": ready}, seconds)
    held = [page_of(each.answer) for each in seen if each.what == "press" and each.answer.status_code == 303]
    prepare(lambda session_id: stripe.pay(session_id, wait=False), held)
    servers.wait_until(lambda: stripe.post("delivery/wait", {"timeout": 15})["quiet"], 300, "all news")
    truth = find_truth(shop)
    if truth.astray() or truth.sold_twice() or len(truth.confirmed) != len(held):
        raise RuntimeError(f"{database}: {truth.astray()} {truth.sold_twice()} {len(truth.confirmed)} of {len(held)}")
    told = sum(each.answer.status_code == 503 for each in seen)
    print(f"  herd: {len(seen)} asked, {len(held)} hold nights, {told} told to come back", file=sys.stderr)
    for what, kind in (("herd views", "view"), ("herd presses", "press")):
        yield Measured(what, database, 0, [p99([each for each in seen if each.what == kind])], 0.0)
    yield Measured("herd errors", database, 0, [float(sum(not each.is_fine for each in seen))], 0.0)
