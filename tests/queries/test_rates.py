"""Rows of rates become the rate card that the domain reckons with, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from booking.domain import rates
from booking.domain.rates import FRIDAY, SATURDAY, LineKind, Per, Prices, RateCard, TaxPart, TouristTax, plain_card
from booking.extensions import db
from booking.models import Coupon, DayPrice, Discount, Extra, Fee, Listing, Season, Tax
from booking.queries.search import from_price
from tests.support.shop import open_house

JUNE, AUGUST = date(2027, 6, 1), date(2027, 8, 31)
SUNDAY = 6


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    with open_house(database_url) as app:
        yield app


def _listing() -> Listing:
    db.session.expire_all()
    return db.session.get_one(Listing, 1)


def test_a_listing_with_four_amounts_has_the_plain_card_it_always_had(house: Flask) -> None:
    assert _listing().rates == plain_card("eur", 12800, 16400, 0, 350)


def test_every_row_stands_on_the_card(house: Flask) -> None:
    listing = _listing()
    listing.weekday_minor, listing.included_guests, listing.more_guests_minor = {str(SUNDAY): 9900}, 2, 1500
    listing.tourist_tax_per, listing.tourist_tax_from_age, listing.tourist_tax_most_nights = "guest", 16, 5
    high = {"first_on": JUNE, "last_on": AUGUST, "nightly_minor": 19800, "weekday_minor": {"4": 24000}}
    db.session.add_all([
        Season(listing_id=1, name="High season", translations={"de": "Hochsaison"}, **high),
        DayPrice(listing_id=1, day=JUNE, nightly_minor=30000),
        Discount(listing_id=1, name="Whole weeks", off=1000, min_nights=7),
        Fee(listing_id=1, name="Dog", amount_minor=2500, per=Per.STAY),
        Extra(property_id=1, name="Breakfast", amount_minor=1200, per=Per.GUEST_NIGHT),
        Tax(property_id=1, name="VAT", share=700, parts=["room", "fees"], is_included=True),
    ])  # fmt: skip
    db.session.commit()

    assert _listing().rates == RateCard(
        "eur",
        Prices(12800, {FRIDAY: 16400, SATURDAY: 16400, SUNDAY: 9900}),
        seasons=(rates.Season("High season", JUNE, AUGUST, Prices(19800, {FRIDAY: 24000})),),
        days={JUNE: 30000},
        included_guests=2,
        more_guests_minor=1500,
        discounts=(rates.Discount("Whole weeks", 1000, 7),),
        fees=(rates.Fee(LineKind.CLEANING, 0), rates.Fee(LineKind.FEE, 2500, Per.STAY, "Dog")),
        extras=(rates.Fee(LineKind.EXTRA, 1200, Per.GUEST_NIGHT, "Breakfast", "1", 1),),
        tourist_tax=TouristTax(350, Per.GUEST, 16, 5),
        taxes=(rates.Tax("VAT", 700, TaxPart.ROOM.kinds | TaxPart.FEES.kinds, True),),
        glossary={"de": {"High season": "Hochsaison"}},
    )


@pytest.mark.parametrize(
    "row",
    [
        Season(listing_id=1, name="Backwards", first_on=AUGUST, last_on=JUNE, nightly_minor=1, weekday_minor={}),
        DayPrice(listing_id=1, day=JUNE, nightly_minor=0),
        Discount(listing_id=1, name="All of it", off=10_000),
        Fee(listing_id=1, name="Nothing", amount_minor=0, per=Per.STAY),
        Tax(property_id=1, name="Double", share=20_000, parts=["room"], is_included=False),
        Coupon(property_id=1, code="BOTH", off_minor=100, off_share=100),
        Coupon(property_id=1, code="NOTHING"),
    ],
)
def test_the_database_keeps_out_what_no_price_can_be(house: Flask, row: object) -> None:
    db.session.add(type(row)(**{key: value for key, value in vars(row).items() if key != "_sa_instance_state"}))

    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()


def test_what_a_night_costs_at_least_is_a_price_of_days_that_are_sold(house: Flask) -> None:
    over, far = (date(2026, 1, 1), date(2026, 3, 1)), (date(2035, 1, 1), date(2035, 2, 1))
    for name, (first, last), minor in (("Over", over, 100), ("Far", far, 100), ("Now", (JUNE, AUGUST), 9900)):
        db.session.add(Season(listing_id=1, name=name, first_on=first, last_on=last, nightly_minor=minor))
    db.session.add(DayPrice(listing_id=1, day=date(2026, 6, 1), nightly_minor=100))
    db.session.commit()

    assert from_price(_listing(), datetime(2027, 1, 10, 12, tzinfo=UTC)).minor == 9900
    assert from_price(_listing(), datetime(2028, 1, 10, 12, tzinfo=UTC)).minor == 12800


def test_a_code_that_is_no_longer_taken_can_be_given_out_anew(house: Flask) -> None:
    db.session.add(Coupon(property_id=1, code="SPRING", off_share=1000, is_active=False))
    db.session.add(Coupon(property_id=1, code="SPRING", off_share=1500))
    db.session.commit()
    db.session.add(Coupon(property_id=1, code="SPRING", off_share=2000))

    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
