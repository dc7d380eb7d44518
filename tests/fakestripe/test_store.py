"""The state: all or nothing, indexes that never disagree with the records, a file that survives a kill."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

import fakestripe
from fakestripe import jobs, pruning
from fakestripe.errors import ApiError
from fakestripe.mirror import UnusableFile
from fakestripe.options import Options
from fakestripe.store import Store, Timetable

ROOT = Path(fakestripe.__file__).parents[1]
KEYS = st.sampled_from("abcdefgh")
COLOURS = st.sampled_from(["red", "green", None])
MOMENTS = st.one_of(st.none(), st.integers(0, 5))
RECORDS = st.fixed_dictionaries({"id": KEYS, "colour": COLOURS, "at": MOMENTS})
STEPS = st.lists(st.lists(st.one_of(RECORDS, KEYS), max_size=6).flatmap(lambda x: st.tuples(st.just(x), st.booleans())))
BY_TIME = Timetable("thing", lambda thing: thing["at"])


class Oops(Exception):
    pass


def write(store, steps):
    """A record is put, a key alone is deleted."""
    for step in steps:
        if isinstance(step, str):
            store.delete("thing", step)
        else:
            store.put("thing", step)


def rewrite(model, steps):
    for step in steps:
        if isinstance(step, str):
            model.pop(step, None)
        else:
            model[step["id"]] = step


def check(store, model):
    """Each way to the records agrees with a plain dictionary."""
    things = list(model.values())
    assert store.all("thing") == things
    assert store.count("thing") == len(things)
    for colour in ("red", "green"):
        assert store.where("thing", "colour", colour) == [t for t in things if t["colour"] == colour]
    planned = sorted((t for t in things if t["at"] is not None), key=lambda t: t["at"])
    assert store.until(BY_TIME, 3) == [t for t in planned if t["at"] <= 3]
    assert store.until(BY_TIME, 9, limit=2) == planned[:2]
    assert store.soonest(BY_TIME) == next(iter(planned), None)
    assert store.soonest(BY_TIME, after=2) == next((t for t in planned if t["at"] > 2), None)
    assert store.count(BY_TIME) == len(planned)
    for position, thing in enumerate(things):
        assert store.pick("thing", bool, 99, beyond=thing["id"]) == things[:position][::-1]
        assert store.pick("thing", bool, 99, beyond=thing["id"], newest_first=False) == things[position + 1 :]
    reds = [t for t in things if t["colour"] == "red"]
    assert store.pick("thing", bool, 2, group=("colour", "red")) == reds[::-1][:2]


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_whatever_is_written_or_undone_every_index_agrees_with_the_records(changes):
    store, model = Store(), {}
    for steps, breaks in changes:
        try:
            with store.change():
                write(store, steps)
                check(store, _after(model, steps))
                if breaks:
                    raise Oops
        except Oops:
            pass
        else:
            rewrite(model, steps)
        check(store, model)


def _after(model, steps):
    copy = dict(model)
    rewrite(copy, steps)
    return copy


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_the_file_gives_back_what_was_committed_in_the_same_order(tmp_path_factory, changes):
    path = str(tmp_path_factory.mktemp("db") / "state.db")
    store, model = Store(path), {}
    for steps, breaks in changes:
        try:
            with store.change():
                write(store, steps)
                if breaks:
                    raise Oops
        except Oops:
            continue
        rewrite(model, steps)
    store.close()

    again = Store(path)
    check(again, model)
    again.close()


def test_an_inner_change_that_fails_is_undone_alone():
    store = Store()
    with store.change():
        store.put("thing", {"id": "kept"})
        with pytest.raises(Oops), store.change():
            store.put("thing", {"id": "kept", "spoilt": True})
            store.put("thing", {"id": "lost"})
            raise Oops

    assert store.all("thing") == [{"id": "kept"}]


def test_a_refusal_may_keep_its_effects():
    store = Store()
    with pytest.raises(ApiError), store.change():
        store.put("thing", {"id": "declined"})
        raise ApiError(402, "card_error", "no", keep_effects=True)

    assert store.count("thing") == 1


def test_nobody_else_sees_half_a_change():
    store, seen = Store(), []
    reader = threading.Thread(target=lambda: seen.append(store.all("thing")))
    with store.change():
        store.put("thing", {"id": "one"})
        reader.start()
        reader.join(0.05)
        assert not seen
        store.put("thing", {"id": "two"})
    reader.join()

    assert len(seen[0]) == 2


def test_what_was_read_or_written_is_a_copy():
    store, mine = Store(), {"id": "one", "list": [{"deep": 1}]}
    with store.change():
        store.put("thing", mine)
    mine["list"][0]["deep"] = 2
    store.get("thing", "one")["list"].append("more")

    assert store.get("thing", "one") == {"id": "one", "list": [{"deep": 1}]}


def test_a_file_in_use_is_refused(tmp_path):
    store = Store(str(tmp_path / "state.db"))

    with pytest.raises(UnusableFile, match="another process has it open"):
        Store(str(tmp_path / "state.db"))
    store.close()


def test_a_second_simulator_on_the_same_file_says_so_and_ends(launch, tmp_path):
    arguments = ["--db", str(tmp_path / "state.db")]
    first = launch(*arguments)
    command = [sys.executable, "-m", "fakestripe", "--port", "0", *arguments]

    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    first.stop()

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"fakestripe cannot use {arguments[1]}: another process has it open")


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "holiday.txt"
    path.write_text("Dear diary, today we arrived at the cottage. " * 20)
    before = path.read_bytes()

    with pytest.raises(UnusableFile, match="not a database"):
        Store(str(path))
    assert path.read_bytes() == before


def test_what_was_answered_survives_a_kill(launch, offer, connect, tmp_path):
    """Sessions, the answers kept for their keys, and all that belongs to a payment."""
    arguments = ["--db", str(tmp_path / "state.db")]
    first = launch(*arguments)
    answered = []
    threads = [threading.Thread(target=_book, args=(first.url, connect, offer, n, answered)) for n in range(6)]
    for thread in threads:
        thread.start()
    _wait_until(lambda: len(answered) > 40)
    first.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()

    second = launch(*arguments)
    try:
        _check_survivors(connect(second.url), offer, answered)
    finally:
        second.stop()


def _book(url, connect, offer, number, answered):
    """Open and pay sessions until the simulator is gone."""
    api = connect(url)
    for count in range(1000):
        key = f"{number}-{count}"
        try:
            session = api.checkout.sessions.create(offer(), {"idempotency_key": key})
            paid = requests.post(f"{url}/_fake/sessions/{session.id}/pay", json={"wait": False}, timeout=10)
        except Exception:
            return
        answered.append((key, session.id, paid.json()["payment_intent"]["id"]))


def _check_survivors(api, offer, answered):
    for key, session_id, intent_id in answered:
        assert api.checkout.sessions.create(offer(), {"idempotency_key": key}).id == session_id
        session = api.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.latest_charge"]})
        assert (session.status, session.payment_intent.id) == ("complete", intent_id)
        assert session.payment_intent.latest_charge.balance_transaction
    sessions = list(api.checkout.sessions.list({"limit": 100}).auto_paging_iter())
    paid = [s for s in sessions if s.status == "complete"]
    assert len({s.payment_intent for s in paid}) == len(paid) >= len(answered)
    assert len(list(api.charges.list({"limit": 100}).auto_paging_iter())) == len(paid)


def _wait_until(question):
    end = time.monotonic() + 20
    while not question():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_call_costs_the_same_among_thousands_of_objects():
    """CPU time of this thread, so that a busy machine does not matter; a walk over all would be 20 times dearer."""
    app = fakestripe.create_app(Options(background=False))
    world = app.extensions["fakestripe"]
    client = app.test_client()
    session = _open(client)
    few = {name: _cpu(call) for name, call in _calls(world, client, session).items()}
    _multiply(world, session["id"], 5000)
    many = {name: _cpu(call) for name, call in _calls(world, client, session).items()}

    assert world.store.count("checkout.session") > 5000
    assert {name: many[name] / few[name] for name in few if many[name] > 3 * few[name]} == {}


def _calls(world, client, session):
    head = {"Authorization": "Bearer sk_test_x"}
    path = "/v1/checkout/sessions"
    return {
        "create": lambda: _open(client),
        "retrieve": lambda: client.get(f"{path}/{session['id']}", headers=head),
        "list": lambda: client.get(path, headers=head),
        "next page": lambda: client.get(f"{path}?limit=1&starting_after={session['id']}", headers=head),
        "find": lambda: client.get(f"{path}?payment_intent=pi_4999", headers=head),
        "events": lambda: client.get("/v1/events?limit=3", headers=head),
        "jobs": lambda: [jobs.run_due(world) for _ in range(50)],
        "pruning": lambda: [pruning.forget_old(world) for _ in range(50)],
    }


def _open(client):
    form = {
        "mode": "payment",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "42000",
        "line_items[0][price_data][product_data][name]": "Seaview Cottage",
        "line_items[0][quantity]": "1",
        "success_url": "http://shop.test/ok",
    }
    key = {"Idempotency-Key": str(time.perf_counter_ns())}
    answer = client.post("/v1/checkout/sessions", data=form, headers={"Authorization": "Bearer sk_test_x", **key})
    assert answer.status_code == 200
    return answer.get_json()


def _multiply(world, session_id, count):
    """As if each had been asked for, with its job, its key and an event that was delivered."""
    session = world.store.get("checkout.session", session_id)
    kept = world.store.all("_idempotency")[0]
    now = world.clock.now()
    with world.store.change():
        for n in range(count):
            world.store.put("checkout.session", {**session, "id": f"cs_{n}", "payment_intent": f"pi_{n}"})
            jobs.schedule(world, "expire_session", f"cs_{n}", now + 3600 + n)
            world.store.put("_idempotency", {**kept, "id": f"k{n}"})
            world.store.put("event", {"id": f"evt_{n}", "created": int(now), "type": "x", "pending_webhooks": 0})
            sent = {"event": f"evt_{n}", "status": "delivered", "next_at": 0.0, "attempts": []}
            world.store.put("_delivery", {**sent, "id": f"dlv_{n}"})


def _cpu(call, times=15):
    call()
    took = []
    for _ in range(times):
        started = time.thread_time()
        call()
        took.append(time.thread_time() - started)
    return median(took)
