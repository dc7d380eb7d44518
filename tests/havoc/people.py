"""Who goes on using a shop that is being killed: guests who book and pay, staff who cancel. They are patient.

What they were told is written down, so that it can be held against the shop afterwards.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from booking.services.reservations import GuestDetails
from tests.support.servers import FakeStripe
from tests.support.shop import Shop, Visitor, fields_of

ADA, PASSWORD = "ada@example.org", "tin kettle purple morning"
PAUSE = 0.15
MOST_TRIES = 1200


class Refused(Exception):
    """The shop said clearly that this is not possible: somebody was faster, or it is not there."""


@dataclass
class Told:
    """What people were told, by the ids of their Checkout Sessions."""

    held: list[str] = field(default_factory=list)  # sent on to Stripe
    paid: list[str] = field(default_factory=list)  # ... where the payment went through
    booked: dict[str, int] = field(default_factory=dict)  # ... and the shop said so; ids of bookings
    to_cancel: set[int] = field(default_factory=set)  # staff pressed the button
    cancelled: list[int] = field(default_factory=list)  # ... and saw that it was done
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer at all
    surprises: list[str] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many requests got what they asked for."""
        return self.statuses[200] + self.statuses[303]


class PatientVisitor(Visitor):
    """Asks again, as a person does, until the shop gives an answer that is one."""

    def __init__(self, url: str, told: Told) -> None:
        super().__init__(url)
        self._told = told
        self._rest = threading.Event()

    def get(self, path: str, **params: str) -> requests.Response:
        return self._insist("GET", path, params=params)

    def post(self, path: str, data: dict[str, str]) -> requests.Response:
        return self._insist("POST", path, data=data)

    def _insist(self, method: str, path: str, **what: dict[str, str]) -> requests.Response:
        for _ in range(MOST_TRIES):
            answer = self._ask(method, path, **what)
            self._told.statuses[answer.status_code if answer is not None else 0] += 1
            if answer is not None and answer.status_code < 500:
                if answer.status_code >= 400:
                    raise Refused(f"{method} {path}: {answer.status_code}")
                return answer
            self._rest.wait(PAUSE)
        raise AssertionError(f"no answer to {method} {path} in {MOST_TRIES} tries")

    def _ask(self, method: str, path: str, **what: dict[str, str]) -> requests.Response | None:
        try:
            return self.web.request(method, self.url + path, timeout=30, allow_redirects=False, **what)
        except requests.RequestException:
            self.web.close()  # the other end is dead; the next try begins anew
            return None


class People:
    """Some guests and one member of staff, each in a thread, until they are told that it is evening."""

    def __init__(self, shop: Shop, stripe: FakeStripe, seed: int, guests: int) -> None:
        self.told = Told()
        self._shop, self._stripe = shop, stripe
        self._evening = threading.Event()
        todo = [(self._be_guest, f"{seed}-{number}") for number in range(guests)] + [(self._be_staff, f"{seed}-staff")]
        self._threads = [threading.Thread(target=self._live, args=one, daemon=True) for one in todo]

    def begin(self) -> None:
        for thread in self._threads:
            thread.start()

    def go_home(self, seconds: float) -> None:
        """Nobody begins anything new; back when everybody has ended what they were at."""
        self._evening.set()
        for thread in self._threads:
            thread.join(seconds)
        assert not any(thread.is_alive() for thread in self._threads), "somebody still waits for an answer"

    def _live(self, life: Callable[[str, random.Random], None], name: str) -> None:
        chance = random.Random(name)
        try:
            is_first = True
            while is_first or not self._evening.is_set():
                life(name, chance)
                is_first = False
        except Exception as error:  # the test looks at it: a thread has nobody to raise to
            self.told.surprises.append(f"{name}: {error!r}")

    def _be_guest(self, name: str, chance: random.Random) -> None:
        """One visit: find nights, hold them, pay, come back. Some walk away; some find that somebody was faster."""
        visitor, number = PatientVisitor(self._shop.url, self.told), chance.randrange(10**9)
        ahead = chance.choice((chance.randrange(15, 25), chance.randrange(15, 500)))  # some nights, everybody wants
        stay = self._shop.stay(nights=chance.choice((1, 1, 2, 3)), ahead=ahead)
        try:
            guest = GuestDetails(f"Guest {name}", f"guest-{name}-{number}@example.org")
            answer = visitor.book_and_pay("harbour-loft", stay, guest)
        except Refused:
            return
        session_id = answer.headers["Location"].rpartition("/")[2]
        self.told.held.append(session_id)
        if chance.random() < 0.85:
            self._pay(visitor, session_id)

    def _pay(self, visitor: PatientVisitor, session_id: str) -> None:
        paid = self._stripe.pay(session_id, wait=False)
        assert paid["outcome"] == "succeeded", paid
        self.told.paid.append(session_id)
        page = visitor.get("/pay/return", session_id=session_id)
        if page.status_code == 303:  # to the page of a confirmed booking
            self.told.booked[session_id] = int(paid["session"]["metadata"]["booking_id"])

    def _be_staff(self, _name: str, chance: random.Random) -> None:
        """A day at the desk: sign in, and cancel some of the bookings whose guests were told that they are booked."""
        desk, seen = PatientVisitor(self._shop.url, self.told), 0
        form = {**fields_of(desk.get("/admin/login").text), "email": ADA, "password": PASSWORD}
        assert desk.post("/admin/login", form).status_code == 303
        while not self._evening.wait(PAUSE):
            fresh = list(self.told.booked.values())[seen:]
            seen += len(fresh)
            for booking_id in fresh:
                if chance.random() < 0.4:
                    self._cancel(desk, booking_id)

    def _cancel(self, desk: PatientVisitor, booking_id: int) -> None:
        """Everything goes back; noted where the page says so afterwards."""
        check = desk.get(f"/admin/bookings/{booking_id}/cancel/check", refund="full")
        self.told.to_cancel.add(booking_id)
        desk.post(f"/admin/bookings/{booking_id}/cancel", fields_of(check.text))
        if "The booking is cancelled" in desk.get(f"/admin/bookings/{booking_id}").text:
            self.told.cancelled.append(booking_id)
