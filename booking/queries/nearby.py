"""What near a stay that cannot be had can: other days, other lengths, the longest part of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from booking.domain.availability import TakenNights, longest_free_part, nearest_stays
from booking.domain.dates import LONGEST_STAY, Stay
from booking.domain.errors import InvalidDates, StayRuleBroken
from booking.domain.money import Money
from booking.domain.neighbours import judge_units
from booking.domain.pricing import Ask, quote
from booking.domain.stay_rules import StayRules, check_stay
from booking.domain.words import Said, say
from booking.models import Listing
from booking.queries.nights import taken_days_by_listing

# How far from the wanted dates others are looked for, and how many are told.
NEARBY_DAYS = 21
MOST_NEARBY = 3
NOT_FREE = say("Not free on all of these nights.")
# Of two stays that are both possible on a day, the one whose length is nearer to what was asked for.
_OTHER_LENGTHS = 7


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
    member_off: int = 0  # what whoever asks saves as a member, in hundredths of a percent


def club_off(listing: Listing, member_off: int) -> int:
    """What a member saves here: nothing in a house that is not in the club."""
    return member_off if listing.property.in_club else 0


def find_nearby(
    session: Session, listing: Listing, stay: Stay, guests: int, now: datetime, *, member_off: int = 0
) -> tuple[Nearby, ...]:
    """The nearest free stays that the listing's rules allow."""
    off = club_off(listing, member_off)
    return with_nearby(session, [Declined(listing, stay, guests, NOT_FREE, None, member_off=off)], now)[0].near


def with_nearby(session: Session, declined: Sequence[Declined], now: datetime) -> tuple[Declined, ...]:
    """Each with what near its nights does fit. The nights of all are read at once."""
    if not declined:
        return ()
    wanted = [_as_long_as_allowed(entry) for entry in declined]
    reach = timedelta(days=NEARBY_DAYS + max(_seen_further(entry.listing.rules) for entry in declined))
    first = max(min(stay.arrive for stay in wanted), date.min + reach) - reach
    last = min(max(max(stay.leave for stay in wanted), declined[0].stay.leave), date.max - reach) + reach
    taken = taken_days_by_listing(session, [entry.listing.id for entry in declined], first, last, now)
    return tuple(_fill(entry, stay, taken[entry.listing.id], now) for entry, stay in zip(declined, wanted, strict=True))


def _seen_further(rules: StayRules) -> int:
    """How many nights beyond the nearby ones say something of stays there: by plain rules none."""
    return 0 if rules.is_plain else max(rules.ever("min_nights")) + _OTHER_LENGTHS + 2 * rules.reach


def _fill(declined: Declined, wanted: Stay, taken: TakenNights, now: datetime) -> Declined:
    today = declined.listing.property.today(now)
    rules = declined.listing.rules
    fits = _fit_check(rules, declined.guests, today, taken)
    find = _fitting_near(rules, declined.stay.nights, fits)
    at_once = [here] if (here := find(wanted)) else []
    near = at_once + nearest_stays(find, wanted, NEARBY_DAYS, MOST_NEARBY - len(at_once))
    part = _part(declined, taken, today)
    return replace(
        declined,
        near=tuple(_priced(declined, stay, today) for stay in near),
        shorter=_priced(declined, part, today) if part and fits(part) else None,
    )


def _as_long_as_allowed(declined: Declined) -> Stay:
    """The wanted stay, made longer or shorter where the listing's rules ask for it."""
    stay, rules = declined.stay, declined.listing.rules
    nights = min(max(stay.nights, rules.shortest_from(stay.arrive)), rules.longest_from(stay.arrive))
    try:
        return Stay(stay.arrive, stay.arrive + timedelta(days=nights))
    except (OverflowError, InvalidDates):  # the calendar of this world ends in the year 9999
        return stay


def _part(declined: Declined, taken: TakenNights, today: date) -> Stay | None:
    """The longest free part of the wanted nights that is sold at all, no longer than the rules allow."""
    rules, stay = declined.listing.rules, declined.stay
    first = max(stay.arrive, rules.earliest(stay.arrive, today))
    last = min(stay.leave, rules.latest(stay.arrive, today))
    part = longest_free_part(taken, Stay(first, last)) if first < last else None
    if part is None or part.nights == stay.nights:
        return None
    return Stay(part.arrive, min(part.leave, part.arrive + timedelta(days=rules.longest_from(part.arrive))))


def _fit_check(rules: StayRules, guests: int, today: date, taken: TakenNights) -> Callable[[Stay], bool]:
    def fits(stay: Stay) -> bool:
        try:
            check_stay(rules, stay, guests, today)
        except StayRuleBroken:
            return False
        return bool(judge_units(rules, stay, taken, today).units)

    return fits


def _fitting_near(rules: StayRules, nights: int, fits: Callable[[Stay], bool]) -> Callable[[Stay], Stay | None]:
    """What can be had from the day on which a stay begins: by plain rules that stay alone, else of a length near it."""

    def find(wanted: Stay) -> Stay | None:
        if wanted.leave > date.max - timedelta(days=2 * LONGEST_STAY):  # the calendar of this world ends there
            return None
        lengths = [wanted.nights] if rules.is_plain else _lengths(rules, wanted.arrive, nights)
        stays = (Stay(wanted.arrive, wanted.arrive + timedelta(days=length)) for length in lengths)
        return next((stay for stay in stays if fits(stay)), None)

    return find


def _lengths(rules: StayRules, arrive: date, nights: int) -> list[int]:
    """The numbers of nights that a stay from a day may have, the nearest to those wanted first; of two, the longer."""
    least, most = rules.shortest_from(arrive), min(rules.longest_from(arrive), LONGEST_STAY)
    near = min(max(nights, least), most)
    possible = range(max(least, near - _OTHER_LENGTHS), min(most, near + _OTHER_LENGTHS) + 1)
    return sorted(possible, key=lambda length: (abs(length - nights), -length))


def _priced(declined: Declined, stay: Stay, today: date) -> Nearby:
    ask = Ask.by(stay, declined.guests, today, member_off=declined.member_off)
    return Nearby(declined.listing, stay, quote(declined.listing.rates, ask).total)
