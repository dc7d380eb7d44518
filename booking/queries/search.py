"""Which stays a guest can have: listings, prices, reasons against. What near the wanted nights can: nearby.py."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeVar

from sqlalchemy.orm import Session

from booking.domain.availability import TakenNights
from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.domain.money import Money
from booking.domain.neighbours import judge_units
from booking.domain.payment_plans import Schedule
from booking.domain.pricing import Ask, Quote, quote
from booking.domain.rates import RateCard
from booking.domain.stay_rules import check_stay, longest_ever
from booking.domain.terms import Deal, RefundStep, open_steps
from booking.domain.words import Said, say
from booking.models import Listing, Property
from booking.queries.kinds import Kinds, kinds_on_sale
from booking.queries.nearby import MOST_NEARBY, NOT_FREE, Declined, Nearby, club_off, with_nearby
from booking.queries.nights import free_listings, free_unit_ids, taken_days_by_listing
from booking.queries.on_sale import find_place, on_sale

PAGE_SIZE = 20
_T = TypeVar("_T")


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
    rest: Money  # what comes back later than all of them
    schedule: Schedule  # what is paid when
    member_off: int = 0  # what is in the price of the members' rate, in hundredths of a percent

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
        full = [step.last_day for step in self.steps if step.refund == self.total and step.until is None]
        return full[0] if full else None


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
        return self.cut_behind(0, entries)

    def cut_behind(self, others: int, entries: Sequence[_T]) -> Sequence[_T]:
        """The entries of this page, where so many others come before the first of them."""
        return entries[max(0, (self.number - 1) * PAGE_SIZE - others) : max(0, self.number * PAGE_SIZE - others)]


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


def list_listings(session: Session) -> Sequence[Listing]:
    """Everything on sale, in the house's own order."""
    return on_sale(session).listings


def get_listing(session: Session, slug: str) -> Listing:
    """The listing on sale with this name in its address. Raises ListingNotFound."""
    listing = on_sale(session).by_slug.get(slug)
    if listing is None:
        raise ListingNotFound
    return listing


def find_property(session: Session) -> Property | None:
    """The property that names the shop: the first one. None before anything is set up."""
    return find_place(session)


def has_own_policies(session: Session) -> bool:
    """Whether any listing on sale has other cancellation terms than the plain ones of its property."""
    return any(listing.policy_id is not None for listing in list_listings(session))


def find_shelf(session: Session, now: datetime, order: Order = Order.HOUSE, number: int = 1) -> Shelf:
    """One page of everything on sale."""
    listings = list_listings(session)
    pager = Pager.over(len(listings), number)
    shown = pager.cut(_sorted(listings, order, lambda listing: listing, lambda listing: from_price(listing, now)))
    return Shelf(tuple(shown), pager, sold_days(listings, now))


def find_stays(
    session: Session,
    stay: Stay,
    guests: int,
    now: datetime,
    order: Order = Order.HOUSE,
    *,
    member_off: int = 0,
    most: int | None = None,
) -> SearchResult:
    """Every listing for these nights: what can be booked with its price, and the others with the reason alone.

    `most` is how many offers are wanted, with nothing of what is refused; None: all.

    Raises StayRuleBroken where no listing at all could take the stay: its `field` names what to change.
    """
    found = _judge(session, _Asked(stay, guests, now, member_off), order)
    offers = tuple(map(found.asked.offer, found.free[:most]))
    return SearchResult(offers, tuple(map(found.asked.decline, found.refused)) if most is None else ())


def find_page(
    session: Session,
    stay: Stay,
    guests: int,
    now: datetime,
    order: Order = Order.HOUSE,
    number: int = 1,
    *,
    member_off: int = 0,
) -> ResultPage:
    """One page of the answer, and what near the wanted nights does fit. The same few statements, however many stays.

    Raises StayRuleBroken as `find_stays` does.
    """
    found = _judge(session, _Asked(stay, guests, now, member_off), order)
    pager = Pager.over(len(found.free) + len(found.refused), number)
    offers = tuple(map(found.asked.offer, pager.cut(found.free)))
    page = ResultPage(offers, (), len(found.free), pager, sold_days(found.kinds.first, now))
    if not found.free:
        everything = with_nearby(session, list(map(found.asked.decline, found.refused)), now)
        return replace(_nothing_free(page, everything), declined=tuple(pager.cut(everything)))
    refused = pager.cut_behind(len(found.free), found.refused)
    return replace(page, declined=with_nearby(session, list(map(found.asked.decline, refused)), now))


def find_stay(
    session: Session, listing: Listing, stay: Stay, guests: int, now: datetime, *, member_off: int = 0
) -> Offer | Declined:
    """The offer for one stay, or the reason against it with what near it does fit.

    `member_off` is what whoever asks saves as a member, in hundredths of a percent, where the house is in the club.
    """
    asked = _Asked(stay, guests, now, member_off)
    reason = asked.broken_rule(listing)
    if reason is None and not free_unit_ids(session, listing.id, stay, now):
        reason = _FULL
    elif reason is None and listing.rules.looks_around:
        reason = _problems_beside(session, [listing], stay, now)[listing.id]
    if reason is None:
        return asked.offer(listing)
    return with_nearby(session, [asked.decline(_Refused(listing, *reason))], now)[0]


def from_price(listing: Listing, now: datetime) -> Money:
    """The price of the listing's cheapest night, before fees and taxes."""
    return sold_rates(listing, now).cheapest


def sold_rates(listing: Listing, now: datetime) -> RateCard:
    """The listing's prices on the days that are sold: a season that is over must not say what a night costs."""
    today = listing.property.today(now)
    return listing.rates.on_sale(today, listing.rules.last_leave(today))


def sold_days(listings: Iterable[Listing], now: datetime) -> SoldDays | None:
    """From today to the last day on which a stay may end, over several listings; None without any."""
    spans = [(today := listing.property.today(now), listing.rules.last_leave(today)) for listing in listings]
    if not spans:
        return None
    return SoldDays(min(today for today, _ in spans), max(last for _, last in spans))


def make_offer(listing: Listing, stay: Stay, price: Quote, now: datetime, member_off: int = 0) -> Offer:
    """A stay at a price, with what comes back of it when it is cancelled."""
    deal = Deal(price, listing.terms, stay.arrive, now, listing.property.zone)
    schedule = listing.schedule(price.total, stay.arrive, now)
    return Offer(listing, stay, price, open_steps(deal, now), deal.rest, schedule, member_off)


# --- what can be booked ---


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of every listing."""

    stay: Stay
    guests: int
    now: datetime
    member_off: int

    def price(self, listing: Listing) -> Quote:
        today, off = listing.property.today(self.now), club_off(listing, self.member_off)
        return quote(listing.rates, Ask.by(self.stay, self.guests, today, member_off=off))

    def offer(self, listing: Listing) -> Offer:
        return make_offer(listing, self.stay, self.price(listing), self.now, club_off(listing, self.member_off))

    def broken_rule(self, listing: Listing) -> "_Reason | None":
        """What of the listing's rules stands against it, whatever is free."""
        try:
            check_stay(listing.rules, self.stay, self.guests, listing.property.today(self.now))
        except StayRuleBroken as broken:
            return broken.said, str(broken.details["field"])
        return None

    def decline(self, refused: "_Refused") -> Declined:
        off = club_off(refused.listing, self.member_off)
        return Declined(refused.listing, self.stay, self.guests, refused.reason, refused.field, member_off=off)


# Why something cannot be had, and the form field that this concerns; None where the nights are taken.
_Reason = tuple[Said, str | None]
_FULL: _Reason = (NOT_FREE, None)


class _Refused(NamedTuple):
    """A listing that cannot be had, and why."""

    listing: Listing
    reason: Said
    field: str | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """What of all on sale can be had, and what not, each in the order asked for."""

    asked: _Asked
    kinds: Kinds
    free: Sequence[Listing]
    refused: Sequence[_Refused]


def _judge(session: Session, asked: _Asked, order: Order) -> _Judged:
    """Each kind of rules is asked once; what lies beside the nights is read only where a rule asks for it."""
    kinds = kinds_on_sale(session)
    _refuse_hopeless(kinds.first, asked.stay, asked.guests, asked.now)
    free_ids = free_listings(session, asked.stay, asked.now)
    broken = [asked.broken_rule(listing) for listing in kinds.first]
    beside = _beside(session, kinds, free_ids, broken, asked)
    free, refused = [], []
    for listing, listing_id, kind in zip(kinds.listings, kinds.ids, kinds.kinds, strict=True):
        reason = broken[kind] or (beside.get(listing_id) if listing_id in free_ids else _FULL)
        if reason is None:
            free.append(listing)
        else:
            refused.append(_Refused(listing, *reason))
    # The price of every stay is worked out only where it decides which of them are shown.
    return _Judged(
        asked,
        kinds,
        _sorted(free, order, lambda listing: listing, lambda listing: asked.price(listing).total),
        _sorted(refused, order, lambda entry: entry.listing, lambda entry: from_price(entry.listing, asked.now)),
    )


def _beside(
    session: Session, kinds: Kinds, free_ids: set[int], broken: Sequence[_Reason | None], asked: _Asked
) -> dict[int, _Reason | None]:
    """What other guests have beside the stay that stands against it, for those whose rules look there."""
    careful = {kind for kind, listing in enumerate(kinds.first) if not broken[kind] and listing.rules.looks_around}
    if not careful:
        return {}
    each = zip(kinds.listings, kinds.ids, kinds.kinds, strict=True)
    asking = [listing for listing, listing_id, kind in each if kind in careful and listing_id in free_ids]
    return _problems_beside(session, asking, asked.stay, asked.now)


def _problems_beside(
    session: Session, listings: Sequence[Listing], stay: Stay, now: datetime
) -> dict[int, _Reason | None]:
    around = read_around(session, listings, stay, now)
    return {listing.id: _problem_beside(listing, stay, around[listing.id], now) for listing in listings}


def _problem_beside(listing: Listing, stay: Stay, taken: TakenNights, now: datetime) -> _Reason | None:
    verdict = judge_units(listing.rules, stay, taken, listing.property.today(now))
    if verdict.units:
        return None
    return (verdict.problem, "arrive") if verdict.problem else _FULL


def read_around(
    session: Session, listings: Sequence[Listing], stay: Stay, now: datetime, without_booking: int | None = None
) -> dict[int, dict[int, dict[date, bool]]]:
    """The taken nights of a stay and beside it, by listing and unit, as far as any rule of theirs can see."""
    if not listings:
        return {}
    reach = timedelta(days=2 * max(listing.rules.reach for listing in listings) + 1)
    ids, first = [listing.id for listing in listings], max(stay.arrive, date.min + reach) - reach
    last = min(stay.leave, date.max - reach) + reach
    return taken_days_by_listing(session, ids, first, last, now, without_booking=without_booking)


def _refuse_hopeless(listings: Sequence[Listing], stay: Stay, guests: int, now: datetime) -> None:
    if not listings:
        return
    most = max(listing.max_guests for listing in listings)
    if guests > most:
        raise StayRuleBroken(say("Our largest stay sleeps {most}.", most=most), field="guests")
    if all(stay.arrive < listing.property.today(now) for listing in listings):
        raise StayRuleBroken(say("The day of arrival has passed."), field="arrive")
    most_patient = max((listing.rules for listing in listings), key=lambda rules: rules.most_nights)
    if stay.nights > most_patient.most_nights:
        raise StayRuleBroken(longest_ever(most_patient), field="leave")
    sold = sold_days(listings, now)
    if sold and stay.leave > sold.last:
        raise StayRuleBroken(say("Stays can be booked until {day}.", day=sold.last), field="leave")


def _sorted(
    entries: Sequence[_T], order: Order, listing_of: Callable[[_T], Listing], price_of: Callable[[_T], Money]
) -> Sequence[_T]:
    # Sorting is stable, so the house's own order decides between equals.
    if order is Order.PRICE:
        return sorted(entries, key=lambda entry: (price_of(entry).currency, price_of(entry).minor))
    if order is Order.SIZE:
        return sorted(entries, key=lambda entry: _size(listing_of(entry)), reverse=True)
    return entries


def _size(listing: Listing) -> tuple[int, int]:
    return listing.max_guests, listing.area_m2 or 0


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
