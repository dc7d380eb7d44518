"""Mails that a time brings, not an event: before guests arrive, and after an unpaid hold is over.

Each is looked for again and again and asked for once: a sweep may be late, run twice, or run beside another one.
"""

from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.states import UNFINISHED_ATTEMPT, BookingStatus
from booking.extensions import db
from booking.models import Attempt, Booking, BookingEvent, Listing, OutboxRow, Payment, Property
from booking.runtime import Runtime
from booking.services import notifications
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail

# Two days before the day of arrival, in the morning, on the property's own clock.
DAYS_BEFORE, MORNING = timedelta(days=2), time(9)
# Who comes today and has not heard by then is on the way.
TOO_LATE = time(15)
# A guest who comes back at once, or a word of Stripe's that comes late, must find nothing written yet.
AFTER_HOLD = timedelta(minutes=10)
# A mail that is later than this about a hold would only puzzle.
STALE_HOLD = timedelta(hours=6)
# Whoever types a stranger's address again and again must not have a mail sent to it each time.
ONE_EACH = timedelta(days=1)
_NEWEST = 200  # ended holds that one sweep looks at


def write_before_arrivals(runtime: Runtime) -> list[str]:
    """Ask for the mail that goes out two days before each confirmed stay; a line for each new one. Commits each.

    A stay that is booked later than that is written about by the next sweep.
    """
    now = runtime.clock.now()
    due = {_arrival_key(booking_id, arrive): booking_id for booking_id, arrive in _find_arriving(now)}
    told = set(db.session.scalars(select(OutboxRow.dedupe_key).where(OutboxRow.dedupe_key.in_(due))))
    end_read()
    lines = [_write_before_arrival(booking_id, now) for key, booking_id in due.items() if key not in told]
    return _woken(runtime, lines)


def write_after_holds(runtime: Runtime) -> list[str]:
    """Ask for the one mail after a hold that ran out though its guest had been on Stripe's page. Commits each.

    Never where there is any money or where Stripe has not said the last word, for it says that nothing was charged;
    nor to a guest who is booking again already.
    """
    now = runtime.clock.now()
    found = list(db.session.scalars(_ended_holds(now)))
    end_read()
    return _woken(runtime, [_write_after_hold(booking_id, now) for booking_id in found])


def _woken(runtime: Runtime, lines: list[str | None]) -> list[str]:
    done = [line for line in lines if line]
    if done:
        runtime.wake_worker()
    return done


# --- before an arrival ----------------------------------------------------------------------------------------------


def _find_arriving(now: datetime) -> list[tuple[int, date]]:
    found: list[tuple[int, date]] = []
    for listing in db.session.scalars(select(Listing)):
        first, last = _days(listing.property, now)
        found += [(row.id, row.arrive) for row in db.session.execute(arriving(listing.id, first, last))]
    return found


def arriving(listing_id: int, first: date, last: date) -> Select[int, date]:
    """The confirmed stays of one listing that begin on one of these days.

    Asked listing by listing, because that is how the index is sorted: nothing older is read.
    """
    return select(Booking.id, Booking.arrive).where(
        Booking.listing_id == listing_id,
        Booking.arrive.between(first, last),
        Booking.status == BookingStatus.CONFIRMED,
        Booking.erased_at.is_(None),
    )


def _days(place: Property, now: datetime) -> tuple[date, date]:
    """The first and the last day of arrival that are written about now."""
    local = now.astimezone(place.zone)
    first = local.date() if local.time() < TOO_LATE else local.date() + timedelta(days=1)
    last = local.date() + DAYS_BEFORE if local.time() >= MORNING else local.date() + DAYS_BEFORE - timedelta(days=1)
    return first, last


def _write_before_arrival(booking_id: int, now: datetime) -> str | None:
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.status is not BookingStatus.CONFIRMED:
            return None  # cancelled since it was found
        notifications.tell_guest(session, booking, GuestMail.PRE_ARRIVAL, now, fact_id=booking.arrive.isoformat())
        return f"booking {booking_id}: mail before arrival"


def _arrival_key(booking_id: int, arrive: date) -> str:
    return notifications.guest_key(GuestMail.PRE_ARRIVAL, booking_id, arrive.isoformat())


# --- after a hold ---------------------------------------------------------------------------------------------------


def _ended_holds(now: datetime) -> Select[int]:
    newest = select(Booking.id).where(Booking.status == BookingStatus.EXPIRED).order_by(Booking.id.desc())
    return select(Booking.id).where(
        Booking.id.in_(newest.limit(_NEWEST).subquery().select()),
        Booking.needs_review.is_(False),
        Booking.erased_at.is_(None),
        _of_booking(BookingEvent, BookingEvent.new_status == BookingStatus.EXPIRED, _lately(now)),
        _of_booking(Attempt, Attempt.session_id.is_not(None)),
        ~_of_booking(Attempt, Attempt.status.in_(UNFINISHED_ATTEMPT)),
        ~_of_booking(Payment),
        ~_of_booking(OutboxRow, OutboxRow.dedupe_key.startswith(f"mail:{GuestMail.HOLD_EXPIRED}:")),
    )


def _lately(now: datetime) -> ColumnElement[bool]:
    return BookingEvent.at.between(now - STALE_HOLD, now - AFTER_HOLD)


def _of_booking(
    model: type[BookingEvent | Attempt | Payment | OutboxRow], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    return exists().where(model.booking_id == Booking.id, *conditions)


def _write_after_hold(booking_id: int, now: datetime) -> str | None:
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if notifications.why_not(session, booking, GuestMail.HOLD_EXPIRED, now) or _was_written(session, booking, now):
            return None
        notifications.tell_guest(session, booking, GuestMail.HOLD_EXPIRED, now)
        return f"booking {booking_id}: mail after its hold"


def _was_written(session: Session, booking: Booking, now: datetime) -> bool:
    """Whether this address has had such a mail within a day, whichever booking it was about."""
    same_address = (
        select(OutboxRow.id)
        .join(Booking, OutboxRow.booking_id == Booking.id)
        .where(
            Booking.guest_email == booking.guest_email,
            OutboxRow.dedupe_key.startswith(f"mail:{GuestMail.HOLD_EXPIRED}:"),
            OutboxRow.run_after > now - ONE_EACH,
        )
    )
    return session.scalar(same_address.limit(1)) is not None
