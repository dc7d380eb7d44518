"""What monitors are told: the process, and everything that a booking needs."""

import shutil
from collections import namedtuple
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from booking.extensions import db
from booking.models import Heartbeat
from booking.services import heartbeat
from tests.support.shop import ShiftedClock

Usage = namedtuple("Usage", "total used free")
ALL_WELL = {"ready": True, "database": True, "schema": True, "worker": True, "disk": True}


@pytest.fixture(autouse=True)
def _room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(100, 50, 50))


@pytest.fixture
def beating(app: Flask) -> Flask:
    with app.app_context():
        heartbeat.beat(app.extensions["holdfast"])
    return app


def _execute(app: Flask, *statements: str) -> None:
    with app.app_context(), db.engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def test_a_shop_that_has_everything_is_ready(beating: Flask, client: FlaskClient) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == ALL_WELL


def test_looking_leaves_nothing_behind(beating: Flask, client: FlaskClient) -> None:
    client.get("/readyz")

    with beating.app_context():
        assert [row.name for row in db.session.query(Heartbeat)] == ["worker"]


@pytest.mark.parametrize("minutes", [2, 4])
def test_a_worker_counts_as_gone_after_three_minutes(beating: Flask, client: FlaskClient, minutes: int) -> None:
    clock: ShiftedClock = beating.extensions["holdfast"].clock
    clock.offset += timedelta(minutes=minutes)

    answer = client.get("/readyz")

    assert answer.status_code == (200 if minutes < 3 else 503)
    assert answer.json == {**ALL_WELL, "ready": minutes < 3, "worker": minutes < 3}


def test_a_disk_with_less_than_a_twentieth_free_is_red(
    beating: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(100, 96, 4))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json == {**ALL_WELL, "ready": False, "disk": False}


def test_the_disk_looked_at_is_the_one_with_the_data(
    beating: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or Usage(100, 50, 50))

    client.get("/readyz")

    assert asked == [tmp_path]


def test_a_schema_that_is_not_the_newest_is_red(beating: Flask, client: FlaskClient) -> None:
    _execute(beating, "UPDATE alembic_version SET version_num = 'old'")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json == {**ALL_WELL, "ready": False, "schema": False}


def test_a_database_that_can_only_be_read_is_red(beating: Flask, client: FlaskClient) -> None:
    blocked = "CREATE TRIGGER full BEFORE INSERT ON heartbeat BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    _execute(beating, blocked)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json == {**ALL_WELL, "ready": False, "database": False}


def test_a_database_that_is_gone_is_red_and_says_no_more(
    beating: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OperationalError("SELECT", {}, Exception("no route to 10.0.0.7"))

    monkeypatch.setattr("booking.web.health.find_schema_problem", gone)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json == {"ready": False, "database": False, "schema": False, "worker": False, "disk": True}


def test_the_process_alone_asks_the_database_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.session, "execute", None)
    monkeypatch.setattr(db.session, "scalar", None)

    assert client.get("/healthz").json == {"status": "ok"}
