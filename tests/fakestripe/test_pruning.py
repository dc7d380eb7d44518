"""What has grown old is forgotten, what is still open is not, and a job that breaks stops nobody."""

import pytest

import fakestripe
from fakestripe import jobs, pruning, webhooks
from fakestripe.events import RETENTION, emit
from fakestripe.jobs import task
from fakestripe.options import Options

DAY = 24 * 3600


@pytest.fixture
def world():
    app = fakestripe.create_app(Options(background=False, webhook_url="http://127.0.0.1:9/hook"))
    return app.extensions["fakestripe"]


def happen(world, times=1):
    with world.store.change():
        return [emit(world, "customer.created", {"id": f"cus_{n}", "object": "customer"}) for n in range(times)]


def note(world, event, status):
    """Write down how the deliveries of an event ended."""
    with world.store.change():
        for delivery in world.store.where("_delivery", "event", event["id"]):
            world.store.put("_delivery", {**delivery, "status": status})


def test_events_and_their_deliveries_are_gone_after_30_days(world):
    note(world, happen(world)[0], "delivered")
    undelivered = happen(world)[0]["id"]
    world.clock.advance(RETENTION - 60)
    young = happen(world)[0]["id"]
    note(world, {"id": young}, "delivered")
    world.clock.advance(61)

    pruning.forget_old(world)

    assert [event["id"] for event in world.store.all("event")] == [undelivered, young]
    assert [delivery["event"] for delivery in world.store.all("_delivery")] == [undelivered, young]


def test_the_delivery_log_keeps_the_newest_and_all_that_are_open(world, monkeypatch):
    monkeypatch.setattr(pruning, "DELIVERIES_KEPT", 2)
    events = happen(world, 6)
    for event in events[1:]:
        note(world, event, "delivered")

    pruning.forget_old(world)

    assert [d["event"] for d in world.store.all("_delivery")] == [events[n]["id"] for n in (0, 4, 5)]


def test_keys_are_gone_after_a_day(world):
    client_keys = [f"k{n}" for n in range(3)]
    with world.store.change():
        for key in client_keys:
            world.store.put("_idempotency", {"id": key, "created": world.clock.now()})
    world.clock.advance(DAY - 60)
    pruning.forget_old(world)
    assert world.store.count("_idempotency") == 3

    world.clock.advance(61)
    pruning.forget_old(world)

    assert world.store.count("_idempotency") == 0


@pytest.fixture
def chain(monkeypatch):
    """A task that plans itself anew each month, and one that breaks; when they ran is noted."""
    monkeypatch.setattr(jobs, "TASKS", dict(jobs.TASKS))
    ran = []

    @task("monthly")
    def monthly(world, job):
        ran.append(job["due_at"])
        jobs.schedule(world, "monthly", job["target"], job["due_at"] + 30 * DAY)

    @task("broken")
    def broken(world, job):
        world.store.put("thing", {"id": "half done"})
        raise RuntimeError("as ordered by the test")

    return ran


def plan(world, name, due_at):
    with world.store.change():
        jobs.schedule(world, name, "x", due_at)


def test_a_leap_of_the_clock_runs_a_chain_of_jobs_to_its_end(world, chain):
    start = world.clock.now()
    plan(world, "monthly", start + 30 * DAY)
    world.clock.advance(365 * DAY)

    jobs.run_due(world)

    assert chain == [start + n * 30 * DAY for n in range(1, 13)]


def test_a_job_that_breaks_is_undone_given_up_and_stops_no_other(world, chain, caplog):
    plan(world, "broken", 1)
    plan(world, "monthly", world.clock.now() - 1)

    assert len(jobs.run_due(world)) == 2

    assert len(chain) == 1
    assert world.store.all("thing") == []
    assert [job["task"] for job in world.store.all("_job")] == ["monthly"]
    assert "broken:x" in caplog.text


def test_a_try_that_breaks_counts_as_a_failed_one(world, monkeypatch):
    monkeypatch.setattr(webhooks, "_post", lambda *arguments: 1 / 0)
    happen(world)

    world.dispatcher.send_now(world, world.store.all("_delivery")[0]["id"])

    delivery = world.store.all("_delivery")[0]
    assert [attempt["error"] for attempt in delivery["attempts"]] == ["ZeroDivisionError"]
    assert delivery["next_at"] > world.clock.now()


def test_deliveries_know_no_proxy(world, monkeypatch):
    """A shop on this machine is not asked for through what the environment names for the world outside."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    happen(world)

    attempt = world.dispatcher.send_now(world, world.store.all("_delivery")[0]["id"])

    assert attempt["error"] == "ConnectionError"
