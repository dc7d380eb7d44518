"""The demo shop: one property, five listings, some closed nights, one hold. Seeding twice changes nothing."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import BookingError, DatesUnavailable
from booking.models import Listing, Property, Unit
from booking.runtime import Runtime
from booking.services.listings import close_nights
from booking.services.reservations import GuestDetails, PlaceRequest, check_and_quote, place_booking

STAFF_EMAIL, STAFF_NAME = "ada@example.org", "Ada"
BOOKED = "boathouse-double"


class SeedRefused(BookingError):
    """This database is no place for demo data."""

    code = "seed_refused"
    default_message = "This database holds another shop, or a real one: demo data does not go there."


@dataclass(frozen=True, slots=True)
class DemoListing:
    """One listing of the demo. `closed` are (days from today, nights, reason), all of the first unit."""

    slug: str
    name: str
    summary: str
    description: str
    image_alt: str
    bedrooms: int
    area_m2: int
    max_guests: int
    nightly_minor: int
    weekend_minor: int
    min_nights: int = 1
    units: tuple[str, ...] = ("",)  # the empty name stands for the listing's own
    closed: tuple[tuple[int, int, str], ...] = ()


def seed_demo(runtime: Runtime) -> list[str]:
    """Make what is missing of the demo shop and commit; a line for each thing made.

    Raises:
        SeedRefused: in production, or where another shop is set up.
    """
    if runtime.settings.is_production:
        raise SeedRefused
    lines, fresh = _make_shop()
    for demo in DEMO_LISTINGS:
        if demo.slug in fresh:
            lines += _close(runtime, demo, fresh[demo.slug])
    return lines + (_hold_some_nights(runtime) if BOOKED in fresh else [])


def _make_shop() -> tuple[list[str], dict[str, int]]:
    with transaction() as session:
        place, lines = _find_or_make_property(session)
        known = set(session.scalars(select(Listing.slug)))
        fresh = {}
        for position, demo in enumerate(DEMO_LISTINGS):
            if demo.slug not in known:
                fresh[demo.slug] = _make_listing(session, place, demo, position)
                lines.append(f"listing {demo.name}")
        return lines, fresh


def _find_or_make_property(session: Session) -> tuple[Property, list[str]]:
    place = session.scalar(select(Property).order_by(Property.id).limit(1))
    if place is None:
        place = _seal_harbour()
        session.add(place)
        return place, [f"property {place.name}"]
    if place.name != _seal_harbour().name:
        raise SeedRefused
    return place, []


def _make_listing(session: Session, place: Property, demo: DemoListing, position: int) -> int:
    listing = Listing(
        property=place,
        slug=demo.slug,
        name=demo.name,
        summary=demo.summary,
        description=demo.description,
        image=f"img/demo/{demo.slug}.svg",
        image_alt=demo.image_alt,
        bedrooms=demo.bedrooms,
        area_m2=demo.area_m2,
        max_guests=demo.max_guests,
        nightly_minor=demo.nightly_minor,
        weekend_minor=demo.weekend_minor,
        tourist_tax_minor=350,
        min_nights=demo.min_nights,
        position=position,
    )
    listing.units = [Unit(name=name or demo.name, position=number) for number, name in enumerate(demo.units)]
    session.add(listing)
    session.flush()  # for the unit's id
    return listing.units[0].id


def _close(runtime: Runtime, demo: DemoListing, unit_id: int) -> list[str]:
    today = runtime.clock.now().astimezone(ZoneInfo(_seal_harbour().timezone)).date()
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
        name="Seal Harbour Stays",
        tagline="Five places to sleep where the ferry turns round.",
        address="Tovaerkskajen 7, 4583 Seal Harbour",
        timezone="Europe/Copenhagen",
        currency="eur",
        contact_email="hello@sealharbour.example",
        contact_phone="+45 55 50 17 23",
        check_in_from="15:00",
        check_out_by="11:00",
        house_rules=(
            "Quiet from 22:00, because the harbour carries every sound.\n"
            "Sandy boots stay on the rack by the door.\n"
            "Dogs are welcome in Dune House; please keep them off the beds.\n"
            "No smoking indoors. The benches outside have the better view anyway."
        ),
        cancel_full_days=7,
        cancel_part_days=2,
        cancel_part_percent=50,
    )


DEMO_LISTINGS = (
    DemoListing(
        slug="harbour-loft",
        name="Harbour Loft",
        summary="over the old boatyard",
        description=(
            "The whole upper floor of the old boatyard: one long room under the beams, with the harbour on three "
            "sides. In the morning the light comes across the water and onto the kitchen table; in the evening the "
            "ferry does.\n\n"
            "Two bedrooms at the quiet end, one with a double bed and one with two singles. A wood stove, a basket of "
            "logs, a kitchen that somebody cooks in. Twenty steps up, so bring what you can carry."
        ),
        image_alt="A loft above an old boatyard at dusk, its windows lit, hills behind it",
        bedrooms=2,
        area_m2=68,
        max_guests=4,
        nightly_minor=12800,
        weekend_minor=16400,
        closed=((11, 5, "Floor is being oiled"), (30, 7, "Family week"), (52, 3, "Window fitter")),
    ),
    DemoListing(
        slug="dune-house",
        name="Dune House",
        summary="behind the long beach",
        description=(
            "A low house with a turf roof, dug into the lee of the last dune. You hear the sea all night and see it "
            "after forty paces. Three bedrooms, a long table for eight, an outdoor shower that is warmer than it "
            "looks.\n\n"
            "The garden is marram grass and a fire pit. Dogs sleep in the hall, on the blankets that are theirs."
        ),
        image_alt="A low house with a grass roof among pale dunes, morning sky above",
        bedrooms=3,
        area_m2=112,
        max_guests=6,
        nightly_minor=18800,
        weekend_minor=24000,
        min_nights=2,
        closed=((18, 4, "Roof is being turfed"), (64, 10, "Owners are in")),
    ),
    DemoListing(
        slug="pilots-cabin",
        name="Pilot's Cabin",
        summary="by the lighthouse path",
        description=(
            "Where the harbour pilot used to wait for ships: one room of tarred wood with a bed in the bay window. "
            "The lighthouse stands three minutes up the path and looks in once every ten seconds, unless you draw the "
            "curtain.\n\n"
            "A small kitchen, a shower, a shelf of sea charts and novels. Best for two who like each other."
        ),
        image_alt="A small dark cabin below a lighthouse on a headland, blue evening",
        bedrooms=1,
        area_m2=31,
        max_guests=2,
        nightly_minor=9200,
        weekend_minor=11200,
        closed=((8, 2, "Chimney sweep"), (41, 6, "New deck")),
    ),
    DemoListing(
        slug="ropewalk-room",
        name="Ropewalk Room",
        summary="courtyard, ground floor",
        description=(
            "A ground-floor room on the courtyard where ropes were laid for two hundred years. No steps, wide doors, "
            "a bath with a rail. Roses outside, and the bakery's back door opposite, which opens at five and smells "
            "of cardamom by six.\n\n"
            "A double bed, a writing table, a kettle and good tea."
        ),
        image_alt="A courtyard with a lit door and climbing roses, warm red sky",
        bedrooms=1,
        area_m2=26,
        max_guests=2,
        nightly_minor=8200,
        weekend_minor=10000,
        closed=((24, 3, "Painter"),),
    ),
    DemoListing(
        slug="boathouse-double",
        name="Boathouse Double",
        summary="three equal rooms over the slipway",
        description=(
            "Three rooms of one size in a row above the slipway, each with a double bed, a shower and a door of its "
            "own to the gallery. The water is right underneath; at high tide you could fish from the railing, and "
            "some do.\n\n"
            "Breakfast things wait in the shared pantry at the end of the gallery."
        ),
        image_alt="A boathouse with three lit windows above the water, night sky",
        bedrooms=1,
        area_m2=19,
        max_guests=2,
        nightly_minor=7400,
        weekend_minor=9200,
        units=("Boathouse 1", "Boathouse 2", "Boathouse 3"),
        closed=((15, 2, "New mattress"),),
    ),
)
