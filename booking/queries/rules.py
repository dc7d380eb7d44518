"""Stay rules and cancellation policies as staff looks at them."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from booking.domain.cancelling import Ending, Outcome, outcome
from booking.domain.dates import Stay
from booking.domain.days import rules_in_words
from booking.domain.errors import ListingNotFound
from booking.domain.money import Money
from booking.domain.pricing import Ask, Quote, quote
from booking.domain.terms import CancellationTerms, Deal, RefundStep, refund_steps, terms_in_words
from booking.domain.words import Said
from booking.models import CancellationPolicy, Listing, Property, StayRule
from booking.queries.nearby import Declined
from booking.queries.search import Offer, find_stay


@dataclass(frozen=True, slots=True)
class RuledListing:
    """A listing with its rules as a guest reads them."""

    listing: Listing
    words: tuple[Said, ...]
    today: date


@dataclass(frozen=True, slots=True)
class PolicyCard:
    """A policy in words, and the listings that have it. `policy` is None for the plain terms of the property."""

    policy: CancellationPolicy | None
    words: tuple[Said, ...]
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class House:
    """A property with its policies, and its listings."""

    place: Property
    cards: tuple[PolicyCard, ...]
    listings: tuple[Listing, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """What terms would mean for one stay that is booked now."""

    listing: Listing
    stay: Stay
    quote: Quote
    steps: tuple[RefundStep, ...]
    rest: Money
    no_show: Outcome


def list_ruled_listings(session: Session, now: datetime) -> list[RuledListing]:
    """Every listing, on sale or not, in the house's own order."""
    rows = session.scalars(_listings().options(selectinload(Listing.stay_rules)))
    return [_ruled(listing, now) for listing in rows]


def get_ruled_listing(session: Session, listing_id: int, now: datetime) -> RuledListing:
    """One of them. Raises ListingNotFound."""
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise ListingNotFound
    return _ruled(listing, now)


def get_range(session: Session, range_id: int) -> StayRule:
    """One range of days. Raises ListingNotFound."""
    row = session.get(StayRule, range_id)
    if row is None:
        raise ListingNotFound
    return row


def may_guest_book(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> Offer | Declined:
    """What a guest would be told of these nights, with the reason and the nearest stays where they cannot be had."""
    return find_stay(session, listing, stay, guests, now)


def list_houses(session: Session) -> list[House]:
    """Every property with its policies and listings."""
    policies = list(session.scalars(_policies()))
    listings = list(session.scalars(_listings()))
    places = session.scalars(select(Property).order_by(Property.id))
    return [_house(place, policies, listings) for place in places]


def get_policy(session: Session, policy_id: int) -> CancellationPolicy:
    """One policy. Raises ListingNotFound."""
    policy = session.scalar(_policies().where(CancellationPolicy.id == policy_id))
    if policy is None:
        raise ListingNotFound
    return policy


def try_terms(listing: Listing, terms: CancellationTerms, stay: Stay, guests: int, now: datetime) -> Example:
    """What terms would mean for a stay that is booked now, whether or not its nights are free."""
    place = listing.property
    priced = quote(listing.rates, Ask.by(stay, min(guests, listing.max_guests), place.today(now)))
    deal = Deal(priced, terms, stay.arrive, now, place.zone)
    nobody_came = outcome(Ending.NO_SHOW, deal, deal.total, now)
    return Example(listing, stay, priced, refund_steps(deal), deal.rest, nobody_came)


def _ruled(listing: Listing, now: datetime) -> RuledListing:
    today = listing.property.today(now)
    return RuledListing(listing, rules_in_words(listing.rules, today), today)


def _house(place: Property, policies: list[CancellationPolicy], listings: list[Listing]) -> House:
    own = tuple(listing for listing in listings if listing.property_id == place.id)
    plain = PolicyCard(None, terms_in_words(place.terms), tuple(one for one in own if one.policy_id is None))
    cards = [
        PolicyCard(policy, terms_in_words(policy.terms), tuple(one for one in own if one.policy_id == policy.id))
        for policy in policies
        if policy.property_id == place.id
    ]
    return House(place, (plain, *cards), own)


def _listings() -> Select[Listing]:
    return select(Listing).order_by(Listing.position, Listing.id)


def _policies() -> Select[CancellationPolicy]:
    return select(CancellationPolicy).options(selectinload(CancellationPolicy.tiers)).order_by(CancellationPolicy.id)
