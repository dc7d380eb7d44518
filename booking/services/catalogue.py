"""Listings and their units: made, described, put in order, taken off sale or out of use.

Nothing here touches a booking: who has nights keeps them.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import HouseRefused, ListingNotFound
from booking.domain.house_facts import MOST_UNITS, ListingFacts, check_listing, check_nightly, slug_of
from booking.domain.money import Money
from booking.domain.words import spoken
from booking.models import Listing, OldSlug, Property, Unit
from booking.queries.house import list_booked
from booking.queries.search import find_property
from booking.runtime import Runtime
from booking.services import audit
from booking.services.houses import refuse, take_over

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewListing:
    """What a listing must have before it can be made; all else can be told later."""

    name: str
    nightly: Money | None  # None where what was typed is no amount
    max_guests: int
    units: int = 1


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A booking that keeps a unit in use."""

    booking_id: int
    text: str


class _Placed(Protocol):
    id: int
    position: int


def make_listing(runtime: Runtime, new: NewListing, who: str) -> int:
    """Make a listing with its units, on sale and behind all others, and commit; its id.

    Raises:
        HouseRefused: `details["problems"]` says by the field what cannot be, or there is no property yet.
    """
    with transaction() as session:
        place = _lock_property(session)
        slug = _free_slug(session, slug_of(new.name) or "stay")
        _refuse_new(session, new, slug)
        assert new.nightly is not None  # or it would have been refused
        price = {"nightly_minor": new.nightly.minor, "weekend_minor": new.nightly.minor}
        position = (session.scalar(select(func.max(Listing.position))) or 0) + 1
        listing = Listing(property=place, slug=slug, name=new.name, max_guests=new.max_guests, **price)
        listing.position = position
        listing.units = [Unit(name=name, position=number) for number, name in enumerate(_unit_names(new))]
        session.add(listing)
        session.flush()  # for the id
        listing_id = listing.id
        facts = {"name": new.name, "nightly_minor": new.nightly.minor, "guests": new.max_guests, "units": new.units}
        audit.record(session, who, "listing.made", f"listing {listing_id}", runtime.clock.now(), after=facts)
    logger.info("listing_made", extra={"listing_id": listing_id})
    return listing_id


def change_listing(runtime: Runtime, listing_id: int, facts: ListingFacts, who: str) -> None:
    """Describe a listing anew and commit. A changed address goes on leading here.

    Raises:
        HouseRefused: `details["problems"]` says by the field what cannot be. ListingNotFound: no such listing.
    """
    with transaction() as session:
        listing = _lock_listing(session, listing_id)
        problems = check_listing(facts)
        if _is_named(session, facts.name, but=listing_id):
            problems["name"] = "Another listing has this name."
        if session.scalar(select(Listing.id).where(Listing.slug == facts.slug, Listing.id != listing_id)):
            problems["slug"] = "Another listing has this address."
        refuse(problems)
        _keep_old_address(session, listing, facts.slug)
        before, after = take_over(listing, facts.as_values())
        now = runtime.clock.now()
        audit.record(session, who, "listing.changed", f"listing {listing_id}", now, before=before, after=after)
    logger.info("listing_changed", extra={"listing_id": listing_id})


def put_on_sale(runtime: Runtime, listing_id: int, who: str, *, is_on_sale: bool) -> None:
    """Let guests find a listing, or no longer, and commit. Bookings stay as they are. Raises ListingNotFound."""
    with transaction() as session:
        _lock_listing(session, listing_id).is_active = is_on_sale
        action = "listing.put_on_sale" if is_on_sale else "listing.taken_off_sale"
        audit.record(session, who, action, f"listing {listing_id}", runtime.clock.now())
    logger.info("listing_on_sale" if is_on_sale else "listing_off_sale", extra={"listing_id": listing_id})


def set_requests(runtime: Runtime, listing_id: int, who: str, *, takes_requests: bool, hours: int) -> None:
    """Have guests ask for each stay of a listing first, or book at once, and commit. Raises ListingNotFound.

    `hours` is how long the house may take to answer. Bookings and requests that are there stay as they are.
    """
    with transaction() as session:
        listing = _lock_listing(session, listing_id)
        before, after = take_over(listing, {"takes_requests": takes_requests, "answer_hours": hours})
        now = runtime.clock.now()
        audit.record(session, who, "listing.requests_set", f"listing {listing_id}", now, before=before, after=after)
    logger.info("listing_requests_set", extra={"listing_id": listing_id})


def move_listing(runtime: Runtime, listing_id: int, by: int, who: str) -> None:
    """Move a listing so many places down (or up, below zero) in the house's own order, and commit.

    Raises ListingNotFound.
    """
    with transaction() as session:
        _lock_property(session)
        listings = list(session.scalars(select(Listing).order_by(Listing.position, Listing.id)))
        before, after = _move(listings, _get(listings, listing_id), by)
        now = runtime.clock.now()
        audit.record(session, who, "listing.moved", f"listing {listing_id}", now, before=before, after=after)


def add_unit(runtime: Runtime, listing_id: int, name: str, who: str) -> int:
    """Add a unit behind the others and commit; its id. Raises HouseRefused, ListingNotFound."""
    with transaction() as session:
        listing = _lock_listing(session, listing_id)
        _refuse_unit_name(listing, name, None)
        if len(listing.units) >= MOST_UNITS:
            raise HouseRefused(problems={"name": f"A listing has {MOST_UNITS} units at most."})
        unit = Unit(listing=listing, name=name, position=len(listing.units))
        session.add(unit)
        session.flush()  # for the id
        unit_id = unit.id
        facts = {"name": name, "listing": listing_id}
        audit.record(session, who, "unit.added", f"unit {unit_id}", runtime.clock.now(), after=facts)
    logger.info("unit_added", extra={"unit_id": unit_id, "listing_id": listing_id})
    return unit_id


def rename_unit(runtime: Runtime, unit_id: int, name: str, who: str) -> None:
    """Call a unit something else and commit. Raises HouseRefused, ListingNotFound."""
    with transaction() as session:
        unit = _lock_unit(session, unit_id)
        _refuse_unit_name(unit.listing, name, unit_id)
        before, unit.name = {"name": unit.name}, name
        now = runtime.clock.now()
        audit.record(session, who, "unit.renamed", f"unit {unit_id}", now, before=before, after={"name": name})


def move_unit(runtime: Runtime, unit_id: int, by: int, who: str) -> None:
    """Move a unit in the order in which units are given out, and commit. Raises ListingNotFound."""
    with transaction() as session:
        unit = _lock_unit(session, unit_id)
        units = sorted(unit.listing.units, key=lambda other: (other.position, other.id))
        before, after = _move(units, unit, by)
        audit.record(session, who, "unit.moved", f"unit {unit_id}", runtime.clock.now(), before=before, after=after)


def use_unit(runtime: Runtime, unit_id: int, who: str, *, is_used: bool) -> None:
    """Take a unit out of use, or put it back, and commit.

    Raises:
        HouseRefused: somebody has nights in it; `details["bookings"]` are InTheWay values. ListingNotFound.
    """
    with transaction() as session:
        unit = _lock_unit(session, unit_id)
        if not is_used:
            _refuse_booked(session, unit, runtime)
        unit.is_active = is_used
        action = "unit.put_in_use" if is_used else "unit.taken_out_of_use"
        audit.record(session, who, action, f"unit {unit_id}", runtime.clock.now())
    logger.info("unit_used" if is_used else "unit_not_used", extra={"unit_id": unit_id})


def _lock_property(session: Session) -> Property:
    place = find_property(session)
    if place is None:
        raise HouseRefused("Describe the property first: it says in which currency a listing is sold.")
    return session.scalars(select(Property).where(Property.id == place.id).with_for_update()).one()


def _lock_listing(session: Session, listing_id: int) -> Listing:
    """The listing, locked, so that two who change it take turns."""
    listing = session.scalar(select(Listing).where(Listing.id == listing_id).with_for_update(of=Listing))
    if listing is None:
        raise ListingNotFound
    return listing


def _lock_unit(session: Session, unit_id: int) -> Unit:
    """The unit, with its listing locked: everything about the units of a listing is done in turns.

    The unit's own lock waits for whoever is taking nights in it right now, so that these are seen.
    """
    unit = session.get(Unit, unit_id, with_for_update=True)
    if unit is None:
        raise ListingNotFound("We cannot find that unit.")
    _lock_listing(session, unit.listing_id)
    return unit


def _refuse_new(session: Session, new: NewListing, slug: str) -> None:
    problems = check_listing(ListingFacts(name=new.name, slug=slug, max_guests=new.max_guests))
    if wrong := check_nightly(new.nightly):
        problems["nightly"] = wrong
    if not 1 <= new.units <= MOST_UNITS:
        problems["units"] = f"Type how many of it there are, 1 to {MOST_UNITS}."
    if _is_named(session, new.name, but=None):
        problems["name"] = "There is a listing of this name already."
    refuse(problems)


def _is_named(session: Session, name: str, but: int | None) -> bool:
    others = session.execute(select(Listing.id, Listing.name)).all()
    return any(other.name.casefold() == name.casefold() and other.id != but for other in others)


def _free_slug(session: Session, wanted: str) -> str:
    taken = set(session.scalars(select(Listing.slug))) | set(session.scalars(select(OldSlug.slug)))
    others = (f"{wanted[:76]}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (wanted, *others) if slug not in taken)


def _unit_names(new: NewListing) -> list[str]:
    short = new.name[:70]
    return [short] if new.units == 1 else [f"{short} {number}" for number in range(1, new.units + 1)]


def _keep_old_address(session: Session, listing: Listing, slug: str) -> None:
    if listing.slug == slug:
        return
    # The new address is this listing's own from now on, whoever had it before.
    session.execute(delete(OldSlug).where(OldSlug.slug.in_((slug, listing.slug))))
    session.add(OldSlug(slug=listing.slug, listing_id=listing.id))


def _refuse_unit_name(listing: Listing, name: str, but: int | None) -> None:
    if not name or len(name) > 80:
        raise HouseRefused(problems={"name": "Type a name of 1 to 80 characters, such as Room 2."})
    if any(unit.name.casefold() == name.casefold() and unit.id != but for unit in listing.units):
        raise HouseRefused(problems={"name": "Another unit of this listing has this name."})


def _refuse_booked(session: Session, unit: Unit, runtime: Runtime) -> None:
    now = runtime.clock.now()
    today = unit.listing.property.today(now)
    found = [
        InTheWay(booking_id, f"{reference}, {spoken(arrive)} to {spoken(leave)}")
        for booking_id, reference, arrive, leave in list_booked(session, unit.id, today, now)
    ]
    if found:
        raise HouseRefused(
            f"{unit.name} stays in use: somebody has nights in it. Move or cancel these bookings first.",
            bookings=found,
        )


def _get(listings: Sequence[Listing], listing_id: int) -> Listing:
    for listing in listings:
        if listing.id == listing_id:
            return listing
    raise ListingNotFound


def _move(rows: Sequence[_Placed], moved: _Placed, by: int) -> tuple[dict[str, int], dict[str, int]]:
    """Put a row somewhere else among the others; its place before and after, counted from one."""
    old = list(rows).index(moved)
    order = [row for row in rows if row is not moved]
    new = max(0, min(len(order), old + by))
    order.insert(new, moved)
    for position, row in enumerate(order):
        row.position = position
    return {"place": old + 1}, {"place": new + 1}
