"""Which units are free and which nights are taken. A hold that has run out takes nothing, worker or not."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.models import Listing, Night, Unit


def is_taken(now: datetime) -> ColumnElement[bool]:
    """The condition for a night's row to count: held for good, or for some time to come."""
    return or_(Night.hold_until.is_(None), Night.hold_until > now)


def free_unit_ids(session: Session, listing_id: int, stay: Stay, now: datetime) -> list[int]:
    """The listing's active units that are free for all nights, in the order in which they are given out."""
    return list(session.scalars(_free_units(stay, now).where(Unit.listing_id == listing_id)))


def free_units_by_listing(session: Session, stay: Stay, now: datetime) -> dict[int, list[int]]:
    """For each listing on sale that has a unit free for all nights: those units."""
    rows = session.execute(_free_units(stay, now).add_columns(Unit.listing_id).join(Listing).where(Listing.is_active))
    free: dict[int, list[int]] = defaultdict(list)
    for unit_id, listing_id in rows:
        free[listing_id].append(unit_id)
    return dict(free)


def taken_days(session: Session, listing_id: int, first: date, last: date, now: datetime) -> dict[int, set[date]]:
    """For each active unit of the listing, its taken nights in `[first, last)`."""
    units = session.scalars(select(Unit.id).where(Unit.listing_id == listing_id, Unit.is_active))
    taken: dict[int, set[date]] = {unit_id: set() for unit_id in units}
    nights = select(Night.unit_id, Night.day).where(
        Night.unit_id.in_(taken), Night.day >= first, Night.day < last, is_taken(now)
    )
    for unit_id, day in session.execute(nights):
        taken[unit_id].add(day)
    return taken


def _free_units(stay: Stay, now: datetime) -> Select[Any]:
    clash = exists().where(Night.unit_id == Unit.id, Night.day >= stay.arrive, Night.day < stay.leave, is_taken(now))
    return select(Unit.id).where(Unit.is_active, ~clash).order_by(Unit.position, Unit.id)
