"""What an owner may say of a house and its listings."""

from dataclasses import replace
from typing import Any

import pytest

from booking.domain.house_facts import (
    CURRENCIES,
    HouseFacts,
    ListingFacts,
    check_house,
    check_listing,
    check_nightly,
    is_zone,
    slug_of,
)
from booking.domain.money import Money

HOUSE = HouseFacts(name="Seal Harbour", timezone="Europe/Berlin", currency="eur", contact_email="ada@example.org")
LISTING = ListingFacts(name="Harbour Loft", slug="harbour-loft", max_guests=4)


def test_what_most_houses_say_is_fine() -> None:
    assert check_house(HOUSE) == {}
    assert check_listing(LISTING) == {}


ZONE = "This is no time zone. It looks like Europe/Berlin or America/New_York."
CLOCK = "Type a time of the day like 15:00."
SLUG = "Use small letters, digits and single hyphens, such as harbour-loft."
AREA = "Type the area in square metres as a whole number, or leave it empty."


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Type the name of the house."),
        ("name", "n" * 121, "Use at most 120 characters."),
        ("tagline", "t" * 201, "Use at most 200 characters."),
        ("address", "a" * 301, "Use at most 300 characters."),
        ("timezone", "Berlin", ZONE),
        ("timezone", "", ZONE),
        ("currency", "EUR", "Choose a currency from the list."),
        ("currency", "xxx", "Choose a currency from the list."),
        ("contact_email", "", "Type the address that guests may write to."),
        ("contact_email", "e" * 255, "Use at most 254 characters."),
        ("contact_phone", "call me", "Type a telephone number like +49 171 5550123, or leave it empty."),
        ("check_in_from", "3 pm", CLOCK),
        ("check_in_from", "24:00", CLOCK),
        ("check_out_by", "", CLOCK),
        ("check_out_by", "11:60", CLOCK),
        ("house_rules", "r" * 4001, "Use at most 4000 characters."),
        ("directions", "d" * 2001, "Use at most 2000 characters."),
    ],
)
def test_each_impossible_fact_of_a_house_is_told_beside_its_field(field: str, value: str, words: str) -> None:
    assert check_house(replace(HOUSE, **{field: value})) == {field: words}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "Type the name under which guests book it."),
        ("slug", "", SLUG),
        ("slug", "Harbour", SLUG),
        ("slug", "a--b", SLUG),
        ("slug", "-a", SLUG),
        ("slug", "a/b", SLUG),
        ("slug", "a" * 81, SLUG),
        ("max_guests", 0, "Type how many guests may stay, 1 to 99."),
        ("max_guests", 100, "Type how many guests may stay, 1 to 99."),
        ("bedrooms", -1, "Type the number of bedrooms, 0 to 50."),
        ("bedrooms", 51, "Type the number of bedrooms, 0 to 50."),
        ("area_m2", 0, AREA),
        ("area_m2", 10_001, AREA),
        ("amenities", ("swimming pool of gold",), "Choose from the list."),
        ("summary", "s" * 201, "Use at most 200 characters."),
        ("beds", "b" * 201, "Use at most 200 characters."),
        ("description", "d" * 4001, "Use at most 4000 characters."),
        ("access_notes", "a" * 1001, "Use at most 1000 characters."),
        ("registration", "r" * 81, "Use at most 80 characters."),
    ],
)
def test_each_impossible_fact_of_a_listing_is_told_beside_its_field(field: str, value: Any, words: str) -> None:
    assert check_listing(replace(LISTING, **{field: value})) == {field: words}


def test_the_longest_the_largest_and_the_smallest_that_are_allowed_are_fine() -> None:
    long = {"name": "n" * 120, "description": "d" * 4000}

    assert check_house(replace(HOUSE, name="n" * 120, translations={"de": {"tagline": "t" * 200}})) == {}
    assert check_listing(replace(LISTING, **long, slug="a" * 80, max_guests=99, bedrooms=50, area_m2=10_000)) == {}
    assert check_listing(replace(LISTING, max_guests=1, bedrooms=0, area_m2=1, amenities=("wifi",))) == {}


def test_a_house_and_a_listing_are_kept_with_all_that_was_said_of_them() -> None:
    german = {"de": {"name": "Hafen"}}
    house = replace(HOUSE, contact_phone="+49 171 5550123", translations=german)
    listing = replace(LISTING, amenities=("wifi", "kitchen"), area_m2=42, translations=german)

    assert house.as_values() == {
        "name": "Seal Harbour",
        "tagline": "",
        "address": "",
        "timezone": "Europe/Berlin",
        "currency": "eur",
        "contact_email": "ada@example.org",
        "contact_phone": "+49 171 5550123",
        "check_in_from": "15:00",
        "check_out_by": "11:00",
        "house_rules": "",
        "directions": "",
        "translations": german,
    }
    assert listing.as_values() == {
        "name": "Harbour Loft",
        "slug": "harbour-loft",
        "summary": "",
        "description": "",
        "bedrooms": 1,
        "beds": "",
        "area_m2": 42,
        "max_guests": 4,
        "amenities": ["wifi", "kitchen"],
        "access_notes": "",
        "registration": "",
        "translations": german,
    }


def test_a_translation_that_is_too_long_is_named_with_its_language() -> None:
    house = replace(HOUSE, translations={"de": {"tagline": "t" * 201}})
    listing = replace(LISTING, translations={"de": {"name": "n" * 121}})

    assert check_house(house) == {"tagline_de": "Use at most 200 characters."}
    assert check_listing(listing) == {"name_de": "Use at most 120 characters."}


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kathmandu", "Etc/GMT+1", "UTC"])
def test_a_zone_of_the_worlds_list_is_one(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name", ["", "Europe", "Berlin", "CET", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 500]
)
def test_what_is_no_zone_is_refused_and_opens_no_file(name: str) -> None:
    assert not is_zone(name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Harbour Loft", "harbour-loft"), ("Café am Hafen", "cafe-am-hafen"), ("Großes Haus", "grosses-haus"),
        ("Pilot's Cabin", "pilots-cabin"), ("Søhuset № 4", "sohuset-no-4"), ("  a  --  b ", "a-b"), ("海の家", ""),
        ("<script>alert(1)</script>", "script-alert-1-script"), ("Łódź", "lodz"), ("x" * 200, "x" * 80), ("", ""),
        ("x" * 79 + " y", "x" * 79), ("Xavier's Box", "xaviers-box"), ("Grace\u2019s", "graces"),
    ],
)  # fmt: skip
def test_a_name_becomes_an_address(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (None, "Type the price of a night as a plain number, such as 120."),
        (Money(0, "eur"), "Type the price of a night as a plain number, such as 120."),
        (Money(-100, "eur"), "Type the price of a night as a plain number, such as 120."),
        (Money(101, "isk"), "ISK is charged in steps of 1.00."),
        (Money(1_005, "kwd"), "KWD is charged in steps of 0.010."),
        (Money(100_000_000, "eur"), "This is more than can be charged."),
    ],
)
def test_a_price_that_cannot_be_charged_is_refused_in_words(price: Money | None, words: str) -> None:
    assert check_nightly(price) == words


@pytest.mark.parametrize(
    "price", [Money(1, "eur"), Money(99_999_999, "eur"), Money(12_000, "jpy"), Money(500, "isk"), Money(1_010, "kwd")]
)
def test_a_price_that_can_be_charged_is_fine(price: Money) -> None:
    assert check_nightly(price) == ""


def test_currencies_are_codes_and_each_stands_there_once() -> None:
    assert len(set(CURRENCIES)) == len(CURRENCIES)
    assert all(len(code) == 3 and code.islower() for code in CURRENCIES)
