"""Where a booking could be moved: every unit of its house, free for its nights or not, and who is in the way."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.models import Booking, Listing, Unit
from booking.queries.closures import list_clashes
from booking.queries.nights import free_unit_ids_of_house


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
            () if unit_id in free else _who(session, unit_id, booking, now),
        )
        for unit_id, unit, listing_id, listing, sleeps in units
    ]  # fmt: skip


def _who(session: Session, unit_id: int, booking: Booking, now: datetime) -> tuple[str, ...]:
    return tuple(row.in_words for row in list_clashes(session, unit_id, booking.stay, now))
