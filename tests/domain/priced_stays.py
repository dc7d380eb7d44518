"""Stays whose prices were worked out by hand, or from rules that cities and tax offices publish.

Each has a name, the card, who comes and when, and what each kind of line must come to. Nothing here is computed by the
code under test: amounts stand as the sums that a person would write down. Rules of places are of their kind and year;
what is tested is that such rules can be told and come out right, not that they are still in force.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.pricing import Ask
from booking.domain.rates import ROOM, Discount, Fee, LineKind, Party, Per, Prices, RateCard, Season, Tax, TouristTax

K = LineKind
EVERYTHING = frozenset(LineKind) - {K.TAX, K.TOURIST_TAX}


@dataclass(frozen=True)
class Priced:
    """One stay with the sums that it must come to, by kind of line and for each tax that is included."""

    name: str
    card: RateCard
    ask: Ask
    sums: dict[LineKind, int]
    included: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.sums.values())


def card(nightly: int, currency: str = "eur", **more: Any) -> RateCard:
    return RateCard(currency, Prices(nightly, more.pop("weekdays", {})), **more)


def ask(first: str, nights: int, guests: int | Party = 2, lead: int = 30, **more: Any) -> Ask:
    arrive = date.fromisoformat(first)
    party = guests if isinstance(guests, Party) else Party(guests)
    return Ask(Stay(arrive, arrive + timedelta(days=nights)), party, lead, **more)


def season(name: str, first: str, last: str, nightly: int, weekdays: dict[int, int] | None = None) -> Season:
    return Season(name, date.fromisoformat(first), date.fromisoformat(last), Prices(nightly, weekdays or {}))


def included(name: str, share: int, on: frozenset[LineKind] = EVERYTHING) -> Tax:
    return Tax(name, share, on, is_included=True)


def on_top(name: str, share: int, on: frozenset[LineKind] = EVERYTHING) -> Tax:
    return Tax(name, share, on, is_included=False)


PLAIN = card(100_00)
# 12 March 2027 is a Friday.
WEEKEND = card(100_00, weekdays={4: 130_00, 5: 130_00})
EACH_DAY = card(100_00, weekdays={0: 81_00, 1: 82_00, 2: 83_00, 3: 84_00, 4: 85_00, 5: 86_00, 6: 87_00})

NIGHTS = [
    Priced("one night", PLAIN, ask("2027-03-15", 1), {K.NIGHT: 100_00}),
    Priced("three nights", PLAIN, ask("2027-03-15", 3), {K.NIGHT: 300_00}),
    Priced("a year", PLAIN, ask("2027-03-15", 365), {K.NIGHT: 36_500_00}),
    Priced("a leap year", PLAIN, ask("2028-01-01", 366), {K.NIGHT: 36_600_00}),
    Priced("the night before the leap day, and the leap day", PLAIN, ask("2028-02-28", 2), {K.NIGHT: 200_00}),
    Priced("February of no leap year", PLAIN, ask("2027-02-28", 1), {K.NIGHT: 100_00}),
    Priced("the night in which clocks go forward", PLAIN, ask("2027-03-27", 2), {K.NIGHT: 200_00}),
    Priced("the night in which clocks go back", PLAIN, ask("2027-10-30", 2), {K.NIGHT: 200_00}),
    Priced("the turn of a year", PLAIN, ask("2026-12-30", 4), {K.NIGHT: 400_00}),
    Priced("Friday alone", WEEKEND, ask("2027-03-12", 1), {K.WEEKEND_NIGHT: 130_00}),
    Priced("Friday to Sunday", WEEKEND, ask("2027-03-12", 2), {K.WEEKEND_NIGHT: 260_00}),
    Priced("Friday to Monday", WEEKEND, ask("2027-03-12", 3), {K.WEEKEND_NIGHT: 260_00, K.NIGHT: 100_00}),
    Priced("Sunday to Friday", WEEKEND, ask("2027-03-14", 5), {K.NIGHT: 500_00}),
    Priced("two weeks", WEEKEND, ask("2027-03-15", 14), {K.WEEKEND_NIGHT: 520_00, K.NIGHT: 1_000_00}),
    Priced(
        "a week with a price for each day",
        EACH_DAY,
        ask("2027-03-15", 7),
        {K.NIGHT: 81_00 + 82_00 + 83_00 + 84_00 + 87_00, K.WEEKEND_NIGHT: 85_00 + 86_00},
    ),
    Priced(
        "Thursdays cost more", card(90_00, weekdays={3: 99_50}), ask("2027-03-17", 3), {K.NIGHT: 90_00 + 99_50 + 90_00}
    ),
]

SUMMER = season("Summer", "2027-06-15", "2027-09-14", 150_00)
HIGH = season("High summer", "2027-07-20", "2027-08-20", 190_00, {4: 210_00, 5: 210_00})
FESTIVAL = season("Sailing week", "2027-07-24", "2027-07-26", 260_00)
SEASONS = card(100_00, weekdays={4: 130_00, 5: 130_00}, seasons=(SUMMER, HIGH, FESTIVAL))
MAY_FIRST = replace(
    SEASONS,
    seasons=(season("One", "2027-05-01", "2027-05-10", 110_00), season("Two", "2027-05-05", "2027-05-14", 120_00)),
)

IN_SEASONS = [
    Priced("wholly before a season", SEASONS, ask("2027-06-13", 2), {K.NIGHT: 200_00}),
    Priced("the last night before a season", SEASONS, ask("2027-06-14", 1), {K.NIGHT: 100_00}),
    Priced("the first night of a season", SEASONS, ask("2027-06-15", 1), {K.NIGHT: 150_00}),
    Priced("across the beginning of a season", SEASONS, ask("2027-06-14", 2), {K.NIGHT: 250_00}),
    Priced("a season's price holds at the weekend too", SEASONS, ask("2027-06-18", 2), {K.NIGHT: 300_00}),
    Priced("the last night of a season", SEASONS, ask("2027-09-14", 1), {K.NIGHT: 150_00}),
    Priced("across the end of a season", SEASONS, ask("2027-09-13", 3), {K.NIGHT: 400_00}),
    Priced("the shorter of two seasons holds", SEASONS, ask("2027-07-21", 2), {K.NIGHT: 380_00}),
    Priced("a weekend within the shorter season", SEASONS, ask("2027-07-30", 2), {K.WEEKEND_NIGHT: 420_00}),
    Priced("the shortest of three", SEASONS, ask("2027-07-24", 3), {K.NIGHT: 780_00}),
    Priced(
        "through all of them",
        SEASONS,
        ask("2027-07-18", 10),  # Sunday: 2 of summer, 3 and a Friday of high summer, 3 of the week, 1 after it
        {K.NIGHT: 2 * 150_00 + 3 * 190_00 + 3 * 260_00 + 190_00, K.WEEKEND_NIGHT: 210_00},
    ),
    Priced("of two as long the later holds", MAY_FIRST, ask("2027-05-05", 3), {K.NIGHT: 360_00}),
    Priced("and the earlier where it is alone", MAY_FIRST, ask("2027-05-03", 4), {K.NIGHT: 2 * 110_00 + 2 * 120_00}),
    Priced("next year's summer is no season yet", SEASONS, ask("2028-07-10", 2), {K.NIGHT: 200_00}),
    Priced(
        "a season of one night",
        card(80_00, seasons=(season("New Year's Eve", "2026-12-31", "2026-12-31", 200_00),)),
        ask("2026-12-30", 3),
        {K.NIGHT: 80_00 + 200_00 + 80_00},
    ),
    Priced(
        "a season may be cheaper",
        card(80_00, seasons=(season("November", "2027-11-01", "2027-11-30", 55_00),)),
        ask("2027-10-31", 3),
        {K.NIGHT: 80_00 + 55_00 + 55_00},
    ),
]

DAYS = replace(SEASONS, days={date(2027, 3, 12): 99_00, date(2027, 7, 25): 300_00, date(2028, 2, 29): 29_00})
ON_DAYS = [
    Priced(
        "a day's own price is above its weekend's",
        DAYS,
        ask("2027-03-12", 2),
        {K.NIGHT: 99_00, K.WEEKEND_NIGHT: 130_00},
    ),
    Priced("and above any season's", DAYS, ask("2027-07-24", 3), {K.NIGHT: 260_00 + 300_00 + 260_00}),
    Priced("on a leap day", DAYS, ask("2028-02-28", 3), {K.NIGHT: 100_00 + 29_00 + 100_00}),
    Priced("which has no effect in other years", DAYS, ask("2027-02-28", 2), {K.NIGHT: 200_00}),
    Priced("the day before it", DAYS, ask("2027-03-11", 1), {K.NIGHT: 100_00}),
]

FOR_TWO = card(100_00, included_guests=2, more_guests_minor=20_00)
GUESTS = [
    Priced("one guest pays what two pay", FOR_TWO, ask("2027-03-15", 2, 1), {K.NIGHT: 200_00}),
    Priced("two guests", FOR_TWO, ask("2027-03-15", 2, 2), {K.NIGHT: 200_00}),
    Priced("a third guest, for each night", FOR_TWO, ask("2027-03-15", 2, 3), {K.NIGHT: 200_00, K.MORE_GUESTS: 40_00}),
    Priced("five guests", FOR_TWO, ask("2027-03-15", 3, 5), {K.NIGHT: 300_00, K.MORE_GUESTS: 3 * 3 * 20_00}),
    Priced(
        "a child is a guest", FOR_TWO, ask("2027-03-15", 2, Party(2, (4,))), {K.NIGHT: 200_00, K.MORE_GUESTS: 40_00}
    ),
    Priced("a price for all costs nothing more", PLAIN, ask("2027-03-15", 2, 9), {K.NIGHT: 200_00}),
    Priced(
        "a price for nobody, and so much a head",
        card(30_00, included_guests=0, more_guests_minor=25_00),
        ask("2027-03-15", 2, 4),
        {K.NIGHT: 60_00, K.MORE_GUESTS: 200_00},
    ),
]

WEEK, MONTH = Discount("A week", 10_00, min_nights=7), Discount("Four weeks", 25_00, min_nights=28)
EARLY, LATE = Discount("Early", 5_00, min_lead=90), Discount("Last minute", 15_00, max_lead=3)
CHEAPER = card(100_00, discounts=(WEEK, MONTH, EARLY, LATE))
DISCOUNTS = [
    Priced("six nights are no week", CHEAPER, ask("2027-03-15", 6), {K.NIGHT: 600_00}),
    Priced("seven are", CHEAPER, ask("2027-03-15", 7), {K.NIGHT: 700_00, K.DISCOUNT: -70_00}),
    Priced("27 nights are weeks", CHEAPER, ask("2027-03-15", 27), {K.NIGHT: 2_700_00, K.DISCOUNT: -270_00}),
    Priced(
        "28 nights get the better one alone", CHEAPER, ask("2027-03-15", 28), {K.NIGHT: 2_800_00, K.DISCOUNT: -700_00}
    ),
    Priced("89 days before is not early", CHEAPER, ask("2027-03-15", 2, lead=89), {K.NIGHT: 200_00}),
    Priced("90 days before is", CHEAPER, ask("2027-03-15", 2, lead=90), {K.NIGHT: 200_00, K.DISCOUNT: -10_00}),
    Priced("four days before is not late", CHEAPER, ask("2027-03-15", 2, lead=4), {K.NIGHT: 200_00}),
    Priced("three days before is", CHEAPER, ask("2027-03-15", 2, lead=3), {K.NIGHT: 200_00, K.DISCOUNT: -30_00}),
    Priced("so is the very day", CHEAPER, ask("2027-03-15", 1, lead=0), {K.NIGHT: 100_00, K.DISCOUNT: -15_00}),
    Priced(
        "length and lead are both taken off the nights, not off each other",
        CHEAPER,
        ask("2027-03-15", 7, lead=120),
        {K.NIGHT: 700_00, K.DISCOUNT: -70_00 - 35_00},
    ),
    Priced(
        "a month at the last minute",
        CHEAPER,
        ask("2027-03-15", 28, lead=1),
        {K.NIGHT: 2_800_00, K.DISCOUNT: -700_00 - 420_00},
    ),
    Priced(
        "more guests count for a discount",
        replace(FOR_TWO, discounts=(WEEK,)),
        ask("2027-03-15", 7, 3),
        {K.NIGHT: 700_00, K.MORE_GUESTS: 140_00, K.DISCOUNT: -84_00},
    ),
    Priced(
        "cleaning does not",
        replace(CHEAPER, fees=(Fee(K.CLEANING, 60_00),)),
        ask("2027-03-15", 7),
        {K.NIGHT: 700_00, K.DISCOUNT: -70_00, K.CLEANING: 60_00},
    ),
    Priced(
        "half a cent goes up",
        card(10_01, discounts=(Discount("Half", 50_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 10_01, K.DISCOUNT: -5_01},
    ),
    Priced(
        "a third of a cent goes down",
        card(10_01, discounts=(Discount("Third", 33_33),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 10_01, K.DISCOUNT: -3_34},
    ),
    Priced(
        "together never more than the nights",
        card(100_00, discounts=(Discount("Long", 70_00, min_nights=2), Discount("Late", 60_00, max_lead=5))),
        ask("2027-03-15", 2, lead=1),
        {K.NIGHT: 200_00, K.DISCOUNT: -140_00 - 60_00},
    ),
    Priced(
        "a discount for those who stay long and book early",
        card(100_00, discounts=(Discount("Both", 12_50, min_nights=3, min_lead=60),)),
        ask("2027-03-15", 3, lead=60),
        {K.NIGHT: 300_00, K.DISCOUNT: -37_50},
    ),
    Priced(
        "who books early and stays too short gets none of it",
        card(100_00, discounts=(Discount("Both", 12_50, min_nights=3, min_lead=60),)),
        ask("2027-03-15", 2, lead=60),
        {K.NIGHT: 200_00},
    ),
]

TEN_OFF, TENTH = Coupon("TEN", off_minor=10_00), Coupon("TENTH", off_share=10_00)
COUPONS = [
    Priced("ten euros off", PLAIN, ask("2027-03-15", 2, coupon=TEN_OFF), {K.NIGHT: 200_00, K.COUPON: -10_00}),
    Priced("a tenth off", PLAIN, ask("2027-03-15", 2, coupon=TENTH), {K.NIGHT: 200_00, K.COUPON: -20_00}),
    Priced(
        "a tenth of what a discount has left",
        CHEAPER,
        ask("2027-03-15", 7, coupon=TENTH),
        {K.NIGHT: 700_00, K.DISCOUNT: -70_00, K.COUPON: -63_00},
    ),
    Priced(
        "nothing comes off cleaning and tax",
        replace(PLAIN, fees=(Fee(K.CLEANING, 50_00),), tourist_tax=TouristTax(3_50)),
        ask("2027-03-15", 2, coupon=TENTH),
        {K.NIGHT: 200_00, K.COUPON: -20_00, K.CLEANING: 50_00, K.TOURIST_TAX: 14_00},
    ),
    Priced(
        "never more than the nights cost",
        replace(PLAIN, fees=(Fee(K.CLEANING, 50_00),)),
        ask("2027-03-15", 1, coupon=Coupon("GIFT", off_minor=500_00)),
        {K.NIGHT: 100_00, K.COUPON: -100_00, K.CLEANING: 50_00},
    ),
    Priced(
        "all of it",
        PLAIN,
        ask("2027-03-15", 1, coupon=Coupon("STAFF", off_share=100_00)),
        {K.NIGHT: 100_00, K.COUPON: -100_00},
    ),
    Priced(
        "a code worth nothing leaves no line", PLAIN, ask("2027-03-15", 1, coupon=Coupon("HELLO")), {K.NIGHT: 100_00}
    ),
    Priced(
        "off the price of more guests too",
        FOR_TWO,
        ask("2027-03-15", 2, 3, coupon=TENTH),
        {K.NIGHT: 200_00, K.MORE_GUESTS: 40_00, K.COUPON: -24_00},
    ),
]

CLEANING, PETS = Fee(K.CLEANING, 65_00), Fee(K.EXTRA, 8_00, Per.NIGHT, "Dog", "dog")
BREAKFAST, COT = (
    Fee(K.EXTRA, 14_50, Per.GUEST_NIGHT, "Breakfast", "breakfast"),
    Fee(K.EXTRA, 15_00, Per.STAY, "Cot", "cot"),
)
LINEN, RESORT = Fee(K.FEE, 12_00, Per.GUEST, "Linen"), Fee(K.FEE, 6_00, Per.NIGHT, "Resort fee")
FULL = card(100_00, fees=(CLEANING, LINEN), extras=(PETS, BREAKFAST, COT))
ALWAYS = {K.CLEANING: 65_00, K.FEE: 24_00}
FEES = [
    Priced(
        "cleaning, once", card(100_00, fees=(CLEANING,)), ask("2027-03-15", 5), {K.NIGHT: 500_00, K.CLEANING: 65_00}
    ),
    Priced("linen for each guest", FULL, ask("2027-03-15", 2), {K.NIGHT: 200_00, **ALWAYS}),
    Priced("linen for five", FULL, ask("2027-03-15", 2, 5), {K.NIGHT: 200_00, K.CLEANING: 65_00, K.FEE: 60_00}),
    Priced("a fee for each night", card(100_00, fees=(RESORT,)), ask("2027-03-15", 4), {K.NIGHT: 400_00, K.FEE: 24_00}),
    Priced(
        "a dog, for each night",
        FULL,
        ask("2027-03-15", 3, extras={"dog": 1}),
        {K.NIGHT: 300_00, **ALWAYS, K.EXTRA: 24_00},
    ),
    Priced("two dogs", FULL, ask("2027-03-15", 3, extras={"dog": 2}), {K.NIGHT: 300_00, **ALWAYS, K.EXTRA: 48_00}),
    Priced(
        "breakfast for two",
        FULL,
        ask("2027-03-15", 3, extras={"breakfast": 1}),
        {K.NIGHT: 300_00, **ALWAYS, K.EXTRA: 87_00},
    ),
    Priced(
        "a cot for the stay", FULL, ask("2027-03-15", 9, extras={"cot": 1}), {K.NIGHT: 900_00, **ALWAYS, K.EXTRA: 15_00}
    ),
    Priced(
        "dog, breakfast and cot",
        FULL,
        ask("2027-03-15", 2, extras={"dog": 1, "breakfast": 1, "cot": 1}),
        {K.NIGHT: 200_00, **ALWAYS, K.EXTRA: 16_00 + 58_00 + 15_00},
    ),
    Priced("none of an extra", FULL, ask("2027-03-15", 2, extras={"dog": 0}), {K.NIGHT: 200_00, **ALWAYS}),
    Priced(
        "an extra that is not sold here", FULL, ask("2027-03-15", 2, extras={"sauna": 1}), {K.NIGHT: 200_00, **ALWAYS}
    ),
]

HOUSE = card(100_00)


def taxed(amount: int, **more: Any) -> RateCard:
    return replace(HOUSE, tourist_tax=TouristTax(amount, **more))


ROME = taxed(6_00, from_age=10, most_nights=10)
VENICE = taxed(4_00, from_age=10, most_nights=5)
BARCELONA = taxed(6_25, from_age=17, most_nights=7)
PARIS = taxed(3_25, from_age=18)
FLORENCE = taxed(5_50, from_age=12, most_nights=7)
TOURIST_TAXES = [
    Priced("two adults, three nights", taxed(3_50), ask("2027-03-15", 3), {K.NIGHT: 300_00, K.TOURIST_TAX: 21_00}),
    Priced(
        "a child where nobody is spared",
        taxed(3_50),
        ask("2027-03-15", 3, Party(2, (3,))),
        {K.NIGHT: 300_00, K.TOURIST_TAX: 31_50},
    ),
    Priced("Rome's kind, three nights", ROME, ask("2027-03-15", 3), {K.NIGHT: 300_00, K.TOURIST_TAX: 36_00}),
    Priced("ten nights", ROME, ask("2027-03-15", 10), {K.NIGHT: 1_000_00, K.TOURIST_TAX: 120_00}),
    Priced("no more after the tenth", ROME, ask("2027-03-15", 14), {K.NIGHT: 1_400_00, K.TOURIST_TAX: 120_00}),
    Priced(
        "nine years old: spared", ROME, ask("2027-03-15", 2, Party(2, (9,))), {K.NIGHT: 200_00, K.TOURIST_TAX: 24_00}
    ),
    Priced("ten years old: not", ROME, ask("2027-03-15", 2, Party(2, (10,))), {K.NIGHT: 200_00, K.TOURIST_TAX: 36_00}),
    Priced(
        "Venice's kind, a week of a family",
        VENICE,
        ask("2027-03-15", 7, Party(2, (6, 12))),
        {K.NIGHT: 700_00, K.TOURIST_TAX: 60_00},
    ),
    Priced("Barcelona's kind, eight nights", BARCELONA, ask("2027-03-15", 8), {K.NIGHT: 800_00, K.TOURIST_TAX: 87_50}),
    Priced(
        "sixteen is spared there",
        BARCELONA,
        ask("2027-03-15", 2, Party(1, (16, 17))),
        {K.NIGHT: 200_00, K.TOURIST_TAX: 25_00},
    ),
    Priced(
        "Paris's kind, parents and two children",
        PARIS,
        ask("2027-03-15", 4, Party(2, (17, 5))),
        {K.NIGHT: 400_00, K.TOURIST_TAX: 26_00},
    ),
    Priced(
        "Florence's kind, nine nights of three",
        FLORENCE,
        ask("2027-03-15", 9, Party(3)),
        {K.NIGHT: 900_00, K.TOURIST_TAX: 115_50},
    ),
    Priced(
        "for the room and night",
        taxed(8_00, per=Per.NIGHT),
        ask("2027-03-15", 3, 4),
        {K.NIGHT: 300_00, K.TOURIST_TAX: 24_00},
    ),
    Priced(
        "for the guest and stay",
        taxed(2_00, per=Per.GUEST),
        ask("2027-03-15", 3, 4),
        {K.NIGHT: 300_00, K.TOURIST_TAX: 8_00},
    ),
    Priced(
        "Amsterdam's kind: 12.5 % of the price without VAT",
        replace(HOUSE, taxes=(included("VAT", 9_00), on_top("Tourist tax", 12_50))),
        ask("2027-03-15", 2),  # 200.00 / 1.09 = 183.4862..., an eighth of it is 22.9357...
        {K.NIGHT: 200_00, K.TAX: 22_94},
        {"VAT": 16_51},
    ),
    Priced(
        "Berlin's kind: 7.5 % of the net price of nights, not of breakfast",
        replace(FULL, fees=(), taxes=(included("MwSt.", 7_00, ROOM), on_top("City Tax", 7_50, ROOM))),
        ask("2027-03-15", 2, extras={"breakfast": 1}),  # 200.00 / 1.07 = 186.9158..., 7.5 % are 14.0186...
        {K.NIGHT: 200_00, K.EXTRA: 58_00, K.TAX: 14_02},
        {"MwSt.": 13_08},
    ),
]

GERMAN = replace(
    FULL,
    fees=(CLEANING,),
    taxes=(included("MwSt. 7", 7_00, EVERYTHING - {K.EXTRA}), included("MwSt. 19", 19_00, frozenset({K.EXTRA}))),
)
NEW_YORK = card(
    200_00,
    "usd",
    fees=(Fee(K.FEE, 3_50, Per.NIGHT, "Hotel unit fee"),),
    taxes=(on_top("Sales tax", 8_87, ROOM), on_top("Occupancy tax", 5_88, ROOM)),
)
VAT = [
    Priced(
        "7 % of lodging",
        replace(HOUSE, taxes=(included("VAT", 7_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 100_00},
        {"VAT": 6_54},
    ),
    Priced(
        "10 %", replace(HOUSE, taxes=(included("VAT", 10_00),)), ask("2027-03-15", 1), {K.NIGHT: 100_00}, {"VAT": 9_09}
    ),
    Priced(
        "25 %",
        replace(HOUSE, taxes=(included("Moms", 25_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 100_00},
        {"Moms": 20_00},
    ),
    Priced(
        "20 %", replace(HOUSE, taxes=(included("VAT", 20_00),)), ask("2027-03-15", 3), {K.NIGHT: 300_00}, {"VAT": 50_00}
    ),
    Priced(
        "3.8 %",
        card(180_00, "chf", taxes=(included("MWST", 3_80),)),
        ask("2027-03-15", 2),
        {K.NIGHT: 360_00},
        {"MWST": 13_18},
    ),
    Priced(
        "21 %", replace(HOUSE, taxes=(included("Btw", 21_00),)), ask("2027-03-15", 1), {K.NIGHT: 100_00}, {"Btw": 17_36}
    ),
    Priced(
        "cleaning is taxed as lodging, breakfast more",
        GERMAN,
        ask("2027-03-15", 2, extras={"breakfast": 1}),
        {K.NIGHT: 200_00, K.CLEANING: 65_00, K.EXTRA: 58_00},
        {"MwSt. 7": 17_34, "MwSt. 19": 9_26},
    ),
    Priced(
        "a tax on nothing is not told",
        GERMAN,
        ask("2027-03-15", 2),
        {K.NIGHT: 200_00, K.CLEANING: 65_00},
        {"MwSt. 7": 17_34},
    ),
    Priced(
        "a discount lowers the tax",
        replace(GERMAN, discounts=(WEEK,)),
        ask("2027-03-15", 7),
        {K.NIGHT: 700_00, K.DISCOUNT: -70_00, K.CLEANING: 65_00},
        {"MwSt. 7": 45_47},
    ),
    Priced(
        "so does a coupon",
        replace(HOUSE, taxes=(included("VAT", 25_00),)),
        ask("2027-03-15", 2, coupon=TENTH),
        {K.NIGHT: 200_00, K.COUPON: -20_00},
        {"VAT": 36_00},
    ),
    Priced(
        "tourist tax is not taxed",
        replace(taxed(3_50), taxes=(included("VAT", 25_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 100_00, K.TOURIST_TAX: 7_00},
        {"VAT": 20_00},
    ),
    Priced(
        "unless the place says so",
        replace(taxed(3_50), taxes=(included("VAT", 25_00, EVERYTHING | {K.TOURIST_TAX}),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 100_00, K.TOURIST_TAX: 7_00},
        {"VAT": 21_40},
    ),
    Priced(
        "10 % on top",
        replace(HOUSE, taxes=(on_top("Tax", 10_00),)),
        ask("2027-03-15", 2),
        {K.NIGHT: 200_00, K.TAX: 20_00},
    ),
    Priced(
        "two taxes on top, neither on the other",
        card(200_00, "usd", taxes=(on_top("State", 6_00), on_top("County", 5_50))),
        ask("2027-03-15", 2),
        {K.NIGHT: 400_00, K.TAX: 24_00 + 22_00},
    ),
    Priced(
        "two taxes included in one price",
        card(115_00, taxes=(included("GST", 5_00), included("QST", 10_00))),
        ask("2027-03-15", 1),
        {K.NIGHT: 115_00},
        {"GST": 5_00, "QST": 10_00},
    ),
    Priced(
        "New York's kind: percents of the nights, and a fee for each",
        NEW_YORK,
        ask("2027-03-15", 2),  # 8.87 and 5.88 % of 400.00
        {K.NIGHT: 400_00, K.FEE: 7_00, K.TAX: 35_48 + 23_52},
    ),
    Priced(
        "half a cent of tax goes up",
        card(10_50, taxes=(on_top("Tax", 5_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 10_50, K.TAX: 53},
    ),
    Priced(
        "a tax is rounded once, not for each night",
        card(10_10, taxes=(on_top("Tax", 5_00),)),
        ask("2027-03-15", 3),
        {K.NIGHT: 30_30, K.TAX: 1_52},
    ),
]

YEN = card(12_000, "jpy", weekdays={5: 15_000}, fees=(Fee(K.CLEANING, 5_500),), tourist_tax=TouristTax(200))
DINAR = card(35_500, "kwd", fees=(Fee(K.CLEANING, 7_250),), discounts=(Discount("A week", 10_00, min_nights=7),))
KRONA = card(24_900_00, "isk", tourist_tax=TouristTax(800_00, per=Per.NIGHT), taxes=(included("VSK", 11_00),))
CURRENCIES = [
    Priced("yen have no cents", YEN, ask("2027-03-15", 2), {K.NIGHT: 24_000, K.CLEANING: 5_500, K.TOURIST_TAX: 800}),
    Priced(
        "a Saturday in yen",
        YEN,
        ask("2027-03-13", 2, 1),
        {K.WEEKEND_NIGHT: 15_000, K.NIGHT: 12_000, K.CLEANING: 5_500, K.TOURIST_TAX: 400},
    ),
    Priced(
        "a tenth of odd yen goes up from half",
        card(12_345, "jpy"),
        ask("2027-03-15", 1, coupon=TENTH),
        {K.NIGHT: 12_345, K.COUPON: -1_235},
    ),
    Priced(
        "consumption tax in yen",
        card(11_000, "jpy", taxes=(included("Tax", 10_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 11_000},
        {"Tax": 1_000},
    ),
    Priced(
        "won have none either",
        card(98_000, "krw", taxes=(on_top("VAT", 10_00),)),
        ask("2027-03-15", 3),
        {K.NIGHT: 294_000, K.TAX: 29_400},
    ),
    Priced("dong, of which there are many", card(2_350_000, "vnd"), ask("2027-03-15", 30), {K.NIGHT: 70_500_000}),
    Priced("dinars have three decimals", DINAR, ask("2027-03-15", 3), {K.NIGHT: 106_500, K.CLEANING: 7_250}),
    Priced(
        "of which the last is always 0",
        DINAR,
        ask("2027-03-15", 7),
        {K.NIGHT: 248_500, K.DISCOUNT: -24_850, K.CLEANING: 7_250},
    ),
    Priced(
        "also after rounding",
        card(35_550, "kwd"),
        ask("2027-03-15", 1, coupon=Coupon("X", off_share=3_33)),
        {K.NIGHT: 35_550, K.COUPON: -1_180},
    ),
    Priced(
        "half of ten fils goes up",
        card(10_050, "bhd", taxes=(on_top("VAT", 10_00),)),
        ask("2027-03-15", 1),
        {K.NIGHT: 10_050, K.TAX: 1_010},
    ),
    Priced(
        "Tunisian dinars",
        card(120_000, "tnd", taxes=(on_top("TVA", 7_00),)),
        ask("2027-03-15", 2),
        {K.NIGHT: 240_000, K.TAX: 16_800},
    ),
    Priced(
        "crowns of Iceland have hundredths on paper only",
        KRONA,
        ask("2027-03-15", 2),
        {K.NIGHT: 49_800_00, K.TOURIST_TAX: 1_600_00},
        {"VSK": 4_935_00},
    ),
    Priced(
        "a share of them is whole crowns",
        card(24_950_00, "isk"),
        ask("2027-03-15", 1, coupon=TENTH),
        {K.NIGHT: 24_950_00, K.COUPON: -2_495_00},
    ),
    Priced(
        "and half a crown goes up",
        card(24_955_00, "isk"),
        ask("2027-03-15", 1, coupon=TENTH),
        {K.NIGHT: 24_955_00, K.COUPON: -2_496_00},
    ),
    Priced(
        "forints",
        card(45_000_00, "huf", taxes=(included("ÁFA", 5_00),)),
        ask("2027-03-15", 2),
        {K.NIGHT: 90_000_00},
        {"ÁFA": 4_285_71},
    ),
    Priced(
        "pounds",
        card(89_99, "gbp", taxes=(included("VAT", 20_00),)),
        ask("2027-03-15", 2),
        {K.NIGHT: 179_98},
        {"VAT": 30_00},
    ),
]

STAYS = [
    *NIGHTS, *IN_SEASONS, *ON_DAYS, *GUESTS, *DISCOUNTS, *COUPONS, *FEES, *TOURIST_TAXES, *VAT, *CURRENCIES,
]  # fmt: skip
