"""Seeding the demo shop: one property, five listings with their photos, some closed nights, one hold. Twice is once."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import BookingError, DatesUnavailable
from booking.domain.rates import FRIDAY, SATURDAY
from booking.domain.words import say
from booking.models import Coupon, Discount, Extra, Listing, Property, Season, Unit
from booking.queries.search import find_property
from booking.runtime import Runtime
from booking.services import demo_shop
from booking.services.demo_shop import DEMO_LISTINGS, DemoListing, DemoPhoto, DemoSeason
from booking.services.listings import close_nights
from booking.services.photos import add_photo
from booking.services.reservations import GuestDetails, PlaceRequest, check_and_quote, place_booking

STAFF_EMAIL, STAFF_NAME = "ada@example.org", "Ada"
BOOKED = "boathouse-double"


class SeedRefused(BookingError):
    """This database is no place for demo data."""

    code = "seed_refused"
    default_message = say("This database holds another shop, or a real one: demo data does not go there.")


def seed_demo(runtime: Runtime) -> list[str]:
    """Make what is missing of the demo shop and commit; a line for each thing made.

    A demo of an older version gets what that did not have yet: words where there are none, photos where there are none.

    Raises:
        SeedRefused: in production, or where another shop is set up.
    """
    if runtime.settings.is_production:
        raise SeedRefused
    lines, fresh = _make_shop(runtime)
    lines += _hang_photos(runtime)
    for demo in DEMO_LISTINGS:
        if demo.slug in fresh:
            lines += _close(runtime, demo, fresh[demo.slug])
    return lines + (_hold_some_nights(runtime) if BOOKED in fresh else [])


def _make_shop(runtime: Runtime) -> tuple[list[str], dict[str, int]]:
    with transaction() as session:
        place, lines = _find_or_make_property(session)
        known = {listing.slug: listing for listing in session.scalars(select(Listing))}
        fresh = {}
        for position, demo in enumerate(DEMO_LISTINGS):
            listing = known.get(demo.slug) or _make_listing(session, place, demo, position, runtime.clock.now())
            _fill_gaps(listing, _words_of(demo))
            if demo.slug not in known:
                fresh[demo.slug] = listing.units[0].id
                lines.append(f"listing {demo.name}")
        return lines, fresh


def _find_or_make_property(session: Session) -> tuple[Property, list[str]]:
    place = find_property(session)
    lines = []
    if place is None:
        place = _seal_harbour()
        place.extras = _make_extras()
        session.add(place)
        session.flush()  # for its id
        session.add(
            Coupon(
                property_id=place.id,
                code=demo_shop.CODE,
                off_share=demo_shop.CODE_OFF,
                min_nights=demo_shop.CODE_NIGHTS,
            )
        )
        lines = [f"property {place.name}"]
    if place.name != demo_shop.NAME:
        raise SeedRefused
    _fill_gaps(place, {**demo_shop.TEXTS, "translations": {"de": demo_shop.GERMAN}})
    return place, lines


def _make_listing(session: Session, place: Property, demo: DemoListing, position: int, now: datetime) -> Listing:
    listing = Listing(
        property=place,
        slug=demo.slug,
        name=demo.name,
        bedrooms=demo.bedrooms,
        area_m2=demo.area_m2,
        max_guests=demo.max_guests,
        nightly_minor=demo.nightly_minor,
        weekend_minor=demo.weekend_minor,
        tourist_tax_minor=demo_shop.TOURIST_TAX,
        tourist_tax_from_age=demo_shop.TAXED_FROM_AGE,
        min_nights=demo.min_nights,
        position=position,
    )
    listing.units = [Unit(name=name or demo.name, position=number) for number, name in enumerate(demo.units)]
    years = (now.year, now.year + 1)
    seasons = [_season(one, year) for one in demo.seasons for year in years]
    listing.seasons = [season for season in seasons if season.last_on >= now.date()]
    listing.discounts = [
        Discount(name=one.name, off=one.off, min_nights=one.min_nights, translations={"de": one.german})
        for one in demo.discounts
    ]
    session.add(listing)
    session.flush()  # for the unit's id
    return listing


def _season(season: DemoSeason, year: int) -> Season:
    friday, saturday = str(FRIDAY), str(SATURDAY)
    return Season(
        name=season.name,
        first_on=date(year, *season.first),
        last_on=date(year, *season.last),
        nightly_minor=season.nightly_minor,
        weekday_minor={friday: season.weekend_minor, saturday: season.weekend_minor},
        translations={"de": season.german},
    )


def _make_extras() -> list[Extra]:
    return [
        Extra(name=one.name, amount_minor=one.amount_minor, per=one.per, most=one.most, translations={"de": one.german})
        for one in demo_shop.EXTRAS
    ]


def _words_of(demo: DemoListing) -> dict[str, object]:
    return {
        "summary": demo.summary,
        "description": demo.description,
        "beds": demo.beds,
        "access_notes": demo.access_notes,
        "registration": demo.registration,
        "amenities": list(demo.amenities),
        "translations": {"de": dict(demo.german)},
    }


def _fill_gaps(row: Property | Listing, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if not getattr(row, name):
            setattr(row, name, value)


def _hang_photos(runtime: Runtime) -> list[str]:
    """Photos for the listings that have none, and files for all: their folder may be newer than the database."""
    _make_files(runtime, [photo for demo in DEMO_LISTINGS for photo in demo.photos])
    lines = []
    for demo in DEMO_LISTINGS:
        listing_id = _without_photos(demo.slug)
        if listing_id is not None:
            for photo in demo.photos:
                add_photo(runtime, listing_id, photo.read(), photo.alt, {"de": photo.alt_de})
            lines.append(f"{len(demo.photos)} photos of {demo.name}")
    return lines


def _make_files(runtime: Runtime, photos: Iterable[DemoPhoto]) -> None:
    # Side by side, because each picture is made by a process of its own.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda photo: runtime.pictures.keep(photo.read()), photos))


def _without_photos(slug: str) -> int | None:
    with transaction() as session:
        listing = session.scalars(select(Listing).where(Listing.slug == slug)).one()
        return None if listing.photos else listing.id


def _close(runtime: Runtime, demo: DemoListing, unit_id: int) -> list[str]:
    today = runtime.clock.now().astimezone(ZoneInfo(demo_shop.TIMEZONE)).date()
    lines = []
    for days, nights, reason in demo.closed:
        arrive = today + timedelta(days=days)
        try:
            close_nights(runtime, unit_id, Stay(arrive, arrive + timedelta(days=nights)), reason, STAFF_EMAIL)
        except DatesUnavailable:  # somebody was quicker: the nights are taken, which is all a demo wants
            continue
        lines.append(f"closed {nights} nights of {demo.name} from {arrive}")
    return lines


def _hold_some_nights(runtime: Runtime) -> list[str]:
    """One booking that waits for its payment, so that commands such as test-webhook have something to try."""
    now = runtime.clock.now()
    with transaction() as session:
        listing = session.scalars(select(Listing).where(Listing.slug == BOOKED)).one()
        arrive = listing.property.today(now) + timedelta(days=60)
        stay, listing_id = Stay(arrive, arrive + timedelta(days=2)), listing.id
        total = check_and_quote(listing, stay, 2, now).total
    guest = GuestDetails("Grace Hopper", "grace@example.org")
    placed = place_booking(runtime, PlaceRequest(listing_id, stay, 2, guest, "the demo's own browser", total))
    return [f"booking {placed.booking_id} ({placed.reference}), unpaid: try `flask test-webhook` on it"]


def _seal_harbour() -> Property:
    return Property(
        name=demo_shop.NAME,
        address="Tovaerkskajen 7, 4583 Seal Harbour",
        timezone=demo_shop.TIMEZONE,
        currency="eur",
        contact_email="hello@sealharbour.example",
        contact_phone="+45 55 50 17 23",
        check_in_from="15:00",
        check_out_by="11:00",
        cancel_full_days=7,
        cancel_part_days=2,
        cancel_part_percent=50,
    )
