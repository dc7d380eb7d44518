"""services/rates.py: a change is checked in plain words, written and told to the log; a trial keeps nothing of it."""

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
    MOST_MINOR,
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


@pytest.mark.parametrize(
    ("draft", "field", "words"),
    [
        (replace(SUMMER, name=""), "name", "Give it a name"),
        (replace(SUMMER, name="x" * 61), "name", "at most 60 characters"),
        (replace(SUMMER, translations={"de": "x" * 61}), "name_de", "at most 60 characters"),
        (replace(SUMMER, last_on=date(2037, 5, 31)), "last_on", "The last night is before the first."),
        (replace(SUMMER, last_on=date(2039, 6, 2)), "last_on", "two years at most"),
        (replace(SUMMER, last_on=date.max), "last_on", "too far away"),
        (replace(SUMMER, first_on=date.min), "first_on", "long over"),
        (replace(SUMMER, nightly_minor=0), "nightly_minor", "Type more than 0."),
        (replace(SUMMER, nightly_minor=-1), "nightly_minor", "An amount cannot be negative."),
        (replace(SUMMER, nightly_minor=MOST_MINOR + 1), "nightly_minor", "At most 999999.99 can be paid at once."),
        (replace(SUMMER, weekday_minor={"4": 0}), "weekday_4", "Type more than 0."),
        (replace(WEEKS, off=0), "off", "Type more than 0 %."),
        (replace(WEEKS, off=10_001), "off", "More than 100 % is not possible."),
        (replace(WEEKS, off=10_000), "off", "A discount must leave something to pay"),
        (replace(WEEKS, min_nights=1), "min_nights", "Every stay would get this."),
        (replace(WEEKS, min_nights=400), "min_nights", "from 1 to 365"),
        (replace(WEEKS, min_lead=30, max_lead=7), "max_lead", "Nobody can book so early and so late at once"),
        (replace(DOG, amount_minor=0), "amount_minor", "Type more than 0."),
        (replace(BREAKFAST, most=21), "most", "from 1 to 20"),
        (replace(VAT, share=0), "share", "Type more than 0 %."),
        (replace(VAT, share=10_001), "share", "More than 100 % is not possible."),
        (replace(VAT, parts=[]), "parts", "at least one part"),
        (replace(VAT, parts=["roof"]), "parts", "at least one part"),
        (replace(SPRING, code="A B"), "code", "3 to 20 letters"),
        (replace(SPRING, code="\u0391\u0392\u0393"), "code", "3 to 20 letters"),
        (replace(SPRING, off_minor=500), "off_minor", "not both"),
        (replace(SPRING, off_share=0), "off_minor", "Give an amount or a percentage."),
        (replace(SPRING, off_share=10_001), "off_share", "More than 100 %"),
        (replace(SPRING, most_uses=0), "most_uses", "from 1 to"),
        (replace(SPRING, first_on=AUGUST, last_on=JUNE), "last_on", "before the first"),
        (PlainPrices(0, 1), "nightly_minor", "Type more than 0."),
        (PlainPrices(1, 1, -1), "cleaning_minor", "cannot be negative"),
        (MoreGuests(None, 100), "included_guests", "Say for how many guests"),
        (MoreGuests(0, 100), "included_guests", "from 1 to"),
        (TouristTaxChange(100, "year"), "tourist_tax_per", "Choose what"),
        (TouristTaxChange(100, "guest", 19), "tourist_tax_from_age", "from 0 to 18"),
        (TouristTaxChange(100, "guest", 16, 0), "tourist_tax_most_nights", "from 1 to"),
        (DayPrices(JUNE, AUGUST, 100), "last_on", "a season is the better way"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_in_plain_words(draft: Draft, field: str, words: str) -> None:
    name, message = refused(lambda: draft.check("eur"))

    assert name == field
    assert words in message


@pytest.mark.parametrize(
    ("currency", "minor", "words"),
    [
        ("isk", 1_890_150, "Nobody can pay a part of 1 ISK: leave out the decimals."),
        ("kwd", 12_345, "Of the 3 decimals of KWD the last must be 0."),
    ],
)
def test_an_amount_that_nobody_can_pay_is_refused(currency: str, minor: int, words: str) -> None:
    for draft in (replace(SUMMER, nightly_minor=minor), replace(DOG, amount_minor=minor), PlainPrices(minor, minor)):
        assert refused(lambda draft=draft: draft.check(currency))[1] == words


@pytest.mark.parametrize(("currency", "minor"), [("isk", 1_890_100), ("kwd", 12_340), ("jpy", 12_345), ("huf", 1)])
def test_an_amount_that_can_be_paid_is_not(currency: str, minor: int) -> None:
    replace(DOG, amount_minor=minor).check(currency)


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
