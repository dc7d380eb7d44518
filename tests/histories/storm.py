"""A history of many bookings, told in order or in a storm: each event three times, shuffled, late, or never."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from booking.extensions import db
from tests.histories.final_state import PASSING, State, final_state, without_letters
from tests.histories.scenes import HOLD_IS_OVER, KINDS, LONG, NIGHTS, RIVAL, Play, Scenes, contested, ends_of
from tests.histories.stage import Stage
from tests.simulation.checks import check_end
from tests.simulation.stripe_model import Event, EventState

COPIES = 3
AN_HOUR = 3600
# A card that was refused is only shown, and a bank's early word is only told of: neither is on any list of Stripe's.
NEVER_LOST = ("payment_intent.payment_failed", "radar.early_fraud_warning.created")


@dataclass(frozen=True)
class History:
    """Which bookings, one beside the other, and a seed that gives the order in which their scenes are played."""

    seed: int
    plays: tuple[Play, ...]


@dataclass
class Told:
    """A history that has come to rest, and how many deliveries it took."""

    state: State
    deliveries: int
    events: int


def write_history(seed: int, bookings: int) -> History:
    """Some bookings of all kinds, as many of each."""
    dice = Random(f"history {seed}")
    plays = [*KINDS * (bookings // len(KINDS)), *dice.sample(KINDS, bookings % len(KINDS))]
    return History(seed, tuple(plays))


def write_contest(seed: int, contests: int) -> History:
    """Pairs of guests who paid for the same nights, among others who did not."""
    return History(seed, (contested,) * contests + write_history(seed, contests).plays)


def tell_in_order(history: History) -> Told:
    """Every event is delivered once, right after it came to pass, and the worker is always there."""
    stage = Stage(history.seed)
    with stage.begun():
        for _ in _scenes(stage, history):
            _catch_up(stage)
        stage.settle_down(ends_of, walks_lists=False)
        check_end(stage)
        return _rest(stage, len(stage.stripe.events))


def _catch_up(stage: Stage) -> None:
    stage.deliver_all()
    stage.work()
    stage.end_refunds(ends_of)
    stage.deliver_all()


def tell_in_storm(history: History, seed: int) -> Told:
    """The same history; what comes when, how often, and what never, is up to the dice."""
    stage = Stage(history.seed)
    with stage.begun():
        storm = Storm(stage, Random(f"storm {history.seed} {seed}"))
        for _ in _scenes(stage, history):
            storm.blow()
        storm.calm_down()
        stage.settle_down(ends_of, walks_lists=storm.loses)
        if len(history.plays) > 1:
            check_end(stage)
        return _rest(stage, storm.deliveries)


class Storm:
    """Events on their way to the shop, each in three copies.

    Where none is lost, nobody walks through Stripe's lists: the events alone must bring the end, in any order.
    """

    def __init__(self, stage: Stage, dice: Random) -> None:
        self.stage, self.dice, self.deliveries = stage, dice, 0
        self._loss = dice.choice((0.0, 0.0, 0.1, 0.4))
        self.loses = self._loss > 0
        self._speed = dice.choice((1, 3, 6))
        self._seen = 0
        self._on_their_way: list[Event] = []

    def blow(self) -> None:
        """What happens between two scenes."""
        self._take_in()
        self._deliver(self.dice.randint(0, self._speed))
        for chance, act in self._others():
            if self.dice.random() < chance:
                act()

    def calm_down(self) -> None:
        """All that is on its way arrives, some of it days late, with what comes of it."""
        while self._has_more():
            self._deliver(self.dice.randint(1, 20))
            self.blow()
            if self.dice.random() < 0.1:
                self.stage.pass_time(self.dice.choice((60, AN_HOUR, 24 * AN_HOUR)))

    def _has_more(self) -> bool:
        if not self._on_their_way:
            self.stage.work()
            self.stage.end_refunds(ends_of)
            self._take_in()
        return bool(self._on_their_way)

    def _others(self) -> tuple[tuple[float, Callable[[], object]], ...]:
        stage = self.stage
        return (
            (0.15, stage.work), (0.15, lambda: stage.end_refunds(ends_of)), (0.03, stage.expire_holds),
            (0.03, lambda: stage.reconcile(at_once=False)), (0.02 * self.loses, stage.reconcile),
        )  # fmt: skip

    def _take_in(self) -> None:
        fresh, self._seen = self.stage.stripe.events[self._seen :], len(self.stage.stripe.events)
        for event in fresh:
            if event.type not in NEVER_LOST and self.dice.random() < self._loss:
                event.state = EventState.LOST
            else:
                self._on_their_way += [event] * COPIES

    def _deliver(self, count: int) -> None:
        for _ in range(min(count, len(self._on_their_way))):
            self.stage.deliver(self._on_their_way.pop(self.dice.randrange(len(self._on_their_way))))
            self.deliveries += 1


def _scenes(stage: Stage, history: History) -> Scenes:
    """Every scene of every booking, in an order that the history's seed gives."""
    dice = Random(f"order {history.seed}")
    casts = [(play, f"Guest {n}", n * (NIGHTS + 1)) for n, play in enumerate(history.plays)]
    long = [play(stage, guest, first) for play, guest, first in casts if play in LONG]
    short = [play(stage, guest, first) for play, guest, first in casts if play not in LONG]
    while long or short:
        chosen = long[0] if long else dice.choice(short)
        stage.pass_time(dice.choice((1, 3, 8)))
        if next(chosen, "over") == "over":
            (long or short).remove(chosen)
        yield
    stage.pass_time(HOLD_IS_OVER + AN_HOUR)  # whoever has not paid by now never will
    yield


def _rest(stage: Stage, deliveries: int) -> Told:
    state = without_letters(stage.do(lambda: final_state(db.session())), *PASSING)
    return Told(_comparable(state), deliveries, len(stage.stripe.events))


def _comparable(state: State) -> State:
    """Without the word that a refund made by hand was on its way, where the first that was heard is that it failed."""
    letters = {}
    for guest, lines in state["letters"].items():
        failed = [row[0] for row in state["refunds"].get(guest, []) if row[1] in ("failed", "canceled")]
        letters[guest] = [line for line in lines if line[0] != "refund_sent" or line[1] not in failed]
    return {**state, "letters": letters}


def anonymous(state: State) -> State:
    """The same end without saying which guest of a pair it was; the rows of both stand together."""
    merged: State = {}
    for part, rows in state.items():
        merged[part] = {}
        for key, lines in rows.items():
            name = key.removesuffix(RIVAL)
            both = [*merged[part].get(name, []), *lines]
            merged[part][name] = sorted(both, key=str)
    merged["nights"] = {
        key: [owner.removesuffix(RIVAL), for_good] for key, (owner, for_good) in state["nights"].items()
    }
    return merged
