"""services/rates.py: a change is written and told to the log, a trial keeps nothing, and what clashes is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, RateNotFound, RateRefused
from booking.domain.pricing import Wishes
from booking.domain.rate_changes import (
    CouponChange,
    DayPrices,
    DiscountChange,
    Draft,
    ExtraChange,
    FeeChange,
    MoreGuests,
    PlainPrices,
    SeasonChange,
    TaxChange,
    TouristTaxChange,
)
from booking.domain.rates import Per, plain_card
from booking.extensions import db
from booking.models import AuditLine, Coupon, DayPrice, Listing, Property, Season
from booking.services import rates
from booking.services.rates import Change
from booking.services.reservations import PlaceRequest, check_and_quote, place_booking
from tests.support.shop import GRACE, MemoryMailer, ShiftedClock, add_listing, make_settings, outfit

ADA = "ada@example.org"
JUNE, AUGUST = date(2037, 6, 1), date(2037, 8, 31)
SUMMER = SeasonChange("Summer", JUNE, AUGUST, 19800, {"4": 24000}, {"de": "Sommer"})
WEEKS = DiscountChange("Whole weeks", 1000, 7)
DOG = FeeChange("Dog", 2500)
BREAKFAST = ExtraChange("Breakfast", 1200, Per.GUEST_NIGHT)
VAT = TaxChange("VAT", 700, ["room"], True)
SPRING = CouponChange("SPRING", off_share=1000)
SETS: dict[str, tuple[Callable[..., Any], Draft]] = {
    "prices": (rates.set_prices, PlainPrices(15000, 17500, 4000, {"6": 9900})),
    "more guests": (rates.set_more_guests, MoreGuests(2, 1500)),
    "tourist tax": (rates.set_tourist_tax, TouristTaxChange(250, "guest", 16, 7)),
    "days": (rates.set_day_prices, DayPrices(JUNE, JUNE, 30000)),
}
SAVES: dict[str, tuple[Callable[..., Any], Draft]] = {
    "season": (rates.save_season, SUMMER),
    "discount": (rates.save_discount, WEEKS),
    "fee": (rates.save_fee, DOG),
    "tax": (rates.save_tax, VAT),
    "extra": (rates.save_extra, BREAKFAST),
    "coupon": (rates.save_coupon, SPRING),
}
REMOVES: dict[str, Callable[[Change, int, int], None]] = {
    "season": rates.remove_season,
    "discount": rates.remove_discount,
    "fee": rates.remove_fee,
    "tax": rates.remove_tax,
    "extra": rates.remove_extra,
    "coupon": rates.end_coupon,
}


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    yield from _house(database_url)


@pytest.fixture
def small_house(sqlite_url: str) -> Iterator[Flask]:
    yield from _house(sqlite_url)


def _house(url: str) -> Iterator[Flask]:
    app = create_app(make_settings(url))
    outfit(app, ShiftedClock(), MemoryMailer())
    add_listing(app)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def by_ada(app: Flask, *, is_trial: bool = False) -> Change:
    return Change(app.extensions["holdfast"], ADA, is_trial)


def card() -> Any:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Listing, 1).rates


def log() -> list[tuple[str, str, str]]:
    lines = db.session.scalars(select(AuditLine).order_by(AuditLine.number))
    return [(line.who, line.action, line.subject) for line in lines]


def refused(act: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(RateRefused) as error:
        act()
    return str(error.value.details["field"]), error.value.user_message


# --- what is written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SETS)
def test_what_a_listing_has_one_of_is_set_and_told_to_the_log(house: Flask, kind: str) -> None:
    change, draft = SETS[kind]

    change(by_ada(house), 1, draft)

    assert card() != plain_card("eur", 12800, 16400, 0, 350)
    assert [who for who, _action, subject in log() if subject == "listing 1"] == [ADA]


@pytest.mark.parametrize("kind", SAVES)
def test_a_row_is_added_changed_and_removed_with_a_line_for_each(house: Flask, kind: str) -> None:
    save, draft = SAVES[kind]
    before = card()

    save(by_ada(house), 1, None, draft)
    save(by_ada(house), 1, 1, draft)
    REMOVES[kind](by_ada(house), 1, 1)
    REMOVES[kind](by_ada(house), 1, 1)

    assert card() == before
    ended = "ended" if kind == "coupon" else "removed"
    assert [action for _who, action, _subject in log()] == [
        f"rates.{kind}_added", f"rates.{kind}_changed", f"rates.{kind}_{ended}"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [*SETS, *SAVES])
def test_a_trial_shows_what_a_change_would_show_and_keeps_nothing(house: Flask, kind: str) -> None:
    act, draft = (SETS | SAVES)[kind]
    row = [] if kind in SETS else [None]
    before = card()

    tried = act(by_ada(house, is_trial=True), 1, *row, draft)

    assert (card(), log()) == (before, [])
    assert tried == act(by_ada(house), 1, *row, draft)
    assert len(tried) == 3


def test_the_examples_show_the_season_that_is_being_changed(small_house: Flask) -> None:
    _weekend, week, _long = rates.save_season(by_ada(small_house, is_trial=True), 1, None, SUMMER)

    assert week.stay.arrive == JUNE
    assert {line.name for line in week.quote.lines if line.unit.minor == 19800} == {"Summer"}


def test_prices_of_days_are_overwritten_removed_and_forgotten_when_they_are_over(small_house: Flask) -> None:
    db.session.add(DayPrice(listing_id=1, day=date(2020, 1, 1), nightly_minor=1000))
    db.session.commit()

    rates.set_day_prices(by_ada(small_house), 1, DayPrices(JUNE, date(2037, 6, 3), 30000))
    rates.set_day_prices(by_ada(small_house), 1, DayPrices(date(2037, 6, 2), date(2037, 6, 2), 10000))
    rates.remove_day_price(by_ada(small_house), 1, date(2037, 6, 3))
    rates.remove_day_price(by_ada(small_house), 1, date(2037, 6, 3))

    assert card().days == {JUNE: 30000, date(2037, 6, 2): 10000}


def test_a_code_that_a_booking_names_is_ended_and_not_forgotten(small_house: Flask) -> None:
    rates.save_coupon(by_ada(small_house), 1, None, SPRING)
    assert _ended_after(small_house, used=False) == []

    rates.save_coupon(by_ada(small_house), 1, None, SPRING)
    assert _ended_after(small_house, used=True) == [False]


def _ended_after(app: Flask, *, used: bool) -> list[bool]:
    coupon_id = db.session.scalars(select(Coupon.id)).one()
    if used:
        _book_with(app, coupon_id)
    rates.end_coupon(by_ada(app), 1, coupon_id)
    db.session.expire_all()
    return [coupon.is_active for coupon in db.session.scalars(select(Coupon))]


def _book_with(app: Flask, coupon_id: int) -> None:
    runtime, coupon = app.extensions["holdfast"], db.session.get_one(Coupon, coupon_id).terms
    arrive = runtime.clock.now().date() + timedelta(days=30)
    stay = Stay(arrive, arrive + timedelta(days=3))
    listing = db.session.get_one(Listing, 1)
    total = check_and_quote(listing, stay, 2, runtime.clock.now(), coupon=coupon).total
    place_booking(runtime, PlaceRequest(1, stay, 2, GRACE, "grace", total, wishes=Wishes(code="SPRING")))


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in SAVES if kind != "season"])
def test_a_name_is_given_once(small_house: Flask, kind: str) -> None:
    save, draft = SAVES[kind]
    save(by_ada(small_house), 1, None, draft)

    assert refused(lambda: save(by_ada(small_house), 1, None, draft))[1] == "There is one with this name already."


def test_two_seasons_of_one_name_do_not_share_a_night(small_house: Flask) -> None:
    rates.save_season(by_ada(small_house), 1, None, SUMMER)
    again = replace(SUMMER, name="summer", first_on=AUGUST, last_on=date(2037, 9, 30))

    assert refused(lambda: rates.save_season(by_ada(small_house), 1, None, again))[0] == "name"
    rates.save_season(by_ada(small_house), 1, None, replace(again, first_on=date(2037, 9, 1)))
    assert len(card().seasons) == 2


def test_there_are_not_more_rows_than_a_page_can_read_in_no_time(small_house: Flask) -> None:
    rows = [Season(listing_id=1, name=f"S{n}", first_on=JUNE, last_on=JUNE, nightly_minor=1) for n in range(100)]
    db.session.add_all(rows)
    db.session.commit()

    assert "There are 100 already." in refused(lambda: rates.save_season(by_ada(small_house), 1, None, SUMMER))[1]


def test_more_guests_than_it_sleeps_are_refused(small_house: Flask) -> None:
    words = refused(lambda: rates.set_more_guests(by_ada(small_house), 1, MoreGuests(5, 100)))

    assert words == ("included_guests", "This listing sleeps 4.")


def test_rows_of_another_house_cannot_be_touched(small_house: Flask) -> None:
    add_listing(small_house, "dune-house")
    rates.save_season(by_ada(small_house), 1, None, SUMMER)

    with pytest.raises(RateNotFound):
        rates.save_season(by_ada(small_house), 2, 1, SUMMER)
    rates.remove_season(by_ada(small_house), 2, 1)
    with pytest.raises(ListingNotFound):
        rates.save_season(by_ada(small_house), 9, None, SUMMER)
    with pytest.raises(ListingNotFound):
        rates.save_tax(by_ada(small_house), 9, None, VAT)
    assert len(card().seasons) == 1


def test_a_property_without_a_listing_has_no_examples(small_house: Flask) -> None:
    place = {"name": "Empty", "timezone": "Europe/Berlin", "currency": "isk", "contact_email": "x@example.org"}
    db.session.add(Property(**place))
    db.session.commit()

    assert rates.save_tax(by_ada(small_house), 2, None, VAT) == ()
