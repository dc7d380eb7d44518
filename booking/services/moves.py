"""Moving a booking to another unit, with its dates and its price as they are."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import DatesUnavailable, ListingNotFound, TransitionRefused
from booking.domain.states import BookingStatus, Source
from booking.models import Booking, Unit
from booking.queries.closures import list_clashes
from booking.runtime import Runtime
from booking.services import audit, notifications, swaps, timeline
from booking.services.locks import lock_booking
from booking.services.nights import claim_nights, free_nights
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

_MOVABLE = (BookingStatus.CONFIRMED, BookingStatus.PENDING)


def move_booking(runtime: Runtime, booking_id: int, unit_id: int, staff_email: str) -> None:
    """Put a booking into another unit of the same house: every night there, and none in the old one. Commits.

    A hold keeps the time it has. The price stays. The guest is told where what they see changes, which is the listing.
    Moved there already, nothing happens: twice is once.

    Raises:
        BookingNotFound, ListingNotFound: no such booking, or no such unit in its house.
        TransitionRefused: the booking is over, or its hold is.
        DatesUnavailable: `details["clashes"]` says who has which nights; nothing was moved.
    """
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        unit = _get_unit(session, booking, unit_id)
        if unit.id == booking.unit_id:
            return
        _refuse_unless_movable(session, booking, now)
        # What is taken first is what somebody else may have; what is given back nobody can lose.
        if not claim_nights(session, unit.id, booking.stay, now, booking_id=booking.id, hold_until=booking.hold_until):
            clashes = [row.in_words for row in list_clashes(session, unit.id, booking.stay, now)]
            raise DatesUnavailable("Some of these nights are taken. Nothing was moved.", clashes=clashes)
        free_nights(session, booking_id=booking.id, except_unit_id=unit.id)
        old, new = _name(booking.unit), _name(unit)
        is_other_listing = unit.listing_id != booking.listing_id
        booking.unit_id, booking.listing_id = unit.id, unit.listing_id
        booking.calendar_sequence += is_other_listing
        timeline.record(session, booking, "moved", cause, now, note=f"from {old} to {new}")
        subject = f"booking {booking.reference}"
        audit.record(session, staff_email, "booking.moved", subject, now, before={"unit": old}, after={"unit": new})
        if is_other_listing and booking.status is BookingStatus.CONFIRMED:
            fact_id = f"{booking.calendar_sequence}"
            notifications.tell_guest(session, booking, GuestMail.STAY_CHANGED, now, fact_id=fact_id)
    runtime.wake_worker()
    logger.info("booking_moved", extra={"booking": booking_id, "unit_id": unit_id})


def _refuse_unless_movable(session: Session, booking: Booking, now: datetime) -> None:
    is_over = booking.hold_until is not None and booking.hold_until <= now
    if booking.status not in _MOVABLE or is_over or booking.freed_from is not None:
        raise TransitionRefused("Only a booking that holds its nights can be moved.")
    if swaps.find_open_change(session, booking.id) is not None:
        raise TransitionRefused("A change of this booking waits for its difference. Withdraw it first.")


def _get_unit(session: Session, booking: Booking, unit_id: int) -> Unit:
    unit = session.get(Unit, unit_id)
    if unit is None or not unit.is_active or unit.listing.property_id != booking.listing.property_id:
        raise ListingNotFound("Choose one of the units.", field="unit_id")
    return unit


def _name(unit: Unit) -> str:
    return f"{unit.listing.name}, {unit.name}"
