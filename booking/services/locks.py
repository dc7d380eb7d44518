"""Taking hold of rows until the transaction ends: bookings before their attempts, nights in date order."""

from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.errors import BookingNotFound
from booking.models import Booking


def lock_booking(session: Session, booking_id: int) -> Booking:
    """The booking, locked until the transaction ends. Raises BookingNotFound."""
    require_transaction(session)
    booking = session.get(Booking, booking_id, with_for_update=True, populate_existing=True)
    if booking is None:
        raise BookingNotFound
    return booking
