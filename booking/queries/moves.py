"""Where a booking could be moved: every unit of its house, free for its nights or not, and who is in the way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.neighbours import broken_turnover
from booking.models import Booking, Listing, Unit
from booking.queries.closures import list_clashes
from booking.queries.nights import find_turnover_listing, free_unit_ids_of_house, slept_beside


@dataclass(frozen=True, slots=True)
class MoveTarget:
    """One unit to which a booking could be moved. `in_the_way` says who has its nights; empty where it is free."""

    unit_id: int
    listing_id: int
    listing: str
    unit: str
    sleeps: int
    is_other_listing: bool
    in_the_way: tuple[str, ...]

    @property
    def is_free(self) -> bool:
        """Whether every night can be had."""
        return not self.in_the_way


def list_move_targets(session: Session, booking: Booking, now: datetime) -> list[MoveTarget]:
    """The active units of the booking's house but its own: those of its listing first, then as guests see them."""
    units = session.execute(
        select(Unit.id, Unit.name, Listing.id, Listing.name, Listing.max_guests)
        .join(Listing, Unit.listing_id == Listing.id)
        .where(Listing.property_id == booking.listing.property_id, Unit.is_active, Unit.id != booking.unit_id)
        .order_by(Listing.id != booking.listing_id, Listing.position, Listing.name, Unit.position, Unit.id)
    ).all()
    free = set(free_unit_ids_of_house(session, booking.listing.property_id, booking.stay, now))
    return [
        MoveTarget(
            unit_id, listing_id, listing, unit, sleeps, listing_id != booking.listing_id,
            _too_near(session, unit_id, booking, now) if unit_id in free else _who(session, unit_id, booking, now),
        )
        for unit_id, unit, listing_id, listing, sleeps in units
    ]  # fmt: skip


def _who(session: Session, unit_id: int, booking: Booking, now: datetime) -> tuple[str, ...]:
    return tuple(row.in_words for row in list_clashes(session, unit_id, booking.stay, now))


def _too_near(session: Session, unit_id: int, booking: Booking, now: datetime) -> tuple[str, ...]:
    """Whether another stay lies where nights must stay empty, by the rules of the unit's listing."""
    listing_id = find_turnover_listing(session, unit_id)
    if listing_id is None:
        return ()
    rules = session.get_one(Listing, listing_id).rules
    slept = slept_beside(session, unit_id, booking.stay, rules.most_turnover, now, without_booking=booking.id)
    empty = broken_turnover(rules, booking.stay, slept)
    return () if empty is None else (f"Another stay is too near: nights that stay empty between two: {empty}",)
