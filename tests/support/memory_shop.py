"""A shop in memory, for tests of one decision at a time: no server, no worker, and a Stripe that says what it is told.

Everything but Stripe is real. A test hands evidence in and reads what was written; nothing else moves.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.payment_plans import PaymentPlan
from booking.domain.pricing import Ask, quote
from booking.domain.rates import Party
from booking.domain.states import (
    LIVE_ATTEMPT,
    AttemptPurpose,
    AttemptStatus,
    DueKind,
    DueStatus,
    PaymentMethod,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.billing import SubscriptionEvidence
from booking.gateways.payments import (
    ChargeEvidence,
    DisputeEvidence,
    Evidence,
    EvidenceState,
    GatewayEvent,
    Params,
    PaymentEvidence,
    RefundEvidence,
    Tag,
)
from booking.gateways.stripe_gateway import StripeGateway
from booking.models import Attempt, AuditLine, Booking, BookingEvent, Due, Listing, Night, OutboxRow, Payment, Refund
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import (
    attempts,
    cards,
    changes,
    disputes,
    payment_plans,
    phone,
    refund_news,
    refunds,
    reservations,
    settlement,
    webhooks,
)
from booking.services.cases import Outcome
from booking.services.changes import ChangeWish
from booking.services.instance import Identity
from booking.services.phone import PhoneRequest
from booking.services.reservations import PlaceRequest
from booking.services.settlement import HouseReceipt, Settled
from booking.services.timeline import Cause
from booking.services.webhooks import Receipt
from tests.simulation.house import INSTANCE, House, house
from tests.simulation.weather import Weather
from tests.simulation.world import BEGINNING, VirtualClock
from tests.support.shop import GRACE

WEBHOOK = Cause(Source.WEBHOOK, stripe_event_id="evt_1")
IDENTITY = Identity(INSTANCE, livemode=False)
ADA = "ada@example.org"
OWED = Money(4200, "eur")  # beside the first payment
NOT_ARRIVED = "A refund did not arrive. The money is back on your Stripe balance and the guest is still owed it."


def mail(booking_id: int, kind: str, note: str | None = None, **facts: Any) -> dict[str, Any]:
    """The payload of a mail: with a note it is one to staff."""
    payload = {"mail": kind, "booking_id": booking_id, "facts": facts}
    return payload if note is None else {**payload, "note": note}


class ToldStripe(StripeGateway):
    """What a test says Stripe answers, and what it was asked. Parameters are built by the real gateway."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__("", (), clock)
        self.asked: list[tuple[Any, ...]] = []
        self.answers: list[RefundEvidence | Exception] = []  # to send_refund, in turn
        self.refunds: dict[str, list[RefundEvidence]] = {}  # Stripe's list, by payment
        self.charges: dict[str, ChargeEvidence] = {}
        self.payments: dict[str, PaymentEvidence | Exception] = {}
        self.reserved: dict[str, PaymentEvidence | Exception] = {}  # sums on cards, as they are now
        self.captures: list[PaymentEvidence | Exception] = []  # answers, in turn
        self.releases: list[PaymentEvidence | Exception] = []
        self.sessions: list[PaymentEvidence | Exception] = []  # answers to open_checkout, in turn
        self.subscriptions: dict[str, SubscriptionEvidence] = {}
        self.event: GatewayEvent | Exception | None = None
        self.fetched: GatewayEvent | Exception | None = None
        self.meanwhile: dict[str, Callable[[], object]] = {}  # done once, while Stripe is asked the question named

    def open_checkout(self, params: Params, idempotency_key: str) -> PaymentEvidence:
        return self._answer(("open_checkout", params, idempotency_key), self.sessions.pop(0))

    def send_refund(self, params: Params, idempotency_key: str) -> RefundEvidence:
        return self._answer(("send_refund", params, idempotency_key), self.answers.pop(0))

    def list_refunds(self, payment_intent_id: str) -> list[RefundEvidence]:
        return self._answer(("list_refunds", payment_intent_id), self.refunds.get(payment_intent_id, []))

    def look_up_refunded(self, payment_intent_id: str) -> ChargeEvidence | None:
        return self._answer(("look_up_refunded", payment_intent_id), self.charges.get(payment_intent_id))

    def look_up_payment(self, payment_intent_id: str) -> PaymentEvidence:
        return self._answer(("look_up_payment", payment_intent_id), self.payments[payment_intent_id])

    def look_up_authorisation(self, payment_intent_id: str) -> PaymentEvidence:
        return self._answer(("look_up_authorisation", payment_intent_id), self.reserved[payment_intent_id])

    def capture_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        question = ("capture_payment", payment_intent_id, params, idempotency_key)
        return self._answer(question, self.captures.pop(0))

    def release_payment(self, payment_intent_id: str, params: Params, idempotency_key: str) -> PaymentEvidence:
        question = ("release_payment", payment_intent_id, params, idempotency_key)
        return self._answer(question, self.releases.pop(0))

    def look_up_subscription(self, subscription_id: str) -> SubscriptionEvidence:
        return self._answer(("look_up_subscription", subscription_id), self.subscriptions[subscription_id])

    def read_event(self, body: bytes, signature: str | None) -> GatewayEvent:
        return self._answer(("read_event", body, signature), self.event)

    def parse_event(self, payload: Mapping[str, Any]) -> GatewayEvent:
        return self._answer(("parse_event", payload), self.event)

    def fetch_evidence(self, event: GatewayEvent) -> GatewayEvent:
        return self._answer(("fetch_evidence", event), self.fetched)

    def _answer(self, question: tuple[Any, ...], answer: Any) -> Any:
        assert not db.session().in_transaction(), f"a transaction is open during {question[0]}"
        self.asked.append(question)
        self.meanwhile.pop(question[0], lambda: None)()
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class MemoryShop:
    """One listing with one unit (or two), a clock that stands still, and shorthands."""

    house: House
    runtime: Runtime
    stripe: ToldStripe
    clock: VirtualClock
    woken: list[str] = field(default_factory=list)  # one entry for each time the worker was woken

    @property
    def now(self) -> datetime:
        return self.clock.at

    # --- what happens -----------------------------------------------------------------------------------------------

    def stay(self, nights: int = 3, ahead: int = 30) -> Stay:
        arrive = self.now.date() + timedelta(days=ahead)
        return Stay(arrive, arrive + timedelta(days=nights))

    def place(self, stay: Stay | None = None, browser: str = "grace") -> int:
        """Hold some nights; the booking's id."""
        return reservations.place_booking(self.runtime, self.wish(stay, browser)).booking_id

    def wish(self, stay: Stay | None = None, browser: str = "grace") -> PlaceRequest:
        """To hold some nights at what they cost now, paid as the house asks, with all that the page says agreed to."""
        stay, listing = stay or self.stay(), db.session.get_one(Listing, self.house.listing_id)
        priced = quote(listing.rates, Ask(stay, Party(2)))
        consent = cards.offered_consent(listing, priced, stay.arrive, self.now)
        agreed = cards.name_of(consent, "en") if consent else ""
        mark = listing.schedule(priced.total, stay.arrive, self.now).mark
        db.session.rollback()
        return PlaceRequest(listing.id, stay, 2, GRACE, browser, priced.total, shown_plan=mark, consent=agreed)

    def change_stay(self, booking_id: int, stay: Stay) -> None:
        """Staff changes when somebody stays, at today's price."""
        total = self.wish(stay).shown_total
        changes.change_stay(self.runtime, booking_id, ChangeWish(stay, 2, keeps_price=False), total, "form", ADA)

    def owe(self, kind: DueKind = DueKind.BALANCE, booking_id: int = 1, status: DueStatus = DueStatus.OPEN) -> int:
        """Something is owed beside the first payment, until a week before arrival; its id."""
        with transaction() as session:
            day = session.get_one(Booking, booking_id).arrive - timedelta(days=7)
            due = Due(booking_id=booking_id, kind=kind, status=status, due_on=day,
                      amount_minor=OWED.minor, currency=OWED.currency)  # fmt: skip
            session.add(due)
            session.flush()
            return due.id

    def ask_due(self, number: int, due_id: int = 1, status: AttemptStatus = AttemptStatus.CREATING) -> None:
        """Write the attempt of a booking, by its number, in which what is owed can be paid."""
        with transaction() as session:
            booking = session.get_one(Booking, session.get_one(Due, due_id).booking_id)
            wanted = attempts.Wanted(AttemptPurpose.BALANCE, OWED, booking.stay, booking.guests, due_id=due_id)
            attempts.write_wanted(session, self.runtime, booking, wanted, number, self.now, IDENTITY).status = status

    def ask_for(self, plan: PaymentPlan) -> None:
        """From now on guests pay as this plan says."""
        payment_plans.choose_for_property(self.runtime, 1, plan, ADA)

    def settle(
        self, evidence: PaymentEvidence | HouseReceipt, cause: Cause = WEBHOOK, identity: Identity = IDENTITY
    ) -> Settled:
        """Through the one door, in a transaction of its own."""
        with transaction() as session:
            return settlement.settle(session, evidence, cause, self.now, identity)

    def try_again(self, booking_id: int) -> None:
        """The guest asks for another session: the one before is given up."""
        with transaction() as session:
            booking = session.get_one(Booking, booking_id)
            live = session.scalars(select(Attempt).where(Attempt.booking_id == booking_id)).all()
            for attempt in live:
                if attempt.status in LIVE_ATTEMPT:
                    attempt.status = AttemptStatus.SUPERSEDED
            session.flush()
            attempts.write_attempt(session, self.runtime, booking, len(live) + 1, self.now, IDENTITY)

    def outlast(self, booking_id: int) -> None:
        """Let the hold of a booking run out."""
        hold_until = self.booking(booking_id).hold_until
        assert hold_until is not None
        self.clock.at = hold_until + timedelta(seconds=1)

    def paid(self, **changes: Any) -> Payment:
        """A confirmed booking's payment."""
        booking_id = self.place()
        assert self.settle(self.evidence(booking_id, **changes)).outcome is Outcome.CONFIRMED
        return self.payment_of(booking_id)

    def paid_in_cash(self) -> Payment:
        """The payment of a booking by telephone, whose guest paid the house."""
        wish, method = self.wish(), PaymentMethod.CASH
        told = PhoneRequest(wish.listing_id, wish.stay, wish.guests, wish.guest, wish.shown_total, method, "form-0")
        return self.payment_of(phone.place_by_phone(self.runtime, told, ADA).booking_id)

    def twice_paid(self) -> tuple[Payment, Payment]:
        """One euro in a session that was given up, and the whole price in the next one."""
        booking_id = self.place()
        self.try_again(booking_id)
        self.settle(self.evidence(booking_id, number=1, amount=Money(100, "eur")))
        self.settle(self.evidence(booking_id, number=2))
        first, second = self.rows(Payment)
        return first, second

    def request(self, payment: Payment, minor: int = 1000, reason: RefundReason = RefundReason.GOODWILL) -> Refund:
        """Write a refund of a payment, as staff."""
        payment_id, amount = payment.id, Money(minor, payment.currency)
        with transaction() as session:
            row = session.get_one(Payment, payment_id)
            return refunds.request_refund(session, row, amount, reason, Cause(Source.STAFF, ADA), self.now)

    def dispute(self, payment: Payment, **changes: Any) -> None:
        """Stripe tells of a dispute."""
        with transaction() as session:
            disputes.record_dispute(session, dispute_evidence(payment, **changes), WEBHOOK, self.now)

    def hear(self, evidence: RefundEvidence, cause: Cause = WEBHOOK, identity: Identity = IDENTITY) -> Refund | None:
        """Stripe tells of a refund."""
        with transaction() as session:
            return refund_news.apply_refund(session, evidence, cause, self.now, identity)

    def receive(self, evidence: Evidence | None, event_id: str = "evt_1", **changes: Any) -> Receipt:
        """Stripe delivers an event."""
        values: dict[str, Any] = {"livemode": False, "object_id": "obj_1", "payload": {"id": event_id}}
        self.stripe.event = GatewayEvent(event_id, **{"type": "some.event", **values, **changes}, evidence=evidence)
        db.session.rollback()  # the test's own looks
        return webhooks.receive_event(self.runtime, b"body", "signature")

    def hear_of_charge(self, evidence: ChargeEvidence) -> Payment | None:
        with transaction() as session:
            return refund_news.apply_charge(session, evidence)

    @contextmanager
    def open(self) -> Iterator[Session]:
        with transaction() as session:
            yield session

    # --- what Stripe says -------------------------------------------------------------------------------------------

    def evidence(
        self, booking_id: int, state: EvidenceState = EvidenceState.PAID, number: int = 1, **changes: Any
    ) -> PaymentEvidence:
        """What Stripe would say of an attempt of a booking, all in order but for the changes."""
        attempt = self.attempt(booking_id, number)
        tag = Tag(app=INSTANCE, purpose="booking", booking_id=str(booking_id), attempt=attempt.token)
        names = {
            "session_id": f"cs_{attempt.id}",
            "payment_intent_id": f"pi_{attempt.id}",
            "charge_id": f"ch_{attempt.id}",
            "amount": Money(attempt.amount_minor, attempt.currency),
        }
        return PaymentEvidence(state, **{"tag": tag, "livemode": False, **names, **changes})

    # --- what is there afterwards -----------------------------------------------------------------------------------

    def rows(self, model: Any, **wanted: Any) -> list[Any]:
        """Committed rows, by primary key."""
        db.session.rollback()
        return list(db.session.scalars(select(model).filter_by(**wanted).order_by(*model.__table__.primary_key)))

    def booking(self, booking_id: int) -> Booking:
        (row,) = self.rows(Booking, id=booking_id)
        return row

    def attempts(self, booking_id: int) -> list[Attempt]:
        return self.rows(Attempt, booking_id=booking_id)

    def payment_of(self, booking_id: int) -> Payment:
        (row,) = self.rows(Payment, booking_id=booking_id)
        return row

    def refund(self, refund_id: int = 1) -> Refund:
        (row,) = self.rows(Refund, id=refund_id)
        return row

    def all_rows(self) -> list[str]:
        """The whole database as text, to be compared: no step may leave a trace where nothing happened."""
        db.session.rollback()
        return list(self.house.raw.iterdump())

    def attempt(self, booking_id: int, number: int = 1) -> Attempt:
        return next(row for row in self.attempts(booking_id) if row.number == number)

    def nights(self, booking_id: int) -> list[tuple[int, datetime | None]]:
        """Unit and end of the hold of each night, in date order."""
        return [(row.unit_id, row.hold_until) for row in self.rows(Night, booking_id=booking_id)]

    def story(self, booking_id: int, after: str = "placed") -> list[tuple[str, str]]:
        """Kind and note of each step that came after the first of a kind."""
        steps = [(row.kind, row.note) for row in self.rows(BookingEvent, booking_id=booking_id)]
        return steps[[kind for kind, _ in steps].index(after) + 1 :]

    def steps(self, booking_id: int, kind: str) -> list[BookingEvent]:
        return self.rows(BookingEvent, booking_id=booking_id, kind=kind)

    def audit(self) -> list[tuple[str, str, str, datetime, Mapping[str, object] | None]]:
        """Each line of the audit log: who did what to what, when, and what of it is kept."""
        return [(row.who, row.action, row.subject, row.at, row.after) for row in self.rows(AuditLine)]

    def mails(self, kind: str = "") -> list[tuple[str, dict[str, Any]]]:
        """Key and payload of every mail that was asked for, of one kind or of any."""
        rows = self.rows(OutboxRow, kind=OutboxKind.MAIL)
        return [(row.dedupe_key, row.payload) for row in rows if row.payload["mail"] == kind or not kind]

    def errands(self) -> list[tuple[str, str, dict[str, Any], int | None, datetime]]:
        """What else the worker is to do: kind, key, payload, booking, when."""
        return [
            (str(row.kind), row.dedupe_key, row.payload, row.booking_id, row.run_after)
            for row in self.rows(OutboxRow)
            if row.kind is not OutboxKind.MAIL
        ]


def open_memory_shop(units: int = 1, *, club: bool = False) -> Iterator[MemoryShop]:
    """A fresh shop on the one database in memory of this process; with a club, which accounts 1 to 4 can join."""
    place = house()
    place.put_back(Weather(units, guests=0, nights=0, steps=0, club=club))
    clock = VirtualClock()
    clock.at = BEGINNING
    stripe, woken = ToldStripe(clock), []
    known: Runtime = place.app.extensions["holdfast"]
    runtime = replace(known, payments=stripe, clock=clock, wake_worker=lambda: woken.append("woken"))
    with place.app.app_context():
        yield MemoryShop(place, runtime, stripe, clock, woken)
        db.session.remove()


def refund_evidence(payment: Payment, refund: Refund | None = None, **changes: Any) -> RefundEvidence:
    """What Stripe would say of a refund: one of ours, or (without a row) one made by hand in its dashboard."""
    tag = Tag(app=INSTANCE, purpose="booking", refund_id=refund.token) if refund else Tag()
    values: dict[str, Any] = {
        "refund_id": f"re_{refund.id if refund else 'by_hand'}",
        "status": RefundStatus.SUCCEEDED,
        "amount": Money(refund.amount_minor if refund else 500, payment.currency),
        "payment_intent_id": payment.payment_intent_id,
        "charge_id": payment.charge_id,
        "tag": tag,
    }
    return RefundEvidence(**{**values, **changes})


def charge_evidence(payment: Payment, refunded: int, **changes: Any) -> ChargeEvidence:
    """What Stripe would say of a payment's charge, of which so much was refunded."""
    values: dict[str, Any] = {
        "charge_id": payment.charge_id,
        "payment_intent_id": payment.payment_intent_id,
        "captured": payment.amount,
        "refunded": Money(refunded, payment.currency),
        "tag": Tag(app=INSTANCE),
    }
    return ChargeEvidence(**{**values, **changes})


def dispute_evidence(payment: Payment, **changes: Any) -> DisputeEvidence:
    """What Stripe would say of a dispute of a payment: one that blocks its charge and waits for an answer."""
    values: dict[str, Any] = {
        "dispute_id": "dp_1",
        "charge_id": payment.charge_id,
        "payment_intent_id": payment.payment_intent_id,
        "amount": payment.amount,
        "status": "needs_response",
        "reason": "fraudulent",
        "due_by": None,
        "is_charge_refundable": False,
        "funds_withdrawn": True,
    }
    return DisputeEvidence(**{**values, **changes})
