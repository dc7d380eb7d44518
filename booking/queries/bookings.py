"""Bookings as staff looks at them: a searchable list, and everything about one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from booking.domain.dates import Stay
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.policy import CancellationTerms, RefundStep, refund_due, refund_steps
from booking.domain.pricing import Quote
from booking.domain.states import BookingStatus, PaymentStatus
from booking.extensions import Base
from booking.models import (
    Attempt,
    Booking,
    BookingEvent,
    Dispute,
    Listing,
    OutboxRow,
    Payment,
    Property,
    Refund,
    Unit,
    WebhookEvent,
)

RowT = TypeVar("RowT", bound=Base)
PAGE_SIZE = 25
_STRIPE_ID = re.compile(r"(cs|pi|ch|py|re|pyr|du|dp|evt)_\w+", re.ASCII)


class BookingFilter(StrEnum):
    """What the list can be narrowed to."""

    ALL = "all"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVIEW = "review"
    DISPUTED = "disputed"
    REFUND_FAILED = "refund_failed"


@dataclass(frozen=True, slots=True)
class BookingRow:
    """One booking as a list shows it."""

    id: int
    reference: str
    listing: str
    unit: str
    guest_name: str
    guests: int
    arrive: date
    leave: date
    status: BookingStatus
    payment_status: PaymentStatus
    hold_until: datetime | None
    created_at: datetime
    needs_review: bool
    refund_failed: bool
    disputed: bool
    amount_minor: int
    currency: str
    timezone: str

    @property
    def amount(self) -> Money:
        """The frozen total."""
        return Money(self.amount_minor, self.currency)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its property."""
        return ZoneInfo(self.timezone)

    @property
    def stay(self) -> Stay:
        """The nights as one value."""
        return Stay(self.arrive, self.leave)

    @property
    def nights(self) -> int:
        """How many of them."""
        return self.stay.nights


@dataclass(frozen=True, slots=True)
class BookingPage:
    """One page of the list; `number` begins at 1 and is never beyond the last page."""

    rows: tuple[BookingRow, ...]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class BookingFile:
    """Everything about one booking, loaded: showing it asks the database nothing more."""

    booking: Booking
    zone: ZoneInfo
    quote: Quote
    steps: tuple[RefundStep, ...]
    attempts: tuple[Attempt, ...]
    payments: tuple[Payment, ...]
    disputes: tuple[Dispute, ...]
    outbox: tuple[OutboxRow, ...]
    events: tuple[BookingEvent, ...]
    today: date
    captured: Money
    refunded: Money
    in_flight: Money
    refundable: Money
    by_terms: Money

    @property
    def asked(self) -> dict[int, Money]:
        """What each attempt asked for, by its id."""
        return {attempt.id: Money(attempt.amount_minor, attempt.currency) for attempt in self.attempts}


def list_bookings(session: Session, wanted: str, narrowed: BookingFilter, page: int) -> BookingPage:
    """One page of the bookings that match what was typed and chosen, newest first."""
    conditions = [*_matching(wanted), *_narrowing(narrowed)]
    total = session.scalar(select(func.count(Booking.id)).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    part = _SELECT_ROWS.where(*conditions).order_by(Booking.id.desc()).limit(PAGE_SIZE)
    rows = _rows(session, part.offset((number - 1) * PAGE_SIZE))
    return BookingPage(tuple(rows), number, pages, total)


def get_booking_file(session: Session, booking_id: int, now: datetime) -> BookingFile:
    """Everything about one booking. Raises BookingNotFound."""
    booking = session.scalar(
        select(Booking)
        .where(Booking.id == booking_id)
        .options(joinedload(Booking.listing), joinedload(Booking.unit), selectinload(Booking.events))
        .execution_options(populate_existing=True)
    )
    if booking is None:
        raise BookingNotFound
    payments = _of(session, Payment, booking_id, selectinload(Payment.refunds))
    zone = ZoneInfo(booking.listing.property.timezone)
    today = now.astimezone(zone).date()
    terms, entries = CancellationTerms.from_json(booking.terms), [payment.entry for payment in payments]
    disputes = _of(session, Dispute, booking_id)
    # Stripe's own flag, and not the dispute's status: an inquiry leaves its charge refundable.
    blocked = {dispute.payment_id for dispute in disputes if not dispute.is_charge_refundable}
    refundable = sum(payment.entry.refundable_minor for payment in payments if payment.id not in blocked)
    kept = booking.amount - refund_due(booking.amount, terms, booking.arrive, today)
    return BookingFile(
        booking=booking,
        zone=zone,
        quote=Quote.from_json(booking.quote),
        steps=refund_steps(booking.amount, terms, booking.arrive),
        attempts=_of(session, Attempt, booking_id),
        payments=payments,
        disputes=disputes,
        outbox=_of(session, OutboxRow, booking_id),
        events=tuple(booking.events),
        today=today,
        captured=Money(sum(entry.captured_minor for entry in entries), booking.currency),
        refunded=Money(sum(entry.refunded_minor for entry in entries), booking.currency),
        in_flight=Money(sum(entry.in_flight_minor for entry in entries), booking.currency),
        refundable=Money(refundable, booking.currency),
        # What the house keeps by the terms, so that money sent back before counts towards what is due.
        by_terms=Money(max(0, refundable - kept.minor), booking.currency),
    )


def list_rows(session: Session, *conditions: ColumnElement[bool], soonest: bool = False) -> list[BookingRow]:
    """Bookings that meet all conditions: by arrival where `soonest`, else newest first."""
    order = (Booking.arrive, Booking.id) if soonest else (Booking.id.desc(),)
    return _rows(session, _SELECT_ROWS.where(*conditions).order_by(*order))


_SELECT_ROWS = (
    select(
        Booking.id,
        Booking.reference,
        Listing.name,
        Unit.name,
        Booking.guest_name,
        Booking.guests,
        Booking.arrive,
        Booking.leave,
        Booking.status,
        Booking.payment_status,
        Booking.hold_until,
        Booking.created_at,
        Booking.needs_review,
        Booking.refund_failed,
        Booking.disputed,
        Booking.amount_minor,
        Booking.currency,
        Property.timezone,
    )
    .join(Listing, Booking.listing_id == Listing.id)
    .join(Unit, Booking.unit_id == Unit.id)
    .join(Property, Listing.property_id == Property.id)
)


def _rows(session: Session, statement: Executable) -> list[BookingRow]:
    return [BookingRow(*row) for row in session.execute(statement)]


def _of(session: Session, model: type[RowT], booking_id: int, *options: ExecutableOption) -> tuple[RowT, ...]:
    table: Any = model  # each of them has both columns
    rows = select(model).where(table.booking_id == booking_id).order_by(table.id).options(*options)
    return tuple(session.scalars(rows.execution_options(populate_existing=True)))


def _narrowing(narrowed: BookingFilter) -> list[ColumnElement[bool]]:
    flags = {
        BookingFilter.REVIEW: Booking.needs_review,
        BookingFilter.DISPUTED: Booking.disputed,
        BookingFilter.REFUND_FAILED: Booking.refund_failed,
    }
    if narrowed is BookingFilter.ALL:
        return []
    return [flags[narrowed].is_(True)] if narrowed in flags else [Booking.status == BookingStatus(narrowed.value)]


def _matching(wanted: str) -> list[ColumnElement[bool]]:
    text = wanted.replace("\0", "").strip()[:120]  # PostgreSQL has no place for NUL
    if not text:
        return []
    if _STRIPE_ID.fullmatch(text):
        return [or_(*_with_stripe_id(text))]
    return [or_(Booking.reference == _as_reference(text), *_containing(text))]


def _with_stripe_id(stripe_id: str) -> Iterator[ColumnElement[bool]]:
    """A booking is found by the id of any object that Stripe made for it, or of any event about it."""
    places: tuple[tuple[Any, Any], ...] = (
        (Attempt, Attempt.session_id),
        (Attempt, Attempt.payment_intent_id),
        (Payment, Payment.payment_intent_id),
        (Payment, Payment.charge_id),
        (Refund, Refund.stripe_refund_id),
        (Dispute, Dispute.stripe_dispute_id),
        (WebhookEvent, WebhookEvent.id),
    )
    for model, column in places:
        yield Booking.id.in_(select(model.booking_id).where(column == stripe_id))


def _containing(text: str) -> Iterator[ColumnElement[bool]]:
    # SQLite ignores case only for ASCII letters, so the usual ways to write other ones are tried too.
    for variant in {text, text.lower(), text.upper(), text.title()}:
        yield Booking.guest_name.icontains(variant, autoescape=True)
        yield Booking.guest_email.icontains(variant, autoescape=True)


def _as_reference(text: str) -> str:
    """What a person read out or typed, in the alphabet of references: no O, I or L, and no dashes."""
    return text.upper().translate(str.maketrans("OIL", "011", "- "))
