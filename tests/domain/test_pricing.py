"""The quote: stays priced by hand, and what holds for every card, party and stay."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.money import Money, step
from booking.domain.pricing import Ask, IncludedTax, Quote, QuoteLine, Wishes, agreed, quote
from booking.domain.rates import (
    ROOM,
    Discount,
    Fee,
    LineKind,
    NightPrice,
    Party,
    Per,
    Prices,
    RateCard,
    Season,
    Tax,
    TouristTax,
    plain_card,
)
from booking.domain.terms import CancellationTerms, refund_due
from tests.domain.priced_stays import STAYS, Priced
from tests.support.deals import make_deal, noon

BEGINNING, END = date(2027, 6, 1), date(2028, 7, 5)
STAY, TODAY = Stay(date(2027, 3, 12), date(2027, 3, 16)), date(2027, 1, 1)
FEE_KINDS, NAMES = [LineKind.CLEANING, LineKind.FEE, LineKind.EXTRA], ["A", "B", "C", "D"]
PARTS = [ROOM, *(frozenset({kind}) for kind in sorted(set(LineKind) - ROOM - {LineKind.TAX}))]


# --- by hand --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("priced", STAYS, ids=lambda priced: priced.name)
def test_a_stay_costs_what_a_person_works_out(priced: Priced) -> None:
    found = quote(priced.card, priced.ask)

    sums: dict[LineKind, int] = defaultdict(int)
    for line in found.lines:
        sums[line.kind] += line.total.minor
    assert dict(sums) == priced.sums
    assert found.total == Money(priced.total, priced.card.currency)
    assert {tax.name: tax.amount.minor for tax in found.included} == priced.included


def test_there_are_enough_of_them_and_none_twice() -> None:
    assert len({priced.name for priced in STAYS}) == len(STAYS) >= 120


# --- for every card -------------------------------------------------------------------------------------------------


def _card(dice: Random) -> RateCard:
    """Any card of a currency's movable amounts."""
    currency = dice.choice(["eur", "jpy", "kwd", "isk"])

    def minor() -> int:
        return dice.randint(1, 10 ** dice.randint(1, 6)) * step(currency)

    def prices() -> Prices:
        return Prices(minor(), {weekday: minor() for weekday in dice.sample(range(7), dice.randint(0, 3))})

    def fee() -> Fee:
        return Fee(dice.choice(FEE_KINDS), minor(), dice.choice(list(Per)), dice.choice(NAMES), dice.choice(NAMES))

    return RateCard(
        currency,
        prices(),
        _some(4, lambda: _season(dice, prices()), dice),
        {_day(dice): minor() for _ in range(dice.randint(0, 3))},
        dice.choice([None, 0, 1, 2, 4]),
        minor(),
        _some(4, lambda: _discount(dice), dice),
        _some(3, fee, dice),
        _some(3, fee, dice),
        dice.choice(
            [None, TouristTax(minor(), dice.choice(list(Per)), dice.randint(0, 18), dice.choice([None, 1, 7]))]
        ),
        _some(3, lambda: Tax(dice.choice(NAMES), dice.randint(0, 4_000), _kinds(dice), dice.random() < 0.5), dice),
    )


def _season(dice: Random, prices: Prices) -> Season:
    first = _day(dice)
    return Season(dice.choice(NAMES), first, first + timedelta(days=dice.choice([0, 6, dice.randint(0, 200)])), prices)


def _discount(dice: Random) -> Discount:
    lead = [dice.choice([None, dice.randint(0, 200)]) for _ in range(2)]
    return Discount(dice.choice(NAMES), dice.randint(0, 10_000), dice.randint(1, 30), *lead)


def _kinds(dice: Random) -> frozenset[LineKind]:
    return frozenset[LineKind]().union(*dice.sample(PARTS, dice.randint(0, len(PARTS))))


def _day(dice: Random) -> date:
    return BEGINNING + timedelta(days=dice.randrange(400))


def _some(most: int, make: Callable[[], Any], dice: Random) -> tuple[Any, ...]:
    return tuple(make() for _ in range(dice.randint(0, most)))


def _ask(dice: Random) -> Ask:
    """Any stay of any party, with extras and a code."""
    arrive = _day(dice)
    stay = Stay(arrive, arrive + timedelta(days=dice.randint(1, 60)))
    party = Party(dice.randint(1, 6), _some(3, lambda: dice.randint(0, 17), dice))
    coupon = Coupon(dice.choice(NAMES), dice.randint(0, 500) * 1_000, dice.randint(0, 10_000))
    extras = {name: dice.randint(0, 3) for name in dice.sample(NAMES, 2)}
    return Ask(stay, party, dice.randint(0, 400), extras, dice.choice([None, coupon]))


@pytest.mark.parametrize("first", range(0, 5_000, 500))
def test_whatever_the_card_parts_make_the_total_and_no_refund_is_above_it(first: int) -> None:
    for seed in range(first, first + 500):
        dice = Random(seed)
        card, ask = _card(dice), _ask(dice)
        found = quote(card, ask)

        assert _problems(found, card, ask) == [], f"seed {seed}"
        assert quote(_shuffled(card, dice), ask).total == found.total, f"order matters for seed {seed}"
        assert 0 <= _refund(found.total, ask, dice).minor <= found.total.minor, f"seed {seed}"
        assert Quote.from_json(json.loads(json.dumps(found.as_json()))) == found, f"seed {seed}"


def _problems(found: Quote, card: RateCard, ask: Ask) -> list[str]:
    nights = [line for line in found.lines if line.kind in (LineKind.NIGHT, LineKind.WEEKEND_NIGHT)]
    prices = [card.price(day).minor for day in ask.stay]
    promises = {
        "parts make the total": sum(line.total.minor for line in found.lines) == found.total.minor,
        "each line is its product": all(line.unit * line.quantity == line.total for line in found.lines),
        "nobody is paid for staying": sum(line.total.minor for line in found.lines if line.kind in ROOM) >= 0,
        "every line can be moved": all(line.total.is_movable for line in found.lines),
        "nights cost what the calendar shows": sum(line.total.minor for line in nights) == sum(prices),
        "each night is charged": sum(line.quantity for line in nights) == ask.stay.nights,
        "no night is out of bounds": card.cheapest.minor <= min(prices) <= max(prices) <= card.dearest.minor,
        "an included tax is a part": all(0 < tax.amount.minor <= found.total.minor for tax in found.included),
    }
    return [promise for promise, is_kept in promises.items() if not is_kept]


def _shuffled(card: RateCard, dice: Random) -> RateCard:
    """The same card with everything written down in another order."""
    lists = {name: getattr(card, name) for name in ("seasons", "discounts", "fees", "extras", "taxes")}
    return replace(card, **{name: tuple(dice.sample(items, len(items))) for name, items in lists.items()})


def _refund(total: Money, ask: Ask, dice: Random) -> Money:
    terms = CancellationTerms.in_two_steps(dice.randint(0, 60), dice.randint(0, 60), dice.randint(0, 100))
    return refund_due(
        make_deal(total, terms, ask.stay.arrive), noon(ask.stay.arrive - timedelta(days=dice.randint(0, 100)))
    )


# --- one by one -----------------------------------------------------------------------------------------------------


def test_friday_and_saturday_nights_are_the_weekend() -> None:
    card = plain_card("eur", 12800, 16400, cleaning_minor=5000, tourist_tax_minor=350)

    result = quote(card, Ask.by(Stay(date(2027, 3, 12), date(2027, 3, 16)), 2, date(2027, 1, 1)))

    assert [(line.kind, line.quantity, line.total.minor) for line in result.lines] == [
        (LineKind.WEEKEND_NIGHT, 2, 32800),
        (LineKind.NIGHT, 2, 25600),
        (LineKind.CLEANING, 1, 5000),
        (LineKind.TOURIST_TAX, 8, 2800),
    ]


def test_each_line_stands_in_its_place_with_the_name_that_the_host_gave_it() -> None:
    card = RateCard(
        "eur",
        Prices(100_00),
        seasons=(Season("Easter", date(2027, 3, 15), date(2027, 4, 1), Prices(150_00)),),
        included_guests=2,
        more_guests_minor=20_00,
        discounts=(Discount("Late", 60_00, max_lead=90), Discount("Long", 70_00, min_nights=2)),
        fees=(Fee(LineKind.CLEANING, 50_00), Fee(LineKind.FEE, 3_00, Per.NIGHT, "Resort fee")),
        extras=(Fee(LineKind.EXTRA, 8_00, name="Dog", key="dog"),),
        tourist_tax=TouristTax(2_00),
        taxes=(Tax("City tax", 10_00, frozenset({LineKind.CLEANING}), is_included=False),),
    )

    found = quote(card, Ask.by(STAY, 3, TODAY, Wishes(extras={"dog": 1})))

    assert [(line.kind, line.quantity, line.unit.minor, line.name) for line in found.lines] == [
        (LineKind.NIGHT, 3, 100_00, ""),
        (LineKind.NIGHT, 1, 150_00, "Easter"),
        (LineKind.MORE_GUESTS, 4, 20_00, ""),
        (LineKind.DISCOUNT, 1, -371_00, "Long"),
        (LineKind.DISCOUNT, 1, -159_00, "Late"),  # the rest of 530.00: together never more than the room
        (LineKind.CLEANING, 1, 50_00, ""),
        (LineKind.FEE, 4, 3_00, "Resort fee"),
        (LineKind.EXTRA, 1, 8_00, "Dog"),
        (LineKind.TOURIST_TAX, 12, 2_00, ""),
        (LineKind.TAX, 1, 5_00, "City tax"),
    ]


def test_no_tax_is_laid_on_discounts_alone() -> None:
    with pytest.raises(ValueError, match=r"^a tax is laid on all of the room or on none of it$"):
        Tax("VAT", 7_00, frozenset({LineKind.DISCOUNT}), is_included=True)


def test_a_quote_of_an_older_version_is_read() -> None:
    old = {
        "nights": 1, "guests": 2, "currency": "eur", "total_minor": 100,
        "lines": [{"kind": "night", "quantity": 1, "unit_minor": 100, "total_minor": 100}],
    }  # fmt: skip

    found = Quote.from_json(old)

    assert (found.total, found.lines[0].name, found.included) == (Money(100, "eur"), "", ())


def test_a_quote_is_frozen_in_a_form_that_later_versions_must_read() -> None:
    line = QuoteLine(LineKind.NIGHT, 2, Money(100_00, "eur"), Money(200_00, "eur"), "Summer")
    told = Quote(
        2, 3, (line,), Money(200_00, "eur"), (IncludedTax("VAT", 7_00, Money(13_08, "eur")),),
        {"de": {"Summer": "Sommer"}},
    )  # fmt: skip
    frozen = {
        "nights": 2, "guests": 3, "currency": "eur", "total_minor": 200_00,
        "lines": [
            {"kind": "night", "quantity": 2, "unit_minor": 100_00, "total_minor": 200_00, "name": "Summer"}
        ],
        "included": [{"name": "VAT", "share": 7_00, "amount_minor": 13_08}],
        "glossary": {"de": {"Summer": "Sommer"}},
    }  # fmt: skip

    assert told.as_json() == frozen
    assert Quote.from_json(frozen) == told


def test_lead_is_counted_from_today_to_the_day_of_arrival() -> None:
    assert Ask.by(Stay(date(2027, 3, 12), date(2027, 3, 16)), 2, date(2027, 3, 1)).lead == 11


@pytest.mark.parametrize(
    ("off", "code", "sums", "name"),
    [
        (10_00, "", {LineKind.MEMBER: -36_00}, "10"),
        (12_50, "", {LineKind.MEMBER: -45_00}, "12.5"),
        (10_00, "FIFTH", {LineKind.MEMBER: -36_00, LineKind.COUPON: -64_80}, "10"),
        (0, "FIFTH", {LineKind.COUPON: -72_00}, None),
    ],
)
def test_members_save_on_what_discounts_leave_of_the_nights_and_before_their_own_code(
    off: int, code: str, sums: dict[LineKind, int], name: str | None
) -> None:
    card = RateCard("eur", Prices(100_00), discounts=(Discount("Long", 10_00),), fees=(Fee(LineKind.CLEANING, 65_00),))
    coupon = Coupon(code, off_share=20_00) if code else None

    found = quote(card, Ask.by(STAY, 2, TODAY, Wishes(code=code), coupon, off))

    before = {LineKind.NIGHT: 400_00, LineKind.DISCOUNT: -40_00, LineKind.CLEANING: 65_00}
    assert {line.kind: line.total.minor for line in found.lines} == before | sums
    assert all((line.quantity, line.unit) == (1, line.total) for line in found.lines if line.kind in sums)
    assert [line.name for line in found.lines if line.kind is LineKind.MEMBER] == ([name] if name else [])
    assert [line.name for line in found.lines if line.kind is LineKind.COUPON] == ([code] if code else [])


# An eighth of the whole is the tax that the nights hold: 20 of 160, of 160,000 and so on.
HELD = Tax("VAT", 25_00, ROOM, is_included=True)


@pytest.mark.parametrize(
    ("currency", "nightly", "total", "difference", "tax"),
    [
        ("eur", 100_00, 140_00, -20_00, 17_50),
        ("eur", 100_00, 200_00, 40_00, 25_00),
        ("eur", 100_00, 140_03, -19_97, 17_50),
        ("eur", 100_00, 140_04, -19_96, 17_51),  # half a cent goes up
        ("isk", 100_000_00, 140_003_00, -19_997_00, 17_500_00),
        ("isk", 100_000_00, 140_004_00, -19_996_00, 17_501_00),  # so does half a crown
    ],
)
def test_what_was_agreed_is_one_more_line_and_included_taxes_are_told_in_proportion(
    currency: str, nightly: int, total: int, difference: int, tax: int
) -> None:
    card = RateCard(
        currency,
        Prices(nightly),
        fees=(Fee(LineKind.CLEANING, nightly * 6 // 10),),
        taxes=(HELD,),
        glossary={"de": {"VAT": "MwSt."}},
    )
    by_rates = quote(card, Ask.by(Stay(STAY.arrive, STAY.arrive + timedelta(days=1)), 2, TODAY))

    found = agreed(by_rates, Money(total, currency))

    more = Money(difference, currency)
    lines = (*by_rates.lines, QuoteLine(LineKind.AGREED, 1, more, more))
    told = (IncludedTax("VAT", 25_00, Money(tax, currency)),)
    assert found == Quote(1, 2, lines, Money(total, currency), told, {"de": {"VAT": "MwSt."}})


def test_who_agrees_to_the_price_by_the_rates_has_no_line_more() -> None:
    by_rates = quote(plain_card("eur", 100_00, 100_00), Ask.by(STAY, 2, TODAY))

    assert agreed(by_rates, Money(400_00, "eur")) == by_rates


def test_amounts_that_cannot_be_moved_are_found_wherever_they_stand() -> None:
    card = RateCard(
        "isk",
        Prices(100_00, {4: 100_50}),
        (Season("S", BEGINNING, END, Prices(200_01)),),
        {BEGINNING: 300_02},
        more_guests_minor=3,
        fees=(Fee(LineKind.CLEANING, 4),),
        extras=(Fee(LineKind.EXTRA, 5),),
        tourist_tax=TouristTax(6),
    )

    assert card.unmovable() == [3, 4, 5, 6, 100_50, 200_01, 300_02]
    for tax in (card.tourist_tax, None):
        assert replace(card, currency="eur", tourist_tax=tax).unmovable() == []


def test_a_plain_card_asks_for_nothing_that_it_was_not_given_and_names_no_season() -> None:
    card = plain_card("eur", 10000, 12000)

    assert [fee.amount_minor for fee in card.fees] == [0]
    assert card.tourist_tax == TouristTax(0)
    assert card.night(date(2027, 3, 15)) == NightPrice(10000)
