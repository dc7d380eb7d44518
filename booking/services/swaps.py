"""Making a change of a stay, or letting it be: old nights for new ones in one step. It joins a transaction."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import LIVE_ATTEMPT, AttemptStatus, BookingStatus, ChangeStatus
from booking.models import Attempt, Booking, StayChange
from booking.services import notifications, timeline
from booking.services.nights import claim_beside, free_outside
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

# In these nobody has paid yet, so they may be given up.
_UNPAID = (AttemptStatus.CREATING, AttemptStatus.OPEN)


def find_open_change(session: Session, booking_id: int) -> StayChange | None:
    """The change of a booking that waits for its difference. Under the booking's lock nobody else decides on it."""
    waiting = select(StayChange).where(StayChange.booking_id == booking_id, StayChange.status == ChangeStatus.OPEN)
    return session.scalar(waiting.execution_options(populate_existing=True))


def make_change(session: Session, booking: Booking, change: StayChange, cause: Cause, now: datetime) -> bool:
    """Give a booking its new nights, guests and price, and give the old nights back; whether it could be done.

    It cannot where the booking is no longer what the change began with, or where the nights are gone: then nothing of
    the booking is touched.
    """
    require_transaction(session)
    if not _still_fits(session, booking, change):
        return False
    if not claim_beside(session, booking, change.unit_id, change.stay, now, hold_until=None):
        return False
    note = f"change {change.id}: {_words(change.old_stay, change.from_guests)} to {_words(change.stay, change.guests)}"
    booking.unit_id, booking.arrive, booking.leave = change.unit_id, change.arrive, change.leave
    booking.guests, booking.amount_minor, booking.quote = change.guests, change.amount_minor, change.quote
    booking.calendar_sequence += 1
    change.status, change.hold_until = ChangeStatus.DONE, None
    session.flush()  # what is freed next is what lies outside the new stay
    free_outside(session, booking)
    timeline.record(session, booking, "stay_changed", cause, now, note=note)
    return True


def tell_of_change(
    session: Session, booking: Booking, change: StayChange, now: datetime, *, is_in_balance: bool = False
) -> None:
    """Mail the guest how the stay is booked now. Joins the caller's transaction.

    `is_in_balance`: what it costs more or less was neither paid nor sent back, but is in what is still owed.
    """
    more = Money(0, change.currency) if is_in_balance else change.difference
    facts = {"difference": more} if more.minor > 0 else {"refund": more * -1} if more.minor < 0 else {}
    notifications.tell_guest(session, booking, GuestMail.STAY_CHANGED, now, fact_id=f"change-{change.id}", **facts)


def drop_change(
    session: Session,
    booking: Booking,
    change: StayChange,
    status: ChangeStatus,
    cause: Cause,
    now: datetime,
    *,
    refund: Money | None = None,
) -> None:
    """Let a change be: its nights go back, the booking stays as it was, and the guest hears of it. Joins.

    The sessions of its difference are given up; the sweep ends those that are still open at Stripe.
    """
    require_transaction(session)
    was_open = change.status is ChangeStatus.OPEN
    change.status, change.hold_until = status, None
    unpaid = update(Attempt).where(Attempt.change_id == change.id, Attempt.status.in_(_UNPAID))
    session.execute(unpaid.values(status=AttemptStatus.SUPERSEDED))
    if was_open:
        free_outside(session, booking)
        timeline.record(session, booking, f"change_{status}", cause, now, note=f"change {change.id}")
    # With a payment that somebody must look at, nobody can say yet what was charged.
    is_sure = refund is not None or (was_open and not booking.needs_review)
    if booking.status is BookingStatus.CONFIRMED and is_sure:
        fact_id = f"{change.id}-back" if refund else change.id
        facts = {"new_stay": change.stay, "refund": refund}
        notifications.tell_guest(session, booking, GuestMail.CHANGE_OFF, now, fact_id=fact_id, **facts)


def has_live_attempt(session: Session, change: StayChange) -> bool:
    """Whether the difference can still be paid in some session."""
    live = select(Attempt.id).where(Attempt.change_id == change.id, Attempt.status.in_(LIVE_ATTEMPT))
    return session.scalar(live.limit(1)) is not None


def _still_fits(session: Session, booking: Booking, change: StayChange) -> bool:
    """The booking is what the change began with, and no other change has come between."""
    if booking.freed_from is not None:  # nobody came, and the nights are on sale again
        return False
    before = (booking.stay, booking.guests, booking.amount_minor)
    if booking.status is not BookingStatus.CONFIRMED or before != (
        change.old_stay,
        change.from_guests,
        change.from_minor,
    ):
        return False
    other = find_open_change(session, booking.id)
    return change.status in (ChangeStatus.OPEN, ChangeStatus.LAPSED) and (other is None or other.id == change.id)


def _words(stay: Stay, guests: int) -> str:
    return f"{stay.arrive} to {stay.leave} for {guests}"
