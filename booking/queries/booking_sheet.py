"""Bookings as rows of a file, read while they are sent."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.spreadsheet import Row
from booking.domain.states import RefundStatus
from booking.models import Booking, Listing, Payment, Property, Refund, Unit
from booking.queries.booking_list import BookingSearch
from booking.queries.dues import owed_minor

ROWS_READ_AT_ONCE = 500
BOOKING_HEAD = (
    "Reference", "Status", "Cancel reason", "Payment status", "Needs review", "Disputed", "Refund failed",
    "Property", "Listing", "Unit", "Arrive", "Leave", "Nights", "Guests", "Guest name", "E-mail", "Phone", "Language",
    "Currency", "Total", "Paid", "Refunded", "Made", "Confirmed", "Confirmed via", "Cancelled", "Still owed",
)  # fmt: skip


def read_booking_sheet(session: Session, search: BookingSearch) -> Iterator[Row]:
    """Every booking that is wanted, in one statement, `ROWS_READ_AT_ONCE` at a time."""
    wanted = (
        select(Booking, Property.name, Listing.name, Unit.name, _paid(), _refunded(), owed_minor())
        .join(Listing, Booking.listing_id == Listing.id)
        .join(Property, Listing.property_id == Property.id)
        .join(Unit, Booking.unit_id == Unit.id)
        .where(*search.conditions)
        .order_by(*search.ordering)
        .execution_options(yield_per=ROWS_READ_AT_ONCE)
    )
    return (_row(*row) for row in session.execute(wanted))


def _row(booking: Booking, place: str, listing: str, unit: str, paid: Any, refunded: Any, owed: Any) -> Row:
    return (
        booking.reference, booking.status, booking.cancel_reason, booking.payment_status,
        booking.needs_review, booking.disputed, booking.refund_failed,
        place, listing, unit, booking.arrive, booking.leave, booking.stay.nights, booking.guests,
        booking.guest_name, booking.guest_email, booking.guest_phone, booking.language,
        booking.currency.upper(), booking.amount.major, _major(paid, booking), _major(refunded, booking),
        booking.created_at, booking.confirmed_at, booking.confirmed_via, booking.cancelled_at,
        _major(owed, booking),
    )  # fmt: skip


def _major(minor: Any, booking: Booking) -> Any:
    return Money(int(minor), booking.currency).major


def _paid() -> ScalarSelect[Any]:
    """What came in. Money in another currency than the booking's is no part of a sum with it: staff is told of it."""
    found = select(func.coalesce(func.sum(Payment.amount_minor), 0))
    return found.where(Payment.booking_id == Booking.id, Payment.currency == Booking.currency).scalar_subquery()


def _refunded() -> ScalarSelect[Any]:
    """What certainly went back."""
    found = select(func.coalesce(func.sum(Refund.amount_minor), 0))
    went = Refund.status == RefundStatus.SUCCEEDED
    return found.where(Refund.booking_id == Booking.id, Refund.currency == Booking.currency, went).scalar_subquery()
