"""Bookings whose payment did not fit and that a person has looked at."""

import logging

from sqlalchemy import update

from booking.database import transaction
from booking.domain.errors import BookingNotFound, TransitionRefused
from booking.domain.states import BookingStatus, Source
from booking.models import Booking
from booking.runtime import Runtime
from booking.services import audit, timeline
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)


def close_review(runtime: Runtime, booking_id: int, staff_email: str, note: str) -> None:
    """Take a booking off the list of those that need a look, with what was found on its timeline, and commit.

    Moves neither the booking nor its money; done twice is done once.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: it is still pending, so a decision on its money is needed first.
    """
    with transaction() as session:
        booking = session.get(Booking, booking_id)
        if booking is None:
            raise BookingNotFound
        if booking.status is BookingStatus.PENDING:
            # Its money would have no home: neither a stay nor a way back.
            raise TransitionRefused("This booking holds money without a stay: cancel it and send the money back.")
        waiting = update(Booking).where(Booking.id == booking_id, Booking.needs_review.is_(True))
        changed = session.scalars(waiting.values(needs_review=False).returning(Booking.id)).all()
        if changed:
            cause = Cause(Source.STAFF, staff_email)
            now = runtime.clock.now()
            timeline.record(session, booking, "review_closed", cause, now, note=note)
            audit.record(session, staff_email, "booking.review_closed", f"booking {booking.reference}", now)
    logger.info("review_closed", extra={"booking": booking_id})
