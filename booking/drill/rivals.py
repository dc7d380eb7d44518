"""Disasters of two who want the same: guests at once, money after the hold, one guest who pays twice."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from booking.domain.dates import Stay
from booking.drill.checks import confirmed_once, refunded_once
from booking.drill.crowd import at_once
from booking.drill.disaster import disaster
from booking.drill.evidence import plain
from booking.drill.house import GRACE, LINUS, SLUG, House
from booking.drill.news import completed_event
from booking.drill.visitor import Visitor
from booking.extensions import db
from booking.gateways.payments import EvidenceState, PaymentEvidence
from booking.models import Booking, Closure, Night
from booking.services.reservations import GuestDetails

GUESTS = 20


@disaster
def night_written_past_the_shop(house: House) -> None:
    """Given the tables as this installation's own migrations make them.
    When a program that does not ask the shop writes one night for two owners.
    Then the database itself refuses the second.
    """
    house.check("second owner of one night", _write_one_night_twice(house), "refused by the key over unit and night")


def _write_one_night_twice(house: House) -> str:
    stay = house.stay(nights=1)
    with house.app.app_context(), db.engine.connect() as connection:
        try:
            for owner in (1, 2):
                connection.execute(insert(Closure).values(id=owner, unit_id=1, arrive=stay.arrive, leave=stay.leave))
                connection.execute(insert(Night).values(unit_id=1, day=stay.arrive, closure_id=owner))
        except IntegrityError:
            return "refused by the key over unit and night"
        finally:
            connection.rollback()
    return "taken: the night is sold twice"


@disaster
def two_guests_for_one_night(house: House) -> None:
    """Given twenty guests, each with the review page of the same night open.
    When all of them press the button at the same moment.
    Then one is sent to Stripe, the others are told that somebody was faster, and the night has one booking.
    """
    stay = house.stay(nights=1)

    answers = Counter(_press_at_once(house, stay))

    house.evidence.note(f"answers: {plain(answers)}")
    house.check("guests sent to Stripe (303)", answers[303], 1)
    # 503: the database was busy with the nineteen others for too long.
    told = answers[409] + answers[503]
    house.check("guests told that somebody was faster (409), or to try again (503)", told, GUESTS - 1)
    house.check("bookings, and sessions at Stripe", (house.count(Booking), house.simulator.count_sessions()), (1, 1))
    winner = house.read(lambda: db.session.scalars(select(Booking.id)).one())
    house.pay(winner)
    confirmed_once(house, winner, via="webhook")


def _press_at_once(house: House, stay: Stay) -> list[int]:
    """Every guest is made ready first; then all press. The statuses of the answers."""
    with ExitStack() as browsers:
        visitors = [Visitor(house.settings.base_url, guest) for guest in _guests()]
        for visitor in visitors:
            browsers.callback(visitor.leave)
        with ThreadPoolExecutor(8) as pool:
            forms = list(pool.map(lambda visitor: visitor.open_review(SLUG, stay), visitors))
        pairs = zip(visitors, forms, strict=True)
        return at_once([partial(visitor.press_book_and_pay, SLUG, form) for visitor, form in pairs])


def _guests() -> list[GuestDetails]:
    return [GuestDetails(f"Guest {number}", f"guest{number}@example.org") for number in range(1, GUESTS + 1)]


@disaster
def paid_after_the_hold_was_lost(house: House) -> None:
    """Given a guest has paid, but the news of it is late and the hold runs out.
    When another guest takes the nights and pays, and only then the first payment is heard of.
    Then the second guest keeps the nights, and the first gets all the money back, once, and a letter that says so.
    """
    stay = house.stay()
    grace = house.book(stay, GRACE)
    house.simulator.hold_webhooks()
    house.pay(grace)
    house.pass_time(house.hold + timedelta(minutes=15))
    linus = house.book(stay, LINUS)
    house.pay(linus)

    house.simulator.deliver_held([completed_event(house, linus)["id"]])
    house.simulator.deliver_held()
    house.work()
    house.simulator.deliver_held()

    confirmed_once(house, linus, via="webhook")
    house.check(f"booking {grace}", house.standing(grace).state, "cancelled, refunded")
    refunded_once(house, grace, "dates_unavailable")
    house.check("letters that the nights were gone", house.standing(grace).mails["dates_gone"], 1)


@disaster
def paid_twice_in_two_tabs(house: House) -> None:
    """Given a guest has two of Stripe's pages open, because Stripe said that the first was ended when it was not.
    When the guest pays both.
    Then the booking is confirmed once and the second payment goes back by itself, once.
    """
    booking_id = house.book(house.stay())
    first = house.session_of(booking_id)
    house.pass_time(house.hold - timedelta(minutes=3))
    with _stripe_ends_nothing(house):
        house.check_out(booking_id)
    second = house.session_of(booking_id)

    for session_id in (second, first):
        house.simulator.pay(session_id)
        house.simulator.settle_down()
    house.work()

    total = house.booking(booking_id).amount
    stands = house.standing(booking_id)
    house.check("sessions, and payments for them", (house.simulator.count_sessions(), stands.payments), (2, 2))
    house.check("times the booking was confirmed", len(stands.confirmed_via), 1)
    house.check("refunds", stands.refunds, (f"{plain(total)} duplicate succeeded",))
    house.check("nights it has", stands.nights, 2)


@contextmanager
def _stripe_ends_nothing(house: House) -> Iterator[None]:
    with house.runtime_with(payments=_EndsNothing(house.runtime.payments)):
        yield


class _EndsNothing:
    """The gateway of a Stripe that says a session has ended, and goes on taking money for it."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def expire_checkout(self, session_id: str, idempotency_key: str) -> PaymentEvidence:
        evidence: PaymentEvidence = self._inner.look_up_checkout(session_id)
        return replace(evidence, state=EvidenceState.EXPIRED)
