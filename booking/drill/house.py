"""The scratch shop: what guests, staff, time and the worker do in it, and what is there afterwards."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import requests
from flask import Flask
from sqlalchemy import insert, select

from booking import jobs
from booking.config import Settings
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import Source
from booking.drill.evidence import Evidence, plain
from booking.drill.scratch import Scratch
from booking.drill.simulator import Simulator
from booking.drill.stand_ins import KeptLetters, Own, ShiftedClock
from booking.extensions import db
from booking.models import (
    Attempt,
    Booking,
    BookingEvent,
    Instance,
    Listing,
    Night,
    OutboxRow,
    Payment,
    Property,
    Refund,
    Unit,
)
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import checkout, delivery, reconciliation, refunds, reservations
from booking.services.checkout import Handoff
from booking.services.reservations import GuestDetails, PlaceRequest
from booking.services.stripes_lists import Finding

T = TypeVar("T")
GRACE = GuestDetails("Grace Hopper", "grace@example.org")
LINUS = GuestDetails("Linus Example", "linus@example.org")
IDA = GuestDetails("Ida Example", "ida@example.org")
STAFF = "ada@example.org"
SLUG = "harbour-loft"
EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a booking stands: its row, its ledger, its nights and the mail that was asked for, as plain values."""

    state: str  # "confirmed, paid", and what is flagged: "disputed", "refund_failed", "needs_review"
    confirmed_via: tuple[str, ...]  # one for each time
    payments: int
    refunds: tuple[str, ...]  # "270.00 EUR duplicate succeeded"
    nights: int
    mails: Counter[str]


@dataclass(slots=True)
class House:
    """One shop for all disasters, begun anew for each: empty database, a Stripe that knows nothing, the real time."""

    app: Flask
    settings: Settings
    simulator: Simulator
    scratch: Scratch
    clock: ShiftedClock
    mailer: KeptLetters
    evidence: Evidence = field(default_factory=Evidence)
    expected_differences: tuple[str, ...] = ()  # words that Stripe's list may be found to differ by

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.app.extensions["holdfast"]
        return runtime

    @property
    def hold(self) -> timedelta:
        """How long an unpaid booking can be paid here."""
        return timedelta(minutes=self.settings.hold_minutes)

    def begin_anew(self) -> None:
        """Forget the last disaster."""
        self.simulator.begin_anew(f"{self.settings.base_url}/webhooks/stripe/", self.settings.stripe_webhook_secrets[0])
        self.bring_back(EMPTY)
        self.clock.offset = timedelta(0)
        self.mailer.letters, self.mailer.is_down = [], False
        self.evidence, self.expected_differences = Evidence(), ()

    def keep(self, name: str) -> None:
        """A copy of the database, as an operator makes it."""
        self.let_go_of_database()
        self.scratch.keep(name)

    def bring_back(self, name: str) -> None:
        """Restore a copy."""
        self.let_go_of_database()
        self.scratch.bring_back(name)

    def let_go_of_database(self) -> None:
        """Close every connection."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def check(self, what: str, seen: object, wanted: object) -> None:
        """One line of the evidence, or the end of this disaster."""
        self.evidence.check(what, seen, wanted)

    # --- what guests do ---------------------------------------------------------------------------------------------

    def stay(self, nights: int = 2, ahead: int = 30) -> Stay:
        """Some nights to come."""
        arrive = self.clock.now().date() + timedelta(days=ahead)
        return Stay(arrive, arrive + timedelta(days=nights))

    def place(self, stay: Stay, guest: GuestDetails = GRACE) -> int:
        """Hold some nights; the booking's id."""
        with self.app.app_context():
            listing = db.session.scalars(select(Listing)).one()
            listing_id, now = listing.id, self.clock.now()
            total = reservations.check_and_quote(listing, stay, 2, now).total
            request = PlaceRequest(listing_id, stay, 2, guest, f"{guest.email}|{stay.arrive}", total)
            return reservations.place_booking(self.runtime, request).booking_id

    def check_out(self, booking_id: int) -> Handoff:
        """Press the button that leads to Stripe."""
        with self.app.app_context():
            return checkout.start_checkout(self.runtime, booking_id)

    def book(self, stay: Stay, guest: GuestDetails = GRACE) -> int:
        """Hold some nights and go to Stripe's page; the booking's id."""
        booking_id = self.place(stay, guest)
        self.check_out(booking_id)
        return booking_id

    def pay(self, booking_id: int, card: str = "4242424242424242", **more: Any) -> None:
        """Pay on Stripe's page, and wait until what Stripe tells has been told."""
        self.simulator.pay(self.session_of(booking_id), card, **more)
        self.simulator.settle_down()

    def come_back(self, session_id: str) -> int:
        """Follow the redirect from Stripe, as a browser that knows no cookie; the status of the answer."""
        with requests.Session() as web:
            web.trust_env = False
            url, params = f"{self.settings.base_url}/pay/return", {"session_id": session_id}
            return web.get(url, params=params, timeout=60, allow_redirects=False).status_code

    # --- what staff, the worker and time do -------------------------------------------------------------------------

    def order_refund(self, booking_id: int, minor: int) -> None:
        """Staff sends money back; the worker has to do it."""
        with self.app.app_context():
            amount = Money(minor, self.booking(booking_id).currency)
            refunds.order_refund(self.runtime, booking_id, amount, STAFF, f"form {booking_id} {minor}")

    def work(self) -> list[str]:
        """Let the worker do what is due."""
        with self.app.app_context():
            return delivery.run_due(self.runtime)

    def sweep(self) -> None:
        """What a worker does when it starts, and then each minute."""
        for sweep in jobs.SWEEPS:
            with self.app.app_context():
                sweep(self.runtime)
        self.simulator.settle_down()

    def reconcile(self) -> list[Finding]:
        """`flask reconcile`."""
        with self.app.app_context():
            return reconciliation.reconcile(self.runtime)

    def pass_time(self, span: timedelta) -> None:
        """Move the shop's clock and Stripe's together."""
        self.clock.offset += span
        self.simulator.pass_time(span.total_seconds())
        self.simulator.settle_down()

    @contextmanager
    def runtime_with(self, **changes: Any) -> Iterator[None]:
        """Another gateway, for a while."""
        usual = self.runtime
        self.app.extensions["holdfast"] = replace(usual, **changes)
        try:
            yield
        finally:
            self.app.extensions["holdfast"] = usual

    # --- what is there afterwards -----------------------------------------------------------------------------------

    def read(self, ask: Callable[[], T]) -> T:
        """Something of the database, seen fresh."""
        with self.app.app_context():
            found = ask()
            db.session.expunge_all()
            return found

    def booking(self, booking_id: int) -> Booking:
        return self.read(lambda: db.session.get_one(Booking, booking_id))

    def attempt(self, booking_id: int) -> Attempt:
        """The newest attempt."""
        newest = select(Attempt).where(Attempt.booking_id == booking_id).order_by(Attempt.number.desc()).limit(1)
        return self.read(lambda: db.session.scalars(newest).one())

    def session_of(self, booking_id: int) -> str:
        """The newest Checkout Session."""
        session_id = self.attempt(booking_id).session_id
        assert session_id
        return session_id

    def payment_of(self, booking_id: int) -> Payment:
        """The only payment."""
        return self.read(lambda: db.session.scalars(select(Payment).where(Payment.booking_id == booking_id)).one())

    def intent_of(self, booking_id: int) -> str:
        """The PaymentIntent of the only payment."""
        return self.payment_of(booking_id).payment_intent_id or ""

    def count(self, model: Any) -> int:
        return int(self.read(lambda: db.session.query(model).count()))

    def standing(self, booking_id: int) -> Standing:
        """Where a booking stands now."""
        return self.read(lambda: _standing(booking_id))


def furnish(app: Flask, own: Own) -> None:
    """One property in the installation's own time zone, one listing, one unit, and the installation's id."""
    place = {"name": "Scratch House", "timezone": own.timezone, "currency": "eur", "contact_email": STAFF}
    prices = {"nightly_minor": 12800, "weekend_minor": 16400, "tourist_tax_minor": 350}
    listing = {"property_id": 1, "slug": SLUG, "name": "Harbour Loft", "max_guests": 4, **prices}
    # No service sets up a shop, so these rows are written as they are.
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(insert(Instance).values(id=1, instance_id=own.instance_id))
        connection.execute(insert(Property).values(id=1, **place))
        connection.execute(insert(Listing).values(id=1, **listing))
        connection.execute(insert(Unit).values(id=1, listing_id=1, name="Unit 1"))


def _standing(booking_id: int) -> Standing:
    session = db.session
    booking = session.get_one(Booking, booking_id)
    flags = [flag for flag in ("disputed", "refund_failed", "needs_review") if getattr(booking, flag)]
    steps = select(BookingEvent.source).where(BookingEvent.booking_id == booking_id, BookingEvent.kind == "confirmed")
    sent_back = session.scalars(select(Refund).where(Refund.booking_id == booking_id).order_by(Refund.id))
    asked = select(OutboxRow.payload).where(OutboxRow.kind == OutboxKind.MAIL, OutboxRow.booking_id == booking_id)
    return Standing(
        state=", ".join([booking.status, booking.payment_status, *flags]),
        confirmed_via=tuple(str(Source(source)) for source in session.scalars(steps)),
        payments=session.query(Payment).filter_by(booking_id=booking_id).count(),
        refunds=tuple(f"{plain(row.amount)} {row.reason} {row.status}" for row in sent_back),
        nights=session.query(Night).filter_by(booking_id=booking_id).count(),
        mails=Counter(payload["mail"] for payload in session.scalars(asked)),
    )
