"""A booking as its guest sees it: plain values that outlive every transaction, with the money from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.policy import HOLD_GRACE, CancellationTerms, RefundStep, refund_steps
from booking.domain.pricing import Quote
from booking.domain.states import (
    REFUND_ENDED_BADLY,
    REFUND_IN_FLIGHT,
    BookingStatus,
    CancelReason,
    PaymentStatus,
    RefundStatus,
)
from booking.models import Booking, Payment, Property, Refund


class GuestState(StrEnum):
    """What a guest must be told first. Each has a part of the booking page to itself."""

    CONFIRMED = "confirmed"
    HELD = "held"  # not paid, can still pay
    OVER = "over"  # the time to pay has passed, nothing was charged
    PROCESSING = "processing"  # a bank debit is on its way
    REVIEW = "review"  # a person looks at the payment
    DATES_GONE = "dates_gone"
    LET_GO = "let_go"  # given up before anything was paid
    CANCELLED = "cancelled"
    PAYMENT_FAILED = "payment_failed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the guest goes, and whom to ask."""

    name: str
    address: str
    timezone: str
    contact_email: str
    contact_phone: str
    check_in_from: str
    check_out_by: str
    house_rules: str

    def clock(self, instant: datetime) -> str:
        """An instant on the property's own clock: "14:35"."""
        return f"{instant.astimezone(ZoneInfo(self.timezone)):%H:%M}"


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that goes back."""

    amount: Money
    status: RefundStatus

    @property
    def is_on_its_way(self) -> bool:
        return self.status in REFUND_IN_FLIGHT

    @property
    def ended_badly(self) -> bool:
        return self.status in REFUND_ENDED_BADLY


@dataclass(frozen=True, slots=True)
class GuestBooking:
    """One booking with everything its page shows. Personal: only for a browser that may see it."""

    id: int
    reference: str
    state: GuestState
    status: BookingStatus
    payment_status: PaymentStatus
    stay: Stay
    guests: int
    quote: Quote
    steps: tuple[RefundStep, ...]
    listing_name: str
    listing_slug: str
    listing_image: str
    listing_image_alt: str
    place: Place
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    message: str = field(repr=False)
    pay_until: datetime | None  # None where no hold is running
    paid: Money
    returned: tuple[Returned, ...]
    refund_failed: bool
    disputed: bool
    sequence: int  # rises with each change that a calendar must hear of
    changed_at: datetime

    @property
    def total(self) -> Money:
        return self.quote.total

    @property
    def first_name(self) -> str:
        return self.name.split()[0] if self.name.split() else ""

    @property
    def masked_email(self) -> str:
        """Enough for the guest to see a slip of the finger, too little for somebody looking over a shoulder."""
        name, _, host = self.email.partition("@")
        return f"{name[:1]}•••@{host}"


def find_guest_booking(session: Session, reference: str, now: datetime) -> GuestBooking | None:
    """The booking with this reference, or None. Whether the asker may see it is for the caller to know."""
    return _find(session, Booking.reference == reference, now)


def find_newest_held(session: Session, references: Sequence[str], now: datetime) -> GuestBooking | None:
    """The newest of these bookings that is still waiting for its payment; None where there is none."""
    return _find(
        session,
        Booking.reference.in_(references)
        & (Booking.status == BookingStatus.PENDING)
        & (Booking.hold_until > now + HOLD_GRACE),
        now,
    )


def _find(session: Session, condition: ColumnElement[bool], now: datetime) -> GuestBooking | None:
    booking = session.scalar(select(Booking).where(condition).order_by(Booking.id.desc()).limit(1))
    return _as_guest_sees(session, booking, now) if booking else None


def _as_guest_sees(session: Session, booking: Booking, now: datetime) -> GuestBooking:
    quote = Quote.from_json(booking.quote)
    returned = _returned(session, booking)
    listing = booking.listing
    return GuestBooking(
        id=booking.id,
        reference=booking.reference,
        state=_state(booking, now),
        status=booking.status,
        payment_status=booking.payment_status,
        stay=booking.stay,
        guests=booking.guests,
        quote=quote,
        steps=_steps(booking, quote, now),
        listing_name=listing.name,
        listing_slug=listing.slug,
        listing_image=listing.image,
        listing_image_alt=listing.image_alt,
        place=_place(listing.property),
        name=booking.guest_name,
        email=booking.guest_email,
        phone=booking.guest_phone,
        message=booking.message,
        pay_until=_pay_until(booking),
        paid=_paid(session, booking),
        returned=returned,
        refund_failed=booking.refund_failed,
        disputed=booking.disputed,
        sequence=1 if booking.status is BookingStatus.CANCELLED else 0,
        changed_at=booking.updated_at,
    )


def _place(place: Property) -> Place:
    return Place(
        place.name,
        place.address,
        place.timezone,
        place.contact_email,
        place.contact_phone,
        place.check_in_from,
        place.check_out_by,
        place.house_rules,
    )


def _pay_until(booking: Booking) -> datetime | None:
    # The nights are kept a little longer than the payment page lives, but nobody can pay in that time.
    return booking.hold_until - HOLD_GRACE if booking.hold_until else None


def _steps(booking: Booking, quote: Quote, now: datetime) -> tuple[RefundStep, ...]:
    today: date = now.astimezone(ZoneInfo(booking.listing.property.timezone)).date()
    steps = refund_steps(quote.total, CancellationTerms.from_json(booking.terms), booking.arrive)
    return tuple(step for step in steps if step.last_day >= today)


def _state(booking: Booking, now: datetime) -> GuestState:
    if booking.status is BookingStatus.CONFIRMED:
        return GuestState.CONFIRMED
    if booking.status is BookingStatus.CANCELLED:
        return _cancelled_state(booking)
    if booking.needs_review:
        return GuestState.REVIEW
    if booking.status is BookingStatus.EXPIRED:
        return GuestState.OVER
    if booking.payment_status is PaymentStatus.PROCESSING:
        return GuestState.PROCESSING
    pay_until = _pay_until(booking)
    return GuestState.HELD if pay_until and pay_until > now else GuestState.OVER


def _cancelled_state(booking: Booking) -> GuestState:
    if booking.cancel_reason is CancelReason.DATES_UNAVAILABLE:
        return GuestState.DATES_GONE
    if booking.cancel_reason is CancelReason.PAYMENT_FAILED:
        return GuestState.PAYMENT_FAILED
    is_let_go = booking.confirmed_at is None and booking.payment_status is PaymentStatus.UNPAID
    return GuestState.LET_GO if is_let_go else GuestState.CANCELLED


def _paid(session: Session, booking: Booking) -> Money:
    amounts = session.scalars(select(Payment.amount_minor).where(Payment.booking_id == booking.id))
    return Money(sum(amounts), booking.currency)


def _returned(session: Session, booking: Booking) -> tuple[Returned, ...]:
    refunds = session.scalars(select(Refund).where(Refund.booking_id == booking.id).order_by(Refund.id))
    return tuple(Returned(refund.amount, refund.status) for refund in refunds)
