"""What is free, asked of the nights themselves: what searches must say too."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.models import Listing, Night, Unit
from booking.queries.nights import is_taken


def free_units_by_listing(session: Session, stay: Stay, now: datetime) -> dict[int, list[int]]:
    """For each listing on sale that has a unit free for all nights: those units."""
    clash = exists().where(Night.unit_id == Unit.id, Night.day >= stay.arrive, Night.day < stay.leave, is_taken(now))
    wanted = select(Unit.listing_id, Unit.id).join(Listing).where(Unit.is_active, Listing.is_active, ~clash)
    free: dict[int, list[int]] = defaultdict(list)
    for listing_id, unit_id in session.execute(wanted.order_by(Unit.position, Unit.id)):
        free[listing_id].append(unit_id)
    return dict(free)
