"""From the guest's details to Stripe and back. Nothing an address says about a payment is believed here."""

import re
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from booking.domain.dates import Stay
from booking.domain.errors import BookingNotFound, DatesUnavailable, InvalidDates, PriceChanged, StayRuleBroken
from booking.domain.states import Source
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.queries.guest import GuestBooking, find_guest_booking, find_newest_held
from booking.queries.search import Offer, find_nearby, find_stay, get_listing
from booking.services.checkout import (
    HandoffOutcome,
    ReturnState,
    ReturnView,
    abandon_checkout,
    finish_return,
    start_checkout,
)
from booking.services.limits import check_limit
from booking.services.reservations import PlaceRequest, place_booking
from booking.services.timeline import Cause
from booking.web.checkout.forms import LONGEST_MESSAGE, DetailsForm, ReviewForm
from booking.web.guest import browser_id, keep_typed, known_references, remember_booking, typed_details
from booking.web.security import client_address
from booking.web.storefront.forms import Question, read_question
from booking.wiring import current_runtime

blueprint = Blueprint("checkout", __name__)

HOLDS_PER_HOUR = 10
_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,200}", re.ASCII)


@blueprint.get("/stays/<slug>/book")
def book(slug: str) -> ResponseReturnValue:
    """The form for the guest's details, before any time runs."""
    offer = _offer_or_elsewhere(slug)
    return _details_page(offer, DetailsForm(formdata=None, data=typed_details()))


@blueprint.post("/stays/<slug>/book")
def keep_details(slug: str) -> ResponseReturnValue:
    """Check the details and go on to the review; what was typed is kept either way."""
    form = DetailsForm()
    is_good = form.validate()
    keep_typed(form.typed())
    offer = _offer_or_elsewhere(slug)
    if not is_good:
        return make_response(_details_page(offer, form), 422)
    return redirect(url_for("checkout.review", slug=slug, **_args(offer)), 303)


@blueprint.get("/stays/<slug>/review")
def review(slug: str) -> ResponseReturnValue:
    """Everything once more, and the one button that takes the guest to pay."""
    offer = _offer_or_elsewhere(slug)
    form = ReviewForm(formdata=None, data=typed_details())
    if not form.name.data or not form.email.data:
        return redirect(url_for("checkout.book", slug=slug, **_args(offer)), 303)
    return _review_page(offer, form)


@blueprint.post("/stays/<slug>/review")
def place(slug: str) -> ResponseReturnValue:
    """Hold the nights, remember the booking, and send the guest to Stripe."""
    question, form = _good_question(), ReviewForm()
    is_good = form.validate()
    keep_typed(form.typed())
    if not is_good:
        return make_response(_details_page(_offer_or_elsewhere(slug, request.form), form), 422)
    check_limit(current_runtime(), "hold", client_address(), HOLDS_PER_HOUR, timedelta(hours=1))
    try:
        placed = place_booking(current_runtime(), _place_request(slug, question, form))
    except DatesUnavailable as refusal:
        return _unavailable_page(slug, question, refusal.user_message)
    except StayRuleBroken as refusal:
        return _refused_page(slug, question, refusal.user_message)
    except PriceChanged as change:
        return make_response(_review_page(_offer_or_elsewhere(slug, request.form), form, change), 409)
    remember_booking(placed.reference)
    return _hand_over(placed.booking_id, placed.reference)


@blueprint.get("/pay/return")
def pay_return() -> ResponseReturnValue:
    """Back from Stripe. The id is only a key to look things up: what is true, the service finds out."""
    session_id = request.args.get("session_id", "")
    if not _SESSION_ID.fullmatch(session_id):
        return _newest_or_missing(session_id)
    view = finish_return(current_runtime(), session_id)
    if view is None:
        abort(404)
    if view.state is ReturnState.BOOKED and view.reference in known_references():
        return redirect(url_for("manage.booking", reference=view.reference), 303)
    return _return_page(view)


@blueprint.get("/pay/cancelled")
def pay_cancelled() -> ResponseReturnValue:
    """The guest came back without paying: the nights are still held, and both ways are open."""
    held = find_newest_held(db.session(), known_references(), current_runtime().clock.now())
    return render_template("checkout/cancelled.html", held=held)


@blueprint.post("/pay/resume")
def pay_resume() -> ResponseReturnValue:
    """Go to Stripe (again) for a booking of this browser."""
    booking = _own_booking()
    return _hand_over(booking.id, booking.reference)


@blueprint.post("/pay/release")
def pay_release() -> ResponseReturnValue:
    """Let the nights go, after Stripe has said that nobody can pay for them any more."""
    booking = _own_booking()
    try:
        abandon_checkout(current_runtime(), booking.id, Cause(Source.WEB))
    except GatewayUnavailable:
        return _trouble_page(booking.reference, 503, "release")
    return redirect(url_for("manage.booking", reference=booking.reference), 303)


def _hand_over(booking_id: int, reference: str) -> ResponseReturnValue:
    try:
        handoff = start_checkout(current_runtime(), booking_id)
    except GatewayUnavailable:
        return _trouble_page(reference, 503, "unavailable")
    except GatewayRefused:
        return _trouble_page(reference, 502, "refused")
    except DatesUnavailable as refusal:
        return _gone_page(reference, refusal.user_message)
    if handoff.outcome is HandoffOutcome.PAY and handoff.url:
        return redirect(handoff.url, 303)
    return redirect(url_for("manage.booking", reference=reference), 303)


def _offer_or_elsewhere(slug: str, args: MultiDict[str, str] | None = None) -> Offer:
    """The offer for the stay in the address; where there is none, the request ends with the page that says why."""
    session = db.session()
    listing, question = get_listing(session, slug), read_question(request.args if args is None else args)
    if question.stay is None or question.errors:
        abort(redirect(url_for("storefront.stay", slug=slug, **question.as_args()), 303))
    answer = find_stay(session, listing, question.stay, question.guests, current_runtime().clock.now())
    if isinstance(answer, Offer):
        return answer
    if answer.field:
        abort(redirect(url_for("storefront.stay", slug=slug, **question.as_args()), 303))
    if _holds_already(slug, answer.stay):
        abort(redirect(url_for("checkout.pay_cancelled"), 303))
    return abort(make_response(_unavailable_page(slug, question, answer.reason)))


def _holds_already(slug: str, stay: Stay) -> bool:
    # A guest who uses the back button must not be told that "somebody" has the nights.
    held = find_newest_held(db.session(), known_references(), current_runtime().clock.now())
    return held is not None and held.listing_slug == slug and held.stay.overlaps(stay)


def _place_request(slug: str, question: Question, form: ReviewForm) -> PlaceRequest:
    listing = get_listing(db.session(), slug)
    return form.request_for(listing.id, listing.property.currency, question, browser_id())


def _good_question() -> Question:
    question = read_question(request.form)
    if question.errors or question.stay is None:
        raise InvalidDates(next(iter(question.errors.values()), None))
    return question


def _own_booking() -> GuestBooking:
    reference = request.form.get("reference", "")
    if reference not in known_references():
        raise BookingNotFound
    booking = find_guest_booking(db.session(), reference, current_runtime().clock.now())
    if booking is None:
        raise BookingNotFound
    return booking


def _newest_or_missing(session_id: str) -> ResponseReturnValue:
    # Some copies of the address still hold the placeholder that Stripe should have filled in.
    references = known_references()
    if references and session_id in ("", "{CHECKOUT_SESSION_ID}"):
        return redirect(url_for("manage.booking", reference=references[-1]), 303)
    return abort(404)


def _args(offer: Offer) -> dict[str, Any]:
    return {"arrive": offer.stay.arrive.isoformat(), "leave": offer.stay.leave.isoformat(), "guests": offer.guests}


def _details_page(offer: Offer, form: DetailsForm) -> str:
    return render_template(
        "checkout/book.html", offer=offer, form=form, args=_args(offer), longest_message=LONGEST_MESSAGE
    )


def _review_page(offer: Offer, form: ReviewForm, change: PriceChanged | None = None) -> str:
    browser_id()  # before the button is there: both halves of a first double click must carry the same id
    minutes = current_runtime().settings.hold_minutes
    return render_template(
        "checkout/review.html", offer=offer, form=form, args=_args(offer), hold_minutes=minutes, change=change
    )


def _unavailable_page(slug: str, question: Question, reason: str) -> ResponseReturnValue:
    session, now = db.session(), current_runtime().clock.now()
    listing = get_listing(session, slug)
    near = find_nearby(session, listing, question.stay, question.guests, now) if question.stay else ()
    page = render_template("checkout/unavailable.html", listing=listing, question=question, near=near, reason=reason)
    return make_response(page, 409)


def _refused_page(slug: str, question: Question, reason: str) -> ResponseReturnValue:
    listing = get_listing(db.session(), slug)
    page = render_template("checkout/refused.html", listing=listing, args=question.as_args(), reason=reason)
    return make_response(page, 422)


def _gone_page(reference: str, reason: str) -> ResponseReturnValue:
    booking = find_guest_booking(db.session(), reference, current_runtime().clock.now())
    if booking is None:
        raise BookingNotFound
    stay = booking.stay
    args = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": str(booking.guests)}
    return _unavailable_page(booking.listing_slug, read_question(MultiDict(args)), reason)


def _trouble_page(reference: str, status: int, kind: str) -> ResponseReturnValue:
    booking = find_guest_booking(db.session(), reference, current_runtime().clock.now())
    response = make_response(render_template("checkout/trouble.html", booking=booking, kind=kind), status)
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


def _return_page(view: ReturnView) -> ResponseReturnValue:
    return render_template("checkout/return.html", view=view, is_known=view.reference in known_references())
