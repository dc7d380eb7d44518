"""services/houses.py, services/catalogue.py: an owner describes the house and what it sells; no booking moves."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.errors import HouseRefused, ListingNotFound
from booking.domain.house_facts import HouseFacts, ListingFacts
from booking.domain.money import Money
from booking.extensions import db
from booking.models import Booking, Listing, Night, OldSlug, OutboxRow, Property, Unit
from booking.queries.house import find_moved_slug
from booking.queries.nights import free_unit_ids
from booking.runtime import Runtime
from booking.services import catalogue, houses
from booking.services.catalogue import NewListing
from booking.services.listings import close_nights
from booking.services.reservations import PlaceRequest, check_and_quote, place_booking
from tests.support.shop import GRACE, MemoryMailer, ShiftedClock, add_listing, make_settings, outfit

ADA = "ada@example.org"
HOUSE = HouseFacts(name="Seal Harbour", timezone="Europe/Berlin", currency="eur", contact_email=ADA)
LOFT = NewListing("Harbour Loft", Money(12000, "eur"), 4)


@pytest.fixture
def empty(database_url: str) -> Iterator[Flask]:
    """An app in whose shop nothing is, on each database in turn."""
    app = create_app(make_settings(database_url))
    outfit(app, ShiftedClock(), MemoryMailer())
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def runtime(empty: Flask) -> Runtime:
    return empty.extensions["holdfast"]


@pytest.fixture
def loft(runtime: Runtime) -> int:
    """A listing of two units in a property."""
    houses.keep_house(runtime, HOUSE, ADA)
    return catalogue.make_listing(runtime, replace(LOFT, units=2), ADA)


def all_of(model: Any) -> list[Any]:
    db.session.remove()
    return list(db.session.scalars(select(model).order_by(*model.__table__.primary_key.columns)))


def problems(refused: pytest.ExceptionInfo[HouseRefused]) -> Any:
    return refused.value.details["problems"]


def some_nights(runtime: Runtime) -> Stay:
    arrive = runtime.clock.now().date() + timedelta(days=60)
    return Stay(arrive, arrive + timedelta(days=3))


def book(runtime: Runtime, listing_id: int) -> int:
    """Grace holds three nights; the id of her booking."""
    listing, stay = db.session.get_one(Listing, listing_id), some_nights(runtime)
    total = check_and_quote(listing, stay, 2, runtime.clock.now()).total
    return place_booking(runtime, PlaceRequest(listing_id, stay, 2, GRACE, "grace", total)).booking_id


# --- the house ------------------------------------------------------------------------------------------------------


def test_the_house_is_made_once_and_changed_from_then_on(runtime: Runtime) -> None:
    made = houses.keep_house(runtime, HOUSE, ADA)

    changed = houses.keep_house(
        runtime, replace(HOUSE, tagline="By the sea", translations={"de": {"tagline": "Am Meer"}}), ADA
    )

    assert made == changed
    (place,) = all_of(Property)
    assert (place.tagline, place.words("tagline", "de"), place.contact_email) == ("By the sea", "Am Meer", ADA)


def test_a_house_that_cannot_be_is_refused_with_every_field_at_once(runtime: Runtime) -> None:
    with pytest.raises(HouseRefused) as refused:
        houses.keep_house(runtime, replace(HOUSE, timezone="Mars/Olympus", check_in_from="noon"), ADA)

    assert set(problems(refused)) == {"timezone", "check_in_from"}
    assert all_of(Property) == []


def test_the_currency_changes_until_somebody_has_booked(runtime: Runtime, loft: int) -> None:
    houses.keep_house(runtime, replace(HOUSE, currency="chf"), ADA)
    book(runtime, loft)

    with pytest.raises(HouseRefused) as refused:
        houses.keep_house(runtime, replace(HOUSE, currency="eur"), ADA)

    assert problems(refused) == {"currency": "Bookings were made in CHF, so the currency stays."}
    assert all_of(Property)[0].currency == "chf"


def test_prices_never_become_a_hundred_times_as_high_by_a_change_of_currency(runtime: Runtime, loft: int) -> None:
    with pytest.raises(HouseRefused) as refused:
        houses.keep_house(runtime, replace(HOUSE, currency="jpy"), ADA)

    assert "other decimals" in problems(refused)["currency"]


def test_a_test_mail_is_asked_for_once_for_each_page(runtime: Runtime, loft: int) -> None:
    for token in ("a" * 32, "a" * 32, "b" * 32):
        houses.send_test_mail(runtime, ADA, token)

    assert [row.payload["mail"] for row in all_of(OutboxRow)] == ["test_mail", "test_mail"]


# --- listings -------------------------------------------------------------------------------------------------------


def test_a_listing_needs_a_house_first(runtime: Runtime) -> None:
    with pytest.raises(HouseRefused, match="Describe the property first"):
        catalogue.make_listing(runtime, LOFT, ADA)


def test_a_listing_is_made_with_its_units_and_can_be_booked_at_once(runtime: Runtime, loft: int) -> None:
    listing = db.session.get_one(Listing, loft)

    assert (listing.slug, listing.nightly_minor, listing.weekend_minor) == ("harbour-loft", 12000, 12000)
    assert [unit.name for unit in listing.units] == ["Harbour Loft 1", "Harbour Loft 2"]
    assert book(runtime, loft)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (replace(LOFT, name=""), "name"), (replace(LOFT, nightly=None), "nightly"),
        (replace(LOFT, nightly=Money(0, "eur")), "nightly"), (replace(LOFT, max_guests=0), "max_guests"),
        (replace(LOFT, units=0), "units"), (replace(LOFT, units=51), "units"),
    ],
)  # fmt: skip
def test_a_listing_that_cannot_be_is_refused_with_its_field(runtime: Runtime, new: NewListing, field: str) -> None:
    houses.keep_house(runtime, HOUSE, ADA)

    with pytest.raises(HouseRefused) as refused:
        catalogue.make_listing(runtime, new, ADA)

    assert list(problems(refused)) == [field]
    assert all_of(Listing) == all_of(Unit) == []


def test_two_clicks_make_one_listing(runtime: Runtime, loft: int) -> None:
    with pytest.raises(HouseRefused) as refused:
        catalogue.make_listing(runtime, replace(LOFT, name="harbour LOFT"), ADA)

    assert list(problems(refused)) == ["name"]
    assert len(all_of(Listing)) == 1


def test_names_that_come_to_one_address_get_two(runtime: Runtime, loft: int) -> None:
    other = catalogue.make_listing(runtime, replace(LOFT, name="Harbour, Loft!"), ADA)
    nameless = catalogue.make_listing(runtime, replace(LOFT, name="海の家"), ADA)

    assert [db.session.get_one(Listing, key).slug for key in (other, nameless)] == ["harbour-loft-2", "stay"]


def test_a_changed_address_goes_on_leading_to_its_listing(runtime: Runtime, loft: int) -> None:
    facts = ListingFacts(name="The Loft", slug="the-loft", max_guests=3, amenities=("wifi",))
    catalogue.change_listing(runtime, loft, facts, ADA)

    assert find_moved_slug(db.session(), "harbour-loft") == "the-loft"
    catalogue.change_listing(runtime, loft, replace(facts, slug="harbour-loft"), ADA)
    assert find_moved_slug(db.session(), "the-loft") == "harbour-loft"
    assert find_moved_slug(db.session(), "harbour-loft") is None
    assert find_moved_slug(db.session(), "no\0where") is None
    assert [row.slug for row in all_of(OldSlug)] == ["the-loft"]


def test_an_address_or_name_of_another_listing_is_refused(runtime: Runtime, loft: int) -> None:
    other = catalogue.make_listing(runtime, replace(LOFT, name="Dune House"), ADA)

    with pytest.raises(HouseRefused) as refused:
        facts = ListingFacts(name="Harbour Loft", slug="harbour-loft", max_guests=2)
        catalogue.change_listing(runtime, other, facts, ADA)

    assert set(problems(refused)) == {"name", "slug"}


def test_a_listing_that_is_not_there_cannot_be_changed(runtime: Runtime, loft: int) -> None:
    facts = ListingFacts(name="X", slug="x", max_guests=2)
    for act in (
        lambda: catalogue.change_listing(runtime, 99, facts, ADA),
        lambda: catalogue.put_on_sale(runtime, 99, ADA, is_on_sale=False),
        lambda: catalogue.move_listing(runtime, 99, 1, ADA),
        lambda: catalogue.add_unit(runtime, 99, "X", ADA),
        lambda: catalogue.rename_unit(runtime, 99, "X", ADA),
        lambda: catalogue.use_unit(runtime, 99, ADA, is_used=False),
    ):
        with pytest.raises(ListingNotFound):
            act()


def test_taking_off_sale_leaves_bookings_as_they_are(runtime: Runtime, loft: int) -> None:
    booking_id = book(runtime, loft)

    catalogue.put_on_sale(runtime, loft, ADA, is_on_sale=False)

    db.session.remove()
    assert not db.session.get_one(Listing, loft).is_active
    assert db.session.get_one(Booking, booking_id).status == "pending"
    assert len(all_of(Night)) == 3


@pytest.mark.parametrize(
    ("moved", "by", "order"), [(2, -1, [2, 1, 3]), (1, 1, [2, 1, 3]), (3, -9, [3, 1, 2]), (3, 1, [1, 2, 3])]
)
def test_listings_change_places(runtime: Runtime, loft: int, moved: int, by: int, order: list[int]) -> None:
    for name in ("Second", "Third"):
        catalogue.make_listing(runtime, replace(LOFT, name=name), ADA)

    catalogue.move_listing(runtime, moved, by, ADA)

    db.session.remove()
    rows = db.session.scalars(select(Listing.id).order_by(Listing.position, Listing.id))
    assert list(rows) == order


# --- units ----------------------------------------------------------------------------------------------------------


def test_units_are_added_renamed_and_put_in_order(runtime: Runtime, loft: int) -> None:
    third = catalogue.add_unit(runtime, loft, "Attic", ADA)
    catalogue.rename_unit(runtime, third, "Attic room", ADA)
    catalogue.move_unit(runtime, third, -1, ADA)

    names = [unit.name for unit in sorted(all_of(Unit), key=lambda unit: unit.position)]
    assert names == ["Harbour Loft 1", "Attic room", "Harbour Loft 2"]


@pytest.mark.parametrize("name", ["", "n" * 81, "harbour loft 1"])
def test_a_name_that_a_unit_cannot_have_is_refused(runtime: Runtime, loft: int, name: str) -> None:
    with pytest.raises(HouseRefused) as refused:
        catalogue.add_unit(runtime, loft, name, ADA)
    assert list(problems(refused)) == ["name"]
    with pytest.raises(HouseRefused):
        catalogue.rename_unit(runtime, 2, name, ADA)


def test_a_unit_in_which_somebody_has_nights_stays_in_use(runtime: Runtime, loft: int) -> None:
    booking_id = book(runtime, loft)

    with pytest.raises(HouseRefused, match="somebody has nights in it") as refused:
        catalogue.use_unit(runtime, 1, ADA, is_used=False)

    (found,) = refused.value.details["bookings"]  # type: ignore[misc,attr-defined]
    assert found.booking_id == booking_id
    assert [unit.is_active for unit in all_of(Unit)] == [True, True]


def test_a_unit_out_of_use_is_given_to_nobody_until_it_is_put_back(runtime: Runtime, loft: int) -> None:
    stay = some_nights(runtime)
    catalogue.use_unit(runtime, 1, ADA, is_used=False)
    assert free_unit_ids(db.session(), loft, stay, runtime.clock.now()) == [2]

    catalogue.use_unit(runtime, 1, ADA, is_used=True)
    assert free_unit_ids(db.session(), loft, stay, runtime.clock.now()) == [1, 2]


def test_closed_nights_do_not_keep_a_unit_in_use(empty: Flask, runtime: Runtime) -> None:
    listing_id = add_listing(empty)
    close_nights(runtime, 1, some_nights(runtime), "roof", ADA)

    catalogue.use_unit(runtime, 1, ADA, is_used=False)

    assert listing_id
    assert not all_of(Unit)[0].is_active
