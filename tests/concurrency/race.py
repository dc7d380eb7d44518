"""Many guests who want the same ten nights: what they, Stripe, the house and the clocks do, wave after wave.

In each wave some guests press the button at the same moment. Those who get a page pay at once, or in the last minutes
of their session, or when their hold is over and the next wave is taking the nights; Stripe's events are held, late,
lost, repeated and out of order; the worker and its sweeps go on beside all that. So that nights stay to be had, staff
cancel most of what was confirmed, with all the money back, while the next wave comes. All that is drawn by lot comes
from the seed; who is faster is the machine's affair.
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import requests
from sqlalchemy import select

from booking.domain.dates import Stay
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.gateways.stripe_objects import READERS
from booking.models import Attempt, Booking
from booking.services import delivery, reconciliation, reservations
from booking.services.reservations import GuestDetails
from booking.services.timeline import Cause
from tests.support.crowd import prepare, rush
from tests.support.shop import SECRET, Shop, Visitor, fields_of

NIGHTS, UNITS = 10, 4
SLUG = "harbour-loft"
BUTTON = f"/stays/{SLUG}/review"
# The hold ends 45 minutes after the click, and the session that can be paid ten minutes before it.
UNTIL_LAST_MINUTES = timedelta(minutes=33)
UNTIL_HOLD_IS_OVER = timedelta(minutes=13)
GOOD_CARD, DECLINED_CARD, SLOW_REFUND_CARD = "4242424242424242", "4000000000000002", "4000000000007726"


class Fate(StrEnum):
    """What a guest does who got a page to pay on."""

    AT_ONCE = "pays at once"
    LAST_MINUTE = "pays in the last minutes of the session"
    TOO_LATE = "pays when the hold is over and the next wave takes the nights"
    ONCE_MORE = "asks for the page again when the hold is over, and pays on both"
    LETS_GO = "pays in one tab while letting the nights go in another"
    NEVER = "closes the page"


USUAL = {Fate.AT_ONCE: 4, Fate.LAST_MINUTE: 50, Fate.TOO_LATE: 18, Fate.ONCE_MORE: 9, Fate.LETS_GO: 9, Fate.NEVER: 10}
IN_THE_LAST_WAVE = {Fate.AT_ONCE: 6, Fate.LAST_MINUTE: 3, Fate.TOO_LATE: 1}
# How single events of payments in the last minutes travel.
MANNERS: tuple[tuple[int, dict[str, Any]], ...] = (
    (40, {"mode": "hold"}),
    (40, {"delay_ms": 12 * 60_000}),
    (12, {"mode": "drop"}),
    (5, {"duplicate": 2}),
)


@dataclass
class Guest:
    """Somebody with a browser of their own, who is ready to press the button and wants the first of some stays."""

    visitor: Visitor
    form: dict[str, str]
    stays: list[Stay]
    fate: Fate
    is_hasty: bool
    comes_back: bool
    cards: list[str]
    session_id: str = ""
    pages: dict[Stay, set[str]] = field(default_factory=dict)

    def twin(self) -> Visitor:
        """The same browser once more, for a double click or a second tab: its cookies, on a connection of its own."""
        half = Visitor(self.visitor.url)
        half.web.cookies.update(self.visitor.web.cookies)
        return half


@dataclass(frozen=True)
class Heard:
    """One answer of the shop's to a guest."""

    what: str
    status: int
    seconds: float
    text: str


class Race:
    """One race in one shop. `heard`, `guests` and `payments` tell afterwards how it went."""

    def __init__(self, shop: Shop, seed: int, guests: int, waves: int) -> None:
        self.shop, self.lot = shop, random.Random(seed)
        self.heard: list[Heard] = []
        self.payments: list[str] = []
        whole = shop.stay(nights=NIGHTS)
        self.stays = [stay for length in range(1, 5) for stay in _stays_of(whole, length)]
        self._forms = {stay: _asked(shop, stay) for stay in self.stays}
        shop.stripe.post(
            "webhook", {"url": f"{shop.url}/webhooks/stripe/", "secrets": [SECRET], "enabled_events": [*READERS]}
        )
        size = -(-guests // waves)
        drawn = [self._draw(number, is_last=number >= size * (waves - 1)) for number in range(guests)]
        self.guests = prepare(self._open_page, drawn)
        self._waves = [self.guests[start : start + size] for start in range(0, guests, size)]

    def run(self) -> None:
        """All waves, one more round for those who are late, and rest."""
        before: list[Guest] = []
        for wave in [*self._waves, []]:
            self._rush(wave, before)
            self._let_stripe_catch_up()
            before = [guest for guest in wave if guest.session_id]
            self._let_go(before)
            self._pay_in_the_last_minutes(before)
            self._let_holds_run_out()
        self._come_to_rest()

    # --- making ready -----------------------------------------------------------------------------------------------

    def _draw(self, number: int, *, is_last: bool) -> tuple[int, dict[str, Any]]:
        weights = IN_THE_LAST_WAVE if is_last else USUAL
        (fate,) = self.lot.choices(list(weights), list(weights.values()))
        cards = [DECLINED_CARD] * (self.lot.random() < 0.1)
        cards.append(SLOW_REFUND_CARD if self.lot.random() < 0.1 else GOOD_CARD)
        return number, {
            "stays": [self._draw_stay() for _ in range(self.lot.choice((1, 1, 1, 2)))],
            "fate": fate,
            "is_hasty": self.lot.random() < 0.1,
            "comes_back": self.lot.random() < 0.3,
            "cards": cards,
        }

    def _draw_stay(self) -> Stay:
        (length,) = self.lot.choices(range(1, 5), [4, 3, 2, 1])
        return self.lot.choice([stay for stay in self.stays if stay.nights == length])

    def _open_page(self, drawn: tuple[int, dict[str, Any]]) -> Guest:
        """The hasty go through all pages up to the button; the others know what its form will say."""
        number, what = drawn
        visitor, stay = Visitor(self.shop.url), what["stays"][0]
        details = GuestDetails(f"Guest {number}", f"guest{number}@example.org")
        if what["is_hasty"]:
            form = visitor.review_form(SLUG, stay, details)
        else:
            page = visitor.get(f"/stays/{SLUG}/book", arrive=str(stay.arrive), leave=str(stay.leave), guests="2")
            form = {**fields_of(page.text), **asdict(details), "guests": "2"}
        visitor.web.close()  # or the server would hang up on an idle line just when the button is pressed
        return Guest(visitor, form, **what)

    # --- what happens in a wave -------------------------------------------------------------------------------------

    def _rush(self, wave: list[Guest], before: list[Guest]) -> None:
        """All at the same moment: new guests, late payers, late events, and the house at work."""
        self.shop.stripe.post("delivery", {"duplicate": self.lot.randrange(3), "reorder": self.lot.random() < 0.5})
        acts: list[Callable[[], Any]] = [partial(self._press, guest) for guest in wave]
        acts += [partial(self._click_again, guest) for guest in wave if guest.is_hasty]
        acts += [partial(self._pay, guest, guest.session_id) for guest in before if guest.fate is Fate.TOO_LATE]
        references = self._references()
        for guest in before:
            if guest.fate is Fate.ONCE_MORE:
                acts += [partial(self._ask_once_more, guest, references[guest.session_id])]
                acts += [partial(self._pay, guest, guest.session_id)]
        acts += [self._work, partial(self._release, self._some_held())]
        acts += [partial(self._cancel, self._second_thoughts())] * bool(wave)
        acts += [self._expire_holds] * (self.lot.random() < 0.5)
        self._at_once(acts)

    def _let_stripe_catch_up(self) -> None:
        """Stripe's clock was behind, so that sessions outlived holds; now they end, and late events are due."""
        self.shop.stripe.post("delivery", {})
        behind = self.shop.clock.now().timestamp() - self.shop.stripe.get("clock")["now"]
        self.shop.stripe.post("clock", {"advance": max(0, behind)})
        self._release(self._all_held())
        self._be_quiet()

    def _let_go(self, holders: list[Guest]) -> None:
        acts: list[Callable[[], Any]] = []
        references = self._references()
        for guest in holders:
            if guest.fate is Fate.LETS_GO:
                acts += [partial(self._release_nights, guest, references[guest.session_id])]
                acts += [partial(self._pay, guest, guest.session_id)]
        self._at_once(acts)

    def _pay_in_the_last_minutes(self, holders: list[Guest]) -> None:
        payers = [guest for guest in holders if guest.fate is Fate.LAST_MINUTE]
        self._move(UNTIL_LAST_MINUTES, UNTIL_LAST_MINUTES)
        weights, manners = zip(*MANNERS, strict=True)
        self.shop.stripe.post("delivery/orders", self.lot.choices(manners, weights, k=8 * len(payers)))
        self._at_once([partial(self._pay, guest, guest.session_id) for guest in payers])
        self.shop.stripe.post("delivery/orders", [])

    def _let_holds_run_out(self) -> None:
        self._move(UNTIL_HOLD_IS_OVER, timedelta(0))

    def _come_to_rest(self) -> None:
        """Nothing is late any more, and a few rounds of the worker's sweeps are all that is needed."""
        for _ in range(3):
            self._let_stripe_catch_up()
            self._expire_holds()
            with self.shop.app.app_context():
                reconciliation.reconcile(self.shop.runtime)
            self._work()
            self._be_quiet()
            self._move(timedelta(hours=1), timedelta(hours=1))

    # --- what guests do ---------------------------------------------------------------------------------------------

    def _press(self, guest: Guest) -> None:
        for stay in guest.stays:
            if self._click(guest, guest.visitor, stay):
                break
        if guest.session_id and guest.fate is Fate.AT_ONCE:
            self._pay(guest, guest.session_id)

    def _click_again(self, guest: Guest) -> None:
        self._click(guest, guest.twin(), guest.stays[0])

    def _click(self, guest: Guest, visitor: Visitor, stay: Stay) -> bool:
        form = {**guest.form, **self._forms[stay]}
        session_id = page_of(self._ask("press", partial(visitor.post, BUTTON, form)))
        if session_id:
            guest.pages.setdefault(stay, set()).add(session_id)
            guest.session_id, guest.visitor = session_id, visitor  # the cookies of the last answer stay
        return bool(session_id)

    def _ask_once_more(self, guest: Guest, reference: str) -> None:
        form = {"csrf_token": guest.form["csrf_token"], "reference": reference}
        session_id = page_of(self._ask("ask once more", partial(guest.visitor.post, "/pay/resume", form)))
        if session_id:
            self._pay(guest, session_id)

    def _release_nights(self, guest: Guest, reference: str) -> None:
        form = {"csrf_token": guest.form["csrf_token"], "reference": reference}
        self._ask("let go", partial(guest.twin().post, "/pay/release", form))

    def _pay(self, guest: Guest, session_id: str) -> None:
        """On Stripe's page, which may be closed already; the card may be declined at first."""
        for card in guest.cards:
            body = {"card": card, "wait": False}
            answer = requests.post(f"{self.shop.stripe.url}/_fake/sessions/{session_id}/pay", json=body, timeout=60)
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200 and answer.json()["outcome"] == "succeeded":
                self.payments.append(session_id)
                if guest.comes_back:
                    self._ask("come back", partial(guest.twin().get, "/pay/return", session_id=session_id))

    def _ask(self, what: str, ask: Callable[[], requests.Response]) -> requests.Response:
        began = time.monotonic()
        answer = ask()
        self.heard.append(Heard(what, answer.status_code, time.monotonic() - began, answer.text))
        return answer

    # --- what the house, Stripe and the clocks do -------------------------------------------------------------------

    def _expire_holds(self) -> None:
        with self.shop.app.app_context():
            reservations.expire_holds(self.shop.runtime)

    def _work(self) -> None:
        with self.shop.app.app_context():
            while delivery.run_due(self.shop.runtime):
                pass

    def _second_thoughts(self) -> list[Booking]:
        """Most of the guests who have a stay."""
        confirmed = [row for row in self.shop.bookings() if row.status is BookingStatus.CONFIRMED]
        return [booking for booking in confirmed if self.lot.random() < 0.85]

    def _cancel(self, bookings: list[Booking]) -> None:
        for row in bookings:
            cause, token = Cause(Source.STAFF, "ada@example.org"), f"form of {row.id}"
            with self.shop.app.app_context():
                reservations.cancel_booking(
                    self.shop.runtime, row.id, CancelReason.STAFF, cause, row.amount, form_token=token
                )

    def _all_held(self) -> list[str]:
        held = [row["event"] for row in self.shop.stripe.get("deliveries", status="held")]
        return self.lot.sample(held, len(held))

    def _some_held(self) -> list[str]:
        held = self._all_held()
        return held[: len(held) // 3]

    def _release(self, events: list[str]) -> None:
        if events:
            self.shop.stripe.release(events)

    def _be_quiet(self) -> None:
        assert self.shop.stripe.post("delivery/wait", {"timeout": 50})["quiet"]

    def _move(self, shops: timedelta, stripes: timedelta) -> None:
        self.shop.clock.offset += shops
        self.shop.stripe.post("clock", {"advance": stripes.total_seconds()})

    def _references(self) -> dict[str, str]:
        """The reference that a guest sees, by the session it is paid in."""
        with self.shop.app.app_context():
            rows = db.session.execute(select(Attempt.session_id, Booking.reference).join(Booking)).all()
        return {row.session_id: row.reference for row in rows}

    def _at_once(self, acts: list[Callable[[], Any]]) -> None:
        if acts:
            self.lot.shuffle(acts)
            errors = [error for error in rush(_like_a_browser, acts) if isinstance(error, Exception)]
            assert not errors, f"{len(errors)} of {len(acts)} came to nothing, the first: {errors[0]!r}"


def _like_a_browser(act: Callable[[], Any]) -> Any:
    """Once more where the connection was reset: a server may close one that was idle just as it is used again."""
    try:
        return act()
    except requests.ConnectionError as error:
        if "reset by peer" not in str(error):
            raise
        return act()


def _stays_of(whole: Stay, length: int) -> list[Stay]:
    days = list(whole)
    return [Stay(day, day + timedelta(days=length)) for day in days[: len(days) - length + 1]]


def _asked(shop: Shop, stay: Stay) -> dict[str, str]:
    """The fields of the review page that speak of the stay."""
    total = str(shop.total(stay).minor)
    return {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "shown_total_minor": total}


def page_of(answer: requests.Response) -> str:
    """The Checkout Session that an answer leads to; empty where it leads elsewhere."""
    found = re.search(r"/c/pay/(cs_\w+)", answer.headers.get("Location", ""))
    return found[1] if found else ""
