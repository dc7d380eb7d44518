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
from booking.domain.pricing import Ask, Quote, quote
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


def test_lead_is_counted_from_today_to_the_day_of_arrival() -> None:
    assert Ask.by(Stay(date(2027, 3, 12), date(2027, 3, 16)), 2, date(2027, 3, 1)).lead == 11


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
    assert replace(card, currency="eur", tourist_tax=None).unmovable() == []


def test_a_plain_card_asks_for_nothing_that_it_was_not_given_and_names_no_season() -> None:
    card = plain_card("eur", 10000, 12000)

    assert [fee.amount_minor for fee in card.fees] == [0]
    assert card.tourist_tax == TouristTax(0)
    assert card.night(date(2027, 3, 15)) == NightPrice(10000)
