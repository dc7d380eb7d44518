"""Bookings as staff looks at them: a line of a list, and everything about one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from booking.domain.cancelling import Ending, Outcome, outcome
from booking.domain.dates import Stay
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.states import BookingStatus, ChangeStatus, DueKind, PaymentStatus
from booking.domain.terms import RefundStep, refund_steps
from booking.extensions import Base
from booking.models import (
    Attempt,
    Booking,
    BookingEvent,
    Dispute,
    Due,
    Listing,
    OutboxRow,
    Payment,
    Property,
    StayChange,
    Unit,
)
from booking.queries.dues import Owed, list_owed, owed_minor

RowT = TypeVar("RowT", bound=Base)


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
    owed_minor: int  # still to be paid beside the first payment

    @property
    def owed(self) -> Money:
        """What is still to be paid."""
        return Money(int(self.owed_minor), self.currency)

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
class BookingFile:
    """Everything about one booking, loaded: showing it asks the database nothing more."""

    booking: Booking
    zone: ZoneInfo
    quote: Quote
    steps: tuple[RefundStep, ...]
    rest: Money  # what comes back later than all of them
    attempts: tuple[Attempt, ...]
    payments: tuple[Payment, ...]
    disputes: tuple[Dispute, ...]
    outbox: tuple[OutboxRow, ...]
    events: tuple[BookingEvent, ...]
    changes: tuple[StayChange, ...]
    dues: tuple[Due, ...]
    owed: tuple[Owed, ...]  # those of them that are still to be paid
    today: date
    captured: Money
    refunded: Money
    in_flight: Money
    refundable: Money
    endings: Mapping[Ending, Outcome]  # what each way to end it today would mean for its money

    @property
    def may_be_no_show(self) -> bool:
        """Whether staff may note that nobody came: the stay was paid for and has begun."""
        booking = self.booking
        return self.today >= booking.arrive and booking.status is BookingStatus.CONFIRMED and not booking.no_show_at

    @property
    def nights_left(self) -> int:
        """How many of its nights lie after the one that begins today."""
        return max(0, (self.booking.keeps_until - self.today).days - 1)

    @property
    def by_terms(self) -> Money:
        """What goes back where the guest cancels today."""
        return self.endings[Ending.GUEST].back

    @property
    def balance(self) -> Owed | None:
        """What is left to pay of the price; None where nothing is."""
        return next((owed for owed in self.owed if owed.kind is DueKind.BALANCE), None)

    @property
    def agreed_plan(self) -> tuple[str, ...]:
        """The words that the guest agreed to, where the price is paid in parts."""
        return tuple(self.booking.plan["text"]) if self.booking.plan else ()

    @property
    def open_change(self) -> StayChange | None:
        """The change that waits for its difference."""
        return next((change for change in self.changes if change.status is ChangeStatus.OPEN), None)

    @property
    def is_paid_at_house(self) -> bool:
        """Whether the house took some of the money itself, and so hands it back itself."""
        return any(not payment.is_with_stripe for payment in self.payments)

    @property
    def asked(self) -> dict[int, Money]:
        """What each attempt asked for, by its id."""
        return {attempt.id: Money(attempt.amount_minor, attempt.currency) for attempt in self.attempts}


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
    deal, entries = booking.deal, [payment.entry for payment in payments]
    disputes = _of(session, Dispute, booking_id)
    # Stripe's own flag, and not the dispute's status: an inquiry leaves its charge refundable.
    blocked = {dispute.payment_id for dispute in disputes if not dispute.is_charge_refundable}
    kept = sum(payment.entry.refundable_minor for payment in payments if payment.id not in blocked)
    refundable = Money(kept, booking.currency)
    return BookingFile(
        booking=booking,
        zone=zone,
        quote=Quote.from_json(booking.quote),
        steps=refund_steps(deal),
        rest=deal.rest,
        attempts=_of(session, Attempt, booking_id),
        payments=payments,
        disputes=disputes,
        outbox=_of(session, OutboxRow, booking_id),
        events=tuple(booking.events),
        changes=_of(session, StayChange, booking_id),
        dues=_of(session, Due, booking_id),
        owed=list_owed(session, booking),
        today=today,
        captured=Money(sum(entry.captured_minor for entry in entries), booking.currency),
        refunded=Money(sum(entry.refunded_minor for entry in entries), booking.currency),
        in_flight=Money(sum(entry.in_flight_minor for entry in entries), booking.currency),
        refundable=refundable,
        endings={ending: outcome(ending, deal, refundable, now) for ending in Ending},
    )


def list_rows(session: Session, *conditions: ColumnElement[bool], soonest: bool = False) -> list[BookingRow]:
    """Bookings that meet all conditions: by arrival where `soonest`, else newest first."""
    order = (Booking.arrive, Booking.id) if soonest else (Booking.id.desc(),)
    return read_rows(session, SELECT_ROWS.where(*conditions).order_by(*order))


SELECT_ROWS = (
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
        owed_minor(),
    )
    .join(Listing, Booking.listing_id == Listing.id)
    .join(Unit, Booking.unit_id == Unit.id)
    .join(Property, Listing.property_id == Property.id)
)


def read_rows(session: Session, statement: Executable) -> list[BookingRow]:
    """What a statement made from SELECT_ROWS finds."""
    return [BookingRow(*row) for row in session.execute(statement)]


def _of(session: Session, model: type[RowT], booking_id: int, *options: ExecutableOption) -> tuple[RowT, ...]:
    table: Any = model  # each of them has both columns
    rows = select(model).where(table.booking_id == booking_id).order_by(table.id).options(*options)
    return tuple(session.scalars(rows.execution_options(populate_existing=True)))
