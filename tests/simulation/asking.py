"""Requests to book: whoever answers them, takes them back, or lets them lapse. One step each, as in actors.py."""

from booking.domain.states import CancelReason, Source
from booking.services import requests
from booking.services.timeline import Cause
from tests.simulation.actors import STAFF, WEB, Cast, Move

ASKED = "SELECT booking_id FROM stay_request WHERE state = 'asked'"
# One who is just being answered is clicked again, too.
ANY = "SELECT booking_id FROM stay_request WHERE state <> 'started'"


class Asking:
    """The host, and guests who cannot wait."""

    def __init__(self, cast: Cast) -> None:
        self._cast, self._world, self._runtime = cast, cast.world, cast.runtime
        self.moves: tuple[Move, ...] = (
            (8, self._staff_accepts), (3, self._staff_declines), (2, self._guest_withdraws), (2, self._both_at_once),
            (1, self._somebody_else_ends_it),
        )  # fmt: skip

    def answer_some(self) -> None:
        """Before all comes to rest the host looks once more; whatever is not answered then lapses."""
        for (booking_id,) in self._cast.rows(ASKED):
            if self._world.dice.random() < 0.5:
                self._accept(booking_id)

    def _staff_accepts(self) -> None:
        booking_id = self._cast.some(ASKED if self._world.dice.random() < 0.9 else ANY)
        if booking_id is not None:
            for _ in range(2 if self._world.dice.random() < 0.2 else 1):
                self._accept(booking_id)

    def _staff_declines(self) -> None:
        booking_id = self._cast.some(ASKED if self._world.dice.random() < 0.9 else ANY)
        if booking_id is not None:
            self._decline(booking_id)

    def _guest_withdraws(self) -> None:
        booking_id = self._cast.some(ASKED)
        if booking_id is not None:
            self._withdraw(booking_id)

    def _both_at_once(self) -> None:
        """Two who do not know of each other."""
        booking_id = self._cast.some(ASKED)
        if booking_id is not None:
            acts = [self._accept, self._decline, self._withdraw]
            self._world.dice.shuffle(acts)
            for act in acts[:2]:
                act(booking_id)

    def _somebody_else_ends_it(self) -> None:
        """In Stripe's dashboard somebody takes the sum or lets it go; or the bank does."""
        reserved = [intent for intent in self._world.stripe.intents.values() if intent["status"] == "requires_capture"]
        if reserved and self._world.weather.oddities:
            intent = self._world.dice.choice(reserved)
            takes = self._world.dice.random() < 0.3
            self._world.tell(f"dashboard: {intent['id']} is {'taken' if takes else 'let go'}")
            self._world.stripe.end_reserved(intent, takes=takes)

    def _accept(self, booking_id: int) -> None:
        name = f"staff accepts booking {booking_id}"
        self._world.begin(name, WEB, lambda: requests.accept_request(self._runtime, booking_id, STAFF))

    def _decline(self, booking_id: int) -> None:
        name = f"staff declines booking {booking_id}"
        self._world.begin(name, WEB, lambda: requests.decline_request(self._runtime, booking_id, "full", STAFF))

    def _withdraw(self, booking_id: int) -> None:
        self._cast.cancel_one(booking_id, CancelReason.GUEST, Cause(Source.WEB))
