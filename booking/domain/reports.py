"""What a house earned and how full it was, month by month. The definitions stand in docs/desk.md; change both."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.rates import ROOM, LineKind

_TAXES = frozenset({LineKind.TOURIST_TAX, LineKind.TAX})


@dataclass(frozen=True, slots=True)
class SoldStay:
    """A confirmed booking: what it was sold for, the nights that are kept for it, and what went back while it stood."""

    listing_id: int
    stay: Stay
    guests: int
    quote: Quote
    nights: frozenset[date]
    refunded_minor: int = 0

    @property
    def currency(self) -> str:
        """In which it was sold."""
        return self.quote.total.currency

    @property
    def room_minor(self) -> int:
        """The price of its nights, discounts taken off."""
        return self._sum(lambda kind: kind in ROOM)

    @property
    def other_minor(self) -> int:
        """Its fees and extras."""
        return self._sum(lambda kind: kind not in ROOM and kind not in _TAXES)

    @property
    def tourist_tax_minor(self) -> int:
        """What it pays to the place."""
        return self._sum(lambda kind: kind is LineKind.TOURIST_TAX)

    @property
    def taxed_nights(self) -> int:
        """For how many nights of persons it pays that."""
        return sum(line.quantity for line in self.quote.lines if line.kind is LineKind.TOURIST_TAX)

    def _sum(self, wanted: Callable[[LineKind], bool]) -> int:
        return sum(line.total.minor for line in self.quote.lines if wanted(line.kind))


@dataclass(frozen=True, slots=True)
class KeptMoney:
    """What the house kept of a booking that was cancelled; `arrive` is the day on which the guest would have come."""

    listing_id: int
    arrive: date
    kept: Money


@dataclass(frozen=True, slots=True)
class UnitNights:
    """One unit: nights that were sold, and nights on which it could have been."""

    listing_id: int
    currency: str
    on_sale_from: date | None  # None: it is not on sale, and counts on sold nights alone
    sold: frozenset[date]
    closed: frozenset[date]

    def is_available(self, day: date) -> bool:
        """Whether the night counts as one that could be sold. Sold ones always do."""
        was_open = self.on_sale_from is not None and self.on_sale_from <= day and day not in self.closed
        return day in self.sold or was_open


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures that can be added up: nights, and amounts in minor units of one currency."""

    sold: int = 0
    available: int = 0
    room: int = 0
    other: int = 0
    kept: int = 0
    refunded: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def revenue(self) -> int:
        """What the house earned."""
        return self.room + self.other + self.kept - self.refunded

    @property
    def occupancy(self) -> Decimal | None:
        """Sold nights in percent of those available, with one decimal; None where there was nothing to sell."""
        return Decimal(_rounded(1000 * self.sold, self.available)).scaleb(-1) if self.available else None

    @property
    def average_rate(self) -> int | None:
        """What a sold night cost on average; None where none was sold."""
        return _rounded(self.room, self.sold) if self.sold else None

    @property
    def per_available(self) -> int | None:
        """What a night that could be sold brought on average; None where there was none."""
        return _rounded(self.room, self.available) if self.available else None


@dataclass(frozen=True, slots=True)
class Place:
    """To what figures belong. Two currencies are two places: nothing of them is ever added up."""

    month: date
    listing_id: int
    currency: str


@dataclass(frozen=True, slots=True)
class TaxFigures:
    """The tourist tax of one month: nights of persons, of which so many are taxed, and the amount in minor units."""

    arrivals: int = 0
    nights: int = 0
    persons_nights: int = 0
    taxed: int = 0
    amount: int = 0

    def __add__(self, other: "TaxFigures") -> "TaxFigures":
        return TaxFigures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def exempt(self) -> int:
        """Nights of persons for which nothing is due: children, and what lies above a cap."""
        return self.persons_nights - self.taxed


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def spread(whole: int, stay: Stay) -> dict[date, int]:
    """An amount over the nights of a stay: as equal as whole numbers can be, the first nights having the rest."""
    if whole < 0:
        return {day: -amount for day, amount in spread(-whole, stay).items()}
    each, rest = divmod(whole, stay.nights)
    return {day: each + (number < rest) for number, day in enumerate(stay)}


def house_figures(
    sold: Iterable[SoldStay], kept: Iterable[KeptMoney], units: Iterable[UnitNights], days: Sequence[date]
) -> dict[Place, Figures]:
    """The figures of the days asked for, by month, listing and currency."""
    found: dict[Place, Figures] = defaultdict(Figures)
    for unit in units:
        for month, count in Counter(month_of(day) for day in days if unit.is_available(day)).items():
            found[Place(month, unit.listing_id, unit.currency)] += Figures(available=count)
    wanted = set(days)
    for stay in sold:
        for day, figures in _by_day(stay):
            if day in wanted:
                found[Place(month_of(day), stay.listing_id, stay.currency)] += figures
    for money in kept:
        if money.arrive in wanted:
            place = Place(month_of(money.arrive), money.listing_id, money.kept.currency)
            found[place] += Figures(kept=money.kept.minor)
    return dict(found)


def _by_day(sold: SoldStay) -> Iterator[tuple[date, Figures]]:
    """The price of the room night by night; what is paid once, and what went back, on the day of arrival."""
    room = spread(sold.room_minor, sold.stay)
    for day in sold.stay:
        yield day, Figures(sold=int(day in sold.nights), room=room[day])
    yield sold.stay.arrive, Figures(other=sold.other_minor, refunded=sold.refunded_minor)


def tourist_tax(sold: Iterable[SoldStay], days: Sequence[date]) -> dict[Place, TaxFigures]:
    """The tourist tax of the days asked for, by month, listing and currency; stays that owe none count as exempt."""
    found: dict[Place, TaxFigures] = defaultdict(TaxFigures)
    wanted = set(days)
    for stay in sold:
        taxed, amounts = spread(stay.taxed_nights, stay.stay), spread(stay.tourist_tax_minor, stay.stay)
        for day in stay.stay:
            if day in wanted:
                arrivals = int(day == stay.stay.arrive)
                figures = TaxFigures(arrivals, 1, stay.guests, taxed[day], amounts[day])
                found[Place(month_of(day), stay.listing_id, stay.currency)] += figures
    return dict(found)


def _rounded(whole: int, parts: int) -> int:
    return (2 * whole + parts) // (2 * parts)
