"""What staff sees of the prices: of all listings, of one, and of a property."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.errors import ListingNotFound, RateNotFound
from booking.domain.rates import RateCard
from booking.models import Coupon, Discount, Extra, Fee, Listing, Property, Season, Tax
from booking.queries.coupons import count_uses
from booking.queries.on_sale import WITH_TERMS
from booking.queries.search import sold_rates


@dataclass(frozen=True, slots=True)
class House:
    """A property with its listings, each beside its prices on the days that are sold."""

    place: Property
    listings: tuple[tuple[Listing, RateCard], ...]


@dataclass(frozen=True, slots=True)
class UsedCoupon:
    """A code, how many bookings hold it, and whether a guest could use it today."""

    coupon: Coupon
    uses: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class ListingRates:
    """One listing with everything that its prices are made of; days that are over are left out."""

    listing: Listing
    seasons: tuple[Season, ...]
    past_seasons: tuple[Season, ...]
    days: tuple[Any, ...]
    today: date


def list_houses(session: Session, now: datetime) -> list[House]:
    """Every property with its listings, those off sale too."""
    listings = session.scalars(select(Listing).order_by(Listing.position, Listing.id).options(*WITH_TERMS)).all()
    places = session.scalars(select(Property).order_by(Property.id))
    return [
        House(place, tuple((one, sold_rates(one, now)) for one in listings if one.property_id == place.id))
        for place in places
    ]


def get_listing_rates(session: Session, listing_id: int, now: datetime) -> ListingRates:
    """What one listing charges. Raises ListingNotFound."""
    listing = get_rated(session, Listing, listing_id)
    today = listing.property.today(now)
    seasons = tuple(season for season in listing.seasons if season.last_on >= today)
    days = tuple(row for row in listing.day_prices if row.day >= today)
    past = tuple(season for season in listing.seasons if season.last_on < today)
    return ListingRates(listing, seasons, past, days, today)


def list_coupons(session: Session, place: Property, now: datetime) -> Sequence[UsedCoupon]:
    """The codes of a property that are still taken, newest first."""
    today = place.today(now)
    mine = select(Coupon).where(Coupon.property_id == place.id, Coupon.is_active)
    used = []
    for coupon in session.scalars(mine.order_by(Coupon.id.desc())):
        uses = count_uses(session, coupon.id, now)
        full = coupon.most_uses is not None and uses >= coupon.most_uses
        used.append(UsedCoupon(coupon, uses, full or (coupon.until_on is not None and coupon.until_on < today)))
    return used


def get_rated(session: Session, owner: type[Any], owner_id: int) -> Any:
    """A listing or a property. Raises ListingNotFound."""
    found = session.get(owner, owner_id)
    if found is None:
        raise ListingNotFound
    return found


_MODELS: dict[str, tuple[Any, str]] = {
    "seasons": (Season, "listing_id"),
    "discounts": (Discount, "listing_id"),
    "fees": (Fee, "listing_id"),
    "taxes": (Tax, "property_id"),
    "extras": (Extra, "property_id"),
    "coupons": (Coupon, "property_id"),
}


def get_rate_row(session: Session, kind: str, owner_id: int, row_id: int) -> Any:
    """One season, discount, fee, tax, extra or code. Raises RateNotFound."""
    model, column = _MODELS[kind]
    row: Any = session.get(model, row_id)
    if row is None or getattr(row, column) != owner_id or not getattr(row, "is_active", True):
        raise RateNotFound
    return row


def get_rate_owner(session: Session, kind: str, owner_id: int) -> Any:
    """The listing or property that such rows belong to. Raises ListingNotFound."""
    is_place = kind in _MODELS and _MODELS[kind][1] == "property_id"
    return get_rated(session, Property if is_place else Listing, owner_id)
