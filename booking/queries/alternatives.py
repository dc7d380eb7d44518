"""What to offer a guest whose nights have just gone: only what is free at this moment, with its whole price."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.models import Listing
from booking.queries.nearby import Nearby, find_nearby
from booking.queries.search import Offer, find_page


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Other nights in the same listing, the same nights in others, and where there are none, other nights there."""

    near: tuple[Nearby, ...] = ()
    also: tuple[Offer, ...] = ()
    elsewhere: tuple[Nearby, ...] = ()


def find_alternatives(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> Alternatives:
    """The nearest that really fit. Empty where the house has nothing like it."""
    near = find_nearby(session, listing, stay, guests, now)
    try:
        page = find_page(session, stay, guests, now)
    except StayRuleBroken:
        return Alternatives(near)
    also = tuple(offer for offer in page.offers if offer.listing.id != listing.id)
    elsewhere = () if also else tuple(one for one in page.nearest if one.listing.id != listing.id)
    return Alternatives(near, also[:3], elsewhere)
