"""Giving a code to a booking, so that none is used more often than it may be."""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.dates import Stay
from booking.models import Coupon, Listing
from booking.queries.coupons import active_coupon, judge_coupon


def take_coupon(session: Session, listing: Listing, stay: Stay, code: str, now: datetime) -> Coupon | None:
    """The coupon for a booking that is being placed; None where no code was typed. Joins the caller's transaction.

    The coupon's row is locked until that transaction ends: everybody who wants the last use stands in line here, and
    counts the bookings of those who were before. Nights are taken afterwards, so nobody waits in a circle.

    Raises:
        CouponRefused: in words for the guest.
    """
    require_transaction(session)
    if not code:
        return None
    wanted = active_coupon(listing.property_id, code).with_for_update()
    return judge_coupon(session, session.scalar(wanted), listing, stay, now)
