"""Guests who did not come: noted with what the terms give back, and if the house wants with the nights put on sale."""

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.cancelling import Ending, Outcome, outcome
from booking.domain.errors import RefundRefused, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, RefundReason, Source
from booking.models import Booking, Night
from booking.queries.guest_money import read_refundable
from booking.runtime import Runtime
from booking.services import audit, dues, refunds, timeline
from booking.services.locks import lock_booking
from booking.services.nights import drop_nights
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

CHANGED = "What goes back has changed since this page was made. Nothing was noted."
TOO_EARLY = "Whether somebody comes is known from the day of arrival on."


def mark_no_show(
    runtime: Runtime, booking_id: int, shown: Money, frees_nights: bool, staff_email: str, form_token: str
) -> None:
    """Note that nobody came, send back what is owed only for a stay, and free the nights after today. Commits.

    The booking stays confirmed: the house has kept its promise. `shown` is what the page said would go back. Noted
    already, nothing happens: twice is once.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: not confirmed, or not begun.
        RefundRefused: another amount would go back now than was shown.
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.no_show_at is not None:
            return
        _refuse_wrong_state(booking, now)
        found = _outcome(session, booking, now)
        if found.back != shown:
            raise RefundRefused(CHANGED)
        booking.no_show_at = now
        _leave_balance_to_staff(session, booking, now)
        freed = _free_rest(session, booking, now) if frees_nights else 0
        _write_down(session, booking, found, freed, Cause(Source.STAFF, staff_email), now, form_token)
    runtime.wake_worker()
    logger.info("no_show", extra={"booking": booking_id, "freed": freed})


def _refuse_wrong_state(booking: Booking, now: datetime) -> None:
    if booking.listing.property.today(now) < booking.arrive:
        raise TransitionRefused(TOO_EARLY)
    if booking.status is not BookingStatus.CONFIRMED:
        raise TransitionRefused("Only of a confirmed booking it can be noted that nobody came.")


def _outcome(session: Session, booking: Booking, now: datetime) -> Outcome:
    return outcome(Ending.NO_SHOW, booking.deal, read_refundable(session, booking), now)


def _leave_balance_to_staff(session: Session, booking: Booking, now: datetime) -> None:
    """A balance is not charged by itself any more: who did not come owes by the terms, and that may be less."""
    balance = dues.find_open_balance(session, booking.id)
    if balance is not None and balance.tries_stopped_at is None:
        balance.tries_stopped_at = now


def _free_rest(session: Session, booking: Booking, now: datetime) -> int:
    """Put the nights after today on sale; how many. The one that has begun is lost."""
    since = booking.listing.property.today(now) + timedelta(days=1)
    if since >= booking.leave:
        return 0
    booking.freed_from = since
    drop_nights(session, Night.booking_id == booking.id, Night.day >= since)
    return (booking.leave - since).days


def _write_down(
    session: Session, booking: Booking, found: Outcome, freed: int, cause: Cause, now: datetime, form_token: str
) -> None:
    note = f"{freed} nights put on sale" if freed else "nights kept"
    timeline.record(session, booking, "no_show", cause, now, note=note)
    if found.back.minor:
        refunds.spread_refund(session, booking, found.back, RefundReason.CANCELLATION, cause, now, form_token)
    told = {"refund_minor": found.back.minor, "nights_freed": freed}
    audit.record(session, cause.actor, "booking.no_show", f"booking {booking.reference}", now, after=told)
