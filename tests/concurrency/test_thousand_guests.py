"""A thousand guests for ten nights, through real gunicorn; all who get a page pay, in time or late (race.py).

`RACE_GUESTS`, `RACE_WAVES` and `RACE_SEEDS` say how many guests, waves and races; `RACE_SEED` is the first seed, and
replays what one race has drawn by lot.
"""

import os
import re
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from booking.services import nights
from tests.concurrency.race import UNITS, Race
from tests.concurrency.truth import Truth, find_truth, kind_of
from tests.concurrency.unguarded import look_then_write
from tests.support.figures import note_figures
from tests.support.gunicorn import gunicorn_shop
from tests.support.servers import FakeStripe

pytestmark = [pytest.mark.race, pytest.mark.gunicorn]

GUESTS = int(os.environ.get("RACE_GUESTS", "1000"))
WAVES = int(os.environ.get("RACE_WAVES", "8"))
FIRST_SEED = int(os.environ.get("RACE_SEED", "1"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("RACE_SEEDS", "1")))
ALLOWED = {"press": {303, 409}, "ask once more": {303, 409}, "let go": {303}, "come back": {200, 303}}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_night_is_sold_twice_and_every_loser_has_the_money_back(
    database_url: str, stripe: FakeStripe, tmp_path: Path, seed: int
) -> None:
    print(f"replay with RACE_SEED={seed} RACE_GUESTS={GUESTS} RACE_WAVES={WAVES}")
    began = time.monotonic()
    with gunicorn_shop(database_url, stripe, tmp_path, module="tests.concurrency.moved:app", units=UNITS) as shop:
        race = Race(shop, seed, GUESTS, WAVES)
        race.run()
        truth = find_truth(shop)

        _everybody_was_answered(race)
        _it_was_a_race(race, truth)
        assert truth.sold_twice() == []
        assert truth.astray() == []
        assert truth.sessions_known == set(stripe.sessions())
        assert truth.unfinished() == []
        ledger, balance = truth.books()
        assert ledger == balance > 0
        code, words = truth.verify()
        assert code == 0, words
    _note(database_url, seed, race, truth, time.monotonic() - began)


@pytest.mark.postgresql
def test_control_the_same_race_without_the_guards_sells_nights_twice(
    postgres_url: str, stripe: FakeStripe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the guards off the race must be lost, or the test above would prove nothing.

    The guards are the unique night and the one statement that takes it. Here the night's primary key is dropped, and
    the statement replaced by looking first and writing afterwards, where whoever has looked waits until another one
    has looked, too (unguarded.py). PostgreSQL shows it, because its transactions run side by side; on SQLite a writing
    transaction has the database for itself, which is a third guard.
    """
    monkeypatch.setattr(nights, "_insert_nights", look_then_write)  # the house's own sweeps take nights too
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("ALTER TABLE night DROP CONSTRAINT pk_night")
    module = "tests.concurrency.unguarded_app:app"
    with gunicorn_shop(postgres_url, stripe, tmp_path, module=module, units=UNITS) as shop:
        Race(shop, FIRST_SEED, guests=60, waves=2).run()
        truth = find_truth(shop)

        assert truth.sold_twice() != []
        code, words = truth.verify()
        assert code == 1
        assert "I1   BROKEN" in words


def _everybody_was_answered(race: Race) -> None:
    """Nobody met an error, Stripe neither; who was refused was told so, and who clicked twice has one page."""
    strange = [f"{heard.what}: {heard.status}" for heard in race.heard if heard.status not in ALLOWED[heard.what]]
    assert strange == []
    tries = [attempt for row in race.shop.stripe.get("deliveries") for attempt in row["attempts"]]
    assert {attempt["status"] for attempt in tries} == {200}
    refused = [heard.text for heard in race.heard if (heard.what, heard.status) == ("press", 409)]
    assert {_heading(page) for page in refused} == {"These nights are taken"}
    assert all("Nothing was charged" in page for page in refused)
    assert [guest.pages for guest in race.guests if any(len(pages) > 1 for pages in guest.pages.values())] == []


def _it_was_a_race(race: Race, truth: Truth) -> None:
    """Many got as far as paying, and some of them lost the nights that they had paid for."""
    assert len(race.payments) == len(truth.charges) == len(truth.payments) > len(race.guests) / 20
    assert Counter(str(refund.reason) for refund in truth.refunds)["dates_unavailable"] > 0
    assert len(truth.confirmed) > 0


def _heading(page: str) -> str:
    found = re.search(r"<h1>([^<]*)</h1>", page)
    return found[1] if found else ""


def _note(database_url: str, seed: int, race: Race, truth: Truth, seconds: float) -> None:
    waits = sorted(heard.seconds for heard in race.heard if heard.what == "press")
    note_figures(
        f"race_{kind_of(database_url)}",
        part=str(seed),
        guests=len(race.guests),
        clicks=len(waits),
        payments=len(truth.payments),
        refunds=len(truth.refunds),
        paid_and_lost=Counter(str(refund.reason) for refund in truth.refunds)["dates_unavailable"],
        confirmed=len(truth.confirmed),
        sold_twice=len(truth.sold_twice()),
        server_errors=sum(heard.status >= 500 for heard in race.heard),
        p50_seconds=round(waits[len(waits) // 2], 3),
        p99_seconds=round(waits[len(waits) * 99 // 100], 3),
        seconds=round(seconds, 1),
    )
