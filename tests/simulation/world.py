"""One run: the clock, the dice, who waits where, and the troubles that come between two lines of the shop.

All of it is one thread. Each step of an actor is a greenlet that may be left waiting wherever no transaction is open
(beside a call, after a commit, beside a letter), so that steps overlap in every order that a real shop could see, and
the same seed always gives the same order.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet
from sqlalchemy.exc import OperationalError

from booking import crashpoints
from booking.domain.errors import BookingError
from booking.gateways.mail import Letter, MailFailed
from booking.gateways.payments import GatewayRefused, GatewayUnavailable, PaymentGatewayError
from booking.runtime import Runtime
from booking.services import reservations
from tests.simulation.gateway import SimulatedGateway
from tests.simulation.house import INJECTED, House, write_letter
from tests.simulation.stripe_model import Record, StripeModel
from tests.simulation.weather import draw_weather
from tests.support.shop import patched

BEGINNING = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
# A step waits no longer than this; with a late request on top it stays below attempts.LOOK_AFTER.
LONGEST_WAIT, LATEST_ARRIVAL = 10, 15
Act = Callable[[], object]


class Died(BaseException):
    """The process is gone: no line of the shop may catch this."""


class Broken(AssertionError):
    """A promise was broken; the text says which."""


class Step:
    """One step of an actor, on its way or waiting."""

    def __init__(self, world: "World", name: str, process: str, act: Act) -> None:
        self.name, self.process, self.began = name, process, world.clock.now()
        self._world, self._act = world, act
        self.greenlet = greenlet(self._run)

    def _run(self) -> None:
        try:
            with self._world.house.app.app_context():
                said = self._act()
        except Died:
            self._world.tell(f"{self.name}: died")
        except (BookingError, PaymentGatewayError) as error:
            self._world.tell(f"{self.name}: {type(error).__name__}")
        except OperationalError as error:
            if INJECTED not in str(error):
                raise
            self._world.tell(f"{self.name}: the database failed")
        else:
            self._world.tell(f"{self.name}: {said}")


class VirtualClock:
    """Stands still until the scheduler moves it."""

    def __init__(self) -> None:
        self.at = BEGINNING

    def now(self) -> datetime:
        return self.at


class World:
    """All that one seed decides."""

    def __init__(self, seed: int, house: House) -> None:
        self.seed, self.house = seed, house
        self.dice, self._ids = Random(f"dice {seed}"), Random(f"ids {seed}")
        self.weather = draw_weather(self.dice, seed)
        self.has_faults, self.has_pauses = True, True
        self.deaths = self.faults = 0
        self.trace: list[str] = []
        self.letters: list[Letter] = []
        self.handed_out: set[str] = set()  # sessions whose address a guest has
        self.clock = VirtualClock()
        self.stripe = StripeModel(self._stripes_time, self._begin_refund, lambda: self.dice.random() < 0.6)
        self.runtime = self._outfit()
        self.waiting: list[Step] = []
        self._hub = getcurrent()
        self._running: Step | None = None

    @contextmanager
    def begun(self) -> Iterator[None]:
        """The database as in the beginning, and every boundary watched; all is let go at the end."""
        self.house.put_back(self.weather)
        crashpoints.arm(self._visit)
        self.house.begin_fails, self.house.commit_fails = self._begin_fails, self._commit_fails
        alphabet = patched(reservations.secrets, "choice", self._ids.choice)
        try:
            with patched(uuid, "uuid4", self._next_uuid), alphabet:
                yield
        finally:
            crashpoints.arm(None)
            self.has_faults = False
            self._end_all_waiting()
            self.house.calm()

    def tell(self, line: str) -> None:
        self.trace.append(f"{self.clock.at:%d %H:%M:%S}  {line}")

    # --- steps ------------------------------------------------------------------------------------------------------

    def begin(self, name: str, process: str, act: Act) -> None:
        """Begin a step and let it go on until it ends or waits."""
        self._go_on(Step(self, name, process, act))

    def resume_one(self) -> None:
        """Let one of those that wait go on."""
        self._go_on(self.waiting.pop(self.dice.randrange(len(self.waiting))))

    def finish_waiting(self) -> None:
        """Let all that wait come to their end, without more pauses."""
        had_pauses, self.has_pauses = self.has_pauses, False
        while self.waiting:
            self.resume_one()
        self.has_pauses = had_pauses

    def pass_time(self, seconds: float) -> None:
        """Move both clocks; nobody waits for longer than a real request would."""
        oldest = min((step.began for step in self.waiting), default=self.clock.at)
        if self.clock.at + timedelta(seconds=seconds) - oldest > timedelta(seconds=LONGEST_WAIT):
            self.finish_waiting()
        until = self.clock.at + timedelta(seconds=seconds)
        while (wait := self.stripe.time_to_next_arrival()) is not None and self.clock.at + wait <= until:
            self.clock.at += wait  # what is still on its way arrives at its own time, whatever the jump
            self.stripe.tick()
        self.clock.at = until
        self.stripe.tick()

    def _go_on(self, step: Step) -> None:
        self._running = step
        step.greenlet.parent = self._hub
        step.greenlet.switch()
        self._running = None
        if not step.greenlet.dead:
            self.waiting.append(step)
        if self.house.raw.in_transaction:
            raise Broken(f"{step.name} left a transaction open")

    def _end_all_waiting(self) -> None:
        for step in self.waiting:
            step.greenlet.throw(Died)
        self.waiting = []

    # --- boundaries -------------------------------------------------------------------------------------------------

    def _visit(self, name: str) -> None:
        """A named point of the shop was reached. Before a commit its transaction is open, so nobody else can go on."""
        if self._running is None or name.startswith("tests."):
            return
        self._perhaps_die(name)
        if not name.endswith("before commit"):
            self._perhaps_wait(name)

    def _perhaps_die(self, where: str) -> None:
        if not (self.has_faults and self.dice.random() < self.weather.death):
            return
        assert self._running is not None
        self.deaths += 1
        self.tell(f"{self._running.name} dies at: {where}")
        for other in [step for step in self.waiting if step.process == self._running.process]:
            self.waiting.remove(other)
            self._kill_beside(other)
        raise Died

    def _kill_beside(self, other: Step) -> None:
        """Another step of the process that dies; it has no transaction open, so it merely never goes on."""
        dying = self._running
        other.greenlet.parent = getcurrent()
        other.greenlet.throw(Died)
        self._running = dying

    def _perhaps_wait(self, where: str) -> None:
        if self.has_pauses and self.dice.random() < self.weather.pause and self._running is not None:
            self.tell(f"{self._running.name} waits at: {where}")
            self._hub.switch()

    # --- Stripe -----------------------------------------------------------------------------------------------------

    def _send(self, path: str, params: Record, key: str | None) -> Record:
        """One request of the shop's, with the troubles of a network and of Stripe."""
        if self.house.raw.in_transaction:
            raise Broken(f"I12: a transaction is open during {path}")
        self._visit(f"{path} before call")
        trouble = self._draw_trouble(path, key)
        if trouble:
            self.faults += 1
            self.tell(f"  {path}: {trouble}")
            self._make_trouble(trouble, path, params, key)
        answer = self.stripe.ask(path, params, key)
        if trouble:
            raise GatewayUnavailable(trouble)
        self._visit(f"{path} after call")
        return answer

    def _draw_trouble(self, path: str, key: str | None) -> str:
        if not self.has_faults:
            return ""
        if key is not None and self.dice.random() < self.weather.refusal:
            return "refused"
        if self.dice.random() >= self.weather.stripe:
            return ""
        if key is None:
            return self.dice.choice(("never arrived", "answer lost"))
        late = ("late",) if self.weather.late_requests else ()
        return self.dice.choice(("never arrived", "answer lost", "500", "500 after effect", *late))

    def _make_trouble(self, trouble: str, path: str, params: Record, key: str | None) -> None:
        """Raise, unless the request still has its effect."""
        if trouble == "refused":
            raise GatewayRefused("refused", reason="account_invalid")
        if trouble == "late":
            self.stripe.do_later(self.dice.randint(1, LATEST_ARRIVAL), lambda: self._arrive(path, params, key))
        if trouble == "500" and key and not self.stripe.knows_key(key):
            self.stripe.break_key(path, params, key)
        if trouble == "500 after effect" and key and not self.stripe.knows_key(key):
            self.stripe.ask(path, params, key)
            self.stripe.break_key(path, params, key)
        if trouble != "answer lost":
            raise GatewayUnavailable(trouble)

    def _arrive(self, path: str, params: Record, key: str | None) -> None:
        try:
            self.stripe.ask(path, params, key)
        except PaymentGatewayError:
            self.tell(f"  {path}: came late and was refused")
        else:
            self.tell(f"  {path}: came late")

    def _begin_refund(self) -> str:
        return self.dice.choice(("succeeded", "succeeded", "pending"))

    def _stripes_time(self) -> int:
        return int(self.clock.at.timestamp()) + self.weather.skew

    # --- database and mail ------------------------------------------------------------------------------------------

    def _begin_fails(self) -> bool:
        return self._database_fails()

    def _commit_fails(self) -> str:
        return self.dice.choice(("before", "after")) if self._database_fails() else ""

    def _database_fails(self) -> bool:
        fails = self._running is not None and self.has_faults and self.dice.random() < self.weather.database
        self.faults += fails
        return fails

    def send(self, letter: Letter) -> None:
        """The mail server."""
        if self.has_faults and self.dice.random() < self.weather.mail:
            raise MailFailed("down")
        self.letters.append(letter)

    def _outfit(self) -> Runtime:
        known: Runtime = self.house.app.extensions["holdfast"]
        payload: Any = lambda event_id: next(e.payload for e in self.stripe.events if e.id == event_id)  # noqa: E731
        return replace(
            known,
            payments=SimulatedGateway(self.clock, self._send, payload),
            mailer=self,
            clock=self.clock,
            wake_worker=lambda: None,
            write_letter=write_letter,
        )

    def _next_uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._ids.getrandbits(128), version=4)
