"""Which units are free and which nights are taken. A hold that has run out takes nothing, worker or not."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.occupancy import questions_of
from booking.models import Listing, Night, Occupancy, StayRule, Unit
from booking.queries.kinds import units_on_sale
from booking.queries.witness import witnessed


def is_taken(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """The condition for a night's row to count: held for good, or for some time to come."""
    return or_(Night.hold_until.is_(None), Night.hold_until > now)


_UNIT, _NIGHT = Unit.__table__.c, Night.__table__.c
# Put together once, and of tables rather than models: every page of a stay asks it.
_TAKEN = (
    select(_UNIT.listing_id, _UNIT.id, _NIGHT.day, _NIGHT.booking_id)
    .select_from(
        Unit.__table__.outerjoin(
            Night.__table__,
            and_(
                _NIGHT.unit_id == _UNIT.id,
                _NIGHT.day >= bindparam("first"),
                _NIGHT.day < bindparam("last"),
                is_taken(bindparam("now")),
            ),
        )
    )
    .where(_UNIT.listing_id.in_(bindparam("listing_ids", expanding=True)), _UNIT.is_active)
    .order_by(_UNIT.position, _UNIT.id)
)


@witnessed
def free_unit_ids(session: Session, listing_id: int, stay: Stay, now: datetime) -> list[int]:
    """The listing's active units that are free for all nights, in the order in which they are given out."""
    return list(session.scalars(_FREE, _asked(listing_id, stay, now)))


def has_free_unit(session: Session, listing_id: int, stay: Stay, now: datetime) -> bool:
    """Whether there is any, at a plain look."""
    return session.scalar(_FIRST_FREE, _asked(listing_id, stay, now)) is not None


def find_unhurried_unit(session: Session, listing_id: int, stay: Stay, now: datetime) -> int | None:
    """The first of them that, on PostgreSQL, nobody else is just being given, locked for whoever asks.

    None where none is free, or each is on its way to another guest, who may yet fail.
    """
    return session.scalar(_FIRST_UNHURRIED, _asked(listing_id, stay, now))


def free_unit_ids_of_house(session: Session, property_id: int, stay: Stay, now: datetime) -> list[int]:
    """The same for all listings of a house, on sale or not."""
    wanted = _free_units(stay.arrive, stay.leave, now).join(Listing, Unit.listing_id == Listing.id)
    return list(session.scalars(wanted.where(Listing.property_id == property_id)))


@witnessed
def free_listings(session: Session, stay: Stay, now: datetime) -> set[int]:
    """The listings on sale that have a unit free for all nights, in one statement.

    Those taken for good are read from the occupancy, those on hold from the nights: a hold ends with nobody to write
    it down. It says the same as asking each unit's nights would, in a small part of the time.
    """
    units = units_on_sale(session)
    free = units.ids.difference(*(told.split(",") for told in session.execute(_taken(stay, now)).one() if told))
    return {units.listing_of[unit_id] for unit_id in free}


def _taken(stay: Stay, now: datetime) -> Select[*tuple[Any, ...]]:
    """One row of texts, each with the ids of units that are taken."""
    on_hold = select(Night.unit_id).where(Night.hold_until > now, Night.day >= stay.arrive, Night.day < stay.leave)
    for_good = (
        select(Occupancy.unit_id).where(Occupancy.chunk == chunk, Occupancy.bits.bitwise_and(_sized(bits)) != 0)
        for chunk, bits in questions_of(stay)
    )
    rows = [part.subquery() for part in (on_hold, *for_good)]
    return select(*(_in_one_text(part) for part in rows))


def _in_one_text(ids: Subquery) -> ColumnElement[str]:
    return select(func.aggregate_strings(cast(ids.c.unit_id, Text), ",")).scalar_subquery()


def _sized(bits: int) -> ColumnElement[int]:
    return bindparam(None, bits, type_=BigInteger)


def taken_days(
    session: Session, listing_id: int, first: date, last: date, now: datetime
) -> dict[int, dict[date, bool]]:
    """For each active unit of the listing, its taken nights in `[first, last)`, and whether a guest has them."""
    return taken_days_by_listing(session, [listing_id], first, last, now)[listing_id]


@witnessed
def taken_days_by_listing(
    session: Session,
    listing_ids: Sequence[int],
    first: date,
    last: date,
    now: datetime,
    *,
    without_booking: int | None = None,
) -> dict[int, dict[int, dict[date, bool]]]:
    """The same for several listings, in one statement however many there are.

    The nights of `without_booking` count as free: a booking that is to be moved does not stand in its own way.
    """
    taken: dict[int, dict[int, dict[date, bool]]] = {listing_id: {} for listing_id in listing_ids}
    asked = {"listing_ids": list(listing_ids), "first": first, "last": last, "now": now}
    for listing_id, unit_id, day, booking_id in session.execute(_TAKEN, asked):
        nights = taken[listing_id].setdefault(unit_id, {})
        if day is not None and (booking_id is None or booking_id != without_booking):
            nights[day] = booking_id is not None
    return taken


def keeps_nights(
    session: Session, booking_id: int, stay: Stay, *, unit_id: int | None = None, now: datetime | None = None
) -> bool:
    """Whether each night of a booking is kept with no end. News of a payment that came late may find them taken.

    With `unit_id`, whether it is these nights of that unit; with `now`, a hold that has not run out counts too. Nights
    of a change that is not made yet may lie beside them, in the same unit or in another one.
    """
    kept = select(func.count(Night.day.distinct())).where(
        Night.booking_id == booking_id,
        Night.day >= stay.arrive,
        Night.day < stay.leave,
        Night.hold_until.is_(None) if now is None else is_taken(now),
    )
    if unit_id is not None:
        kept = kept.where(Night.unit_id == unit_id)
    return session.scalar(kept) == stay.nights


def find_turnover_listing(session: Session, unit_id: int) -> int | None:
    """The listing of a unit, where its rules keep nights empty between two stays; None where none are."""
    own = select(func.max(StayRule.turnover_days)).where(StayRule.listing_id == Listing.id).scalar_subquery()
    listing = select(Listing.id).join(Unit, Unit.listing_id == Listing.id).where(Unit.id == unit_id)
    return session.scalar(listing.where(or_(Listing.turnover_days > 0, own > 0)))


def slept_beside(
    session: Session, unit_id: int, stay: Stay, within: int, now: datetime, *, without_booking: int
) -> dict[date, bool]:
    """The nights that other bookings have in a unit, so many before and behind a stay."""
    reach = timedelta(days=within)
    nights = select(Night.day).where(
        Night.unit_id == unit_id,
        Night.day >= stay.arrive - reach,
        Night.day < stay.leave + reach,
        Night.booking_id != without_booking,  # closures have none: nobody sleeps in them
        is_taken(now),
    )
    return dict.fromkeys(session.scalars(nights), True)


def _free_units(
    arrive: date | BindParameter[date], leave: date | BindParameter[date], now: datetime | BindParameter[datetime]
) -> Select[Any]:
    clash = exists().where(Night.unit_id == Unit.id, Night.day >= arrive, Night.day < leave, is_taken(now))
    return select(Unit.id).where(Unit.is_active, ~clash).order_by(Unit.position, Unit.id)


def _asked(listing_id: int, stay: Stay, now: datetime) -> dict[str, Any]:
    return {"of_listing": listing_id, "arrives": stay.arrive, "leaves": stay.leave, "at": now}


# Put together once: every hold and every refusal asks these.
_FREE = _free_units(bindparam("arrives"), bindparam("leaves"), bindparam("at")).where(
    Unit.listing_id == bindparam("of_listing")
)
_FIRST_FREE = _FREE.limit(1)
_FIRST_UNHURRIED = _FIRST_FREE.with_for_update(skip_locked=True, key_share=True)
