"""Closures, the units they are for, and what stands in the way of one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.words import spoken
from booking.models import Booking, Closure, Listing, Night, Unit
from booking.queries.nights import is_taken


@dataclass(frozen=True, slots=True)
class NightsTaken:
    """What one booking or closure has of the nights asked for: from `first` until the morning of `leave`."""

    booking_id: int | None
    reference: str | None  # None: a closure
    reason: str
    is_for_good: bool
    first: date
    leave: date

    @property
    def in_words(self) -> str:
        """Who has which nights, for staff."""
        nights = f"{spoken(self.first)} to {spoken(self.leave)}"
        if self.reference is None:
            return f"Closed already, {nights}" + (f" ({self.reason})" if self.reason else "")
        return f"{'Booking' if self.is_for_good else 'Unpaid hold'} {self.reference}, {nights}"


@dataclass(frozen=True, slots=True)
class ClosureRow:
    """One closure as the list shows it."""

    id: int
    listing: str
    unit: str
    arrive: date
    leave: date
    reason: str
    created_by: str

    @property
    def stay(self) -> Stay:
        """The nights as one value."""
        return Stay(self.arrive, self.leave)

    @property
    def nights(self) -> int:
        """How many of them."""
        return self.stay.nights


def list_clashes(session: Session, unit_id: int, stay: Stay, now: datetime) -> list[NightsTaken]:
    """Who has nights of this stay in this unit, in the order of the nights."""
    rows = session.execute(
        select(
            Booking.id,
            Booking.reference,
            func.max(func.coalesce(Closure.reason, "")),
            func.max(Night.hold_until),
            func.min(Night.day),
            func.max(Night.day),
        )
        .select_from(Night)
        .outerjoin(Booking, Night.booking_id == Booking.id)
        .outerjoin(Closure, Night.closure_id == Closure.id)
        .where(Night.unit_id == unit_id, Night.day >= stay.arrive, Night.day < stay.leave, is_taken(now))
        .group_by(Booking.id, Booking.reference, Closure.id)
        .order_by(func.min(Night.day))
    )
    return [
        NightsTaken(booking_id, reference, reason, hold_until is None, first, last + timedelta(days=1))
        for booking_id, reference, reason, hold_until, first, last in rows
    ]


def list_closures(session: Session, since: date) -> list[ClosureRow]:
    """Closures that end after `since`, soonest first."""
    rows = session.execute(
        select(
            Closure.id,
            Listing.name,
            Unit.name,
            Closure.arrive,
            Closure.leave,
            Closure.reason,
            Closure.created_by,
        )
        .join(Unit, Closure.unit_id == Unit.id)
        .join(Listing, Unit.listing_id == Listing.id)
        .where(Closure.leave > since)
        .order_by(Closure.arrive, Closure.id)
    )
    return [ClosureRow(*row) for row in rows]


def list_unit_choices(session: Session) -> list[tuple[int, str]]:
    """Every unit as a form offers it: its id, and "Listing, unit"."""
    rows: Iterable[tuple[int, str, str]] = session.execute(
        select(Unit.id, Listing.name, Unit.name)
        .join(Listing, Unit.listing_id == Listing.id)
        .order_by(Listing.position, Listing.name, Unit.position, Unit.id)
    )
    return [(unit_id, f"{listing}, {unit}") for unit_id, listing, unit in rows]
