"""A small house for the tests of the staff pages: Ada runs it, Grace books and pays, the clock stands still."""

import dataclasses
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyotp
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from booking import create_app
from booking.config import AppEnv, Settings
from booking.domain.dates import Stay
from booking.domain.payouts import Payout
from booking.domain.pricing import Ask, quote
from booking.domain.rates import Party, plain_card
from booking.domain.requests import AuthorisationState, RequestState
from booking.domain.roles import Role
from booking.domain.states import (
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.domain.terms import CancellationTerms
from booking.extensions import db
from booking.gateways.payments import (
    GatewayRefused,
    GatewayUnavailable,
    Params,
    PaymentEvidence,
    PaymentGateway,
)
from booking.models import (
    Attempt,
    AuditLine,
    Authorisation,
    Booking,
    BookingEvent,
    CardConsent,
    Dispute,
    Due,
    Listing,
    Night,
    OutboxRow,
    Payment,
    Property,
    Refund,
    SavedCard,
    Staff,
    StayRequest,
    Unit,
    WebhookEvent,
)
from booking.models.outbox import OutboxKind, OutboxState
from booking.models.webhook import InboxOutcome
from booking.queries.staff import Present, find_by_email
from booking.runtime import Runtime
from booking.services import codes, sign_ins, staff
from booking.services.sign_ins import Place
from tests.support.shop import StandingClock

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ADA, BEN, PASSWORD = "ada@example.org", "ben@example.org", "tin kettle purple morning"
FIRST = Stay(date(2027, 3, 12), date(2027, 3, 16))
_FILE = "house.db"
_numbers = itertools.count(1)
# Argon2id all the same, without the work that makes guessing dear: hundreds of sign-ins would take minutes.
_QUICK = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class QuietStripe:
    """A Stripe that has paid nothing out yet, so that no page of this house asks the network for it."""

    def __init__(self, inner: PaymentGateway) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def list_payouts(self, _before: str | None, _limit: int) -> list[Payout]:
        return []

    def look_up_payout(self, _payout_id: str) -> Payout:
        raise GatewayRefused("no such payout", "resource_missing")

    def open_charge(self, _params: Params, _idempotency_key: str) -> PaymentEvidence:
        raise GatewayUnavailable("it does not answer")


class House:
    """An app with a property, and a hand to put things into it."""

    def __init__(self, tmp_path: Path, **config: Any) -> None:
        self.clock = StandingClock(NOW)
        staff._hasher = _QUICK
        (tmp_path / _FILE).write_bytes(_empty_database())
        self.app: Flask = create_app(_settings(tmp_path))
        self.app.config.update(WTF_CSRF_ENABLED=False, **config)
        woken = self.app.extensions["holdfast"]
        stripe: Any = QuietStripe(woken.payments)
        changes = {"clock": self.clock, "payments": stripe, "wake_worker": lambda: None}
        self.runtime: Runtime = dataclasses.replace(woken, **changes)
        self.app.extensions["holdfast"] = self.runtime
        with self.app.app_context():
            self.unit_id, self.other_unit_id = _furnish()
            staff.create_staff(self.runtime, ADA, "Ada Lovelace", PASSWORD)

    def stranger(self) -> FlaskClient:
        """A browser that is not signed in."""
        return self.app.test_client()

    def ada(self) -> FlaskClient:
        """A browser in which Ada has signed in."""
        client = self.stranger()
        token = csrf_of(client.get("/admin/login").text)
        form = {"email": ADA, "password": PASSWORD, "csrf_token": token}
        assert client.post("/admin/login", data=form).status_code == 303
        return client

    def member(self, role: Role) -> FlaskClient:
        """A browser in which somebody in this role has signed in."""
        email = f"{role}@example.org"
        with self.app.app_context():
            if find_by_email(email) is None:
                staff.create_staff(self.runtime, email, "Ben Example", PASSWORD, role)
        client = self.stranger()
        assert client.post("/admin/login", data={"email": email, "password": PASSWORD}).status_code == 303
        return client

    def begin_codes(self, email: str = ADA) -> Present:
        """Make a seed for somebody's app."""
        with self.app.app_context():
            member = find_by_email(email)
            assert member
            present = sign_ins.find(self.runtime, sign_ins.sign_in(self.runtime, member, Place()))
            assert present
            codes.begin(self.runtime, present)
            return present

    def set_up_codes(self, email: str = ADA) -> tuple[str, ...]:
        """From now on somebody is asked for codes; their recovery codes."""
        present, code = self.begin_codes(email), self.code(email)
        with self.app.app_context():
            return codes.confirm(self.runtime, present, code, Place()).recovery

    def code(self, email: str = ADA, steps: int = 0) -> str:
        """What somebody's app shows now, or some half minutes away."""
        with self.app.app_context():
            sealed = db.session.query(Staff.code_seed).filter_by(email=email).scalar()
            seed = codes._open(self.runtime, sealed)
        return pyotp.TOTP(str(seed)).at(int(self.clock.now().timestamp()) + 30 * steps)

    def next_code(self, email: str = ADA) -> str:
        """A code that was not used yet: that of the half minute to come."""
        with self.app.app_context():
            last = db.session.query(Staff.last_code_step).filter_by(email=email).scalar()
        return self.code(email, max(0, last + 1 - int(self.clock.now().timestamp()) // 30))

    def audit(self) -> list[tuple[str, str, str]]:
        """Who did what to what, oldest first."""
        with self.app.app_context():
            lines = db.session.query(AuditLine).order_by(AuditLine.number)
            return [(line.who, line.action, line.subject) for line in lines]

    @contextmanager
    def rows(self) -> Iterator[Any]:
        """A session to read and write rows in; commits at the end."""
        with self.app.app_context():
            yield db.session
            db.session.commit()

    def book(self, stay: Stay = FIRST, *, status: str = "confirmed", paid: bool = True, **values: Any) -> int:
        """Grace's booking with its nights, attempt, payment and first steps; its id."""
        with self.rows() as session:
            booking = _booking(self, stay, BookingStatus(status), paid, values)
            session.add(booking)
            session.flush()
            _write_nights(session, booking)
            attempt = _attempt(booking, paid)
            session.add(attempt)
            session.flush()
            if paid:
                session.add(_payment(booking, attempt))
            session.add_all(_steps(booking))
            return booking.id

    def booking_with_card(self) -> int:
        """A paid booking whose guest has let the house save a card, for damage of 200 euro at most."""
        booking_id = self.book()
        with self.rows() as session:
            words = ["For damage that you or your guests cause: €200.00 at most. You are told the reason."]
            session.add(CardConsent(booking_id=booking_id, text=words, language="en", agreed_at=self.clock.now(),
                                    no_show_minor=0, damage_minor=20_000, currency="eur"))  # fmt: skip
            session.add(SavedCard(booking_id=booking_id, customer_id="cus_1", payment_method_id=f"pm_{booking_id}",
                                  brand="visa", last4="4242", exp_month=12, exp_year=2034,
                                  is_default=True))  # fmt: skip
        return booking_id

    def due(self, booking_id: int, kind: DueKind = DueKind.DAMAGE) -> int:
        """Something that the guest still owes."""
        with self.rows() as session:
            due = Due(booking_id=booking_id, kind=kind, status=DueStatus.OPEN, amount_minor=4200, currency="eur",
                      due_on=self.clock.now().date(), note="A broken window", requested_by=ADA)  # fmt: skip
            session.add(due)
            session.flush()
            return due.id

    def ask(self, stay: Stay = FIRST, **values: Any) -> int:
        """Grace asks for some nights and has given a card; the booking's id."""
        answer_by = NOW + timedelta(hours=48)
        held = {"payment_status": PaymentStatus.AUTHORIZED, "hold_until": answer_by + timedelta(minutes=10)}
        booking_id = self.book(stay, status="pending", paid=False, **held)
        with self.rows() as session:
            attempt = session.query(Attempt).filter_by(booking_id=booking_id).one()
            attempt.status, attempt.purpose = AttemptStatus.PROCESSING, AttemptPurpose.REQUEST
            attempt.payment_intent_id = f"pi_asked{attempt.id:04}"
            request = {"state": RequestState.ASKED, "asked_at": NOW, "answer_by": answer_by, **values}
            session.add(
                StayRequest(booking_id=booking_id, answer_hours=48, consent=["I ask."], consented_at=NOW, **request)
            )
            session.add(
                Authorisation(
                    booking_id=booking_id, attempt_id=attempt.id, payment_intent_id=attempt.payment_intent_id,
                    state=AuthorisationState.HELD, amount_minor=attempt.amount_minor, currency="eur",
                    authorised_at=NOW, capture_key=f"capture:{attempt.token}", release_key=f"release:{attempt.token}",
                )
            )  # fmt: skip
        return booking_id

    def refund(self, booking_id: int, minor: int, status: str = "succeeded") -> None:
        """Money that went back, or tried to."""
        with self.rows() as session:
            payment = session.query(Payment).filter_by(booking_id=booking_id).one()
            refund = Refund(booking_id=booking_id, payment_id=payment.id, amount_minor=minor, currency="eur")
            refund.token = f"{next(_numbers):032x}"
            refund.status, refund.reason = RefundStatus(status), RefundReason.GOODWILL
            refund.stripe_refund_id, refund.requested_by = f"re_test{next(_numbers):04}", ADA
            session.add(refund)

    def dispute(self, booking_id: int) -> None:
        """A bank that asks for the money back."""
        with self.rows() as session:
            payment = session.query(Payment).filter_by(booking_id=booking_id).one()
            dispute = Dispute(booking_id=booking_id, payment_id=payment.id, amount_minor=61200, currency="eur")
            dispute.stripe_dispute_id, dispute.status = f"du_test{next(_numbers):04}", "needs_response"
            dispute.reason, dispute.due_by = "product_not_received", NOW + timedelta(days=7)
            session.add(dispute)
            session.get(Booking, booking_id).disputed = True

    def event(self, event_id: str, outcome: str = "handled", booking_id: int | None = None, **values: Any) -> None:
        """An event in the inbox, full of personal fields."""
        event = WebhookEvent(id=event_id, outcome=InboxOutcome(outcome), booking_id=booking_id, received_at=NOW)
        event.type, event.object_id = values.get("type", "checkout.session.completed"), "cs_test_0001"
        event.note, event.payload = values.get("note", ""), values.get("payload") or _payload(event_id)
        with self.rows() as session:
            session.add(event)

    def errand(self, booking_id: int | None = None, state: str = "dead") -> int:
        """A mail that the worker was asked for; its id."""
        row = OutboxRow(kind=OutboxKind.MAIL, dedupe_key=f"mail:confirmed:{next(_numbers)}", booking_id=booking_id)
        row.state, row.run_after, row.tries = OutboxState(state), NOW, 12
        row.payload, row.last_error = {"mail": "confirmed"}, "recipient refused"
        with self.rows() as session:
            session.add(row)
            session.flush()
            return row.id

    def read(self, booking_id: int) -> Booking:
        """A booking as it is now."""
        with self.app.app_context():
            booking: Booking = db.session.get_one(Booking, booking_id)
            return booking

    def count(self, model: Any, **values: Any) -> int:
        """How many rows there are."""
        with self.app.app_context():
            found: int = db.session.query(model).filter_by(**values).count()
            return found


def csrf_of(page: str) -> str:
    """The form token of a page; empty where the page has none."""
    return value_of(page, "csrf_token")


def value_of(page: str, name: str) -> str:
    """What a hidden field of a page holds."""
    for tag in re.findall(r"<input[^>]*>", page):
        if f'name="{name}"' in tag:
            found = re.search(r'value="([^"]*)"', tag)
            return found[1] if found else ""
    return ""


def _settings(tmp_path: Path) -> Settings:
    return Settings(
        app_env=AppEnv.TEST,
        app_base_url="http://localhost",
        secret_key="fhq8W2mUxJ5cT0dKzR7vLbN4pYs1gEoA",
        database_url=f"sqlite:///{tmp_path / _FILE}",
        stripe_secret_key="sk_test_0123456789abcdef",
        stripe_webhook_secrets=("whsec_0123456789abcdef",),
        queue_url=f"sqlite:///{tmp_path / 'queue.db'}",
    )


@cache
def _empty_database() -> bytes:
    """Every table with nothing in it: to make them anew for each house is a third of what it takes."""
    engine = create_engine("sqlite://")
    db.metadata.create_all(engine)
    with engine.connect() as connection:
        whole: bytes = connection.connection.driver_connection.serialize()
    engine.dispose()
    return whole


def _furnish() -> tuple[int, int]:
    house = Property(name="Seal Harbour Stays", timezone="Europe/Berlin", currency="eur")
    house.contact_email = "house@example.org"
    loft = Listing(property=house, slug="harbour-loft", name="Harbour Loft", max_guests=4)
    loft.nightly_minor, loft.weekend_minor, loft.tourist_tax_minor = 12800, 16400, 350
    first, second = Unit(listing=loft, name="Upper deck"), Unit(listing=loft, name="Lower deck", position=1)
    db.session.add_all([house, loft, first, second])
    db.session.commit()
    return first.id, second.id


def _booking(house: House, stay: Stay, status: BookingStatus, paid: bool, values: dict[str, Any]) -> Booking:
    number = next(_numbers)
    priced = quote(plain_card("eur", 12800, 16400, tourist_tax_minor=350), Ask(stay, Party(2)))
    facts: dict[str, Any] = {
        "reference": "G" + "".join(_ALPHABET[(number >> shift) % 32] for shift in (30, 25, 20, 15, 10, 5, 0)),
        "unit_id": house.unit_id,
        "payment_status": PaymentStatus.PAID if paid else PaymentStatus.UNPAID,
        "cancel_reason": CancelReason.GUEST if status is BookingStatus.CANCELLED else None,
        "hold_until": NOW + timedelta(minutes=45) if status is BookingStatus.PENDING else None,
        "confirmed_at": NOW if status is BookingStatus.CONFIRMED else None,
        "confirmed_via": Source.WEBHOOK if status is BookingStatus.CONFIRMED else None,
        "guest_name": "Grace Hopper",
        "guest_email": "grace@example.org",
        "guest_phone": "+49 30 123456",
        "message": "We arrive late.",
    }
    facts |= {"terms": CancellationTerms.in_two_steps(7, 2, 50).as_json()}
    facts |= {"listing_id": 1, "amount_minor": priced.total.minor, "currency": "eur", **values}
    return Booking(
        arrive=stay.arrive, leave=stay.leave, guests=2, status=status, hold_key=f"hold{number}",
        browser_key="browser", quote=priced.as_json(), **facts,
    )  # fmt: skip


def _write_nights(session: Any, booking: Booking) -> None:
    if booking.status in (BookingStatus.CONFIRMED, BookingStatus.PENDING):
        for day in booking.stay:
            session.add(Night(unit_id=booking.unit_id, day=day, booking_id=booking.id, hold_until=booking.hold_until))


def _attempt(booking: Booking, paid: bool) -> Attempt:
    number = next(_numbers)
    attempt = Attempt(booking_id=booking.id, number=1, amount_minor=booking.amount_minor, currency="eur")
    attempt.status = AttemptStatus.PAID if paid else AttemptStatus.EXPIRED
    attempt.token = f"{number:032x}"
    attempt.idempotency_key, attempt.params = f"checkout:{number}", {}
    attempt.expires_at, attempt.session_id = NOW + timedelta(minutes=35), f"cs_test_{number:04}"
    attempt.payment_intent_id = f"pi_test{number:04}" if paid else None
    return attempt


def _payment(booking: Booking, attempt: Attempt) -> Payment:
    payment = Payment(booking_id=booking.id, attempt_id=attempt.id, amount_minor=booking.amount_minor, currency="eur")
    payment.payment_intent_id, payment.charge_id = str(attempt.payment_intent_id), f"ch_test{attempt.id:04}"
    payment.captured_at, payment.source = NOW, Source.WEBHOOK
    return payment


def _steps(booking: Booking) -> list[BookingEvent]:
    placed = BookingEvent(booking_id=booking.id, at=NOW, kind="placed", source=Source.WEB)
    placed.new_status = BookingStatus.PENDING
    if booking.status is BookingStatus.PENDING:
        return [placed]
    moved = BookingEvent(booking_id=booking.id, at=NOW, kind=booking.status.value, source=Source.WEBHOOK)
    moved.old_status, moved.new_status = BookingStatus.PENDING, booking.status
    moved.stripe_event_id = "evt_test_0001"
    return [placed, moved]


def _payload(event_id: str) -> dict[str, Any]:
    person = {"email": "grace@example.org", "name": "Grace Hopper", "phone": "+49 30 123456"}
    person["address"] = {"line1": "1 Navy Yard", "city": "Arlington", "postal_code": "22202", "state": None}
    session = {"id": "cs_test_0001", "object": "checkout.session", "amount_total": 61200, "customer_details": person}
    session["customer_email"] = "grace@example.org"
    return {"id": event_id, "object": "event", "type": "checkout.session.completed", "data": {"object": session}}


__all__ = ["ADA", "BEN", "FIRST", "NOW", "PASSWORD", "House", "csrf_of", "value_of"]
