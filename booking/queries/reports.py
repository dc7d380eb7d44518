"""What the reports of a year are made of, read in a fixed number of statements, and their lines."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Quote
from booking.domain.reports import (
    Figures,
    KeptMoney,
    Place,
    SoldStay,
    TaxFigures,
    UnitNights,
    house_figures,
    tourist_tax,
)
from booking.domain.spreadsheet import Row
from booking.domain.states import BookingStatus, DueKind, DueStatus
from booking.models import Booking, Due, Listing, Night, Payment, Property, Unit

KeyT = TypeVar("KeyT", bound=Hashable)
AnyFigures = TypeVar("AnyFigures", Figures, TaxFigures)

REVENUE_HEAD = (
    "Month", "Property", "Listing", "Currency", "Nights sold", "Nights available", "Occupancy %",
    "Average nightly rate", "Revenue per available night", "Nights' revenue", "Fees and extras",
    "Kept after cancellation", "Refunded", "Revenue",
)  # fmt: skip
TAX_HEAD = (
    "Month", "Property", "Currency", "Arrivals", "Nights", "Nights of persons", "Exempt", "Taxed", "Tourist tax",
)  # fmt: skip


class Names(NamedTuple):
    """How a listing is called, and what it belongs to."""

    place: str
    listing: str


@dataclass(frozen=True, slots=True)
class YearReport:
    """The figures of one year, as they can be laid out by month, by listing or both."""

    year: int
    months: tuple[date, ...]
    names: dict[int, Names]
    figures: dict[Place, Figures]
    taxes: dict[Place, TaxFigures]

    @property
    def currencies(self) -> list[str]:
        """Each has tables of its own."""
        return sorted({place.currency for place in (*self.figures, *self.taxes)})

    def by_month(self, currency: str) -> list[tuple[date, Figures]]:
        """All twelve months, also those in which nothing happened."""
        found = _added(self._of(currency), lambda place: place.month, Figures())
        return [(month, found.get(month, Figures())) for month in self.months]

    def by_listing(self, currency: str) -> list[tuple[Names, Figures]]:
        """The whole year, listing by listing."""
        found = _added(self._of(currency), lambda place: place.listing_id, Figures())
        return [(self.names[listing_id], found[listing_id]) for listing_id in self.names if listing_id in found]

    def total(self, currency: str) -> Figures:
        """The whole year of the whole house."""
        return sum((figures for _place, figures in self._of(currency)), Figures())

    def tax_lines(self) -> list[tuple[date, str, str, TaxFigures]]:
        """The tourist tax by month, property and currency."""
        found = _added(self.taxes.items(), self._tax_key, TaxFigures())
        return [(*key, figures) for key, figures in sorted(found.items())]

    def revenue_sheet(self) -> Iterator[Row]:
        """A row for each month, listing and currency, for a file under REVENUE_HEAD."""
        order = list(self.names)
        for place, figures in sorted(self.figures.items(), key=lambda each: _in_order(each[0], order)):
            yield (f"{place.month:%Y-%m}", *self.names[place.listing_id], *_cells(figures, place.currency))

    def tax_sheet(self) -> Iterator[Row]:
        """A row for each month, property and currency, for a file under TAX_HEAD."""
        for month, place, currency, tax in self.tax_lines():
            counts = (tax.arrivals, tax.nights, tax.persons_nights, tax.exempt, tax.taxed)
            yield (f"{month:%Y-%m}", place, currency.upper(), *counts, Money(tax.amount, currency).major)

    def _of(self, currency: str) -> list[tuple[Place, Figures]]:
        return [(place, figures) for place, figures in self.figures.items() if place.currency == currency]

    def _tax_key(self, place: Place) -> tuple[date, str, str]:
        return place.month, self.names[place.listing_id].place, place.currency


def read_year(session: Session, year: int) -> YearReport:
    """Everything about one year of nights."""
    first, end = date(year, 1, 1), date(year + 1, 1, 1)
    days = [first + timedelta(days=number) for number in range((end - first).days)]
    nights = _nights(session, first, end)
    sold = list(_sold_stays(session, first, end, nights))
    figures = house_figures(sold, _kept_money(session, first, end), _units(session, nights), days)
    months = tuple(date(year, month, 1) for month in range(1, 13))
    return YearReport(year, months, _names(session), figures, tourist_tax(sold, days))


class _Nights(NamedTuple):
    """The nights of a year: of which booking, in which unit; and those that are closed."""

    of_booking: dict[int, set[date]]
    sold: dict[int, set[date]]
    closed: dict[int, set[date]]


def _nights(session: Session, first: date, end: date) -> _Nights:
    counts = or_(Night.closure_id.is_not(None), Booking.status == BookingStatus.CONFIRMED)
    rows = select(Night.unit_id, Night.day, Night.booking_id).outerjoin(Booking, Night.booking_id == Booking.id)
    nights = _Nights(defaultdict(set), defaultdict(set), defaultdict(set))
    for unit_id, day, booking_id in session.execute(rows.where(Night.day >= first, Night.day < end, counts)):
        if booking_id is None:
            nights.closed[unit_id].add(day)
        else:
            nights.sold[unit_id].add(day)
            nights.of_booking[booking_id].add(day)
    return nights


def _sold_stays(session: Session, first: date, end: date, nights: _Nights) -> Iterator[SoldStay]:
    columns = (Booking.id, Booking.listing_id, Booking.arrive, Booking.leave, Booking.guests, Booking.quote)
    here = (Booking.status == BookingStatus.CONFIRMED, Booking.arrive < end, Booking.leave > first)
    wanted = select(*columns, Booking.amount_minor, _given_up()).where(*here)
    came, back = _came_and_went(session, first, end)
    for booking_id, listing_id, arrive, leave, guests, quote, minor, given_up in session.execute(wanted):
        kept = frozenset(nights.of_booking[booking_id])
        # What came beyond the price, such as a second payment, makes a stay no cheaper where it goes back.
        beyond = max(0, came[booking_id] - (minor - int(given_up)))
        less = max(0, back[booking_id] - beyond) + int(given_up)
        yield SoldStay(listing_id, Stay(arrive, leave), guests, Quote.from_json(quote), kept, less)


def _came_and_went(session: Session, first: date, end: date) -> tuple[dict[int, int], dict[int, int]]:
    """What was paid for confirmed bookings, and what certainly went back, in their own currency."""
    came: dict[int, int] = defaultdict(int)
    back: dict[int, int] = defaultdict(int)
    for payment in _payments(session, first, end, BookingStatus.CONFIRMED):
        if payment.currency == payment.booking.currency:
            came[payment.booking_id] += payment.amount_minor
            back[payment.booking_id] += payment.entry.refunded_minor
    return came, back


def _given_up() -> ScalarSelect[int]:
    """A balance that nobody had to pay."""
    waived = (Due.kind == DueKind.BALANCE) & (Due.status == DueStatus.WAIVED)
    found = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(Due.booking_id == Booking.id, waived)
    return found.correlate(Booking).scalar_subquery()


def _kept_money(session: Session, first: date, end: date) -> Iterator[KeptMoney]:
    """What is neither back nor on its way back of cancelled bookings."""
    for payment in _payments(session, first, end, BookingStatus.CANCELLED):
        kept = Money(payment.entry.kept_minor, payment.currency)
        yield KeptMoney(payment.booking.listing_id, payment.booking.arrive, kept)


def _payments(session: Session, first: date, end: date, status: BookingStatus) -> Iterable[Payment]:
    found = (
        select(Payment)
        .join(Payment.booking)
        .options(contains_eager(Payment.booking), joinedload(Payment.refunds))
        .where(Booking.status == status, Booking.arrive >= first, Booking.arrive < end)
    )
    return session.scalars(found).unique()


def _units(session: Session, nights: _Nights) -> Iterator[UnitNights]:
    columns = (Unit.id, Unit.created_at, Unit.is_active, Listing.id, Listing.is_active, Property.currency)
    rows = select(*columns, Property.timezone).join(Unit.listing).join(Listing.property)
    for unit_id, created_at, is_active, listing_id, is_listed, currency, zone in session.execute(rows):
        since = _day_in(created_at, zone) if is_active and is_listed else None
        sold, closed = frozenset(nights.sold[unit_id]), frozenset(nights.closed[unit_id])
        yield UnitNights(listing_id, currency, since, sold, closed)


def _day_in(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _names(session: Session) -> dict[int, Names]:
    rows = select(Listing.id, Property.name, Listing.name).join(Listing.property)
    order = (Property.id, Listing.position, Listing.name, Listing.id)
    return {listing_id: Names(*names) for listing_id, *names in session.execute(rows.order_by(*order))}


def _added(
    figures: Iterable[tuple[Place, AnyFigures]], key: Callable[[Place], KeyT], nothing: AnyFigures
) -> dict[KeyT, AnyFigures]:
    found: dict[KeyT, AnyFigures] = {}
    for place, each in figures:
        found[key(place)] = found.get(key(place), nothing) + each
    return found


def _in_order(place: Place, listings: list[int]) -> tuple[date, int, str]:
    return place.month, listings.index(place.listing_id), place.currency


def _cells(figures: Figures, currency: str) -> tuple[str | int | Decimal | None, ...]:
    def major(minor: int | None) -> Decimal | None:
        return None if minor is None else Money(minor, currency).major

    amounts = (figures.average_rate, figures.per_available, figures.room, figures.other, figures.kept, figures.refunded)
    counts = (figures.sold, figures.available, figures.occupancy)
    return (currency.upper(), *counts, *map(major, amounts), major(figures.revenue))
