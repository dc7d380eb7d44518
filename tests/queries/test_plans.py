"""How the databases find the rows of what is done most often: no table that grows is read as a whole."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, text

from benchmarks import engine
from benchmarks.big_shop import BigShop, fill
from booking import create_app
from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.queries.holds import glance
from booking.services import reservations
from booking.wiring import current_runtime
from tests.support.noting import Asked, noting
from tests.support.shop import dispose, make_settings

# Those that grow with every guest.
GROWING = {"night", "occupancy", "booking", "webhook_event"}
UNITS, EVENTS = 100, 5_000


@pytest.fixture
def large(database_url: str) -> Iterator[Flask]:
    yield from _large_shop(database_url)


@pytest.fixture
def large_on_postgresql(postgres_url: str) -> Iterator[Flask]:
    yield from _large_shop(postgres_url)


def _large_shop(url: str) -> Iterator[Flask]:
    app = create_app(make_settings(url))
    with app.app_context():
        now = datetime.now(UTC)
        rows = [
            {"id": f"evt_{number}", "type": "x", "object_id": f"cs_{number}", "payload": {}, "received_at": now,
             "outcome": InboxOutcome.HANDLED}
            for number in range(EVENTS)
        ]  # fmt: skip
        db.session.execute(insert(WebhookEvent), rows)
        db.session.commit()
    fill(app, BigShop(UNITS, date.today() - timedelta(days=365)))
    with app.app_context():
        yield app
    dispose(app)


def asked_by(work: Callable[[], object]) -> Asked:
    """Every statement that looks for rows, and what it was given."""
    with noting(db.engine) as asked:
        work()
    return [(statement, given) for statement, given in asked if statement.startswith(("SELECT", "UPDATE", "DELETE"))]


def read_as_a_whole(statement: str, given: Any) -> set[str]:
    """The tables of which the database would read every row."""
    plan = _plan(statement, given)
    if db.engine.dialect.name == "postgresql":
        return set(_scanned(json.loads(plan)))
    told = [line.split() for line in plan.splitlines()]
    return {words[1] for words in told if words[0] == "SCAN" and "USING" not in words}


def _plan(statement: str, given: Any) -> str:
    """JSON on PostgreSQL, a line for each step on SQLite."""
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            return json.dumps(connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar())
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        return "\n".join(str(row[-1]) for row in rows)


def _scanned(plan: Any) -> Iterator[str]:
    if isinstance(plan, list):
        for part in plan:
            yield from _scanned(part)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for part in (plan.get("Plan"), plan.get("Plans")):
            yield from _scanned(part)


def _stay() -> Stay:
    arrive = date.today() + timedelta(days=40)
    return Stay(arrive, arrive + timedelta(days=4))


def _look(path: str) -> Callable[[Flask], Asked]:
    def look(app: Flask) -> Asked:
        stay = _stay()
        client, dates = app.test_client(), f"arrive={stay.arrive}&leave={stay.leave}&guests=2"
        client.get("/stays")
        return asked_by(lambda: client.get(path.format(dates=dates)))

    return look


def _look_again(path: str) -> Callable[[Flask], Asked]:
    def look(app: Flask) -> Asked:
        _look(path)(app)  # from then on it is kept
        return _look(path)(app)

    return look


def _hold(_app: Flask) -> Asked:
    arrive = date.today() + timedelta(days=500)
    request = engine.make_request(1, Stay(arrive, arrive + timedelta(days=4)))
    return asked_by(lambda: engine.hold(request))


def _confirm(_app: Flask) -> Asked:
    arrive = date.today() + timedelta(days=510)
    placed = engine.hold(engine.make_request(1, Stay(arrive, arrive + timedelta(days=4))))
    body, signature = engine.paid_event(placed.booking_id)
    return asked_by(lambda: engine.receive(body, signature))


def _expire(_app: Flask) -> Asked:
    return asked_by(lambda: reservations.expire_holds(current_runtime()))


HOT = {
    "results": _look("/stays?{dates}"),
    "results by price": _look("/stays?{dates}&sort=price"),
    "a stay": _look("/stays/solo?{dates}"),
    "results given again": _look_again("/stays?{dates}"),
    "a stay given again": _look_again("/stays/solo?{dates}"),
    "a hold": _hold,
    "a confirmation": _confirm,
    "holds that are over": _expire,
}


@pytest.mark.parametrize("what", HOT)
def test_what_is_done_most_often_reads_no_growing_table_as_a_whole(large: Flask, what: str) -> None:
    statements = HOT[what](large)
    whole = {statement: read_as_a_whole(statement, given) & GROWING for statement, given in statements}

    assert statements
    assert {statement: tables for statement, tables in whole.items() if tables} == {}


def test_a_hold_reads_nothing_of_the_history_of_its_listing(large: Flask) -> None:
    for statement, given in _hold(large):
        assert "ix_booking_listing_id_arrive" not in _plan(statement, given), statement


@pytest.mark.postgresql
def test_whether_a_unit_is_free_is_planned_once_for_all_who_ask(large_on_postgresql: Flask) -> None:
    arrive = date.today() + timedelta(days=150)
    stay = Stay(arrive, arrive + timedelta(days=28))
    for number in range(12):  # the first five of a connection are not prepared, the next five planned one by one
        glance(db.session(), 1, stay, f"browser {number}", f"wish {number}", datetime.now(UTC))
    counts = text("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%hold_key = %'")

    assert db.session.execute(counts).scalars().all() == [2]


def test_control_a_table_without_an_index_for_the_question_is_told_of(large: Flask) -> None:
    given: Any = ("x",) if db.engine.dialect.name == "sqlite" else {"note": "x"}
    mark = "?" if db.engine.dialect.name == "sqlite" else "%(note)s"

    unindexed = f"SELECT id FROM booking WHERE message = {mark}"  # noqa: S608 (a mark of ours)
    assert read_as_a_whole(unindexed, given) == {"booking"}
    assert db.session.execute(text("SELECT count(*) FROM night")).scalar_one() > UNITS * 300
