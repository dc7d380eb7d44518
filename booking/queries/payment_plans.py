"""Payment plans as staff looks at them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from booking.domain.errors import ListingNotFound
from booking.domain.money import Money, exponent
from booking.domain.payment_plans import PaymentPlan, Schedule, plan_in_words, schedule_in_words
from booking.domain.words import Said
from booking.models import Listing, Property

# The stay of the example: so far away that most plans have something to pay later, at a price that is easy to divide.
EXAMPLE_AHEAD, EXAMPLE_MAJOR = timedelta(days=120), 400


@dataclass(frozen=True, slots=True)
class PlannedListing:
    """A listing with its plan in words; `is_own` where its property asks for something else, or might."""

    listing: Listing
    words: Said
    is_own: bool


@dataclass(frozen=True, slots=True)
class PlannedHouse:
    """A property with its plan in words, and its listings."""

    place: Property
    words: tuple[Said, ...]
    listings: tuple[PlannedListing, ...]


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What the form of a plan is about. `own` is None for a listing that asks for what its property asks for."""

    name: str
    listing_id: int | None
    property_id: int
    own: PaymentPlan | None
    words: tuple[Said, ...]
    example: Schedule
    example_words: tuple[Said, ...]


def list_planned_houses(session: Session) -> list[PlannedHouse]:
    """Every property with its plan, and the plan of each listing."""
    places = session.scalars(select(Property).options(joinedload(Property.plan_choice)).order_by(Property.id))
    wanted = select(Listing).options(joinedload(Listing.plan_choice)).order_by(Listing.position, Listing.id)
    listings = [PlannedListing(one, plan_in_words(one.payment_plan)[0], one.plan_choice is not None)
                for one in session.scalars(wanted)]  # fmt: skip
    return [
        PlannedHouse(
            place,
            plan_in_words(place.payment_plan),
            tuple(one for one in listings if one.listing.property_id == place.id),
        )
        for place in places
    ]


def get_property_plan(session: Session, property_id: int, now: datetime) -> PlanPage:
    """The plan of a property. Raises ListingNotFound."""
    place = session.get(Property, property_id)
    if place is None:
        raise ListingNotFound
    return _page(place, place.name, place.payment_plan, place.payment_plan, None, now)


def get_listing_plan(session: Session, listing_id: int, now: datetime) -> PlanPage:
    """The plan of a listing. Raises ListingNotFound."""
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise ListingNotFound
    own = listing.plan_choice.plan if listing.plan_choice else None
    return _page(listing.property, listing.name, listing.payment_plan, own, listing.id, now)


def _page(
    place: Property, name: str, plan: PaymentPlan, own: PaymentPlan | None, listing_id: int | None, now: datetime
) -> PlanPage:
    today = place.today(now)
    total = Money(EXAMPLE_MAJOR * 10 ** exponent(place.currency), place.currency)
    example = plan.schedule(total, today + EXAMPLE_AHEAD, today)
    words = schedule_in_words(example, from_card=place.keeps_cards)
    return PlanPage(name, listing_id, place.id, own, plan_in_words(plan), example, words)
