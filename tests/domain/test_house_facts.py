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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "n" * 121), ("tagline", "t" * 201), ("address", "a" * 301), ("timezone", "Berlin"),
        ("timezone", ""), ("currency", "EUR"), ("currency", "xxx"), ("contact_email", ""), ("contact_phone", "call me"),
        ("check_in_from", "3 pm"), ("check_in_from", "24:00"), ("check_out_by", ""), ("check_out_by", "11:60"),
        ("house_rules", "r" * 4001), ("directions", "d" * 2001),
    ],
)  # fmt: skip
def test_each_impossible_fact_of_a_house_is_named_with_its_field(field: str, value: str) -> None:
    assert list(check_house(replace(HOUSE, **{field: value}))) == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("slug", ""), ("slug", "Harbour"), ("slug", "a--b"), ("slug", "-a"), ("slug", "a/b"),
        ("slug", "a" * 81), ("max_guests", 0), ("max_guests", 100), ("bedrooms", -1), ("area_m2", 0),
        ("area_m2", 10_001), ("amenities", ("swimming pool of gold",)), ("summary", "s" * 201), ("beds", "b" * 201),
        ("description", "d" * 4001), ("access_notes", "a" * 1001), ("registration", "r" * 81),
    ],
)  # fmt: skip
def test_each_impossible_fact_of_a_listing_is_named_with_its_field(field: str, value: Any) -> None:
    assert list(check_listing(replace(LISTING, **{field: value}))) == [field]


def test_a_translation_that_is_too_long_is_named_with_its_language() -> None:
    assert list(check_house(replace(HOUSE, translations={"de": {"tagline": "t" * 201}}))) == ["tagline_de"]
    assert list(check_listing(replace(LISTING, translations={"de": {"name": "n" * 121}}))) == ["name_de"]


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
    ],
)  # fmt: skip
def test_a_name_becomes_an_address(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    "price",
    [None, Money(0, "eur"), Money(-100, "eur"), Money(101, "isk"), Money(1_005, "kwd"), Money(100_000_000, "eur")],
)
def test_a_price_that_cannot_be_charged_is_refused_in_words(price: Money | None) -> None:
    assert check_nightly(price)


@pytest.mark.parametrize("price", [Money(1, "eur"), Money(12_000, "jpy"), Money(500, "isk"), Money(1_010, "kwd")])
def test_a_price_that_can_be_charged_is_fine(price: Money) -> None:
    assert check_nightly(price) == ""


def test_currencies_are_codes_and_each_stands_there_once() -> None:
    assert len(set(CURRENCIES)) == len(CURRENCIES)
    assert all(len(code) == 3 and code.islower() for code in CURRENCIES)
