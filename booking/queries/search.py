"""Which stays a guest can have: listings, prices, reasons against, and what nearby does fit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from booking.domain.availability import TakenNights, fitting_units, longest_free_part, nearest_stays
from booking.domain.dates import Stay
from booking.domain.errors import InvalidDates, ListingNotFound, StayRuleBroken
from booking.domain.money import Money
from booking.domain.policy import RefundStep, StayRules, check_stay, longest, open_steps
from booking.domain.pricing import Ask, Quote, quote
from booking.domain.words import Said, say
from booking.models import Listing, Property
from booking.queries.nights import free_unit_ids, free_units_by_listing, taken_days_by_listing

# How far from the wanted dates others are looked for, and how many are told.
NEARBY_DAYS = 21
MOST_NEARBY = 3
PAGE_SIZE = 20
NOT_FREE = say("Not free on all of these nights.")
_T = TypeVar("_T")
# All that prices are made of, in one statement for each kind, however many listings there are.
_WITH_RATES = (
    *(selectinload(kind) for kind in (Listing.seasons, Listing.day_prices, Listing.discounts, Listing.fees)),
    *(joinedload(Listing.property).selectinload(kind) for kind in (Property.taxes, Property.extras)),
)


class Order(StrEnum):
    """In which order stays are shown."""

    HOUSE = "house"  # the house's own
    PRICE = "price"  # the cheapest first
    SIZE = "size"  # the largest first


@dataclass(frozen=True, slots=True)
class Offer:
    """A stay that can be booked now, with everything a guest must know before the button."""

    listing: Listing
    stay: Stay
    quote: Quote
    steps: tuple[RefundStep, ...]  # those that can still be reached, most generous first

    @property
    def guests(self) -> int:
        return self.quote.guests

    @property
    def total(self) -> Money:
        return self.quote.total

    @property
    def per_night(self) -> Money:
        """The total spread over the nights, rounded half up: for comparing, never for charging."""
        return Money((2 * self.total.minor + self.stay.nights) // (2 * self.stay.nights), self.total.currency)

    @property
    def free_until(self) -> date | None:
        """The last day on which cancelling costs nothing; None where that day has passed."""
        full = self.steps[0] if self.steps else None
        return full.last_day if full and full.refund == self.total else None


@dataclass(frozen=True, slots=True)
class Nearby:
    """A stay that is not the one asked for but near it, free, within the rules, and what it costs in all."""

    listing: Listing
    stay: Stay
    total: Money

    @property
    def arrive(self) -> date:
        return self.stay.arrive

    @property
    def leave(self) -> date:
        return self.stay.leave

    @property
    def nights(self) -> int:
        return self.stay.nights


@dataclass(frozen=True, slots=True)
class Declined:
    """A stay that cannot be booked: why, and what near it can."""

    listing: Listing
    stay: Stay
    guests: int
    reason: Said
    field: str | None  # the form field the reason concerns; None where the nights are taken
    near: tuple[Nearby, ...] = ()  # the nearest first, as long as the wanted one where the rules allow it
    shorter: Nearby | None = None  # the longest part of the wanted nights that can be had


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One answer to "what is free?", over all listings."""

    offers: tuple[Offer, ...]
    declined: tuple[Declined, ...]


@dataclass(frozen=True, slots=True)
class SoldDays:
    """The days a search can be about."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Pager:
    """Where in a long list a page stands. Numbers start at 1."""

    number: int
    pages: int

    @classmethod
    def over(cls, entries: int, wanted: int) -> "Pager":
        """The wanted page, or the nearest there is."""
        pages = max(1, -(-entries // PAGE_SIZE))
        return cls(min(max(1, wanted), pages), pages)

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None

    def cut(self, entries: Sequence[_T]) -> Sequence[_T]:
        """The entries of this page."""
        return entries[(self.number - 1) * PAGE_SIZE : self.number * PAGE_SIZE]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of everything on sale, when no dates were asked for."""

    listings: tuple[Listing, ...]
    pager: Pager
    sold: SoldDays | None  # None where nothing is on sale


@dataclass(frozen=True, slots=True)
class ResultPage:
    """One page of an answer: what is free comes first. `nearest` and `shorter` are filled only where nothing is."""

    offers: tuple[Offer, ...]
    declined: tuple[Declined, ...]
    free: int  # on all pages
    pager: Pager
    sold: SoldDays | None
    nearest: tuple[Nearby, ...] = ()
    shorter: Nearby | None = None
    reasons: tuple[Said, ...] = ()  # each that stands against a stay, once


def list_listings(session: Session) -> list[Listing]:
    """Everything on sale, in the house's own order."""
    on_sale = select(Listing).where(Listing.is_active).options(*_WITH_RATES)
    return list(session.scalars(on_sale.order_by(Listing.position, Listing.id)))


def get_listing(session: Session, slug: str) -> Listing:
    """The listing on sale with this name in its address. Raises ListingNotFound."""
    # PostgreSQL refuses such a letter with an error of its own.
    wanted = select(Listing).where(Listing.slug == slug.replace("\0", ""), Listing.is_active).options(*_WITH_RATES)
    listing = session.scalar(wanted)
    if listing is None:
        raise ListingNotFound
    return listing


def find_property(session: Session) -> Property | None:
    """The property that names the shop: the first one. None before anything is set up."""
    return session.scalar(select(Property).order_by(Property.id).limit(1))


def find_shelf(session: Session, now: datetime, order: Order = Order.HOUSE, number: int = 1) -> Shelf:
    """One page of everything on sale."""
    listings = list_listings(session)
    pager = Pager.over(len(listings), number)
    shown = pager.cut(_sorted(listings, order, lambda listing: listing, from_price))
    return Shelf(tuple(shown), pager, sold_days(listings, now))


def find_stays(session: Session, stay: Stay, guests: int, now: datetime, order: Order = Order.HOUSE) -> SearchResult:
    """Every listing for these nights: what can be booked with its price, and the others with the reason alone.

    Raises StayRuleBroken where no listing at all could take the stay: its `field` names what to change.
    """
    return _search(session, list_listings(session), stay, guests, now, order)


def find_page(
    session: Session, stay: Stay, guests: int, now: datetime, order: Order = Order.HOUSE, number: int = 1
) -> ResultPage:
    """One page of the answer, and what near the wanted nights does fit. The same few statements, however many stays.

    Raises StayRuleBroken as `find_stays` does.
    """
    listings = list_listings(session)
    result = _search(session, listings, stay, guests, now, order)
    pager = Pager.over(len(listings), number)
    shown = pager.cut((*result.offers, *result.declined))
    offers = tuple(entry for entry in shown if isinstance(entry, Offer))
    page = ResultPage(offers, (), len(result.offers), pager, sold_days(listings, now))
    if not result.offers:
        everything = _with_nearby(session, result.declined, now)
        return replace(_nothing_free(page, everything), declined=tuple(pager.cut(everything)))
    declined = [entry for entry in shown if isinstance(entry, Declined)]
    return replace(page, declined=_with_nearby(session, declined, now))


def find_stay(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> Offer | Declined:
    """The offer for one stay, or the reason against it with what near it does fit."""
    answer = _answer(listing, stay, guests, now, bool(free_unit_ids(session, listing.id, stay, now)))
    return answer if isinstance(answer, Offer) else _with_nearby(session, [answer], now)[0]


def find_nearby(session: Session, listing: Listing, stay: Stay, guests: int, now: datetime) -> tuple[Nearby, ...]:
    """The nearest free stays that the listing's rules allow."""
    return _with_nearby(session, [Declined(listing, stay, guests, NOT_FREE, None)], now)[0].near


def from_price(listing: Listing) -> Money:
    """The price of the listing's cheapest night, before fees and taxes."""
    return listing.rates.cheapest


def sold_days(listings: Iterable[Listing], now: datetime) -> SoldDays | None:
    """From today to the last day on which a stay may end, over several listings; None without any."""
    spans = [(listing.property.today(now), timedelta(days=listing.horizon_days)) for listing in listings]
    if not spans:
        return None
    return SoldDays(min(today for today, _ in spans), max(today + horizon for today, horizon in spans))


# --- what can be booked ---


def _search(
    session: Session, listings: list[Listing], stay: Stay, guests: int, now: datetime, order: Order
) -> SearchResult:
    _refuse_hopeless(listings, stay, guests, now)
    free = free_units_by_listing(session, stay, now)
    answers = [_answer(listing, stay, guests, now, listing.id in free) for listing in listings]
    offers = [answer for answer in answers if isinstance(answer, Offer)]
    declined = [answer for answer in answers if isinstance(answer, Declined)]
    return SearchResult(
        tuple(_sorted(offers, order, lambda offer: offer.listing, lambda offer: offer.total)),
        tuple(_sorted(declined, order, lambda entry: entry.listing, lambda entry: from_price(entry.listing))),
    )


def _answer(listing: Listing, stay: Stay, guests: int, now: datetime, is_free: bool) -> Offer | Declined:
    today = listing.property.today(now)
    try:
        check_stay(listing.rules, stay, guests, today)
    except StayRuleBroken as broken:
        return Declined(listing, stay, guests, broken.said, str(broken.details["field"]))
    if not is_free:
        return Declined(listing, stay, guests, NOT_FREE, None)
    price = quote(listing.rates, Ask.by(stay, guests, today))
    return Offer(listing, stay, price, open_steps(price.total, listing.property.terms, stay.arrive, today))


def _refuse_hopeless(listings: list[Listing], stay: Stay, guests: int, now: datetime) -> None:
    if not listings:
        return
    most = max(listing.max_guests for listing in listings)
    if guests > most:
        raise StayRuleBroken(say("Our largest stay sleeps {most}.", most=most), field="guests")
    if all(stay.arrive < listing.property.today(now) for listing in listings):
        raise StayRuleBroken(say("The day of arrival has passed."), field="arrive")
    most_patient = max((listing.rules for listing in listings), key=lambda rules: rules.max_nights)
    if stay.nights > most_patient.max_nights:
        raise StayRuleBroken(longest(most_patient), field="leave")
    sold = sold_days(listings, now)
    if sold and stay.leave > sold.last:
        raise StayRuleBroken(say("Stays can be booked until {day}.", day=sold.last), field="leave")


def _sorted(
    entries: list[_T], order: Order, listing_of: Callable[[_T], Listing], price_of: Callable[[_T], Money]
) -> list[_T]:
    # Sorting is stable, so the house's own order decides between equals.
    if order is Order.PRICE:
        return sorted(entries, key=lambda entry: (price_of(entry).currency, price_of(entry).minor))
    if order is Order.SIZE:
        return sorted(entries, key=lambda entry: _size(listing_of(entry)), reverse=True)
    return entries


def _size(listing: Listing) -> tuple[int, int]:
    return listing.max_guests, listing.area_m2 or 0


# --- what near it can ---


def _with_nearby(session: Session, declined: Sequence[Declined], now: datetime) -> tuple[Declined, ...]:
    """Each with what near its nights does fit. The nights of all are read at once."""
    if not declined:
        return ()
    wanted = [_as_long_as_allowed(entry) for entry in declined]
    reach = timedelta(days=NEARBY_DAYS)
    first = max(min(stay.arrive for stay in wanted), date.min + reach) - reach
    last = min(max(max(stay.leave for stay in wanted), declined[0].stay.leave), date.max - reach) + reach
    taken = taken_days_by_listing(session, [entry.listing.id for entry in declined], first, last, now)
    return tuple(_fill(entry, stay, taken[entry.listing.id], now) for entry, stay in zip(declined, wanted, strict=True))


def _fill(declined: Declined, wanted: Stay, taken: TakenNights, now: datetime) -> Declined:
    today = declined.listing.property.today(now)
    fits = _fit_check(declined.listing.rules, declined.guests, today, taken)
    at_once = [wanted] if fits(wanted) else []
    near = at_once + nearest_stays(fits, wanted, NEARBY_DAYS, MOST_NEARBY - len(at_once))
    part = _part(declined, taken, today)
    return replace(
        declined,
        near=tuple(_priced(declined, stay, today) for stay in near),
        shorter=_priced(declined, part, today) if part and fits(part) else None,
    )


def _as_long_as_allowed(declined: Declined) -> Stay:
    """The wanted stay, made longer or shorter where the listing's rules ask for it."""
    stay, rules = declined.stay, declined.listing.rules
    nights = min(max(stay.nights, rules.min_nights), rules.max_nights)
    try:
        return Stay(stay.arrive, stay.arrive + timedelta(days=nights))
    except (OverflowError, InvalidDates):  # the calendar of this world ends in the year 9999
        return stay


def _part(declined: Declined, taken: TakenNights, today: date) -> Stay | None:
    """The longest free part of the wanted nights that is sold at all, no longer than the rules allow."""
    rules, stay = declined.listing.rules, declined.stay
    first = max(stay.arrive, today + timedelta(days=rules.notice_days))
    last = min(stay.leave, today + timedelta(days=rules.horizon_days))
    part = longest_free_part(taken, Stay(first, last)) if first < last else None
    if part is None or part.nights == stay.nights:
        return None
    return Stay(part.arrive, min(part.leave, part.arrive + timedelta(days=rules.max_nights)))


def _fit_check(rules: StayRules, guests: int, today: date, taken: TakenNights) -> Callable[[Stay], bool]:
    def fits(stay: Stay) -> bool:
        try:
            check_stay(rules, stay, guests, today)
        except StayRuleBroken:
            return False
        return bool(fitting_units(taken, stay))

    return fits


def _priced(declined: Declined, stay: Stay, today: date) -> Nearby:
    return Nearby(declined.listing, stay, quote(declined.listing.rates, Ask.by(stay, declined.guests, today)).total)


def _nothing_free(page: ResultPage, declined: Sequence[Declined]) -> ResultPage:
    near = [(_days_moved(entry.stay, option.stay), option) for entry in declined for option in entry.near]
    parts = [entry.shorter for entry in declined if entry.shorter]
    return replace(
        page,
        nearest=tuple(option for _, option in sorted(near, key=lambda pair: pair[0])[:MOST_NEARBY]),
        shorter=max(parts, key=lambda part: (part.nights, -part.total.minor), default=None),
        reasons=tuple({str(entry.reason): entry.reason for entry in declined}.values()),
    )


def _days_moved(wanted: Stay, other: Stay) -> int:
    return abs((other.arrive - wanted.arrive).days) + abs((other.leave - wanted.leave).days)
