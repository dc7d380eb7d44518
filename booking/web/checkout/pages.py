"""The pages on which a checkout stops: taken, not possible, too much held, no word from Stripe. All typed is kept."""

from enum import StrEnum

from flask import make_response, render_template
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from booking.domain.errors import BookingNotFound, StayRuleBroken, TooManyHolds
from booking.extensions import db
from booking.queries.alternatives import Alternatives, find_alternatives
from booking.queries.charges import Charge
from booking.queries.guest import GuestBooking, GuestState, find_guest_booking
from booking.queries.search import get_listing
from booking.web.errors import RETRY_SECONDS, retry_seconds
from booking.web.language import current_language
from booking.web.manage.blueprint import own_references
from booking.web.storefront.forms import Question, read_question
from booking.wiring import current_runtime


class Gone(StrEnum):
    """How a guest comes to ask for nights that are taken. Each has its own sentence."""

    TAKEN = "taken"  # they were when the page was asked for
    RACE = "race"  # somebody was faster while this guest was typing
    LAPSED = "lapsed"  # the guest's own hold had ended


class Trouble(StrEnum):
    """Why Stripe's page cannot be opened, or a hold cannot be ended."""

    SILENT = "silent"
    REFUSED = "refused"
    RELEASE = "release"


def unavailable_page(
    slug: str, question: Question, gone: Gone = Gone.TAKEN, charge: Charge = Charge.NOTHING
) -> ResponseReturnValue:
    """These nights are taken, and what else is free."""
    session, now = db.session(), current_runtime().clock.now()
    listing = get_listing(session, slug)
    stay = question.stay
    free = find_alternatives(session, listing, stay, question.guests, now) if stay else Alternatives()
    facts = {"listing": listing, "question": question, "free": free, "gone": gone, "charge": charge}
    return make_response(render_template("checkout/unavailable.html", **facts), 409)


def lapsed_page(reference: str) -> ResponseReturnValue:
    """The guest's own hold was over, and somebody else has the nights."""
    booking = get_booking(reference)
    stay = booking.stay
    args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": str(booking.guests)}
    question = read_question(MultiDict(args))
    return unavailable_page(booking.listing_slug, question, Gone.LAPSED, booking.charge)


def refused_page(slug: str, question: Question, refusal: StayRuleBroken) -> ResponseReturnValue:
    """A rule of the house forbids this stay."""
    listing = get_listing(db.session(), slug)
    page = render_template("checkout/refused.html", listing=listing, args=question.as_args(), reason=refusal.said)
    return make_response(page, 422)


def too_many_page(slug: str, question: Question, refusal: TooManyHolds) -> ResponseReturnValue:
    """Too much is held unpaid: what this browser holds can be paid for or let go here."""
    now = current_runtime().clock.now()
    found = [find_guest_booking(db.session(), known, now, _language()) for known in own_references()]
    held = [booking for booking in found if booking and booking.state is GuestState.HELD]
    facts = {"held": held, "slug": slug, "args": question.as_args(), "wait": retry_seconds(refusal)}
    response = make_response(render_template("checkout/too_many.html", **facts), 429)
    response.headers["Retry-After"] = str(retry_seconds(refusal))
    return response


def trouble_page(reference: str, status: int, kind: Trouble) -> ResponseReturnValue:
    """Stripe does not do what it was asked. Whether money was taken is said as far as it is known."""
    booking = get_booking(reference)
    page = render_template("checkout/trouble.html", booking=booking, kind=kind, charge=booking.charge)
    response = make_response(page, status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def get_booking(reference: str) -> GuestBooking:
    """A booking as its guest sees it, in the language of the page. Raises BookingNotFound."""
    booking = find_guest_booking(db.session(), reference, current_runtime().clock.now(), _language())
    if booking is None:
        raise BookingNotFound
    return booking


def _language() -> str:
    return current_language().code
