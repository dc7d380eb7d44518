"""The demo shop on a database of its own, with real HTTP to fakestripe and back, on which every page is staged."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import requests
from flask import Flask, abort
from sqlalchemy import select
from stripe import HTTPClient

from booking import create_app
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.states import REFUND_IN_FLIGHT, PaymentStatus, RefundStatus
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.models import Booking, Listing
from booking.queries.nights import free_unit_ids
from booking.services import staff
from booking.services.demo import seed_demo
from booking.services.listings import close_nights
from tests.pages.archive import Ledger
from tests.pages.demo import media_folder
from tests.support import servers
from tests.support.shop import (
    GRACE,
    SECRET,
    MemoryMailer,
    ShiftedClock,
    Shop,
    Visitor,
    dispose,
    fields_of,
    make_settings,
    outfit,
    patched,
)

LOFT, DUNES, ROOM = "harbour-loft", "dune-house", "ropewalk-room"
# Days ahead on which the demo closes nothing: for pages that only look, and then, one stay after the other, for those
# that take nights, so that no page takes another one's.
_LOOKED_AT, _FIRST_DAY, _EACH = 57, 66, 3
PASSWORD = "tin kettle purple morning"


@dataclass
class Seen:
    """What a browser got, and the booking that it tells of."""

    answer: requests.Response
    booking_id: int | None = None


@dataclass
class Stage:
    """The shop, and shorthands for what guests do on the way to a page. `prefix` is the language in the address."""

    shop: Shop
    prefix: str = ""
    _taken: dict[str, int] = field(default_factory=dict)
    _ahead: timedelta = timedelta(0)  # of Stripe's clock
    _staff: Visitor | None = None
    _staff_since: datetime | None = None

    # --- what guests do ---------------------------------------------------------------------------------------------

    def visitor(self) -> Visitor:
        """A browser that knows nothing yet."""
        return Visitor(self.shop.url + self.prefix)

    def nights(self, nights: int = 3, slug: str = LOFT) -> Stay:
        """A stay that is free, and that no other page is about."""
        while True:
            number = self._taken[slug] = self._taken.get(slug, 0) + 1
            stay = self.shop.stay(nights, ahead=_FIRST_DAY + number * _EACH)
            with self.shop.app.app_context():
                if free_unit_ids(db.session(), _id_of(self.shop.app, slug), stay, self.shop.clock.now()):
                    return stay

    @property
    def free(self) -> Stay:
        """A stay that nobody ever books."""
        return self.shop.stay(ahead=_LOOKED_AT)

    def look(self, path: str, visitor: Visitor | None = None, **params: str) -> Seen:
        """Open an address and go where it leads."""
        visitor = visitor or self.visitor()
        return Seen(self.follow(visitor, visitor.get(path, **params)))

    def ask(self, stay: Stay, slug: str = LOFT, page: str = "", visitor: Visitor | None = None) -> Seen:
        """Open a page of a listing with the stay in its address."""
        return self.look(f"/stays/{slug}{page}", visitor, arrive=str(stay.arrive), leave=str(stay.leave), guests="2")

    def follow(self, visitor: Visitor, answer: requests.Response) -> requests.Response:
        """Where redirects within the shop lead to."""
        while answer.is_redirect and not answer.headers["Location"].startswith(self.shop.stripe.url):
            target = answer.headers["Location"]
            url = target if target.startswith("http") else self.shop.url + target
            answer = visitor.web.get(url, timeout=30, allow_redirects=False)
        return answer

    def press(self, visitor: Visitor, page: requests.Response, path: str, **typed: str) -> Seen:
        """Send a form of a page to an address, with what was typed, and go where it leads."""
        return Seen(self.follow(visitor, visitor.post(path, {**fields_of(page.text), **typed})))

    def type_details(self, **typed: str) -> Seen:
        """Send the form for the details."""
        visitor, stay = self.visitor(), self.free
        page = self.ask(stay, page="/book", visitor=visitor).answer
        query = f"arrive={stay.arrive}&leave={stay.leave}&guests=2"
        good = {"name": GRACE.name, "email": GRACE.email, "phone": "", "message": ""}
        return self.press(visitor, page, f"/stays/{LOFT}/book?{query}", **{**good, **typed})

    def hold(self, visitor: Visitor | None = None, slug: str = LOFT, stay: Stay | None = None) -> tuple[Visitor, int]:
        """Somebody who stands before Stripe's page; their browser and their booking."""
        visitor = visitor or self.visitor()
        answer = visitor.book_and_pay(slug, stay or self.nights(slug=slug))
        assert answer.status_code == 303, (answer.status_code, answer.text[:300])
        return visitor, self.shop.bookings()[-1].id

    def paid(
        self, card: str = "4242424242424242", *, slug: str = LOFT, stay: Stay | None = None, **more: Any
    ) -> tuple[Visitor, int]:
        """Somebody who has paid, or done at Stripe what else is asked for."""
        visitor, booking_id = self.hold(slug=slug, stay=stay)
        self.shop.pay(booking_id, card, **more)
        return visitor, booking_id

    def booking_page(self, visitor: Visitor, booking_id: int, more: str = "") -> Seen:
        """The guest's own page of a booking."""
        seen = self.look(f"/b/{self.shop.booking(booking_id).reference}{more}", visitor)
        return Seen(seen.answer, booking_id)

    def send_form(
        self, visitor: Visitor, booking_id: int, shown: str, sent_to: str | None = None, **typed: str
    ) -> Seen:
        """Open a page below a booking and send its form, there or elsewhere below it."""
        path = f"/b/{self.shop.booking(booking_id).reference}"
        page = self.look(path + shown, visitor).answer
        seen = self.press(visitor, page, path + (shown if sent_to is None else sent_to), **typed)
        return Seen(seen.answer, booking_id)

    def come_back(self, visitor: Visitor, booking_id: int) -> Seen:
        """The way back from Stripe's page."""
        seen = self.look("/pay/return", visitor, session_id=self.shop.session_of(booking_id))
        return Seen(seen.answer, booking_id)

    # --- what staff does --------------------------------------------------------------------------------------------

    def staff(self) -> Visitor:
        """Ada's browser, signed in."""
        if self._staff is None:
            with self.shop.app.app_context():
                staff.create_staff(self.shop.runtime, "ada@example.org", "Ada Lovelace", PASSWORD)
            self._staff = Visitor(self.shop.url)
        # Anew every few minutes: before money moves a sign-in must be fresh, and scenes move the clock.
        now = self.shop.clock.now()
        if self._staff_since is None or abs(now - self._staff_since) > timedelta(minutes=5):
            self._staff.web.cookies.clear()
            form = fields_of(self._staff.get("/admin/login").text)
            self._staff.post("/admin/login", {**form, "email": "ada@example.org", "password": PASSWORD})
            self._staff_since = now
        return self._staff

    def desk(self, path: str, **params: str) -> Seen:
        """Open a page of the desk."""
        return self.look(f"/admin{path}", self.staff(), **params)

    def at_desk(self, shown: str, sent_to: str | None = None, **typed: str) -> Seen:
        """Open a page of the desk and send one of its forms, there or elsewhere, with what was typed."""
        page = self.desk(shown).answer
        return self.press(self.staff(), page, f"/admin{shown if sent_to is None else sent_to}", **typed)

    # --- what goes wrong --------------------------------------------------------------------------------------------

    def stripe_is_silent(self) -> contextlib.AbstractContextManager[None]:
        """No session can be opened: nobody answers."""
        return patched(self.shop.runtime.payments, "open_checkout", _raise(GatewayUnavailable("no answer")))

    def stripe_refuses(self) -> contextlib.AbstractContextManager[None]:
        """No session can be opened: Stripe says no."""
        return patched(self.shop.runtime.payments, "open_checkout", _raise(GatewayRefused("no", "parameter_invalid")))

    def stripe_fails(self, method: str) -> None:
        """Stripe answers requests of this method with 500, until the page is made."""
        self.shop.stripe.post(
            "faults", [{"kind": "status_500", "method": method, "path_prefix": "/v1/checkout", "times": 20}]
        )

    def run_ahead(self, **duration: float) -> None:
        """Move the shop's clock alone: Stripe's sessions stay open."""
        self._ahead += timedelta(**duration)
        self.shop.clock.offset += timedelta(**duration)

    @contextlib.contextmanager
    def listing(self, slug: str, **changes: Any) -> Iterator[None]:
        """A listing with other prices or rules for a while."""
        before = self._change(slug, changes)
        try:
            yield
        finally:
            self._change(slug, before)

    @contextlib.contextmanager
    def listings_off_but(self, slug: str) -> Iterator[None]:
        """Only one listing on sale for a while."""
        with contextlib.ExitStack() as others:
            for other in {row.slug for row in self._listings()} - {slug}:
                others.enter_context(self.listing(other, is_active=False))
            yield

    def close(self, slug: str, stay: Stay) -> None:
        """Take the nights of a listing off sale."""
        with self.shop.app.app_context():
            units = [unit.id for unit in db.session.scalars(select(Listing).where(Listing.slug == slug)).one().units]
            for unit_id in units:
                close_nights(self.shop.runtime, unit_id, stay, "for a page", "ada@example.org")

    @contextlib.contextmanager
    def limits_on(self) -> Iterator[None]:
        """Tries are counted for a while."""
        settings = replace(self.shop.runtime.settings, rate_limits=True)
        before = self.shop.runtime
        self.shop.app.extensions["holdfast"] = replace(before, settings=settings)
        try:
            yield
        finally:
            self.shop.app.extensions["holdfast"] = before

    def _listings(self) -> list[Listing]:
        with self.shop.app.app_context():
            return list(db.session.scalars(select(Listing).where(Listing.is_active)))

    def _change(self, slug: str, values: dict[str, Any]) -> dict[str, Any]:
        with self.shop.app.app_context(), transaction() as session:
            row = session.scalars(select(Listing).where(Listing.slug == slug)).one()
            before = {name: getattr(row, name) for name in values}
            for name, value in values.items():
                setattr(row, name, value)
            return before

    def tidy_up(self) -> None:
        """After each page: Stripe works again, and its clock is the shop's."""
        self.shop.stripe.post("faults", [])
        self.shop.stripe.post("delivery", {"mode": "normal"})
        self.shop.stripe.post("clock", {"advance": self._ahead.total_seconds()})
        self.shop.stripe.settle_down()
        self._ahead = timedelta(0)

    # --- what is there ----------------------------------------------------------------------------------------------

    def ledger(self, booking_id: int | None) -> Ledger | None:
        """What the ledger says of a booking now."""
        if booking_id is None:
            return None
        refunds = [(refund.status, refund.amount_minor) for refund in self.shop.refunds(booking_id)]
        booking: Booking = self.shop.booking(booking_id)
        return Ledger(
            currency=booking.currency,
            paid=sum(payment.amount_minor for payment in self.shop.payments(booking_id)),
            on_the_way=sum(minor for status, minor in refunds if status in REFUND_IN_FLIGHT),
            sent_back=sum(minor for status, minor in refunds if status is RefundStatus.SUCCEEDED),
            is_processing=booking.payment_status is PaymentStatus.PROCESSING,
            refund_failed=booking.refund_failed,
        )


def _raise(error: Exception) -> Any:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise error

    return refuse


@contextlib.contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """The shop, served in threads of this process, with a fakestripe of its own."""
    HTTPClient.INITIAL_DELAY = HTTPClient.MAX_DELAY = 0.01  # also where no test runs
    port, database = servers.free_port(), f"sqlite:///{folder / 'stage.db'}"
    url = f"http://127.0.0.1:{port}"
    with servers.fakestripe() as stripe:
        stripe.post("webhook", {"url": f"{url}/webhooks/stripe/", "secrets": [SECRET]})
        places = {"stripe_api_base": stripe.url, "app_base_url": url, "media_dir": media_folder(folder)}
        app = create_app(make_settings(database, **places))
        clock, mailer, pictures = ShiftedClock(), MemoryMailer(), app.extensions["holdfast"].pictures
        outfit(app, clock, mailer)
        # People look at these pages: they get the real pictures.
        app.extensions["holdfast"] = replace(app.extensions["holdfast"], pictures=pictures)
        _prepare(app)
        with servers.serving(app, port):
            yield Stage(Shop(app, stripe, clock, mailer, url, _id_of(app, LOFT)))
            stripe.post("delivery", {"mode": "drop"})
        dispose(app)


def _prepare(app: Flask) -> None:
    """The schema, the demo, and two addresses at which any error can be had."""
    with app.app_context():
        flask_migrate.upgrade()
        seed_demo(app.extensions["holdfast"])
    app.add_url_rule("/staged/<int:status>", "staged", lambda status: abort(status))
    app.add_url_rule("/pay/staged/<int:status>", "staged_on_the_way", lambda status: abort(status))


def _id_of(app: Flask, slug: str) -> int:
    with app.app_context():
        return db.session.scalars(select(Listing.id).where(Listing.slug == slug)).one()
