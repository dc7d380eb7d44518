"""What guests choose beside nights and guests, the names a quote is frozen with, and what a card says of itself."""

from dataclasses import replace
from datetime import date

import pytest

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.pricing import Ask, Quote, Wishes, quote
from booking.domain.rates import (
    Fee,
    LineKind,
    Party,
    Per,
    Prices,
    RateCard,
    Season,
    Tax,
    TaxPart,
    TouristTax,
    plain_card,
)

TODAY = date(2027, 3, 1)
STAY = Stay(date(2027, 3, 12), date(2027, 3, 16))
GERMAN = {"de": {"High season": "Hochsaison", "Breakfast": "Frühstück", "VAT": "MwSt.", "Sauna": "Sauna"}}
CARD = RateCard(
    "eur",
    Prices(10000),
    seasons=(Season("High season", date(2027, 3, 15), date(2027, 3, 31), Prices(20000)),),
    extras=(Fee(LineKind.EXTRA, 1200, Per.NIGHT, "Breakfast", "1", 2), Fee(LineKind.EXTRA, 900, name="Sauna", key="2")),
    tourist_tax=TouristTax(350, from_age=16),
    taxes=(Tax("VAT", 700, TaxPart.ROOM.kinds, True),),
    glossary=GERMAN,
)


def test_a_child_is_one_of_the_guests() -> None:
    assert Wishes((4, 9)).party(3) == Party(1, (4, 9))
    assert Wishes().party(2) == Party(2)


@pytest.mark.parametrize("guests", [1, 2])
def test_children_alone_are_refused(guests: int) -> None:
    with pytest.raises(StayRuleBroken) as refused:
        Wishes((4, 9)).party(guests)

    assert (refused.value.user_message, refused.value.details) == (
        "At least one adult must stay.",
        {"field": "child_ages"},
    )


def test_nobody_at_all_is_no_party_of_children() -> None:
    assert Wishes().party(0) == Party(0)  # the rules of the stay refuse it, in words of their own


@pytest.mark.parametrize("wishes", [Wishes(), Wishes((4,), {"1": 2}, "SPRING")])
def test_frozen_wishes_read_back_as_they_were(wishes: Wishes) -> None:
    assert Wishes.from_json(wishes.as_json()) == wishes
    assert bool(wishes) is (wishes != Wishes())


def test_a_booking_of_an_older_version_has_no_wishes_and_no_other_names() -> None:
    assert Wishes.from_json(None) == Wishes()
    frozen = quote(plain_card("eur", 10000, 10000), Ask(STAY, Party(2))).as_json()
    del frozen["glossary"], frozen["included"]
    assert Quote.from_json(frozen).name_in("de", "High season") == "High season"


def test_a_quote_is_frozen_with_the_other_names_of_its_own_lines_alone() -> None:
    priced = quote(CARD, Ask.by(STAY, 2, TODAY, Wishes(extras={"1": 1})))

    assert priced.glossary == {"de": {"High season": "Hochsaison", "Breakfast": "Frühstück", "VAT": "MwSt."}}
    assert Quote.from_json(priced.as_json()) == priced
    assert priced.name_in("de", "High season") == "Hochsaison"
    assert priced.name_in("fr", "High season") == "High season"


@pytest.mark.parametrize(("wanted", "charged"), [(1, 4), (2, 8), (3, 8), (99, 8)])
def test_nobody_has_more_of_an_extra_than_there_is(wanted: int, charged: int) -> None:
    priced = quote(CARD, Ask.by(STAY, 2, TODAY, Wishes(extras={"1": wanted, "unknown": 5})))

    assert [line.quantity for line in priced.lines if line.kind is LineKind.EXTRA] == [charged]


@pytest.mark.parametrize(
    ("tax", "asks"),
    [
        (TouristTax(350, from_age=16), True),
        (TouristTax(350, Per.GUEST, 16), True),
        (TouristTax(350), False),
        (TouristTax(0, from_age=16), False),
        (TouristTax(350, Per.NIGHT, 16), False),
        (None, False),
    ],
)
def test_ages_matter_where_a_tax_for_each_head_spares_the_young(tax: TouristTax | None, asks: bool) -> None:
    assert RateCard("eur", Prices(1), tourist_tax=tax).asks_ages is asks


@pytest.mark.parametrize(
    ("card", "more"),
    [
        (plain_card("eur", 100, 100, 50, 10), False),
        (RateCard("eur", Prices(100), fees=(Fee(LineKind.FEE, 5, name="Dog"),)), True),
        (RateCard("eur", Prices(100), included_guests=2), True),
        (RateCard("eur", Prices(100), taxes=(Tax("VAT", 700, TaxPart.ROOM.kinds, False),)), True),
        (RateCard("eur", Prices(100), taxes=(Tax("VAT", 700, TaxPart.ROOM.kinds, True),)), False),
    ],
)
def test_what_comes_to_the_price_of_a_night_is_known(card: RateCard, more: bool) -> None:
    assert card.adds_more is more


def test_prices_that_nobody_can_have_are_no_prices() -> None:
    days = {date(2027, 3, day): 90000 + day for day in (1, 14, 15, 31)}
    card = replace(CARD, days=days)

    sold = card.on_sale(TODAY, date(2027, 3, 14))

    assert (sold.seasons, list(sold.days), sold.dearest.minor) == ((), [TODAY, date(2027, 3, 14)], 90014)
    assert card.on_sale(date(2027, 3, 2), date(2027, 3, 15)).dearest.minor == 90015
    assert card.on_sale(date(2027, 3, 31), date(2027, 4, 30)).seasons == CARD.seasons
    assert CARD.on_sale(TODAY, date(2027, 3, 15)).dearest.minor == 20000
