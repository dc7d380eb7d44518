"""Taking hold of rows until the transaction ends: bookings before attempts, then listings, nights in date order."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.errors import BookingNotFound
from booking.models import Booking, Listing


def lock_booking(session: Session, booking_id: int) -> Booking:
    """The booking, locked until the transaction ends. Raises BookingNotFound."""
    require_transaction(session)
    booking = session.get(Booking, booking_id, with_for_update=True, populate_existing=True)
    if booking is None:
        raise BookingNotFound
    return booking


def lock_listing(session: Session, listing_id: int) -> None:
    """Let nobody else judge the neighbours of nights in this listing until the transaction ends.

    Not against those who only name the listing in a row of theirs. On SQLite writers wait for each other anyway.
    """
    require_transaction(session)
    session.execute(select(Listing.id).where(Listing.id == listing_id).with_for_update(key_share=True))
