"""The stay that a request of the checkout is about, from its address or its form; or the page that says why not."""

from typing import Any

from flask import abort, make_response, redirect, request, url_for
from werkzeug.datastructures import MultiDict

from booking.domain.dates import Stay
from booking.domain.errors import InvalidDates
from booking.extensions import db
from booking.queries.guest import GuestBooking, GuestState, find_guest_booking, find_newest_held
from booking.queries.search import Offer, find_stay, get_listing
from booking.web.checkout.pages import unavailable_page
from booking.web.manage.blueprint import own_references
from booking.web.member import member_off
from booking.web.storefront.forms import Question, read_question
from booking.wiring import current_runtime

_HAS_NIGHTS = (GuestState.CONFIRMED, GuestState.PROCESSING, GuestState.REQUESTED, GuestState.REVIEW)


def offer_or_elsewhere(slug: str, args: MultiDict[str, str] | None = None) -> Offer:
    """The offer for the stay in the address; where there is none, the request ends with the page that says why."""
    session = db.session()
    listing, question = get_listing(session, slug), read_question(request.args if args is None else args)
    if question.stay is None or question.errors:
        abort(redirect(url_for("storefront.stay", slug=slug, **question.as_args()), 303))
    now = current_runtime().clock.now()
    answer = find_stay(session, listing, question.stay, question.guests, now, member_off=member_off())
    if isinstance(answer, Offer):
        return answer
    if answer.field:
        abort(redirect(url_for("storefront.stay", slug=slug, **question.as_args()), 303))
    _go_to_own_booking(slug, answer.stay)
    return abort(make_response(unavailable_page(slug, question)))


def good_question() -> Question:
    """The question in the form. Raises InvalidDates where it is none."""
    question = read_question(request.form)
    if question.errors or question.stay is None:
        raise InvalidDates(next(iter(question.errors.values()), None))
    return question


def args_of(offer: Offer) -> dict[str, Any]:
    """An offer's stay for an address or a form."""
    return {"arrive": offer.stay.arrive.isoformat(), "leave": offer.stay.leave.isoformat(), "guests": offer.guests}


def _go_to_own_booking(slug: str, stay: Stay) -> None:
    # A guest who uses the back button must not be told that "somebody" has the nights: it is they who have them.
    session, now, known = db.session(), current_runtime().clock.now(), own_references()
    held = find_newest_held(session, known, now)
    if held and _is_about(held, slug, stay):
        abort(redirect(url_for("checkout.pay_cancelled"), 303))
    for reference in reversed(known):
        booking = find_guest_booking(session, reference, now)
        if booking and (booking.state in _HAS_NIGHTS or booking.can_reopen) and _is_about(booking, slug, stay):
            abort(redirect(url_for("manage.booking", reference=reference), 303))


def _is_about(booking: GuestBooking, slug: str, stay: Stay) -> bool:
    return booking.listing_slug == slug and booking.stay.overlaps(stay)
