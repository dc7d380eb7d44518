"""What is kept in memory of what is on sale: as new as the database, whoever changed that, and never to be written."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from booking import create_app
from booking.database import transaction
from booking.domain.payment_plans import PlanKind
from booking.domain.rates import Per
from booking.extensions import db
from booking.models import (
    CancellationPolicy,
    DayPrice,
    Discount,
    Extra,
    Fee,
    Listing,
    Photo,
    PlanChoice,
    Property,
    Season,
    Shelf,
    StayRule,
    Tax,
    Unit,
)
from booking.models.rules import CancellationTier
from booking.models.shelf import ON_SALE
from booking.queries import on_sale as shelf
from booking.queries.on_sale import find_place, on_sale
from tests.support.noting import noting
from tests.support.shop import dispose, make_settings, open_house

DAY = date(2027, 3, 1)


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    with open_house(database_url) as app:
        yield app


def seen() -> Any:
    """What a page of another request sees."""
    db.session.remove()
    return on_sale(db.session())


def _policy(**values: Any) -> CancellationPolicy:
    return CancellationPolicy(
        property_id=1, name="Strict", tiers=[CancellationTier(days_before=3, percent=50)], **values
    )


LISTING: dict[str, Any] = {
    "property_id": 1, "name": "Mill", "max_guests": 2, "nightly_minor": 1, "weekend_minor": 1,
}  # fmt: skip

# How each kind of row comes to be, and what pages see of it then.
ROWS = {
    Season: lambda: Season(listing_id=1, name="High", first_on=DAY, last_on=DAY, nightly_minor=1, weekday_minor={}),
    DayPrice: lambda: DayPrice(listing_id=1, day=DAY, nightly_minor=1),
    Discount: lambda: Discount(listing_id=1, name="Week", off=700, min_nights=7),
    Fee: lambda: Fee(listing_id=1, name="Linen", amount_minor=900, per=Per.STAY),
    StayRule: lambda: StayRule(listing_id=1, name="Summer", first_on=DAY, last_on=DAY, min_nights=3),
    Photo: lambda: Photo(listing_id=1, digest="a" * 64, width=400, height=300, colour="#c9a27e"),
    Extra: lambda: Extra(property_id=1, name="Breakfast", amount_minor=900, per=Per.STAY),
    Tax: lambda: Tax(property_id=1, name="VAT", share=700, parts=["room"], is_included=True),
    PlanChoice: lambda: PlanChoice(property_id=1, kind=PlanKind.DEPOSIT, percent=30, days_before=14),
    CancellationPolicy: _policy,
    Listing: lambda: Listing(**LISTING, slug="mill"),
    Unit: lambda: Unit(listing_id=1, name="Attic"),
    Property: lambda: Property(name="Mill", timezone="UTC", currency="eur", contact_email="ada@example.org"),
}


def test_every_kind_of_row_on_sale_is_tried_here() -> None:
    assert {*ROWS, CancellationTier} == set(ON_SALE)


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__tablename__)
def test_each_row_that_comes_changes_or_goes_is_seen_by_the_next_page(house: Flask, kind: type[Any]) -> None:
    with transaction() as session:
        session.add(row := ROWS[kind]())
        session.flush()
        number = row.id if hasattr(row, "id") else (row.listing_id, row.day)
    came = seen()
    with transaction() as session:
        column = next(name for name in ("name", "alt", "nightly_minor", "percent") if hasattr(kind, name))
        row = session.get_one(kind, number)
        setattr(row, column, 40 if isinstance(getattr(row, column), int) else "Other")
    changed = seen()
    with transaction() as session:
        session.delete(session.get_one(kind, number))
    gone = seen()

    assert len({came.version, changed.version, gone.version}) == 3


def test_what_is_changed_shows_in_prices_rules_and_texts(house: Flask) -> None:
    before = seen().by_slug["harbour-loft"]
    with transaction() as session:
        listing = session.scalars(select(Listing)).one()
        listing.nightly_minor, listing.min_nights, listing.name = 9900, 3, "Boathouse"
        session.add_all([ROWS[Season](), ROWS[Tax]()])
    after = seen().by_slug["harbour-loft"]

    assert (before.rates.prices.nightly_minor, before.rules.min_nights, before.name) == (12800, 1, "Harbour Loft")
    assert (after.rates.prices.nightly_minor, after.rules.min_nights, after.name) == (9900, 3, "Boathouse")
    assert [season.name for season in after.rates.seasons] == ["High"]
    assert [tax.name for tax in after.rates.taxes] == ["VAT"]


def test_statements_over_many_rows_are_noticed_too(house: Flask) -> None:
    with transaction() as session:
        session.execute(update(Listing).values(name="Boathouse"))
    assert [listing.name for listing in seen().listings] == ["Boathouse"]

    with transaction() as session:
        session.add(ROWS[Season]())
    with transaction() as session:
        session.execute(delete(Season))

    assert seen().listings[0].rates.seasons == ()


def test_nothing_is_read_again_while_nothing_changes(house: Flask) -> None:
    first = seen()
    with transaction() as session:
        session.execute(text("UPDATE listing SET name = 'Past the code'"))  # a stand-in for all that is no change

    assert seen() is first


def test_a_long_list_is_read_page_by_page_in_the_houses_own_order(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, position in enumerate((3, 1, 2, 2, 2)):
        db.session.add(Listing(**LISTING, slug=f"mill-{number}", position=position))
    db.session.commit()
    whole = [listing.slug for listing in seen().listings]

    for at_once in (1, 2, 3, 6):
        db.session.execute(update(Shelf).values(version=Shelf.version + 1))
        db.session.commit()
        monkeypatch.setattr(shelf, "_AT_ONCE", at_once)
        assert [listing.slug for listing in seen().listings] == whole

    assert whole[-5:] == ["mill-1", "mill-2", "mill-3", "mill-4", "mill-0"]


def test_what_was_taken_back_changes_nothing(house: Flask) -> None:
    first = seen()
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.execute(update(Listing).values(name="Boathouse"))
        session.flush()
        raise ZeroDivisionError
    with transaction() as session:
        session.execute(select(Listing))

    assert seen() is first


def test_a_savepoint_that_is_taken_back_takes_back_no_earlier_change(house: Flask) -> None:
    first = seen()
    with transaction() as session:
        session.scalars(select(Listing)).one().name = "Boathouse"
        session.flush()
        savepoint = session.begin_nested()
        session.execute(select(Listing))
        savepoint.rollback()

    assert seen().version != first.version
    assert seen().listings[0].name == "Boathouse"


def test_a_transaction_that_wants_the_house_alone_reads_no_listing(house: Flask) -> None:
    with transaction() as session, noting(db.engine) as asked:
        place = find_place(session)

    assert place is not None
    assert place.name == "Seal Harbour Stays"
    assert len(asked) == 1


def test_a_change_by_another_process_is_seen(house: Flask, database_url: str) -> None:
    first = seen()
    other = create_app(make_settings(database_url))
    with other.app_context(), transaction() as session:
        session.scalars(select(Listing)).one().name = "Boathouse"
    dispose(other)

    assert first.listings[0].name == "Harbour Loft"
    assert seen().listings[0].name == "Boathouse"


def test_a_change_past_the_code_is_seen_within_a_minute(house: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    seen()
    with db.engine.begin() as connection:
        connection.execution_options(holdfast_writes=True)
        connection.execute(text("UPDATE listing SET name = 'Boathouse'"))
    assert seen().listings[0].name == "Harbour Loft"

    monkeypatch.setattr(shelf, "KEPT_SECONDS", -1)

    assert seen().listings[0].name == "Boathouse"


def test_whoever_writes_reads_rows_of_the_own_transaction(house: Flask) -> None:
    seen()
    with transaction() as session:
        session.scalars(select(Listing)).one().name = "Boathouse"
        own = on_sale(session).listings[0]
        assert own.name == "Boathouse"
        own.name = "Mill"

    assert seen().listings[0].name == "Mill"


def test_a_backup_that_is_put_back_is_seen_however_often_it_was_changed(house: Flask) -> None:
    def rename(name: str) -> None:
        with transaction() as session:
            session.scalars(select(Listing)).one().name = name

    def put_back() -> None:
        with db.engine.begin() as connection:
            connection.execution_options(holdfast_writes=True)
            connection.execute(text("UPDATE listing SET name = 'Harbour Loft'"))
            connection.execute(update(Shelf).values(version=old))

    old = seen().version
    rename("Boathouse")
    assert seen().listings[0].name == "Boathouse"
    put_back()
    rename("Mill")

    assert seen().listings[0].name == "Mill"


def test_what_is_kept_cannot_be_written(house: Flask) -> None:
    with pytest.raises(AttributeError, match="kept for reading"):
        seen().listings[0].name = "Boathouse"


def test_pages_find_all_they_show_without_asking_again(house: Flask) -> None:
    with transaction() as session:
        session.add_all([ROWS[kind]() for kind in ROWS if kind not in (Listing, Property)])
        session.flush()
        session.scalars(select(Listing)).one().policy_id = session.scalars(select(CancellationPolicy)).one().id
    listing = seen().by_slug["harbour-loft"]
    assert isinstance(listing, Listing)
    assert Session.object_session(listing) is None

    told = (listing.rates, listing.rules, listing.terms, listing.payment_plan, listing.photos, listing.property.zone)

    assert all(map(bool, told))
