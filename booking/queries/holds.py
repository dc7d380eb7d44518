"""Stays that are held and not paid for, by who holds them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.states import BookingStatus, PaymentStatus
from booking.models import Booking, RateWindow, Shelf, Unit
from booking.queries.nights import FIRST_UNHURRIED, FREE_UNITS, asked_of


@dataclass(frozen=True, slots=True)
class HeldStay:
    """Some nights of one unit that nobody else can have for a while."""

    listing_id: int
    stay: Stay


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a transaction that places a booking has to know first.

    `version` is the shelf's number in it (queries/on_sale.py), `unit_id` what `find_unhurried_unit` would say,
    `hold_keys` those of all that this browser has held or booked, and `held` how many stays it holds unpaid.
    """

    version: int | None
    unit_id: int | None
    hold_keys: frozenset[str]
    held: int


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be told of a wish before anything is locked; all of it may be otherwise a moment later.

    `version` is the shelf's number, `is_free` says whether a unit is free for all nights, `was_wished` whether this
    browser has ever held or booked just this, and `has_rivals` whether holds of its own may be in the way.
    """

    version: int | None
    is_free: bool
    was_wished: bool
    has_rivals: bool


def glance(session: Session, listing_id: int, stay: Stay, browser_key: str, hold_key: str, now: datetime) -> Glance:
    """One statement for each guest who comes, and the only one for most who come too late."""
    asked = asked_of(listing_id, stay, now) | {"of_browser": browser_key, "wish": hold_key}
    return Glance(*session.connection().execute(_GLANCE, asked).one())


def find_rivals(session: Session, listing_id: int, stay: Stay, browser_key: str) -> list[Booking]:
    """Unpaid bookings of one browser that want nights of a stay in the same listing."""
    asked = {"of_browser": browser_key, "of_listing": listing_id, "arrives": stay.arrive, "leaves": stay.leave}
    return list(session.scalars(select(Booking).where(_IS_RIVAL), asked))


def take_first_look(session: Session, listing_id: int, stay: Stay, browser_key: str, now: datetime) -> FirstLook:
    """The number of what is on sale, what a browser has and a unit for it, in one statement."""
    asked = asked_of(listing_id, stay, now) | {"of_browser": browser_key}
    rows = session.connection().execute(_FIRST_LOOK, asked).all()
    held = [row for row in rows if row.status is BookingStatus.PENDING and row.hold_until and row.hold_until > now]
    wishes = frozenset(row.hold_key for row in rows if row.hold_key)
    return FirstLook(rows[0].version, rows[0].unit_id, wishes, len(held))


def count_units(session: Session, listing_id: int) -> int:
    """How many units a listing has, on sale or not."""
    return session.scalar(select(func.count()).where(Unit.listing_id == listing_id)) or 0


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


def _of_browser() -> Any:
    """One row at least, also where the browser has nothing: it carries the number, and the unit."""
    number, unit = select(Shelf.version).scalar_subquery(), FIRST_UNHURRIED.scalar_subquery()
    always = select(literal(1).label("one")).subquery()
    has = (Booking.browser_key == bindparam("of_browser")) & Booking.status.in_(
        (BookingStatus.PENDING, BookingStatus.CONFIRMED)
    )
    told = (number.label("version"), unit.label("unit_id"))
    wanted = select(*told, Booking.hold_key, Booking.status, Booking.hold_until)
    return wanted.select_from(always).outerjoin(Booking, has)


_FIRST_LOOK = _of_browser()
_IS_RIVAL = and_(
    Booking.browser_key == bindparam("of_browser"),
    # A browser has few. Asked for the bare column, SQLite would read all that was ever booked in the listing instead.
    Booking.listing_id + 0 == bindparam("of_listing"),
    Booking.status == BookingStatus.PENDING,
    Booking.payment_status != PaymentStatus.AUTHORIZED,  # a request is its guest's own to withdraw
    Booking.arrive < bindparam("leaves"),
    Booking.leave > bindparam("arrives"),
    Booking.needs_review.is_(False),
)
_GLANCE = select(
    select(Shelf.version).scalar_subquery(),
    FREE_UNITS.exists(),
    exists().where(Booking.hold_key == bindparam("wish")),
    exists().where(_IS_RIVAL),
)
