"""The guest's details, the review, and the button that leads to Stripe. The pages of coming back are in paying.py."""

from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from booking.domain.errors import DatesUnavailable, PriceChanged, StayRuleBroken, TooManyHolds
from booking.domain.mailbox import suggest_address
from booking.domain.money import Money
from booking.extensions import db
from booking.queries.search import Offer, get_listing
from booking.services.limits import PLACING
from booking.services.reservations import PlaceRequest, place_booking
from booking.web.checkout import trap
from booking.web.checkout.blueprint import blueprint
from booking.web.checkout.forms import DetailsForm, ReviewForm
from booking.web.checkout.offers import args_of, good_question, offer_or_elsewhere
from booking.web.checkout.pages import Gone, refused_page, too_many_page, unavailable_page
from booking.web.checkout.paying import hand_over
from booking.web.errors import old_form_page
from booking.web.guest import browser_id, keep_typed, remember_booking, typed_details
from booking.web.guest_fields import LONGEST_MESSAGE
from booking.web.security import client_address, count
from booking.web.storefront.forms import Question, read_question
from booking.wiring import current_runtime

__all__ = ["blueprint"]

_OLD_FORM: dict[str, Any] = {"meta": {"csrf": False}}


@blueprint.get("/stays/<slug>/book")
def book(slug: str) -> ResponseReturnValue:
    """The form for the guest's details, before any time runs."""
    offer = offer_or_elsewhere(slug)
    return _details_page(offer, DetailsForm.filled(typed_details()))


@blueprint.post("/stays/<slug>/book")
def keep_details(slug: str) -> ResponseReturnValue:
    """Check the details and go on to the review; what was typed is kept either way."""
    form = DetailsForm()
    is_good = form.validate()
    keep_typed(form.typed())
    offer = offer_or_elsewhere(slug)
    if not is_good:
        return make_response(_details_page(offer, form), 422)
    runtime = current_runtime()
    if form.seems_filled_by_program(runtime.clock.now(), is_timed=runtime.settings.rate_limits):
        return make_response(_details_page(offer, form, again=True), 422)
    return redirect(url_for("checkout.review", slug=slug, **args_of(offer)), 303)


@blueprint.get("/stays/<slug>/review")
def review(slug: str) -> ResponseReturnValue:
    """Everything once more, and the one button that takes the guest to pay."""
    offer = offer_or_elsewhere(slug)
    form = ReviewForm.filled(typed_details())
    if not form.name.data or not form.email.data:
        return redirect(url_for("checkout.book", slug=slug, **args_of(offer)), 303)
    return _review_page(offer, form)


@blueprint.post("/stays/<slug>/review")
def place(slug: str) -> ResponseReturnValue:
    """Hold the nights, remember the booking, and send the guest to Stripe."""
    question, form = good_question(), ReviewForm()
    is_good = form.validate()
    keep_typed(form.typed())
    if not is_good:
        return _correct(slug, form)
    count(PLACING)
    try:
        placed = place_booking(current_runtime(), _place_request(slug, question, form))
    except DatesUnavailable:
        return unavailable_page(slug, question, Gone.RACE)
    except StayRuleBroken as refusal:
        return refused_page(slug, question, refusal)
    except TooManyHolds as refusal:
        return too_many_page(slug, question, refusal)
    except PriceChanged as change:
        return make_response(_review_page(offer_or_elsewhere(slug, request.form), form, change=change), 409)
    remember_booking(placed.reference)
    return hand_over(placed.booking_id, placed.reference)


@blueprint.errorhandler(CSRFError)
def old_form(error: CSRFError) -> ResponseReturnValue:
    """A form whose token is too old comes back with all that was typed in it. Nothing of it is believed before that."""
    is_about_a_stay = request.endpoint in ("checkout.keep_details", "checkout.place")
    if not is_about_a_stay or read_question(request.values).stay is None:
        return old_form_page()
    slug = (request.view_args or {})["slug"]
    try:
        return _old_details(slug) if request.endpoint == "checkout.keep_details" else _old_review(slug)
    except HTTPException as elsewhere:  # nobody catches what the handler of an error raises
        return elsewhere.get_response()


def _old_details(slug: str) -> ResponseReturnValue:
    details = DetailsForm(**_OLD_FORM)
    details.validate()
    return make_response(_details_page(offer_or_elsewhere(slug), details, is_old=True), 400)


def _old_review(slug: str) -> ResponseReturnValue:
    form = ReviewForm(**_OLD_FORM)
    form.validate()
    return _correct(slug, form, is_old=True)


def _correct(slug: str, form: ReviewForm, *, is_old: bool = False) -> ResponseReturnValue:
    """The review again; or the details, where something in them is wrong that the review has no field for."""
    offer, status = offer_or_elsewhere(slug, request.form), 400 if is_old else 422
    if form.has_good_details:
        return make_response(_review_page(offer, form, is_old=is_old), status)
    details = DetailsForm.filled(form.typed())
    details.take_errors(form)
    return make_response(_details_page(offer, details, is_old=is_old), status)


def _place_request(slug: str, question: Question, form: ReviewForm) -> PlaceRequest:
    listing = get_listing(db.session(), slug)
    return form.request_for(listing.id, listing.property.currency, question, browser_id(), client_address())


def _details_page(offer: Offer, form: DetailsForm, *, again: bool = False, is_old: bool = False) -> str:
    form.show(offer.listing.property.check_in_from, current_runtime().clock.now())
    facts = {"offer": offer, "form": form, "args": args_of(offer), "longest_message": LONGEST_MESSAGE}
    return render_template("checkout/book.html", **facts, again=again, is_old=is_old)


def _review_page(offer: Offer, form: ReviewForm, *, change: PriceChanged | None = None, is_old: bool = False) -> str:
    browser_id()  # before the button is there: both halves of a first double click must carry the same id
    runtime = current_runtime()
    facts = {"offer": offer, "form": form, "args": args_of(offer), "is_old": is_old}
    facts |= {"change": change, "difference": _difference(change, offer)}
    meant = suggest_address(form.email.data or "")
    return render_template(
        "checkout/review.html",
        **facts,
        meant=meant,
        shown_at=trap.stamp(runtime.clock.now()),
        hold_minutes=runtime.settings.hold_minutes,
    )


def _difference(change: PriceChanged | None, offer: Offer) -> Money | None:
    """By how much the price is another one than the guest saw."""
    shown = change.details["shown"] if change else None
    return Money(abs(offer.total.minor - shown.minor), shown.currency) if isinstance(shown, Money) else None
