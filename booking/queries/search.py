"""Which stays a guest can have: listings, prices, reasons against, and free dates nearby."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.availability import fitting_units, nearest_stays
from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.domain.money import Money
from booking.domain.policy import RefundStep, check_stay, refund_steps
from booking.domain.pricing import Quote, quote
from booking.models import Listing, Property
from booking.queries.nights import free_unit_ids, free_units_by_listing, taken_days

# How far from the wanted dates others are looked for.
NEARBY_DAYS = 21
NOT_FREE = "Not free on all of these nights."


@dataclass(frozen=True, slots=True)
class Offer:
    """A stay that can be booked now, with everything a guest must know before the button."""

    listing: Listing
    stay: Stay
    quote: Quote
    steps: tuple[RefundStep, ...]  # those that can still be reached, most generous first

    @property
    def guests(self) -> int:
        return self.quote.guests

    @property
    def total(self) -> Money:
        return self.quote.total

    @property
    def per_night(self) -> Money:
        """The total spread over the nights, rounded half up: for comparing, never for charging."""
        return Money((2 * self.total.minor + self.stay.nights) // (2 * self.stay.nights), self.total.currency)

    @property
    def free_until(self) -> date | None:
        """The last day on which cancelling costs nothing; None where that day has passed."""
        full = self.steps[0] if self.steps else None
        return full.last_day if full and full.refund == self.total else None


@dataclass(frozen=True, slots=True)
class Declined:
    """A stay that cannot be booked: why, and the nearest of the same length that can."""

    listing: Listing
    stay: Stay
    guests: int
    reason: str
    field: str | None  # the form field the reason concerns; None where the nights are taken
    near: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One answer to "what is free?"."""

    offers: tuple[Offer, ...]
    declined: tuple[Declined, ...]

    @property
    def nearest(self) -> tuple[tuple[Declined, Stay], ...]:
        """The three stays nearest to the wanted dates, over all listings: what to offer when nothing is free."""
        near = [(declined, stay) for declined in self.declined for stay in declined.near]
        return tuple(sorted(near, key=lambda pair: abs((pair[1].arrive - pair[0].stay.arrive).days))[:3])


def list_listings(session: Session) -> list[Listing]:
    """Everything on sale, in the house's own order."""
    return list(session.scalars(select(Listing).where(Listing.is_active).order_by(Listing.position, Listing.id)))


def get_listing(session: Session, slug: str) -> Listing:
    """The listing on sale with this name in its address. Raises ListingNotFound."""
    # PostgreSQL refuses such a letter with an error of its own.
    wanted = select(Listing).where(Listing.slug == slug.replace("\0", ""), Listing.is_active)
    listing = session.scalar(wanted)
    if listing is None:
        raise ListingNotFound
    return listing


def find_property(session: Session) -> Property | None:
    """The property that names the shop: the first one. None before anything is set up."""
    return session.scalar(select(Property).order_by(Property.id).limit(1))


def find_stays(session: Session, stay: Stay, guests: int, now: datetime) -> SearchResult:
    """Every listing for these nights: what can be booked with its price, and the others with the reason.

    Raises StayRuleBroken where no listing at all could take the stay: its `field` names what to change.
    """
    listings = list_listings(session)
    _refuse_hopeless(listings, stay, guests, now)
    free = free_units_by_listing(session, stay, now)
    answers = [_answer(session, listing, stay, guests, now, listing.id in free) for listing in listings]
    offers = tuple(answer for answer in answers if isinstance(answer, Offer))
    return SearchResult(offers, tuple(answer for answer in answers if isinstance(answer, Declined)))


def find_stay(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> Offer | Declined:
    """The offer for one stay, or the reason against it with dates nearby."""
    return _answer(session, listing, stay, guests, now, bool(free_unit_ids(session, listing.id, stay, now)))


def find_nearby(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> tuple[Stay, ...]:
    """The nearest free stays of the same length that the listing's rules allow."""
    reach = timedelta(days=NEARBY_DAYS)
    first, last = max(stay.arrive, date.min + reach) - reach, min(stay.leave, date.max - reach) + reach
    taken = taken_days(session, listing.id, first, last, now)
    allowed = _rule_check(listing, guests, listing.property.today(now))
    return tuple(nearest_stays(lambda near: allowed(near) and bool(fitting_units(taken, near)), stay, NEARBY_DAYS))


def from_price(listing: Listing) -> Money:
    """The price of the listing's cheapest night, before fees and taxes."""
    return Money(min(listing.nightly_minor, listing.weekend_minor), listing.property.currency)


def open_steps(quote: Quote, place: Property, stay: Stay, today: date) -> tuple[RefundStep, ...]:
    """The refund steps that can still be reached today."""
    steps = refund_steps(quote.total, place.terms, stay.arrive)
    return tuple(step for step in steps if step.last_day >= today)


def _answer(
    session: Session, listing: Listing, stay: Stay, guests: int, now: datetime, is_free: bool
) -> Offer | Declined:
    today = listing.property.today(now)
    try:
        check_stay(listing.rules, stay, guests, today)
    except StayRuleBroken as broken:
        return Declined(listing, stay, guests, broken.user_message, str(broken.details["field"]))
    if not is_free:
        return Declined(listing, stay, guests, NOT_FREE, None, find_nearby(session, listing, stay, guests, now))
    price = quote(listing.rates, stay, guests)
    return Offer(listing, stay, price, open_steps(price, listing.property, stay, today))


def _refuse_hopeless(listings: list[Listing], stay: Stay, guests: int, now: datetime) -> None:
    if not listings:
        return
    most = max(listing.max_guests for listing in listings)
    if guests > most:
        raise StayRuleBroken(f"Our largest stay sleeps {most}.", field="guests")
    if all(stay.arrive < listing.property.today(now) for listing in listings):
        raise StayRuleBroken("The day of arrival has passed.", field="arrive")


def _rule_check(listing: Listing, guests: int, today: date) -> Callable[[Stay], bool]:
    rules = listing.rules

    def is_allowed(stay: Stay) -> bool:
        try:
            check_stay(rules, stay, guests, today)
        except StayRuleBroken:
            return False
        return True

    return is_allowed
