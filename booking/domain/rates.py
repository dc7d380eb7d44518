"""What a house charges: one card for each listing, in plain values. pricing.py works out what a stay costs by it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any

from booking.domain.dates import Stay
from booking.domain.money import Money, step

FRIDAY, SATURDAY = 4, 5
# In hundredths of a percent: 700 is 7 %.
WHOLE = 10_000


class Per(StrEnum):
    """What an amount is counted by."""

    STAY = "stay"
    NIGHT = "night"
    GUEST = "guest"
    GUEST_NIGHT = "guest_night"


class LineKind(StrEnum):
    """What a line of a quote charges for."""

    NIGHT = "night"
    WEEKEND_NIGHT = "weekend_night"
    MORE_GUESTS = "more_guests"  # those above the number that the price of a night is for
    DISCOUNT = "discount"
    MEMBER = "member"  # what members of the club save
    COUPON = "coupon"
    CLEANING = "cleaning"
    FEE = "fee"  # any other that everybody pays
    EXTRA = "extra"  # chosen by the guest
    TOURIST_TAX = "tourist_tax"
    TAX = "tax"  # laid on other lines
    AGREED = "agreed"  # what staff agreed with the guest, above the rates or below them


class TaxPart(StrEnum):
    """What a tax can be laid on: whole parts of the price."""

    ROOM = "room"
    CLEANING = "cleaning"
    FEES = "fees"
    EXTRAS = "extras"
    TOURIST_TAX = "tourist_tax"

    @property
    def kinds(self) -> frozenset[LineKind]:
        """The lines of a quote that belong to it."""
        return _PARTS[self]


ROOM = frozenset(
    {
        LineKind.NIGHT,
        LineKind.WEEKEND_NIGHT,
        LineKind.MORE_GUESTS,
        LineKind.DISCOUNT,
        LineKind.MEMBER,
        LineKind.COUPON,
    }
)
_PARTS = {
    TaxPart.ROOM: ROOM,
    TaxPart.CLEANING: frozenset({LineKind.CLEANING}),
    TaxPart.FEES: frozenset({LineKind.FEE}),
    TaxPart.EXTRAS: frozenset({LineKind.EXTRA}),
    TaxPart.TOURIST_TAX: frozenset({LineKind.TOURIST_TAX}),
}


@dataclass(frozen=True, slots=True)
class Party:
    """Who comes. Children count as guests; their ages matter where a tax spares them."""

    adults: int
    child_ages: tuple[int, ...] = ()

    @property
    def guests(self) -> int:
        """How many beds are needed."""
        return self.adults + len(self.child_ages)

    def at_least(self, age: int) -> int:
        """How many have reached an age; a guest without a told age is an adult."""
        return self.adults + sum(child >= age for child in self.child_ages)


@dataclass(frozen=True, slots=True)
class NightPrice:
    """The price of one night, and where it comes from."""

    minor: int
    kind: LineKind = LineKind.NIGHT
    name: str = ""  # of the season, in the host's words


@dataclass(frozen=True, slots=True)
class Prices:
    """A price for each night, and others for some weekdays (Monday is 0): the night that begins on that day."""

    nightly_minor: int
    weekday_minor: Mapping[int, int] = field(default_factory=dict)

    def night(self, day: date, name: str = "") -> NightPrice:
        """What the night that begins on this day costs."""
        weekday = day.weekday()
        special = self.weekday_minor.get(weekday)
        kind = LineKind.WEEKEND_NIGHT if special is not None and weekday in (FRIDAY, SATURDAY) else LineKind.NIGHT
        return NightPrice(self.nightly_minor if special is None else special, kind, name)


@dataclass(frozen=True, slots=True)
class Season:
    """Nights with prices of their own, `first` and `last` included. Where seasons overlap the shortest holds."""

    name: str
    first: date
    last: date
    prices: Prices

    @property
    def precedence(self) -> tuple[Any, ...]:
        """The lowest holds: the shortest, then the one that begins later; then name and prices, so never the order."""
        nights, prices = self.last.toordinal() - self.first.toordinal(), self.prices
        return nights, -self.first.toordinal(), self.name, prices.nightly_minor, sorted(prices.weekday_minor.items())


@dataclass(frozen=True, slots=True)
class Discount:
    """So many hundredths of a percent off the nights, where all that is asked for holds. Lead is days from today."""

    name: str
    off: int
    min_nights: int = 1
    min_lead: int | None = None  # for those who book early
    max_lead: int | None = None  # for those who book late

    @property
    def is_about_lead(self) -> bool:
        """Of those about the length of a stay one counts, and of those about its lead another."""
        return self.min_lead is not None or self.max_lead is not None

    def holds(self, nights: int, lead: int) -> bool:
        """Whether a stay of so many nights, booked so many days before, gets it."""
        early, late = self.min_lead is None or lead >= self.min_lead, self.max_lead is None or lead <= self.max_lead
        return nights >= self.min_nights and early and late


@dataclass(frozen=True, slots=True)
class Fee:
    """An amount that comes to the nights. `key` tells a guest's choice of an extra; fees for all need none."""

    kind: LineKind
    amount_minor: int
    per: Per = Per.STAY
    name: str = ""
    key: str = ""
    most: int = 99  # how many of an extra one guest may choose

    def count(self, nights: int, guests: int) -> int:
        """How many times it is due."""
        return _counted(self.per, nights, guests)


@dataclass(frozen=True, slots=True)
class TouristTax:
    """So much for each guest and night; some places spare the young, and nights after so many."""

    amount_minor: int
    per: Per = Per.GUEST_NIGHT
    from_age: int = 0
    most_nights: int | None = None

    @property
    def asks_ages(self) -> bool:
        """Whether it spares the young."""
        return bool(self.amount_minor and self.from_age) and self.per in (Per.GUEST, Per.GUEST_NIGHT)

    def count(self, party: Party, nights: int) -> int:
        """How many times it is due."""
        charged = nights if self.most_nights is None else min(nights, self.most_nights)
        return _counted(self.per, charged, party.at_least(self.from_age))


@dataclass(frozen=True, slots=True)
class Tax:
    """A share of some kinds of lines, in hundredths of a percent, always of the price without other taxes.

    Prices hold an included one already, and the quote only tells how much of it they are. Raises ValueError where it
    is laid on a part of the room alone, for what is taken off the nights lowers their tax.
    """

    name: str
    share: int
    on: frozenset[LineKind]
    is_included: bool

    def __post_init__(self) -> None:
        if self.on & ROOM not in (frozenset(), ROOM):
            raise ValueError("a tax is laid on all of the room or on none of it")


@dataclass(frozen=True, slots=True)
class RateCard:
    """All prices of a listing, in minor units of one currency."""

    currency: str
    prices: Prices
    seasons: tuple[Season, ...] = ()
    days: Mapping[date, int] = field(default_factory=dict)  # the price of single nights, above all else
    included_guests: int | None = None  # None: the price of a night is for all that the listing sleeps
    more_guests_minor: int = 0  # for each guest above that, and night
    discounts: tuple[Discount, ...] = ()
    fees: tuple[Fee, ...] = ()
    extras: tuple[Fee, ...] = ()
    tourist_tax: TouristTax | None = None
    taxes: tuple[Tax, ...] = ()
    # The host's names in other languages: {"de": {"High season": "Hochsaison"}}.
    glossary: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def night(self, day: date) -> NightPrice:
        """What the night that begins on this day costs: by its own price, its season's, or the plain one."""
        if day in self.days:
            return NightPrice(self.days[day])
        season = min(
            (each for each in self.seasons if each.first <= day <= each.last),
            key=lambda each: each.precedence,
            default=None,
        )
        return season.prices.night(day, season.name) if season else self.prices.night(day)

    def on_sale(self, first: date, last: date) -> "RateCard":
        """The card without seasons and days that no stay within these days can have: they are no prices any more."""
        seasons = tuple(season for season in self.seasons if season.first <= last and season.last >= first)
        return replace(self, seasons=seasons, days={day: self.days[day] for day in self.days if first <= day <= last})

    @property
    def cheapest(self) -> Money:
        """What a night costs at least, on some day."""
        return Money(min(self._nightly()), self.currency)

    @property
    def dearest(self) -> Money:
        """What a night costs at most, on some day."""
        return Money(max(self._nightly()), self.currency)

    @property
    def asks_ages(self) -> bool:
        """Whether the ages of children change what a stay costs."""
        return self.tourist_tax is not None and self.tourist_tax.asks_ages

    @property
    def adds_more(self) -> bool:
        """Whether more comes to the price of a night than cleaning and tourist tax."""
        on_top = any(not tax.is_included for tax in self.taxes)
        return on_top or self.included_guests is not None or any(fee.kind is LineKind.FEE for fee in self.fees)

    def price(self, day: date) -> Money:
        """What a calendar shows for the night that begins on this day, before fees, taxes and discounts."""
        return Money(self.night(day).minor, self.currency)

    def nights(self, stay: Stay) -> Iterator[NightPrice]:
        """The price of each night of a stay."""
        return map(self.night, stay)

    def unmovable(self) -> list[int]:
        """Amounts that the payment provider cannot move, such as a hundredth of a króna."""
        smallest = step(self.currency)
        return sorted({minor for minor in self._amounts() if minor % smallest})

    def _nightly(self) -> Iterator[int]:
        for prices in (self.prices, *(season.prices for season in self.seasons)):
            yield from (prices.nightly_minor, *prices.weekday_minor.values())
        yield from self.days.values()

    def _amounts(self) -> Iterator[int]:
        yield from (*self._nightly(), self.more_guests_minor)
        yield from (fee.amount_minor for fee in (*self.fees, *self.extras))
        yield from [self.tourist_tax.amount_minor] if self.tourist_tax else []


def weekend_prices(weekend_minor: int) -> dict[int, int]:
    """The nights of Friday and Saturday at one price."""
    return {FRIDAY: weekend_minor, SATURDAY: weekend_minor}


def plain_card(
    currency: str, nightly_minor: int, weekend_minor: int, cleaning_minor: int = 0, tourist_tax_minor: int = 0
) -> RateCard:
    """A card of four amounts: a plain night, one of Friday or Saturday, cleaning once, and tourist tax a head."""
    return RateCard(
        currency,
        Prices(nightly_minor, weekend_prices(weekend_minor)),
        fees=(Fee(LineKind.CLEANING, cleaning_minor),),
        tourist_tax=TouristTax(tourist_tax_minor),
    )


def _counted(per: Per, nights: int, guests: int) -> int:
    return {Per.STAY: 1, Per.NIGHT: nights, Per.GUEST: guests, Per.GUEST_NIGHT: nights * guests}[per]
