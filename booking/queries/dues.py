"""What guests still owe, as pages show it: plain values, and conditions on bookings."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, ScalarSelect, exists, func, select
from sqlalchemy.orm import Session

from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.states import AttemptStatus, BookingStatus, DueKind, DueStatus
from booking.models import Attempt, Booking, Due


@dataclass(frozen=True, slots=True)
class Owed:
    """One sum that a guest is still to pay. `is_coming`: a bank is working on it."""

    id: int
    kind: DueKind
    amount: Money
    due_on: date
    note: str
    is_coming: bool

    def is_overdue(self, today: date) -> bool:
        """Whether its last day has passed, where the stay is."""
        return today > self.due_on


def list_owed(session: Session, booking: Booking) -> tuple[Owed, ...]:
    """What is still to be paid for a booking, the first to pay first. A balance goes with its stay."""
    coming = exists().where(Attempt.due_id == Due.id, Attempt.status == AttemptStatus.PROCESSING)
    wanted = select(Due, coming).where(Due.booking_id == booking.id, Due.status == DueStatus.OPEN)
    rows = session.execute(wanted.order_by(Due.due_on, Due.id).execution_options(populate_existing=True))
    is_on = booking.status is BookingStatus.CONFIRMED
    return tuple(
        Owed(due.id, due.kind, due.amount, due.due_on, due.note, is_coming)
        for due, is_coming in rows
        if is_on or due.kind is not DueKind.BALANCE
    )


def get_due(session: Session, due_id: int) -> Due:
    """One due. Raises BookingNotFound."""
    due = session.get(Due, due_id, populate_existing=True)
    if due is None:
        raise BookingNotFound
    return due


def owed_minor() -> ScalarSelect[int]:
    """What is still to be paid for a booking, as a column beside it."""
    owed = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(Due.booking_id == Booking.id, _is_open())
    return owed.correlate(Booking).scalar_subquery()


def owes_something() -> ColumnElement[bool]:
    """Bookings whose guests have something to pay beside the first payment."""
    return exists().where(Due.booking_id == Booking.id, _is_open())


def balance_is_late(today: date) -> ColumnElement[bool]:
    """Bookings whose balance was to be paid before a day."""
    is_late = (Due.kind == DueKind.BALANCE) & (Due.due_on < today)
    return exists().where(Due.booking_id == Booking.id, is_late, _is_open())


def _is_open() -> ColumnElement[bool]:
    """A due that is owed: of a balance, as long as its stay is on."""
    is_on = (Due.kind != DueKind.BALANCE) | (Booking.status == BookingStatus.CONFIRMED)
    return (Due.status == DueStatus.OPEN) & is_on
