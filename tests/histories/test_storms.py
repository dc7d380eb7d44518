"""R4: event storms. However often, late and mixed up Stripe's events come, and if some never do, the end is the same.

Each history is told once in order, and then in storms: every event three times, in any order, some days late, some not
at all, with the worker at odd moments. Where events are lost, the reconciler looks through Stripe's lists when all is
over; where none are, the events alone must bring the same end. Compared are all bookings, nights, attempts, payments,
refunds, disputes and letters (see final_state.py). Left out are the letters about what was so for a while only: whether
they are due depends on what is heard first.

Where two guests have paid for the same nights and nobody has heard of either, the order rightly decides who gets
them. In those histories the two are not told apart: whoever it is, one has the nights and the letters of a winner, and
the other has all of the money back and the letters of a loser.

`STORMS` is how many storms each kind of booking goes through (5 by default), `BIG_BOOKINGS` and `BIG_STORMS` how
large the large history is and how often it is told (38 and 1), `STORM_SEEDS` how many large histories there are (1).
For 100,000 deliveries of each of 20 seeds: BIG_BOOKINGS=95 BIG_STORMS=70 STORM_SEEDS=20.
"""

import os
from collections.abc import Callable

import pytest

from booking.services import disputes, refund_news, settlement
from tests.histories.final_state import State, differences, state_hash
from tests.histories.scenes import KINDS, RIVAL, Play, paid, refunded_by_hand, sent_back, slow_and_came
from tests.histories.storm import (
    History,
    Told,
    anonymous,
    tell_in_order,
    tell_in_storm,
    write_contest,
    write_history,
)
from tests.simulation.removed import GUARDS, Change, without
from tests.support.figures import note_figures

STORMS = int(os.environ.get("STORMS", "5"))
# A control ends at the first storm that misses its guard.
STORMS_TO_MISS_A_GUARD = 60
BIG_BOOKINGS = int(os.environ.get("BIG_BOOKINGS", "38"))
BIG_STORMS = int(os.environ.get("BIG_STORMS", "1"))
STORM_SEEDS = int(os.environ.get("STORM_SEEDS", "1"))
MIDDLE_BOOKINGS, MIDDLE_STORMS, CONTESTS, CONTEST_STORMS = 8, 5, 3, 5


def _weather(history: History, storms: int, view: Callable[[State], State] = lambda state: state) -> list[Told]:
    """Tell a history in order and in storms; all the ends, of which each must be alike."""
    in_order = tell_in_order(history)
    told = [in_order]
    for seed in range(storms):
        told.append(_tell_in_storm(history, seed))
        expected, state = view(in_order.state), view(told[-1].state)
        again = f"storm {seed} of history {history.seed} with {len(history.plays)} bookings"
        assert state_hash(state) == state_hash(expected), (again, differences(expected, state))
    return told


def _tell_in_storm(history: History, seed: int) -> Told:
    try:
        return tell_in_storm(history, seed)
    except Exception as error:
        error.add_note(f"in storm {seed} of history {history.seed} with {len(history.plays)} bookings")
        raise


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_each_kind_of_booking_ends_alike_in_every_storm(kind: int) -> None:
    _weather(History(kind, (KINDS[kind],)), STORMS)


def test_bookings_among_others_end_alike_in_every_storm() -> None:
    _weather(write_history(1, MIDDLE_BOOKINGS), MIDDLE_STORMS)


@pytest.mark.parametrize("seed", range(STORM_SEEDS))
def test_a_large_history_ends_alike_in_every_storm(seed: int) -> None:
    in_order, *storms = _weather(write_history(seed, BIG_BOOKINGS), BIG_STORMS)

    assert in_order.events == in_order.deliveries
    note_figures(
        "storms", bookings=BIG_BOOKINGS, events=in_order.events, storms=len(storms) * STORM_SEEDS,
        deliveries=sum(told.deliveries for told in storms) * STORM_SEEDS, small_storms=STORMS * len(KINDS),
    )  # fmt: skip


def test_whoever_gets_contested_nights_one_has_them_and_the_other_has_the_money() -> None:
    in_order, *storms = _weather(write_contest(1, CONTESTS), CONTEST_STORMS, anonymous)

    assert _winners(in_order) == {"rival"}
    assert set().union(*map(_winners, storms)) == {"rival", "first"}


def _winners(told: Told) -> set[str]:
    contested = {name.removesuffix(RIVAL) for name in told.state["bookings"] if name.endswith(RIVAL)}
    winners = [owner for owner, _ in told.state["nights"].values() if owner.removesuffix(RIVAL) in contested]
    return {"rival" if owner.endswith(RIVAL) else "first" for owner in winners}


# --- control: without its guards the shop does not weather a storm ----------------------------------------------------

# Each with the kinds of booking that need it.
TAKEN_AWAY: dict[str, tuple[Play, ...]] = {
    "late news of a refund changes nothing": (sent_back,),
    "what is asked for twice is done once": (refunded_by_hand, sent_back),
    "a payment counts once": (paid,),
}
OWN_GUARDS: dict[str, tuple[tuple[Play, ...], tuple[Change, ...]]] = {
    "late news of a dispute changes nothing": (KINDS[13:15], ((disputes, "_rank", lambda _real: lambda _status: 0),)),
    "what a charge reports goes when refunds explain it": (
        (refunded_by_hand, sent_back), ((refund_news, "_forget_explained", lambda _real: lambda *_args: None),),
    ),
    "late news of a payment on its way changes nothing": (
        (slow_and_came,), ((settlement, "_was_given_up_for_nothing", lambda _real: lambda _case: True),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("guard", [*TAKEN_AWAY, *OWN_GUARDS])
def test_control_without_a_guard_some_storm_ends_otherwise(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (_, changes) in OWN_GUARDS.items():
        monkeypatch.setitem(GUARDS, name, changes)
    plays = TAKEN_AWAY[guard] if guard in TAKEN_AWAY else OWN_GUARDS[guard][0]

    with without(guard), pytest.raises(Exception) as missed:
        for number, play in enumerate(plays):
            _weather(History(number, (play,)), STORMS_TO_MISS_A_GUARD)

    assert _is_a_finding(missed.value), missed.value


def _is_a_finding(error: BaseException) -> bool:
    """Two ends that differ, a promise that is broken, or a key of the database that held; not a fault of the test."""
    return type(error).__name__ in ("AssertionError", "Broken", "IntegrityError")
