"""What guests still owe, as pages show it: plain values, and conditions on bookings."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, ScalarSelect, exists, func, select
from sqlalchemy.orm import Session

from booking.domain.declines import explain
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.states import AttemptChannel, AttemptStatus, BookingStatus, DueKind, DueStatus
from booking.domain.words import Said
from booking.models import Attempt, Booking, Due


@dataclass(frozen=True, slots=True)
class Owed:
    """One sum that a guest is still to pay. `is_coming`: a bank is working on it.

    `is_stopped`: no card is charged with it by itself. `decline`: a saved card was, and said no; told to the guest.
    """

    id: int
    kind: DueKind
    amount: Money
    due_on: date
    note: str
    is_coming: bool
    is_stopped: bool = False
    decline: Said | None = None

    def is_overdue(self, today: date) -> bool:
        """Whether its last day has passed, where the stay is."""
        return today > self.due_on


def list_owed(session: Session, booking: Booking) -> tuple[Owed, ...]:
    """What is still to be paid for a booking, the first to pay first. A balance goes with its stay."""
    coming = exists().where(Attempt.due_id == Due.id, Attempt.status == AttemptStatus.PROCESSING)
    wanted = select(Due, coming, _last_refusal()).where(Due.booking_id == booking.id, Due.status == DueStatus.OPEN)
    rows = session.execute(wanted.order_by(Due.due_on, Due.id).execution_options(populate_existing=True))
    is_on = booking.status is BookingStatus.CONFIRMED
    return tuple(
        _owed(due, code, is_coming=is_coming)
        for due, is_coming, code in rows
        if is_on or due.kind is not DueKind.BALANCE
    )


def _last_refusal() -> ScalarSelect[str | None]:
    """Why a saved card was not charged with a due the last time; None where it never said no."""
    refused = select(Attempt.decline_code).where(
        Attempt.due_id == Due.id,
        Attempt.channel == AttemptChannel.OFF_SESSION,
        Attempt.status == AttemptStatus.FAILED,
    )
    return refused.order_by(Attempt.id.desc()).limit(1).correlate(Due).scalar_subquery()


def _owed(due: Due, code: str | None, *, is_coming: bool) -> Owed:
    decline = explain(code).told if code else None
    is_stopped = due.tries_stopped_at is not None
    return Owed(due.id, due.kind, due.amount, due.due_on, due.note, is_coming, is_stopped, decline)


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
