"""Stripe's news of payments, whole and through gunicorn: checked, read, settled, committed and answered."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from benchmarks.big_shop import DAYS
from benchmarks.clients import Ask, cost
from benchmarks.engine import hold, make_request, paid_event
from benchmarks.places import Place, serving, shop_in
from benchmarks.ratios import Measured
from booking.domain.dates import Stay
from booking.extensions import db
from tests.support.free_units import free_units_by_listing

_NIGHTS = 4
_WARM = 60  # each process reads what it needs at its first, and PostgreSQL plans its first ones anew


def measure(place: Place, rounds: int, times: int) -> Iterator[Measured]:
    """How many hellos one such answer costs, as a share. Each event is of a booking of its own, and comes once.

    Beside it, how many the floor of a confirmation costs over the same gunicorn: no news can cost less.
    """
    with ExitStack() as stack:
        hello = stack.enter_context(serving("benchmarks.hello:app"))
        least = stack.enter_context(serving("benchmarks.floor:app", place))
        server = stack.enter_context(serving("wsgi:app", place))
        stack.enter_context(shop_in(place))
        stays = _stays(_WARM + rounds * times)
        cost(hello, [Ask("/")] * _WARM)
        cost(least, _floors(_WARM))
        cost(server, _paid([next(stays) for _ in range(_WARM)]))
        hellos: list[float] = []
        spent: dict[str, list[float]] = {"webhook": [], "webhook floor": []}
        for _ in range(rounds):
            asks = _paid([next(stays) for _ in range(times)])
            hellos.append(cost(hello, [Ask("/")] * (20 * times))[0])
            spent["webhook"].append(cost(server, asks)[0])
            spent["webhook floor"].append(cost(least, _floors(times))[0])
        for what, costs in spent.items():
            yield Measured.against(hellos, costs, what, place.database, place.units)


def _floors(count: int) -> list[Ask]:
    return [Ask("/", b"", {}, b"written")] * count


def _paid(stays: list[tuple[int, Stay]]) -> list[Ask]:
    """Hold these stays; the news that each was paid."""
    placed = [hold(make_request(*stay)) for stay in stays]
    events = [paid_event(one.booking_id) for one in placed]
    return [Ask("/webhooks/stripe/", body, _headers(sign), b'"success"') for body, sign in events]


def _headers(signature: str) -> dict[str, str]:
    return {"Stripe-Signature": signature, "Content-Type": "application/json"}


def _stays(count: int) -> Iterator[tuple[int, Stay]]:
    """Free nights, the latest first: as many times each listing as it has units left."""
    day, found = datetime.now(UTC).date() + timedelta(days=DAYS - 10), 0
    while found < count:
        stay = Stay(day, day + timedelta(days=_NIGHTS))
        free = free_units_by_listing(db.session(), stay, datetime.now(UTC))
        db.session.remove()
        for listing_id, units in free.items():
            for _ in units:
                yield listing_id, stay
                found += 1
        day -= timedelta(days=_NIGHTS)
