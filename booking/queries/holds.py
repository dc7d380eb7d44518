"""Stays that are held and not paid for, by who holds them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.states import BookingStatus
from booking.models import Booking, RateWindow


@dataclass(frozen=True, slots=True)
class HeldStay:
    """Some nights of one unit that nobody else can have for a while."""

    listing_id: int
    stay: Stay


def held_by_browser(session: Session, browser_key: str, now: datetime) -> list[HeldStay]:
    """What one browser holds."""
    return _held(session, Booking.browser_key == browser_key, now)


def held_by_email(session: Session, email: str, now: datetime) -> list[HeldStay]:
    """What is held under one address, however it is written."""
    return _held(session, func.lower(Booking.guest_email) == email.lower(), now)


def held_from_network(session: Session, prefix: str, now: datetime) -> list[HeldStay]:
    """What is held from one network: the notes of it begin with the prefix and end with the number of the booking."""
    note = select(RateWindow.key).where(RateWindow.key == literal(prefix) + cast(Booking.id, String))
    return _held(session, note.exists(), now)


def _held(session: Session, condition: ColumnElement[bool], now: datetime) -> list[HeldStay]:
    found = select(Booking.listing_id, Booking.arrive, Booking.leave).where(
        Booking.status == BookingStatus.PENDING, Booking.hold_until > now, condition
    )
    return [HeldStay(row.listing_id, Stay(row.arrive, row.leave)) for row in session.execute(found)]
