"""R6: Hypothesis plays with the whole shop, and beside it with a small model of it (model.py): the two never differ.

Guests book, pay, pay late, slowly or the wrong amount; cards are declined; guests and staff cancel; money goes back in
parts, by hand in Stripe's dashboard, twice, or comes back from the bank; banks ask, take money, win and lose; nights
are closed; news comes at once, later, mixed up, or by the worker's own looks. After each step nights and money in the
database are those of the model, and the quick looks hold; those of `flask verify` too, every few steps and at the end.

`MACHINE_EXAMPLES` is how many plays of `MACHINE_STEPS` steps (24 of 40 by default; 4,000 in `make torture`), beginning
with `MACHINE_SEED` (0). A play that fails is printed as the lines of Python that play it again: paste them into a test.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from booking.services import refund_news, refunds
from tests.histories.machine import ShopMachine
from tests.simulation.removed import GUARDS, Change, without
from tests.support.figures import note_figures

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "24"))
STEPS = int(os.environ.get("MACHINE_STEPS", "40"))
FIRST_SEED = int(os.environ.get("MACHINE_SEED", "0"))
PARTS = 4 if EXAMPLES <= 1000 else 40


def _play(seed: int, examples: int, **more: Any) -> None:
    """Always the same plays for one seed; nothing is kept between runs."""
    machine = type("ShopMachine", (ShopMachine,), {})
    how = settings(
        max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=False, database=None,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False, **more,
    )  # fmt: skip
    run_state_machine_as_test(seeded(seed)(machine), settings=how)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + PARTS))
def test_shop_and_model_never_differ(seed: int) -> None:
    _play(seed, EXAMPLES // PARTS)

    note_figures("machine", examples=EXAMPLES, steps=STEPS, rules=len(ShopMachine.setup_state().rules))


# --- control: a shop without one of its guards differs from the model -------------------------------------------------

WAITS = "a refund waits while its charge is disputed"
IS_LOST = "a lost dispute calls a refund off"
OWN_GUARDS: dict[str, Change] = {
    WAITS: (refunds, "_is_blocked", lambda _real: lambda *_args: False),
    IS_LOST: (refund_news, "is_lost", lambda _real: lambda *_args: False),
}
# Each with a seed that comes to it early.
TAKEN_AWAY = {
    "the nights are looked at again when money comes": 0,
    "a payment counts once": 0,
    WAITS: 1,
}
PLAYS_TO_MISS_A_GUARD = 60
FINDINGS = ("AssertionError", "Broken", "IntegrityError")


@pytest.fixture(autouse=True)
def _own_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, change in OWN_GUARDS.items():
        monkeypatch.setitem(GUARDS, name, (change,))


@pytest.mark.parametrize("guard", TAKEN_AWAY)
def test_control_without_a_guard_shop_and_model_differ(guard: str) -> None:
    with without(guard), pytest.raises(Exception) as missed:
        _play(TAKEN_AWAY[guard], PLAYS_TO_MISS_A_GUARD, phases=(Phase.generate,))

    assert type(missed.value).__name__ in FINDINGS, missed.value
    assert any("state.open_house(" in note for note in missed.value.__notes__)  # how to play it again


# --- plays by hand, in the form in which a failing one is printed -----------------------------------------------------


def _refund_meets_lost_dispute(state: ShopMachine) -> None:
    state.open_house(told=[True], units=1)
    state.send_back(part="half", which=0)
    state.bank_disputes(first="takes", later="takes", which=0)
    state.hear(order=0, which=0)
    state.worker(what="outbox")
    state.bank_disputes(first="takes", later="wins", which=0)
    state.hear(order=3, which=0)
    state.worker(what="unfinished")
    state.is_like_the_model()
    state.teardown()


def _odd_amount_comes(state: ShopMachine) -> None:
    state.open_house(told=[False], units=1)
    state.book(first=2, length=1, then="")
    state.use_card(how="odd amount", told=True, which=0)
    state.is_like_the_model()
    state.teardown()


def test_a_refund_that_waited_for_a_dispute_that_is_lost_is_called_off() -> None:
    state = ShopMachine()
    _refund_meets_lost_dispute(state)

    assert [back.is_called_off for back, _ in state.model.rows] == [True]


def test_an_odd_amount_confirms_nothing_and_keeps_the_nights() -> None:
    state = ShopMachine()
    _odd_amount_comes(state)

    assert [booking.status for booking in state.model.bookings] == ["confirmed", "pending"]


@pytest.mark.parametrize(
    ("guard", "play"),
    [(IS_LOST, _refund_meets_lost_dispute), ("the amount is compared with what was agreed", _odd_amount_comes)],
)
def test_control_without_a_guard_a_play_by_hand_differs(guard: str, play: Callable[[ShopMachine], None]) -> None:
    state = ShopMachine()
    with without(guard), pytest.raises(AssertionError, match="the model"):
        try:
            play(state)
        finally:
            state._stack.close()
