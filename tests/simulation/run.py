"""One seed from beginning to rest: faults for a while, then none, and everything must come right by itself."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from booking.services import reconciliation
from tests.simulation.actors import WORKER, Cast
from tests.simulation.asking import Asking
from tests.simulation.checks import Watch, check_end
from tests.simulation.house import house
from tests.simulation.joining_in import JoiningIn
from tests.simulation.owing import Owing
from tests.simulation.stripe_model import EventState
from tests.simulation.world import Broken, World

# Beyond waiting for what is due by the clock, the worker may take this long to put everything right.
SECONDS_TO_SETTLE, ROUND = 60, 3
MOST_ROUNDS, MOST_ROUNDS_AFTER = 60, 6
UNFINISHED = """
SELECT 'outbox row ' || id, run_after FROM outbox WHERE state = 'due'
UNION ALL SELECT 'attempt ' || id, NULL FROM attempt WHERE status IN ('creating', 'open', 'processing', 'superseded')
UNION ALL SELECT 'refund ' || id, NULL FROM refund WHERE status IN ('requested', 'pending', 'requires_action')
    AND payment_id NOT IN (SELECT payment_id FROM dispute WHERE NOT is_charge_refundable AND status <> 'lost')
UNION ALL SELECT 'change ' || id, hold_until FROM stay_change WHERE status = 'open'
UNION ALL SELECT 'sum ' || id, NULL FROM authorisation WHERE state IN ('held', 'capturing', 'releasing')
UNION ALL SELECT 'joining ' || id, expires_at FROM joining WHERE status = 'creating'
UNION ALL SELECT 'joining ' || id, NULL FROM joining WHERE status = 'open'
UNION ALL SELECT 'booking ' || id, hold_until FROM booking WHERE status = 'pending' AND NOT needs_review
"""
KEPT_FOR_A_PERSON = """SELECT payment_intent_id FROM authorisation
JOIN booking ON booking.id = authorisation.booking_id WHERE needs_review"""


class Failed(AssertionError):
    """A seed that broke a promise: what broke, how to see it again, and the whole story."""

    def __init__(self, world: World, error: BaseException) -> None:
        self.seed = world.seed
        story = "\n".join(world.trace)
        super().__init__(
            f"seed {world.seed}: {type(error).__name__}: {error}\n"
            f"again with: python -m tests.simulation.replay {world.seed}\n{world.weather}\n{story}"
        )


def run_seed(seed: int) -> World:
    """Run one seed to its end. Raises Failed."""
    world = World(seed, house())
    with _quiet(), world.begun():
        try:
            _run(world)
        except Exception as error:
            world.tell(f"BROKEN: {error}")
            raise Failed(world, error) from error
    return world


def run_seeds(first: int, count: int) -> tuple[int, int, int]:
    """Run some seeds in a row; how many moves, deaths and faults there were. Raises Failed at the first that fails."""
    moves = deaths = faults = 0
    for seed in range(first, first + count):
        world = run_seed(seed)
        moves, deaths, faults = moves + world.weather.steps, deaths + world.deaths, faults + world.faults
    return moves, deaths, faults


def _run(world: World) -> None:
    cast, watch = Cast(world), Watch(world)
    owing = Owing(cast)
    if world.weather.deposit or world.weather.saves_cards:
        cast.join(owing.moves)
    asking = Asking(cast)
    if world.weather.answer_hours:
        cast.join(asking.moves)
    if world.weather.club:
        cast.join(JoiningIn(cast).moves)
    for _ in range(world.weather.steps):
        cast.move()
        watch.look()
    _stop_faults(world, cast)
    asking.answer_some()
    watch.look()
    _settle(world, cast, owing, watch)
    check_end(world)


def _stop_faults(world: World, cast: Cast) -> None:
    """Guests have gone home, the banks have decided, and nothing fails any more."""
    world.has_faults = world.has_pauses = False
    world.tell("--- no more faults ---")
    world.finish_waiting()
    cast.retry_given_up()
    for session_id in cast.slow_sessions():
        world.stripe.end_slow_payment(session_id, came=world.dice.random() < 0.7)
    for dispute_id in list(world.stripe.disputes):
        world.stripe.end_dispute(dispute_id, won=world.dice.random() < 0.5)
    if world.weather.lost_events == 1.0:
        _lose_all(world)


def _settle(world: World, cast: Cast, owing: Owing, watch: Watch) -> None:
    """Worker and reconciler do their rounds; time passes only to what is due, or ROUND seconds of their patience."""
    spent, idle = 0, 0
    left: list[tuple[str, str | None]] = []
    for _ in range(MOST_ROUNDS):
        before = world.house.raw.total_changes
        _end_refunds(world)
        owing.hand_over()
        _bring_events(world, cast, watch)
        world.begin("worker: outbox", WORKER, lambda: cast.work(50))
        world.begin("worker: holds", WORKER, cast.end_overdue)
        # The walk through Stripe's lists is due once an hour: here, where nothing else helps.
        world.begin("worker: reconcile", WORKER, lambda: cast.reconcile(at_once=idle == 1))  # noqa: B023
        watch.look()
        unfinished = world.house.rows(UNFINISHED)
        has_news = bool(world.stripe.due_events()) and world.weather.lost_events < 1.0
        if not unfinished and not has_news:
            _last_look(world, cast, owing, watch)
            return
        # A walk through the lists writes down of each member when it was looked: that alone brings nothing to its end.
        is_look = world.weather.club and idle == 1 and unfinished == left
        left = unfinished
        if is_look or world.house.raw.total_changes == before:
            _wait_for_due(world, unfinished, idle)
            idle += 1
        else:
            spent, idle = spent + ROUND, 0
            world.pass_time(ROUND)
        if spent > SECONDS_TO_SETTLE:
            break
    raise Broken(f"not at rest after {spent} seconds: {world.house.rows(UNFINISHED)}")


def _last_look(world: World, cast: Cast, owing: Owing, watch: Watch) -> None:
    """The hourly walk through Stripe's lists, which finds what was never told, and what that leads to."""
    world.begin("worker: lists", WORKER, lambda: cast.reconcile(at_once=True))
    for _ in range(MOST_ROUNDS_AFTER):
        if not world.house.rows(UNFINISHED) and not world.stripe.due_events():
            return
        _end_refunds(world)
        owing.hand_over()
        _bring_events(world, cast, watch)
        world.begin("worker: outbox", WORKER, lambda: cast.work(50))
        world.begin("worker: reconcile", WORKER, lambda: cast.reconcile(at_once=False))
        watch.look()
    raise Broken(f"not at rest after the last look: {world.house.rows(UNFINISHED)}, {world.stripe.due_events()}")


def _wait_for_due(world: World, unfinished: list[tuple[str, str | None]], idle: int) -> None:
    """Go on to the next moment at which anything can happen at all."""
    now = world.clock.at
    ends = [session["expires_at"] for session in world.stripe.sessions.values() if session["status"] == "open"]
    due = [datetime.fromisoformat(until).replace(tzinfo=now.tzinfo) for _, until in unfinished if until]
    # What waits for a person keeps its sum until the bank lets it go.
    kept = {row[0] for row in world.house.rows(KEPT_FOR_A_PERSON)}
    charges = [world.stripe.charges[one["latest_charge"]] for one in world.stripe.reserved() if one["id"] in kept]
    ends += [charge["payment_method_details"]["card"]["capture_before"] for charge in charges]
    due += [datetime.fromtimestamp(end - world.weather.skew, now.tzinfo) for end in ends]
    if idle == 0 or not any(moment > now for moment in due):
        due.append(now + reconciliation.UNTOUCHED_FOR)  # the youngest attempts were left to their webhook
    world.pass_time((min(moment for moment in due if moment > now) - now).total_seconds() + 1)


def _bring_events(world: World, cast: Cast, watch: Watch) -> None:
    if world.weather.lost_events == 1.0:
        _lose_all(world)
    due = world.stripe.due_events()
    world.dice.shuffle(due)
    for event in due:
        cast.begin_delivery(event)
        watch.look()


def _lose_all(world: World) -> None:
    """Webhooks are off for good."""
    for event in world.stripe.due_events():
        event.state = EventState.LOST


def _end_refunds(world: World) -> None:
    for refund in list(world.stripe.refunds.values()):
        if refund["status"] == "pending":
            world.stripe.end_refund(refund["id"], world.dice.choice(("succeeded", "succeeded", "failed")))


@contextmanager
def _quiet() -> Iterator[None]:
    """No log lines, and no collecting of garbage in the middle of a seed: both cost more than the shop."""
    was_disabled, had_gc = logging.root.manager.disable, gc.isenabled()
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        yield
    finally:
        logging.disable(was_disabled)
        if had_gc:
            gc.enable()
