"""All that the page of one stay shows: its calendar, the price of what was chosen, or why that cannot be had."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from booking.domain.amenities import Amenity, known_amenities
from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.terms import terms_in_words
from booking.domain.words import Said
from booking.models import Listing
from booking.queries.calendar import Choice, MonthsView, draw_months
from booking.queries.nearby import Declined, Nearby, find_nearby
from booking.queries.search import Offer, find_stay, find_stays, get_listing

_MOST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why what was chosen cannot be had, and what near it can. `field` names what to correct, if anything."""

    reason: Said
    near: tuple[Nearby, ...]
    shorter: Nearby | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class StayPage:
    """One listing and one choice of nights. `offer` and `refusal` are both None while there is nothing to judge."""

    listing: Listing
    amenities: list[Amenity]
    view: MonthsView
    offer: Offer | None
    refusal: Refusal | None
    also: list[Offer]  # other listings that are free on the nights asked for
    terms: tuple[Said, ...]  # of cancelling, as long as no dates are known


def read_stay_page(session: Session, slug: str, choice: Choice, month: date | None, now: datetime) -> StayPage:
    """The page for a choice. Raises ListingNotFound."""
    listing = get_listing(session, slug)
    answer = _answer(session, listing, choice, now)
    view = draw_months(session, listing, month, choice, now)
    return StayPage(
        listing,
        known_amenities(listing.amenities),
        view,
        offer=answer if isinstance(answer, Offer) else None,
        refusal=_refused_stay(answer) or _refused_arrival(session, listing, choice, view, now),
        also=_also_free(session, answer, choice.member_off, now),
        terms=terms_in_words(listing.terms),
    )


def _answer(session: Session, listing: Listing, choice: Choice, now: datetime) -> Offer | Declined | None:
    if choice.stay is None:
        return None
    return find_stay(session, listing, choice.stay, choice.guests, now, member_off=choice.member_off)


def _refused_stay(answer: Offer | Declined | None) -> Refusal | None:
    if not isinstance(answer, Declined):
        return None
    return Refusal(answer.reason, answer.near, answer.shorter, answer.field)


def _refused_arrival(
    session: Session, listing: Listing, choice: Choice, view: MonthsView, now: datetime
) -> Refusal | None:
    """Of a day of arrival alone it can already be known that no stay begins there."""
    if choice.stay or choice.arrive is None or view.arrival_problem is None:
        return None
    if choice.arrive == date.max:  # the calendar of this world ends there, and nothing is near
        return Refusal(view.arrival_problem, ())
    one_night = Stay(choice.arrive, choice.arrive + timedelta(days=1))
    near = find_nearby(session, listing, one_night, choice.guests, now, member_off=choice.member_off)
    return Refusal(view.arrival_problem, near)


def _also_free(session: Session, answer: Offer | Declined | None, member_off: int, now: datetime) -> list[Offer]:
    if answer is None:
        return []
    try:
        # One more than are shown, for the answer's own listing may be among them.
        found = find_stays(session, answer.stay, answer.guests, now, member_off=member_off, most=_MOST_OTHERS + 1)
    except StayRuleBroken:  # no listing at all could take this stay
        return []
    return [offer for offer in found.offers if offer.listing.id != answer.listing.id][:_MOST_OTHERS]
