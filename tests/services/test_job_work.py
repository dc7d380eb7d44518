"""services/job_board.py and services/job_work.py: long work is done once, shows how far it is, and survives a death."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking import create_app
from booking.database import transaction
from booking.domain.pictures import PictureRefused
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import AuditLine, Heartbeat, Job, Photo, WebhookEvent
from booking.models.job import JobKind, JobState
from booking.models.webhook import InboxOutcome
from booking.runtime import Runtime
from booking.services import job_board, job_work, photos, reconciliation, webhooks
from booking.services.job_board import JobLost, Line
from booking.services.stripes_lists import Finding
from booking.services.webhooks import Receipt, ReceiptStatus
from tests.support.shop import MemoryMailer, ShiftedClock, add_listing, make_settings, outfit

ADA = "ada@example.org"
FILES = [("outside.jpg", b"outside"), ("room.jpg", b"room"), ("view.jpg", b"view")]


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    """An app with one listing, on each database in turn."""
    app = create_app(make_settings(database_url))
    outfit(app, ShiftedClock(), MemoryMailer())
    add_listing(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def runtime(house: Flask) -> Runtime:
    return house.extensions["holdfast"]


def job(job_id: int) -> Job:
    db.session.remove()
    return db.session.get_one(Job, job_id)


def pass_time(runtime: Runtime, time: timedelta) -> None:
    clock: Any = runtime.clock
    clock.offset += time


def lines_of(job_id: int) -> list[str]:
    return [line["text"] for line in job(job_id).result]


# --- photos ---------------------------------------------------------------------------------------------------------


def test_photos_that_were_sent_hang_in_their_order_and_nothing_is_left_aside(runtime: Runtime) -> None:
    job_id = photos.ask_for_photos(runtime, 1, FILES, ADA)
    assert (job(job_id).state, job(job_id).of) == (JobState.WAITING, 3)

    told = job_work.run_due(runtime)

    assert told == [f"job {job_id} (pictures): 3 pictures looked at."]
    done = job(job_id)
    assert (done.state, done.done, done.of, done.lease_until) == (JobState.DONE, 3, 3, None)
    assert lines_of(job_id) == ["outside.jpg: kept", "room.jpg: kept", "view.jpg: kept"]
    assert [photo.position for photo in db.session.scalars(select(Photo).order_by(Photo.id))] == [0, 1, 2]
    assert runtime.pictures.aside == {}  # type: ignore[attr-defined]
    assert job_work.run_due(runtime) == []


def test_one_bad_file_is_named_and_the_others_hang(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures: Any = runtime.pictures
    keep = pictures.keep_aside

    def keep_aside(key: str) -> Any:
        if pictures.aside.get(key) == b"room":
            raise PictureRefused
        return keep(key)

    monkeypatch.setattr(pictures, "keep_aside", keep_aside)
    job_id = photos.ask_for_photos(runtime, 1, FILES, ADA)

    job_work.run_due(runtime)

    assert [line["is_problem"] for line in job(job_id).result] == [False, True, False]
    assert "room.jpg: This file is no picture" in lines_of(job_id)[1]
    assert db.session.query(Photo).count() == 2
    assert pictures.aside == {}


def test_more_photos_than_a_stay_shows_are_refused_before_anything_is_set_aside(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "MOST_PHOTOS", 2)

    with pytest.raises(PictureRefused, match="2 photos at most"):
        photos.ask_for_photos(runtime, 1, FILES, ADA)

    assert runtime.pictures.aside == {}  # type: ignore[attr-defined]
    assert db.session.query(Job).count() == 0


def test_a_worker_that_dies_after_one_photo_is_followed_by_one_that_goes_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = photos.ask_for_photos(runtime, 1, FILES, ADA)
    real = job_board.report

    def die(*args: Any, **more: Any) -> None:
        real(*args, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(job_board, "report", die)
        job_work.run_due(runtime)
    assert (job(job_id).state, job(job_id).done) == (JobState.RUNNING, 1)
    assert job_work.run_due(runtime) == []  # the lease still holds

    photos.describe_photos(runtime, 1, {1: {"en": "A tall house"}}, ADA)
    pass_time(runtime, job_board.LEASE + timedelta(seconds=1))
    job_work.run_due(runtime)

    assert job(job_id).state is JobState.DONE
    assert lines_of(job_id) == ["outside.jpg: kept", "room.jpg: kept", "view.jpg: kept"]
    assert [photo.alt for photo in db.session.scalars(select(Photo).order_by(Photo.id))] == ["A tall house", "", ""]


def test_a_photo_that_was_hung_just_before_the_death_hangs_once_and_keeps_its_words(runtime: Runtime) -> None:
    key = runtime.pictures.set_aside(b"outside")
    first = photos.hang_photo(runtime, 1, key, ADA)
    photos.describe_photos(runtime, 1, {first: {"en": "A house", "de": "Ein Haus"}}, ADA)

    assert photos.hang_photo(runtime, 1, key, ADA) == first
    assert [photo.alt_in("de") for photo in db.session.query(Photo)] == ["Ein Haus"]


def test_work_over_which_workers_die_again_and_again_is_called_interrupted(runtime: Runtime) -> None:
    job_id = photos.ask_for_photos(runtime, 1, FILES, ADA)
    for _ in range(job_board.MOST_TRIES):
        assert job_board.lease_next(runtime) is not None
        pass_time(runtime, job_board.LEASE + timedelta(seconds=1))

    assert job_board.lease_next(runtime) is None
    assert job(job_id).state is JobState.INTERRUPTED
    assert "worker stopped" in job(job_id).message
    assert job_board.lease_next(runtime) is None


def test_a_worker_whose_lease_has_ended_writes_nothing_more(runtime: Runtime) -> None:
    job_id = photos.ask_for_photos(runtime, 1, FILES, ADA)
    late = job_board.lease_next(runtime)
    assert late is not None
    pass_time(runtime, job_board.LEASE + timedelta(seconds=1))
    assert job_board.lease_next(runtime) is not None

    with pytest.raises(JobLost):
        job_board.report(runtime, late, 3, "late", [Line("late")])
    with pytest.raises(JobLost):
        job_board.finish(runtime, late, "late")
    job_board.give_up(runtime, late, "late")

    assert (job(job_id).state, job(job_id).done, job(job_id).result) == (JobState.RUNNING, 0, [])


def test_four_workers_at_once_do_each_piece_of_work_once(house: Flask, runtime: Runtime) -> None:
    for number in range(3):
        photos.ask_for_photos(runtime, 1, [(f"{number}-{name}", b"%d" % number + data) for name, data in FILES], ADA)
    together = threading.Barrier(4)

    def work(_number: int) -> list[str]:
        with house.app_context():
            together.wait(timeout=10)
            return job_work.run_due(runtime)

    with ThreadPoolExecutor(4) as pool:
        told = [line for lines in pool.map(work, range(4)) for line in lines]

    db.session.remove()
    assert sorted(told) == [f"job {number} (pictures): 3 pictures looked at." for number in (1, 2, 3)]
    assert [row.state for row in db.session.query(Job)] == [JobState.DONE] * 3
    assert db.session.query(AuditLine).filter_by(action="photo.added").count() == db.session.query(Photo).count() == 9


def test_an_error_of_ours_ends_one_piece_of_work_and_not_the_next(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = job_work.ask_for_reconciling(runtime, ADA)
    second = photos.ask_for_photos(runtime, 1, FILES, ADA)
    monkeypatch.setattr(reconciliation, "look_both_ways", lambda runtime: 1 / 0)

    told = job_work.run_due(runtime)

    assert len(told) == 2
    assert job(first).state is JobState.INTERRUPTED
    assert "ZeroDivisionError" in job(first).message
    assert job(second).state is JobState.DONE


# --- comparing with Stripe ------------------------------------------------------------------------------------------


def test_comparing_is_asked_for_once_however_often_the_button_is_pressed(runtime: Runtime) -> None:
    assert job_work.ask_for_reconciling(runtime, ADA) == job_work.ask_for_reconciling(runtime, "linus@example.org")


def test_what_a_comparison_found_is_kept_and_its_pulse_is_seen(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding("payment", "booking 7: confirmed"), Finding("refund", "booking 9: unknown", is_problem=True)]
    monkeypatch.setattr(reconciliation, "look_both_ways", lambda runtime: iter(found))
    job_id = job_work.ask_for_reconciling(runtime, ADA)

    job_work.run_due(runtime)

    assert job(job_id).message == "2 looked at, 1 of them needs a person."
    assert lines_of(job_id) == ["payment: booking 7: confirmed", "refund: booking 9: unknown"]
    assert db.session.get(Heartbeat, "reconciler") is not None


def test_runs_by_the_timetable_are_written_down_and_old_ones_forgotten(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "reconcile", lambda runtime: [])
    job_work.reconcile_by_timetable(runtime)
    (kept,) = db.session.query(Job)
    assert (kept.who, kept.state, kept.message) == ("worker", "done", "Nothing differs from Stripe.")

    job_board.purge(runtime)
    assert db.session.query(Job).count() == 1
    pass_time(runtime, job_board.KEPT_FOR + timedelta(days=1))
    job_board.purge(runtime)
    assert db.session.query(Job).count() == 0


# --- replaying ------------------------------------------------------------------------------------------------------


def test_replaying_all_tries_each_event_that_is_stuck_and_only_those(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for event_id, outcome in (("evt_a", "failed"), ("evt_b", "handled"), ("evt_c", "unmatched"), ("evt_d", "failed")):
        keep_event(runtime, event_id, outcome)
    seen = []

    def replay(_runtime: Runtime, event_id: str, who: str) -> Receipt:
        seen.append((event_id, who))
        if event_id == "evt_a":
            raise GatewayUnavailable("no answer")
        if event_id == "evt_c":
            return Receipt(ReceiptStatus.UNMATCHED, "no such booking here")
        return Receipt(ReceiptStatus.HANDLED, "confirmed")

    monkeypatch.setattr(webhooks, "replay_event", replay)
    job_id = job_work.ask_for_replays(runtime, ADA)
    assert job_id is not None
    assert job_work.ask_for_replays(runtime, ADA) == job_id

    job_work.run_due(runtime)

    assert seen == [("evt_a", ADA), ("evt_c", ADA), ("evt_d", ADA)]
    assert lines_of(job_id) == ["evt_a: GatewayUnavailable", "evt_c: no such booking here", "evt_d: confirmed"]
    assert [line["is_problem"] for line in job(job_id).result] == [True, True, False]


def test_where_nothing_is_stuck_nothing_is_replayed(runtime: Runtime) -> None:
    keep_event(runtime, "evt_b", "handled")

    assert job_work.ask_for_replays(runtime, ADA) is None


def keep_event(runtime: Runtime, event_id: str, outcome: str) -> None:
    with transaction() as session:
        event = WebhookEvent(id=event_id, type="refund.updated", outcome=InboxOutcome(outcome), payload={})
        event.received_at = runtime.clock.now()
        session.add(event)


def test_every_kind_of_work_has_somebody_who_does_it() -> None:
    assert set(job_work._DOERS) == set(JobKind)
