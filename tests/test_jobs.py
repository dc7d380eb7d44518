"""The worker: thin, stubborn, and safe to lose."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from huey import PostgresHuey, RedisHuey, SqliteHuey

from booking import jobs, queue
from booking.config import Settings
from booking.extensions import db
from booking.models import Heartbeat
from booking.runtime import Runtime
from booking.services import heartbeat
from tests.support.shop import make_settings

DATABASE = "sqlite:////nonexistent/shop.db"


@pytest.fixture
def queue_settings(tmp_path: Path) -> Settings:
    return make_settings(DATABASE, queue_url=f"sqlite:///{tmp_path / 'deep' / 'queue.db'}")


@pytest.fixture
def worker(app: Flask, queue_settings: Settings) -> Iterator[jobs.Worker]:
    runtime: Runtime = app.extensions["holdfast"]
    settings = replace(runtime.settings, queue_url=queue_settings.queue_url)
    app.extensions["holdfast"] = replace(runtime, settings=settings)
    worker = jobs.Worker(app)
    yield worker
    worker.huey.storage.close()


def test_each_kind_of_queue_is_chosen_by_its_address(queue_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresHuey.storage_class, "initialize_schema", lambda self: None)

    assert isinstance(queue.build_huey(queue_settings), SqliteHuey)
    assert isinstance(queue.build_huey(make_settings(DATABASE, queue_url="redis://127.0.0.1:1/0")), RedisHuey)
    postgres = queue.build_huey(make_settings(DATABASE, queue_url="postgresql+psycopg://a@127.0.0.1:1/b"))
    assert isinstance(postgres, PostgresHuey)
    assert postgres.storage.dsn == "postgresql://a@127.0.0.1:1/b"


def test_wake_up_reaches_the_worker(queue_settings: Settings, worker: jobs.Worker) -> None:
    queue.build_wake_worker(queue_settings)()

    task = worker.huey.dequeue()

    assert task is not None
    assert task.name == "work_outbox"


def test_wake_ups_do_not_pile_up_while_no_worker_runs(queue_settings: Settings, worker: jobs.Worker) -> None:
    wake_worker = queue.build_wake_worker(queue_settings)

    for _ in range(queue.MOST_WAKE_UPS * 2):
        wake_worker()

    assert worker.huey.pending_count() == queue.MOST_WAKE_UPS


def test_queue_that_is_out_of_order_disturbs_no_booking(caplog: pytest.LogCaptureFixture) -> None:
    queue.build_wake_worker(make_settings(DATABASE, queue_url="redis://127.0.0.1:1/0"))()

    assert "worker_not_woken" in caplog.text


def test_forged_message_is_not_read(queue_settings: Settings, worker: jobs.Worker) -> None:
    stranger = make_settings(DATABASE, queue_url=queue_settings.queue_url, secret_key="another-key-" * 4)
    queue.build_wake_worker(stranger)()

    with pytest.raises(ValueError, match="mismatch"):
        worker.huey.dequeue()


def test_heartbeat_is_one_row_however_often_it_beats(app: Flask) -> None:
    with app.app_context():
        heartbeat.beat(app.extensions["holdfast"])
        heartbeat.beat(app.extensions["holdfast"])

        assert db.session.query(Heartbeat).one().name == "worker"


def test_sweep_that_fails_is_logged_and_ends_nothing(worker: jobs.Worker, caplog: pytest.LogCaptureFixture) -> None:
    def broken(runtime: Runtime) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    worker._do(broken)

    assert "sweep_failed" in caplog.text


def test_every_sweep_runs_twice_at_once_without_harm(worker: jobs.Worker, caplog: pytest.LogCaptureFixture) -> None:
    sweeps = [sweep for sweep in jobs.SWEEPS if sweep is not jobs.reconcile]
    threads = [threading.Thread(target=worker._do, args=(sweep,)) for sweep in sweeps for _ in range(2)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert "sweep_failed" not in caplog.text


def test_worker_sweeps_at_its_start_and_looks_again_without_being_woken(
    worker: jobs.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(jobs, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(jobs, "SWEEPS", ())
    monkeypatch.setattr(jobs, "work_outbox", lambda _: seen.append(time.monotonic()))
    monkeypatch.setattr(worker.huey, "create_consumer", lambda **_: _Consumer(lambda: len(seen) >= 3))

    worker.run()

    assert len(seen) >= 3


class _Consumer:
    """Runs until something is so."""

    def __init__(self, is_enough) -> None:
        self._is_enough = is_enough

    def run(self) -> None:
        end = time.monotonic() + 10
        while not self._is_enough() and time.monotonic() < end:
            time.sleep(0.01)
