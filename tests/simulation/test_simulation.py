"""Whole runs of the shop, each from one seed: guests, staff, worker, Stripe, and every trouble between two lines.

`SIMULATION_SEEDS` says how many (2,000 by default; `make torture` asks for 50,000). A seed that fails prints itself and
its story; add it to `seeds.txt` with a word on what it showed.
"""

import os
from pathlib import Path

import pytest

from booking.services import reservations
from tests.simulation import replay
from tests.simulation.house import house
from tests.simulation.removed import GUARDS, MISSED_BY, without
from tests.simulation.run import Failed, run_seed, run_seeds
from tests.simulation.world import Broken, World
from tests.support.figures import note_figures

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "2000"))
CHUNK = 50 if SEEDS <= 5000 else 500
KNOWN = [line.partition(" ") for line in Path(__file__).with_name("seeds.txt").read_text("utf-8").splitlines()]
# Without a guard, one of so many seeds must fail; and so many together must have met everything there is.
SEEDS_TO_MISS_A_GUARD, SEEDS_TO_REACH_ALL = 300, 300
CORNERS = (
    "confirmed None", "expired None", "cancelled staff", "cancelled guest", "cancelled payment_failed",
    "cancelled dates_unavailable", "refund dates_unavailable", "refund already_cancelled", "refund goodwill",
    "refund cancellation", "refund external", "step needs_review", "step payment_processing", "step card_declined",
    "step moved", "change done", "change lapsed", "change withdrawn", "refund change",
    "step request_asked", "step request_accepted", "step request_declined", "step request_lapsed",
    "due open", "due paid", "due waived", "step balance_changed",
    "step dispute_opened", "step fraud_warning", "step refund_failed", "step attempt_renewed", "a death", "a fault",
)  # fmt: skip


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_scenario_31_every_promise_is_kept_and_all_comes_to_rest(first: int) -> None:
    count = min(CHUNK, SEEDS - first)
    moves, deaths, faults = run_seeds(first, count)
    note_figures("simulation", part=str(first), seeds=count, moves=moves, deaths=deaths, faults=faults, broken=0)


@pytest.mark.parametrize(("seed", "why"), [(int(seed), why) for seed, _, why in KNOWN])
def test_seed_that_failed_once_does_not_fail_again(seed: int, why: str) -> None:
    run_seed(seed)


def test_one_seed_always_gives_the_same_run() -> None:
    first, again = run_seed(11), run_seed(11)

    assert first.trace == again.trace
    assert first.stripe.events == again.stripe.events
    assert run_seed(12).trace != first.trace


def test_runs_reach_the_corners_that_they_are_made_for() -> None:
    """A simulation in which nothing happens proves nothing."""
    missing = set(CORNERS)
    for seed in range(SEEDS_TO_REACH_ALL):
        missing -= _reached(run_seed(seed))
        if not missing:
            return
    assert missing == set()


def _reached(world: World) -> set[str]:
    rows = house().rows
    reached = {f"{status} {reason}" for status, reason in rows("SELECT status, cancel_reason FROM booking")}
    reached |= {f"refund {row[0]}" for row in rows("SELECT reason FROM refund")}
    reached |= {f"change {row[0]}" for row in rows("SELECT status FROM stay_change")}
    reached |= {f"due {row[0]}" for row in rows("SELECT status FROM due")}
    reached |= {f"step {row[0]}" for row in rows("SELECT kind FROM booking_event")}
    return reached | ({"a death"} if world.deaths else set()) | ({"a fault"} if world.faults else set())


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_that_is_taken_away_is_missed(guard: str) -> None:
    with without(guard), pytest.raises(Failed, match="replay"):
        for seed in (MISSED_BY[guard], *range(SEEDS_TO_MISS_A_GUARD)):
            run_seed(seed)


def test_a_seed_that_fails_tells_its_story_and_how_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_args: object) -> None:
        raise Broken("I1: an example")

    monkeypatch.setattr(reservations, "place_booking", fails)

    assert replay.main(["3"]) == 1

    told = capsys.readouterr().out
    assert "seed 3: Broken: I1: an example" in told
    assert "python -m tests.simulation.replay 3" in told
    assert "01 09:00:00" in told


def test_replay_of_a_seed_that_passes_tells_its_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["5"]) == 0
    assert "--- no more faults ---" in capsys.readouterr().out
    assert replay.main(["five"]) == 2
