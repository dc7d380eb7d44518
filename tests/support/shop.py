"""A small shop on a real database, with real HTTP to fakestripe and back. Ada is staff, Grace books, Linus tries."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests
import stripe
from flask import Flask, has_app_context
from sqlalchemy import func, select

from booking import create_app
from booking.config import AppEnv, Settings
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pictures import KeptPicture, PictureRefused
from booking.extensions import db
from booking.gateways.mail import Letter, MailFailed
from booking.models import (
    Attempt,
    Booking,
    BookingEvent,
    Dispute,
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
from booking.services import checkout, delivery, reservations, verification
from booking.services.checkout import Handoff
from booking.services.reservations import GuestDetails, Placed, PlaceRequest
from tests.support.forms import fields_of
from tests.support.servers import FakeStripe, wait_until

ZONE = ZoneInfo("Europe/Berlin")
SECRET = "whsec_0123456789abcdefghijkl"
GRACE = GuestDetails("Grace Hopper", "grace@example.org", "", "")
LINUS = GuestDetails("Linus Example", "linus@example.org", "", "")
# Headers that are of an answer itself: two answers with the same page may differ in them.
OF_EACH_ANSWER = ("Date", "X-Request-Id")


def make_settings(database_url: str, **changes: Any) -> Settings:
    """Settings of a test shop."""
    values: dict[str, Any] = {
        "app_env": AppEnv.TEST,
        "app_base_url": "http://127.0.0.1:8000",
        "secret_key": "k7Qz0p3VtY9sLw2XcR5uB8nM1aF4dH6j",
        "database_url": database_url,
        "stripe_secret_key": "sk_test_0123456789abcdef",
        "stripe_webhook_secrets": (SECRET,),
        "queue_url": "sqlite:////nonexistent/never-used.db",
        "media_dir": Path("/nonexistent/media"),
        "rate_limits": False,
    }
    return Settings(**{**values, **changes})


class ShiftedClock:
    """The real time, moved by what a test says; signatures need the real time to be near."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def today(self) -> date:
        """The day where the test's properties are, which begins before UTC's does."""
        return self.now().astimezone(ZONE).date()


class StandingClock:
    """Tells the time that a test set."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


def stand_still(app: Flask, time: datetime) -> StandingClock:
    """Stop an app's clock."""
    clock = StandingClock(time)
    app.extensions["holdfast"] = replace(app.extensions["holdfast"], clock=clock)
    return clock


@dataclass
class MemoryMailer:
    """Keeps letters instead of sending them; `is_down` makes it refuse them."""

    letters: list[Letter] = field(default_factory=list)
    is_down: bool = False

    def send(self, letter: Letter) -> None:
        if self.is_down:
            raise MailFailed("mail server down")
        self.letters.append(letter)

    def subjects_to(self, address: str) -> list[str]:
        return [letter.subject for letter in self.letters if letter.to == address]


@dataclass
class MemoryPictures:
    """Says that pictures were kept, and makes no files: most tests show none, and making them takes long."""

    kept: dict[str, bytes] = field(default_factory=dict)
    aside: dict[str, bytes] = field(default_factory=dict)

    def keep(self, data: bytes) -> KeptPicture:
        is_open = has_app_context() and db.session().in_transaction()
        assert not is_open, "a transaction is open while a picture is made"
        digest = hashlib.sha256(data).hexdigest()
        self.kept[digest] = data
        return KeptPicture(digest, 1600, 1000, "#c9a27e")

    def set_aside(self, data: bytes) -> str:
        key = hashlib.sha256(data).hexdigest()
        self.aside[key] = data
        return key

    def keep_aside(self, key: str) -> KeptPicture:
        if key not in self.aside and key not in self.kept:
            raise PictureRefused
        return self.keep(self.aside.get(key) or self.kept[key])

    def drop_aside(self, key: str) -> None:
        self.aside.pop(key, None)

    def drop_old_asides(self, before: datetime) -> int:
        return 0

    def drop(self, digest: str) -> None:
        self.kept.pop(digest, None)

    def find_lost(self, digests: Iterable[str]) -> list[str]:
        return [digest for digest in digests if digest not in self.kept]

    def can_keep(self) -> bool:
        return True


class WatchedGateway:
    """Passes every call on, and fails the test if a transaction is open while it is made (invariant I12)."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name.endswith(("_params", "_event")):
            return call

        def watched(*args: Any, **kwargs: Any) -> Any:
            assert not db.session().in_transaction(), f"a transaction is open during {name}"
            return call(*args, **kwargs)

        return watched


@dataclass
class Shop:
    """The app, what it is given, and shorthands for what tests do with it."""

    app: Flask
    stripe: FakeStripe
    clock: ShiftedClock
    mailer: MemoryMailer
    url: str
    listing_id: int = 0
    breaks: tuple[str, ...] = ()  # the promises that a test breaks on purpose: I1 and so on

    @property
    def runtime(self) -> Runtime:
        return self.app.extensions["holdfast"]

    def stripe_client(self) -> Any:
        """Stripe's own client: for what somebody does at Stripe behind the shop's back."""
        return stripe.StripeClient("sk_test_dashboard", base_addresses={"api": self.stripe.url}).v1

    # --- what guests do ---------------------------------------------------------------------------------------------

    def stay(self, nights: int = 3, ahead: int = 30) -> Stay:
        """Some nights to come, far enough away for every rule."""
        arrive = self.clock.today() + timedelta(days=ahead)
        return Stay(arrive, arrive + timedelta(days=nights))

    def total(self, stay: Stay, guests: int = 2) -> Money:
        """What the shop asks for a stay."""
        with self.app.app_context():
            listing = db.session.get_one(Listing, self.listing_id)
            return reservations.check_and_quote(listing, stay, guests, self.clock.now()).total

    def place(self, stay: Stay, guest: GuestDetails = GRACE, browser: str = "grace", guests: int = 2) -> Placed:
        """Hold some nights."""
        total = self.total(stay, guests)
        with self.app.app_context():
            request = PlaceRequest(
                self.listing_id, stay, guests, guest, browser, total, shown_plan=self.plan_mark(stay, total)
            )
            db.session.rollback()  # the plan was read
            return reservations.place_booking(self.runtime, request)

    def plan_mark(self, stay: Stay, total: Money) -> str:
        """What the review's form says of when the stay is paid."""
        listing = db.session.get_one(Listing, self.listing_id)
        today = listing.property.today(self.clock.now())
        return listing.payment_plan.schedule(total, stay.arrive, today).mark

    def check_out(self, booking_id: int) -> Handoff:
        """Press the button that leads to Stripe."""
        with self.app.app_context():
            return checkout.start_checkout(self.runtime, booking_id)

    def book(self, stay: Stay, guest: GuestDetails = GRACE, browser: str = "grace") -> int:
        """Hold some nights and open the checkout; the booking's id."""
        placed = self.place(stay, guest, browser)
        self.check_out(placed.booking_id)
        return placed.booking_id

    def session_of(self, booking_id: int) -> str:
        """The id of the newest Checkout Session of a booking."""
        session_id = self.attempts(booking_id)[-1].session_id
        assert session_id
        return session_id

    def pay(self, booking_id: int, card: str = "4242424242424242", **more: Any) -> Any:
        """Pay the newest session, and wait until Stripe's deliveries have come to rest."""
        answer = self.stripe.pay(self.session_of(booking_id), card, **more)
        self.stripe.settle_down()
        return answer

    def come_back(self, session_id: str) -> requests.Response:
        """Follow the success redirect, as a browser that knows no cookie."""
        return requests.get(
            f"{self.url}/pay/return", params={"session_id": session_id}, timeout=30, allow_redirects=False
        )

    # --- what time and the worker do --------------------------------------------------------------------------------

    def pass_time(self, **duration: float) -> None:
        """Move the shop's and Stripe's clocks on together."""
        step = timedelta(**duration)
        self.clock.offset += step
        self.stripe.post("clock", {"advance": step.total_seconds()})
        self.stripe.settle_down()

    def work(self) -> list[str]:
        """Let the worker do what is due."""
        with self.app.app_context():
            return delivery.run_due(self.runtime)

    # --- what is there afterwards -----------------------------------------------------------------------------------

    def booking(self, booking_id: int) -> Booking:
        return self._read(select(Booking).where(Booking.id == booking_id))[0]

    def bookings(self) -> list[Booking]:
        return self._read(select(Booking).order_by(Booking.id))

    def attempts(self, booking_id: int) -> list[Attempt]:
        return self._read(select(Attempt).where(Attempt.booking_id == booking_id).order_by(Attempt.number))

    def payments(self, booking_id: int) -> list[Payment]:
        return self._read(select(Payment).where(Payment.booking_id == booking_id).order_by(Payment.id))

    def refunds(self, booking_id: int) -> list[Refund]:
        return self._read(select(Refund).where(Refund.booking_id == booking_id).order_by(Refund.id))

    def disputes(self, booking_id: int) -> list[Dispute]:
        return self._read(select(Dispute).where(Dispute.booking_id == booking_id).order_by(Dispute.id))

    def timeline(self, booking_id: int) -> list[BookingEvent]:
        return self._read(select(BookingEvent).where(BookingEvent.booking_id == booking_id).order_by(BookingEvent.id))

    def mails(self, booking_id: int) -> list[str]:
        """The kinds of mail that were asked for, oldest first."""
        rows = self._read(
            select(OutboxRow)
            .where(OutboxRow.kind == OutboxKind.MAIL, OutboxRow.booking_id == booking_id)
            .order_by(OutboxRow.id)
        )
        return [row.payload["mail"] for row in rows]

    def nights(self, booking_id: int) -> list[Night]:
        return self._read(select(Night).where(Night.booking_id == booking_id).order_by(Night.day))

    def count(self, model: Any) -> int:
        with self.app.app_context():
            return db.session.scalar(select(func.count()).select_from(model)) or 0

    def state(self, booking_id: int) -> tuple[str, str]:
        """Status and payment status."""
        booking = self.booking(booking_id)
        return str(booking.status), str(booking.payment_status)

    def causes(self, booking_id: int, kind: str) -> list[str]:
        """Which paths brought the steps of one kind."""
        return [str(step.source) for step in self.timeline(booking_id) if step.kind == kind]

    def broken_promises(self) -> list[str]:
        """What `flask verify` says of the database, but for what the test breaks itself; no worker runs beside it."""
        with self.app.app_context():
            proofs = verification.verify(self.runtime)
        found = [(proof.code, line) for proof in proofs for line in proof.problems if proof.code not in self.breaks]
        return [f"{code}: {line}" for code, line in found if not line.endswith("is the worker running?")]

    def _read(self, query: Any) -> list[Any]:
        with self.app.app_context():
            rows = list(db.session.scalars(query))
            db.session.expunge_all()
            return rows


def outfit(app: Flask, clock: Any, mailer: MemoryMailer) -> None:
    """Give an app a clock and a mailer of the test's, and watch its calls to Stripe."""
    runtime: Runtime = app.extensions["holdfast"]
    app.extensions["holdfast"] = replace(
        runtime,
        clock=clock,
        mailer=mailer,
        payments=WatchedGateway(runtime.payments),
        wake_worker=lambda: None,
        pictures=MemoryPictures(),
    )


def dispose(app: Flask) -> None:
    """Let go of the database, so that it can be thrown away."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextlib.contextmanager
def open_house(url: str) -> Iterator[Flask]:
    """An app on a database that is empty but for one listing; it is the current one until it is let go of."""
    app = create_app(make_settings(url))
    add_listing(app)
    with app.app_context():
        yield app
    dispose(app)


def add_listing(app: Flask, slug: str = "harbour-loft", units: int = 1, **changes: Any) -> int:
    """A property (one for all) and a listing with its units; the listing's id."""
    with app.app_context():
        place = db.session.scalar(select(Property)) or _make_property()
        values = {"name": "Harbour Loft", "max_guests": 4, "nightly_minor": 12800, "weekend_minor": 16400}
        listing = Listing(property=place, slug=slug, **{**values, "tourist_tax_minor": 350, **changes})
        listing.units = [Unit(name=f"Unit {number}", position=number) for number in range(1, units + 1)]
        db.session.add(listing)
        db.session.commit()
        return listing.id


def _make_property() -> Property:
    return Property(
        name="Seal Harbour Stays",
        timezone=ZONE.key,
        currency="eur",
        contact_email="ada@example.org",
        address="1 Quay, Seal Harbour",
    )


class Visitor:
    """A browser without JavaScript: follows forms as they stand in the pages."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.web = requests.Session()

    def get(self, path: str, **params: str) -> requests.Response:
        return self.web.get(self.url + path, params=params, timeout=30, allow_redirects=False)

    def post(self, path: str, data: dict[str, str]) -> requests.Response:
        return self.web.post(self.url + path, data=data, timeout=60, allow_redirects=False)

    def review_form(self, slug: str, stay: Stay, guest: GuestDetails = GRACE, **wishes: str) -> dict[str, str]:
        """Type the details and wishes and open the review; every field that its form would send."""
        args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": "2"}
        page = self._look(f"/stays/{slug}/book", **args)
        assert page.status_code == 200, page.status_code
        typed = {"name": guest.name, "email": guest.email, "phone": guest.phone, "message": guest.message}
        query = "&".join(f"{name}={value}" for name, value in args.items())
        answer = self._send_details(f"/stays/{slug}/book?{query}", {**fields_of(page.text), **typed, **wishes})
        assert answer.status_code == 303, answer.text[:500]
        review = self.get(f"/stays/{slug}/review", **args, **wishes)
        assert review.status_code == 200, review.status_code
        return fields_of(review.text)

    def _look(self, path: str, **params: str) -> requests.Response:
        """Look around, and come back where the shop is too busy for it."""
        return _again(lambda: self.get(path, **params), lambda page: page.status_code != 503, 30, "a free thread")

    def _send_details(self, path: str, form: dict[str, str]) -> requests.Response:
        """Where the shop takes the visitor for a program, because it was so fast, it presses the button again."""
        no = "Please press the button once more"
        return _again(lambda: self.post(path, form), lambda page: no not in page.text, 10, "being taken for a person")

    def book_and_pay(self, slug: str, stay: Stay, guest: GuestDetails = GRACE, **wishes: str) -> requests.Response:
        """The whole way up to the redirect to Stripe."""
        return self.post(f"/stays/{slug}/review", self.review_form(slug, stay, guest, **wishes))


def _again(
    ask: Callable[[], requests.Response], is_wanted: Callable[[requests.Response], bool], seconds: float, what: str
) -> requests.Response:
    """Ask until the answer is one that was wanted."""
    answers: list[requests.Response] = []

    def came() -> bool:
        answers.append(ask())
        return is_wanted(answers[-1])

    wait_until(came, seconds, what)
    return answers[-1]


@contextlib.contextmanager
def patched(target: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute for a while (frozen dataclasses included)."""
    old = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, old)
