"""Codes: which there are, how often each is in use, and what one gives for a stay."""

from datetime import datetime

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.coupons import find_refusal
from booking.domain.dates import Stay
from booking.domain.errors import CouponRefused
from booking.domain.states import BookingStatus
from booking.models import Booking, Coupon, Listing

_LONGEST = 20


def normal_code(typed: str) -> str:
    """A code as it is kept: nobody should fail over small letters or a blank."""
    return "".join(typed.split()).upper()[:_LONGEST]


def active_coupon(property_id: int, code: str) -> Select[Coupon]:
    """The query for a code that is still taken."""
    return select(Coupon).where(Coupon.property_id == property_id, Coupon.code == normal_code(code), Coupon.is_active)


def has_coupons(session: Session, property_id: int) -> bool:
    """Whether a property takes any code at all."""
    return bool(session.scalar(select(exists().where(Coupon.property_id == property_id, Coupon.is_active))))


def count_uses(session: Session, coupon_id: int, now: datetime) -> int:
    """How many bookings hold a code: those that are confirmed, and those whose nights are kept for a payment.

    A booking that is cancelled, or whose hold is over, has given its use back without anybody doing anything.
    """
    has_nights = (Booking.status == BookingStatus.CONFIRMED) | (
        (Booking.status == BookingStatus.PENDING) & or_(Booking.hold_until.is_(None), Booking.hold_until > now)
    )
    return session.scalar(select(func.count()).where(Booking.coupon_id == coupon_id, has_nights)) or 0


def judge_coupon(session: Session, coupon: Coupon | None, listing: Listing, stay: Stay, now: datetime) -> Coupon:
    """The coupon, if this stay may have it. Raises CouponRefused in words for the guest."""
    if coupon is None:
        raise CouponRefused
    uses = count_uses(session, coupon.id, now) if coupon.most_uses is not None else 0
    refusal = find_refusal(coupon.terms, stay, listing.property.today(now), uses)
    if refusal:
        raise CouponRefused(refusal)
    return coupon
