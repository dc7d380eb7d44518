"""Looks at nights: sold once, held by the booking that has them, let go only when nobody can pay for them."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from booking.domain.states import LIVE_ATTEMPT, AttemptStatus, BookingStatus, ChangeStatus
from booking.models import Attempt, Booking, Night, StayChange
from booking.queries.invariants.given import Given
from booking.queries.occupancy import all_units, find_drift

# The worker looks at holds each minute; two rounds late is late.
LATE = timedelta(minutes=2)


def find_doubled_nights(session: Session, given: Given) -> Iterator[str]:
    """One unit and date in two rows: only without the table's own key."""
    rows = select(Night.unit_id, Night.day).group_by(Night.unit_id, Night.day).having(func.count() > 1)
    for unit_id, day in session.execute(rows):
        yield f"unit {unit_id}, night of {day}: more than one owner"


def find_overlaps(session: Session, given: Given) -> Iterator[str]:
    """Two confirmed bookings of one unit that share a night, whatever the night rows say."""
    other = aliased(Booking)
    rows = select(Booking.id, other.id, Booking.unit_id).join(
        other,
        and_(
            other.unit_id == Booking.unit_id,
            other.id > Booking.id,
            other.arrive < Booking.keeps_until,
            other.keeps_until > Booking.arrive,
        ),
    )
    both = rows.where(Booking.status == BookingStatus.CONFIRMED, other.status == BookingStatus.CONFIRMED)
    for first, second, unit_id in session.execute(both):
        yield f"bookings {first} and {second} are both confirmed for the same nights of unit {unit_id}"


def find_unheld_bookings(session: Session, given: Given) -> Iterator[str]:
    """Confirmed, but not every night of the stay is held for it, for good, in its own unit."""
    held = and_(
        Night.booking_id == Booking.id,
        Night.unit_id == Booking.unit_id,
        Night.day >= Booking.arrive,
        Night.day < Booking.keeps_until,
        Night.hold_until.is_(None),
    )
    rows = (
        select(Booking.id, Booking.arrive, Booking.keeps_until, func.count(Night.day))
        .outerjoin(Night, held)
        .where(Booking.status == BookingStatus.CONFIRMED)
        .group_by(Booking.id, Booking.arrive, Booking.keeps_until)
    )
    for booking_id, arrive, leave, count in session.execute(rows):
        if count != _nights(arrive, leave):
            yield f"booking {booking_id} is confirmed for {_nights(arrive, leave)} nights but holds {count}"


def find_stray_nights(session: Session, given: Given) -> Iterator[str]:
    """Held for a booking that is over, in a unit that is not the booking's, or outside its stay."""
    strays = or_(
        Booking.status.in_((BookingStatus.CANCELLED, BookingStatus.EXPIRED)),
        Night.unit_id != Booking.unit_id,
        Night.day < Booking.arrive,
        Night.day >= Booking.keeps_until,
    )
    offered = exists().where(
        StayChange.booking_id == Night.booking_id,
        StayChange.status == ChangeStatus.OPEN,
        StayChange.unit_id == Night.unit_id,
        StayChange.arrive <= Night.day,
        StayChange.leave > Night.day,
        Booking.status == BookingStatus.CONFIRMED,
    )
    rows = select(Night.booking_id, Night.unit_id, Night.day).join(Booking, Booking.id == Night.booking_id)
    for booking_id, unit_id, day in session.execute(rows.where(strays, ~offered)):
        yield f"unit {unit_id}, night of {day}: held for booking {booking_id}, which has no claim to it"


def find_early_releases(session: Session, given: Given) -> Iterator[str]:
    """Ended as unpaid while a session of it was, as far as we know, still payable."""
    rows = (
        select(Attempt.id, Attempt.booking_id)
        .join(Booking, Booking.id == Attempt.booking_id)
        .where(
            Booking.status == BookingStatus.EXPIRED,
            Attempt.status.in_(LIVE_ATTEMPT),
            Attempt.session_id.is_not(None),
            Attempt.expires_at > given.now,
        )
    )
    for attempt_id, booking_id in session.execute(rows):
        yield f"booking {booking_id} was let go while its attempt {attempt_id} could still be paid"


def find_stuck_holds(session: Session, given: Given) -> Iterator[str]:
    """Unpaid with nothing that will ever end it, or past its time with no worker that saw to it."""
    waits = select(Attempt.booking_id).where(Attempt.status == AttemptStatus.PROCESSING)
    endless = and_(Booking.hold_until.is_(None), Booking.id.not_in(waits))
    rows = select(Booking.id, Booking.hold_until).where(
        Booking.status == BookingStatus.PENDING,
        Booking.needs_review.is_(False),
        or_(endless, Booking.hold_until < given.now - LATE),
    )
    for booking_id, hold_until in session.execute(rows):
        why = f"its hold ended at {hold_until:%Y-%m-%d %H:%M} UTC" if hold_until else "nothing will ever end it"
        yield f"booking {booking_id} is still pending, but {why}: is the worker running?"


def find_stuck_changes(session: Session, given: Given) -> Iterator[str]:
    """A change that waits for its difference past its time, or though the booking is over."""
    is_late = StayChange.hold_until < given.now - LATE
    rows = select(StayChange.id, StayChange.booking_id).join(Booking, Booking.id == StayChange.booking_id)
    stuck = rows.where(StayChange.status == ChangeStatus.OPEN, or_(is_late, Booking.status != BookingStatus.CONFIRMED))
    for change_id, booking_id in session.execute(stuck):
        yield f"booking {booking_id}: change {change_id} still waits for its difference: is the worker running?"


def find_wrong_occupancy(session: Session, given: Given) -> Iterator[str]:
    """What searches read differs from the nights. `flask occupancy --rebuild` and the worker make it anew."""
    for unit_ids in all_units(session):
        for drift in find_drift(session, unit_ids):
            for days, what in ((drift.hidden, "free, but hidden from"), (drift.offered, "taken, but offered by")):
                if days:
                    yield f"unit {drift.unit_id}, nights from {days[0]} on: {len(days)} {what} searches"


def _nights(arrive: date, leave: date) -> int:
    return (leave - arrive).days
