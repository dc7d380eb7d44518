"""R10: nothing can be written any more. Everybody is asked to come back, nothing is half written, and it mends itself.

A full file and a file (or a PostgreSQL) that may only be read are made within the process; a disk that takes no byte
more, not even of the log, is made under real gunicorn and a real worker, by the limit that the kernel keeps for each.
"""

import contextlib
import resource
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from booking.extensions import db
from tests.conftest import _open_shop
from tests.havoc.programs import NO_LIMIT, PATIENCE, running_shop
from tests.support.servers import FakeStripe, end_connections, wait_until
from tests.support.shop import GRACE, Shop, Visitor

Trouble = Callable[[Shop], contextlib.AbstractContextManager[None]]
COME_BACK = "The shop cannot answer just now. Please try again in a moment."


# --- what goes wrong ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _listening(shop: Shop, moment: str, act: Callable[..., Any]) -> Iterator[None]:
    """Have something done to each connection the shop makes, beginning with new ones."""
    with shop.app.app_context():
        engine = db.engine
        event.listen(engine, moment, act)
        engine.dispose()
    yield
    event.remove(engine, moment, act)
    engine.dispose()


@contextlib.contextmanager
def _full_file(shop: Shop) -> Iterator[None]:
    """Not one page more: what fits into the pages that are there still goes in."""
    with shop.app.app_context():
        pages = db.session.scalar(text("PRAGMA page_count"))
        db.session.rollback()
    with _listening(shop, "connect", lambda dbapi, _record: dbapi.execute(f"PRAGMA max_page_count={pages}")):
        yield


@contextlib.contextmanager
def _read_only_file(shop: Shop) -> Iterator[None]:
    path = shop.runtime.settings.database_url.removeprefix("sqlite:///")

    def connect(*_: Any) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)

    with _listening(shop, "do_connect", connect):
        yield


@contextlib.contextmanager
def _read_only_server(shop: Shop) -> Iterator[None]:
    """What a standby is, and what services that run PostgreSQL for people do to a server whose disk is full."""
    server, name = shop.runtime.settings.database_url.replace("+psycopg", "").rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for is_on in ("on", "off"):
            connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {is_on}")
            end_connections(connection, name)
            if is_on == "on":
                yield


TROUBLES: dict[str, tuple[str, Trouble]] = {
    "a full file": ("sqlite_url", _full_file),
    "a file that may only be read": ("sqlite_url", _read_only_file),
    "a server that may only be read": ("postgres_url", _read_only_server),
}
READ_ONLY = ("a file that may only be read", "a server that may only be read")


# --- what everybody does meanwhile ----------------------------------------------------------------------------------


def _rows(shop: Shop) -> dict[str, int]:
    """How many there are of each kind, but for the pulses of a worker."""
    with shop.app.app_context():
        tables = [table for table in db.metadata.sorted_tables if table.name != "heartbeat"]
        counts = {table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
        db.session.rollback()
    return counts


def _guest(shop: Shop, number: int) -> tuple[Visitor, dict[str, str]]:
    visitor = Visitor(shop.url)
    return visitor, visitor.review_form("harbour-loft", shop.stay(nights=2, ahead=20 + 3 * number))


def _press(guest: tuple[Visitor, dict[str, str]]) -> requests.Response:
    visitor, form = guest
    return visitor.post("/stays/harbour-loft/review", form)


def _resend(shop: Shop, event: dict[str, Any]) -> int:
    return int(shop.stripe.resend(event["id"])[0]["status"])


def _paid_unheard(shop: Shop, count: int) -> list[dict[str, Any]]:
    """Payments that the shop was not told of: their events."""
    shop.stripe.hold_webhooks()
    for number in range(count):
        booking_id = shop.book(shop.stay(nights=1, ahead=120 + number), browser=f"{number}")
        shop.stripe.pay(shop.session_of(booking_id), wait=False)
    return shop.stripe.events("checkout.session.completed")


def _first_refused(shop: Shop, act: Callable[[Any], Any], crowd: list[Any], is_good: Callable[[Any], bool]) -> Any:
    """Who is refused first, and the answer; it must have left nothing behind. A file has room until it has none."""
    for one in crowd:
        before = _rows(shop)
        answer = act(one)
        if not is_good(answer):
            assert _rows(shop) == before
            return one, answer
    raise AssertionError("nobody was refused")


@pytest.fixture
def troubled(request: pytest.FixtureRequest, stripe: FakeStripe) -> Iterator[tuple[Shop, Trouble]]:
    """A shop on the database in which a trouble can be made, and the trouble."""
    url, trouble = TROUBLES[request.param]
    for shop in _open_shop(request.getfixturevalue(url), stripe):
        yield shop, trouble


def _each(names: Iterable[str]) -> pytest.MarkDecorator:
    marks = {name: [pytest.mark.postgresql] if TROUBLES[name][0] == "postgres_url" else [] for name in names}
    cases = [pytest.param(name, marks=mark, id=name) for name, mark in marks.items()]
    return pytest.mark.parametrize("troubled", cases, indirect=True)


@_each(TROUBLES)
def test_what_cannot_be_written_is_asked_to_come_back_and_works_then(troubled: tuple[Shop, Trouble]) -> None:
    shop, trouble = troubled
    guests, events = [_guest(shop, number) for number in range(16)], _paid_unheard(shop, 8)

    with trouble(shop):
        guest, page = _first_refused(shop, _press, guests, lambda answer: answer.status_code == 303)
        event, status = _first_refused(shop, partial(_resend, shop), events, lambda status: status == 200)
        assert requests.get(f"{shop.url}/stays", timeout=20).status_code == 200

    assert (page.status_code, page.headers.get("Retry-After")) == (503, "30")
    assert COME_BACK in page.text
    assert status == 503
    assert _press(guest).status_code == 303
    assert _resend(shop, event) == 200
    assert shop.state(int(event["data"]["object"]["metadata"]["booking_id"])) == ("confirmed", "paid")


@_each(READ_ONLY)
def test_a_monitor_is_told_while_nothing_can_be_written(troubled: tuple[Shop, Trouble]) -> None:
    shop, trouble = troubled

    with trouble(shop):
        meanwhile = requests.get(f"{shop.url}/readyz", timeout=20)
        assert requests.get(f"{shop.url}/healthz", timeout=20).status_code == 200

    assert (meanwhile.status_code, meanwhile.json()["database"]) == (503, False)
    assert requests.get(f"{shop.url}/readyz", timeout=20).json()["database"] is True


@_each(READ_ONLY)
def test_a_worker_that_could_not_write_down_what_it_did_does_nothing(troubled: tuple[Shop, Trouble]) -> None:
    shop, trouble = troubled
    shop.pay(shop.book(shop.stay()))

    with trouble(shop), pytest.raises(DBAPIError):
        shop.work()
    assert shop.mailer.letters == []

    shop.work()
    assert len(shop.mailer.letters) == 2


# --- under the programs that people run -----------------------------------------------------------------------------


def _answered(shop: Shop, status: int) -> bool:
    """Whether a delivery of Stripe's own was answered so."""
    return any(attempt["status"] == status for one in shop.stripe.get("deliveries") for attempt in one["attempts"])


@pytest.mark.gunicorn
@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can take room from a running process")
def test_programs_that_get_no_byte_onto_the_disk_live_on_and_mend_by_themselves(
    sqlite_url: str, stripe: FakeStripe, tmp_path: Path
) -> None:
    with running_shop(sqlite_url, stripe, tmp_path) as running:
        running.wait_until_ready()
        shop = running.shop
        stripe.post("delivery", {"retry_after": [0.3] * 400})
        guest, waiting = _guest(shop, 1), shop.book(shop.stay(ahead=60))
        before = _rows(shop)

        for program in running.programs:
            program.limit_files(1)
        page = _press(guest)
        stripe.pay(shop.session_of(waiting), wait=False)
        wait_until(lambda: _answered(shop, 503), PATIENCE, "an answer of 503 to Stripe")
        monitor = requests.get(f"{shop.url}/readyz", timeout=20)
        looking = requests.get(f"{shop.url}/stays", timeout=20)
        meanwhile = _rows(shop)
        for program in running.programs:
            program.limit_files(NO_LIMIT)

        assert (page.status_code, page.headers.get("Retry-After")) == (503, "30")
        assert COME_BACK in page.text
        assert (monitor.status_code, monitor.json()["database"]) == (503, False)
        assert looking.status_code == 200
        assert meanwhile == before
        assert not _answered(shop, 500)
        wait_until(lambda: shop.state(waiting) == ("confirmed", "paid"), PATIENCE, "Stripe's next try")
        wait_until(lambda: f"--- mail to {GRACE.email}: " in running.said(), PATIENCE, "the letter")
        assert _press(guest).status_code == 303
        assert requests.get(f"{shop.url}/readyz", timeout=20).json()["database"] is True
        assert [program.starts for program in running.programs] == [1, 1]
        assert shop.broken_promises() == []
