"""R8: the programs of the shop and its database are killed at random while people use it, and nothing that was promised
to anybody is lost.

A seed gives the guests and the order of the kills; where in the programs they strike is left to chance, on purpose.
HAVOC_SEED=7 takes another, HAVOC_SECONDS says for how long.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from booking.domain.states import REFUND_IN_FLIGHT, BookingStatus, PaymentStatus
from booking.models import Attempt, Booking, Refund, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.services import staff
from tests.conftest import IS_CI, _migrate, _on_server
from tests.havoc.people import ADA, PASSWORD, People, Told
from tests.havoc.programs import PATIENCE, Program, Running, running_shop
from tests.support import servers
from tests.support.figures import note_figures
from tests.support.servers import ROOT, Cluster, FakeStripe, wait_until
from tests.support.shop import Shop

pytestmark = pytest.mark.gunicorn

SEED = int(os.environ.get("HAVOC_SEED", "20261121"))
SECONDS = float(os.environ.get("HAVOC_SECONDS", "8"))
GUESTS = 4
UNITS = 3 + int(SECONDS / 30)  # enough nights to sell until the end
SETTLED_WITHIN = 60
DEAR = {"the leader of the web", "the whole web"}  # done once: nobody is served until it has started again
LEASE_IS_OVER = timedelta(minutes=6)
ENDS = ((BookingStatus.CONFIRMED, PaymentStatus.PAID), (BookingStatus.CANCELLED, PaymentStatus.REFUNDED))


# --- what is killed -------------------------------------------------------------------------------------------------


@dataclass
class Killer:
    """Kills one thing after the other; what dies is started again at once, as a service manager would."""

    running: Running
    cluster: Cluster | None
    told: Told
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def rage(self, seconds: float) -> None:
        """Each kind once in a random order, then by lot until the time is over."""
        end, acts = time.monotonic() + seconds, self._acts()
        plan = self.chance.sample(sorted(acts), len(acts))
        while plan or time.monotonic() < end:
            self._let_them_be()
            name = plan.pop() if plan else self.chance.choice(sorted(acts.keys() - DEAR))
            if acts[name]():
                self.kills[name] += 1

    def restart_everything(self) -> None:
        for program in self.running.programs:
            program.kill()
        if self.cluster:
            self.cluster.crash()
            self.cluster.start()
        self.running.wait_until_ready()

    def _acts(self) -> dict[str, Callable[[], bool]]:
        web, worker = self.running.web, self.running.worker
        acts = {
            "a web process": lambda: _kill_child(web, self.chance),
            "another web process": lambda: _kill_child(web, self.chance),
            "the leader of the web": web.kill_leader,
            "the whole web": web.kill,
            "the worker": worker.kill,
        }
        if self.cluster:
            acts |= {"the database": self._kill_database, "a process of the database": self._kill_backend}
        return acts

    def _let_them_be(self) -> None:
        """Until some people have got answers again, and a little longer: what serves nobody is not worth killing."""
        wanted, rest = self.told.answers + 4, time.monotonic() + self.chance.uniform(0.1, 0.8)
        wait_until(lambda: self._looked_after() and self.told.answers >= wanted, PATIENCE, "an answer to anybody")
        wait_until(lambda: self._looked_after() and time.monotonic() > rest, PATIENCE)

    def _looked_after(self) -> bool:
        self.running.keep_up()
        return True

    def _kill_database(self) -> bool:
        assert self.cluster
        self.cluster.crash()
        back = time.monotonic() + self.chance.uniform(0, 1)
        wait_until(lambda: self._looked_after() and time.monotonic() > back, PATIENCE)
        self.cluster.start()
        return True

    def _kill_backend(self) -> bool:
        """One of its processes: the server ends all others and recovers by itself."""
        assert self.cluster
        leader = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        return _kill_one(_children_of(leader), self.chance)


def _kill_child(program: Program, chance: random.Random) -> bool:
    return _kill_one(program.members()[1:], chance)


def _kill_one(pids: list[int], chance: random.Random) -> bool:
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
    return bool(pids)


def _children_of(leader: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(leader)], capture_output=True, text=True, check=False)
    return sorted(int(word) for word in listing.stdout.split())


# --- what must be there afterwards ----------------------------------------------------------------------------------


def _bookings_of(shop: Shop, sessions: Iterable[str]) -> dict[str, Booking]:
    wanted = select(Attempt).options(joinedload(Attempt.booking)).where(Attempt.session_id.is_not(None))
    known = {row.session_id: row.booking for row in shop._read(wanted)}
    return {one: known[one] for one in sessions if one in known}


def _is_settled(shop: Shop, stripe: FakeStripe, paid: list[str]) -> bool:
    on_their_way = shop._read(select(Refund).where(Refund.status.in_(REFUND_IN_FLIGHT)))
    if on_their_way or stripe.get("deliveries", status="pending"):
        return False
    return all(_has_its_end(booking) for booking in _bookings_of(shop, paid).values())


def _has_its_end(booking: Booking) -> bool:
    return (booking.status, booking.payment_status) in ENDS


def _settle(shop: Shop, stripe: FakeStripe, told: Told) -> float:
    """Wait until everything has come to its end; the seconds that took."""
    began = time.monotonic()
    wait_until(lambda: _is_settled(shop, stripe, told.paid), SETTLED_WITHIN, "an end for everybody")
    return time.monotonic() - began


def _check_answers(stripe: FakeStripe, told: Told) -> None:
    """Nobody met anything but an answer, no answer at all, or the request to come back."""
    assert told.surprises == []
    assert set(told.statuses) <= {0, 200, 303, 409, 503}, told.statuses
    deliveries = stripe.get("deliveries")
    assert {attempt["status"] for one in deliveries for attempt in one["attempts"]} <= {None, 200, 503}


def _check_words_kept(shop: Shop, told: Told) -> None:
    bookings = _bookings_of(shop, told.held)
    assert set(bookings) == set(told.held)
    assert told.paid
    assert [one for one in told.paid if not _has_its_end(bookings[one])] == []
    # What staff asked to cancel may have been done, or not, where the answer never came.
    gone = {bookings[one].id for one in told.booked if bookings[one].status is not BookingStatus.CONFIRMED}
    assert set(told.cancelled) <= gone <= told.to_cancel


def _lost_events(shop: Shop, stripe: FakeStripe) -> set[str]:
    """Taken in by word, and not there."""
    kept = {row.id for row in shop._read(select(WebhookEvent).where(WebhookEvent.outcome == InboxOutcome.HANDLED))}
    return {one["event"] for one in stripe.get("deliveries") if _was_taken_in(one)} - kept


def _was_taken_in(delivery: dict[str, Any]) -> bool:
    return any(attempt["status"] == 200 and '"success"' in attempt["body"] for attempt in delivery["attempts"])


def _verify(running: Running) -> str:
    """What `flask verify --stripe` says; it must find nothing broken."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "verify", "--stripe"]
    done = subprocess.run(command, cwd=ROOT, env=running.web.env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _letters(running: Running) -> Counter[str]:
    """To whom and about what letters were sent, those included that a killed worker had taken and not finished."""
    mark = "--- mail to "
    running.shop.clock.offset += LEASE_IS_OVER
    while running.shop.work():
        pass
    # A worker that was killed while it wrote may have left the beginning of a line before what the next one says.
    sent = [mark + line.rpartition(mark)[2] for line in running.said().splitlines() if mark in line]
    return Counter([*sent, *(f"{mark}{letter.to}: {letter.subject}" for letter in running.shop.mailer.letters)])


def _without_letter(shop: Shop, told: Told, letters: Counter[str]) -> set[str]:
    """Who was not written to; whoever was cancelled before the confirmation went out gets the other letter alone."""
    bookings = _bookings_of(shop, told.booked).values()
    wanted = {b.guest_email: "Booked" if b.status is BookingStatus.CONFIRMED else "" for b in bookings}
    return {
        one for one, subject in wanted.items()
        if not any(line.startswith(f"--- mail to {one}: {subject}") for line in letters)
    }  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, Cluster | None]]:
    """A fresh database that waits for the disk; for PostgreSQL with a server of its own, which may be killed."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url"), None
        return
    try:
        with servers.own_postgres(is_durable=True) as cluster:
            _on_server(cluster.url, "CREATE DATABASE havoc")
            _migrate(f"{cluster.url}/havoc")
            yield f"{cluster.url}/havoc", cluster
    except servers.NoPostgres as missing:
        if IS_CI:
            raise
        pytest.skip(str(missing))


def test_killed_at_random_under_load_the_shop_keeps_every_promise(
    place: tuple[str, Cluster | None], tmp_path: Path
) -> None:
    url, cluster = place
    print(f"HAVOC_SEED={SEED} HAVOC_SECONDS={SECONDS}")
    with servers.fakestripe() as stripe, running_shop(url, stripe, tmp_path, units=UNITS) as running:
        stripe.post("delivery", {"retry_after": [0.5] * 2000})  # Stripe goes on for three days
        with running.shop.app.app_context():
            staff.create_staff(running.shop.runtime, ADA, "Ada Lovelace", PASSWORD)
        running.wait_until_ready()
        people = People(running.shop, stripe, SEED, GUESTS)
        killer = Killer(running, cluster, people.told, random.Random(SEED))

        people.begin()
        killer.rage(SECONDS)
        killer.restart_everything()
        people.go_home(PATIENCE)
        seconds = _settle(running.shop, stripe, people.told)
        for program in running.programs:
            program.kill()

        _check_answers(stripe, people.told)
        _check_words_kept(running.shop, people.told)
        assert _lost_events(running.shop, stripe) == set()
        assert "0 broken" in _verify(running)
        letters = _letters(running)
        assert _without_letter(running.shop, people.told, letters) == set()
    _note(killer, people.told, seconds, letters)


def _note(killer: Killer, told: Told, settled_in: float, letters: Counter[str]) -> None:
    figures = {"kills": killer.kills.total(), "for_seconds": SECONDS, "settled_in_seconds": round(settled_in, 1)}
    figures |= {"held": len(told.held), "paid": len(told.paid), "cancelled_by_staff": len(told.cancelled)}
    figures |= {"requests_without_an_answer": told.statuses[0], "asked_to_come_back": told.statuses[503]}
    figures |= {"most_copies_of_a_letter": max(letters.values())}
    print(figures, dict(killer.kills))
    note_figures(f"killed_under_load_on_{'postgresql' if killer.cluster else 'sqlite'}", **figures)
