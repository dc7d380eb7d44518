"""The guest's details, the review, and the button that leads to Stripe. The pages of coming back are in paying.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from booking.domain.errors import (
    CouponRefused,
    DatesUnavailable,
    PlanChanged,
    PriceChanged,
    StayRuleBroken,
    TooManyHolds,
    WayChanged,
)
from booking.domain.mailbox import suggest_address
from booking.domain.money import Money
from booking.domain.payment_plans import schedule_in_words
from booking.domain.requests import answer_deadline, first_moment, request_in_words
from booking.domain.words import Said
from booking.extensions import db
from booking.queries.search import Offer, get_listing
from booking.services.cards import consent_text, name_of, offered_consent
from booking.services.limits import PLACING, TRYING_CODES
from booking.services.reservations import PlaceRequest, place_booking
from booking.web.checkout import trap
from booking.web.checkout.blueprint import blueprint
from booking.web.checkout.forms import DetailsForm, ReviewForm
from booking.web.checkout.offers import args_of, good_question, offer_or_elsewhere
from booking.web.checkout.pages import Gone, refused_page, too_many_page, unavailable_page
from booking.web.checkout.paying import hand_over
from booking.web.checkout.wishes import WishPage, grant, read_wishes
from booking.web.errors import old_form_page
from booking.web.guest import browser_id, keep_typed, remember_booking, typed_details
from booking.web.guest_fields import LONGEST_MESSAGE
from booking.web.language import current_language
from booking.web.member import current_member
from booking.web.security import client_address, count
from booking.web.storefront.forms import Question, read_question
from booking.wiring import current_runtime

__all__ = ["blueprint"]

_OLD_FORM: dict[str, Any] = {"meta": {"csrf": False}}


@blueprint.get("/stays/<slug>/book")
def book(slug: str) -> ResponseReturnValue:
    """The form for the guest's details, before any time runs."""
    page = _wished(slug, request.args)
    status = 422 if page.errors else 200
    return make_response(_details_page(page, DetailsForm.filled(typed_details())), status)


@blueprint.post("/stays/<slug>/book")
def keep_details(slug: str) -> ResponseReturnValue:
    """Check the details and go on to the review; what was typed is kept either way.

    With the button that only asks for the price, nothing else needs to be there yet.
    """
    form = DetailsForm()
    is_good = form.validate()
    keep_typed(form.typed())
    page = _wished(slug, request.form)
    if "reckon" in request.form:
        return _reckoned(page, form)
    if not is_good or page.errors:
        return make_response(_details_page(page, form), 422)
    runtime = current_runtime()
    if form.seems_filled_by_program(runtime.clock.now(), is_timed=runtime.settings.rate_limits):
        return make_response(_details_page(page, form, again=True), 422)
    return redirect(url_for("checkout.review", slug=slug, **_args(page)), 303)


def _reckoned(page: WishPage, form: DetailsForm) -> ResponseReturnValue:
    """The form with the price of what was chosen. Nothing is said of what the guest has not come to yet."""
    if page.errors:
        return make_response(_details_page(page, DetailsForm.filled(form.typed())), 422)
    return redirect(url_for("checkout.book", slug=page.offer.listing.slug, **_args(page)), 303)


@blueprint.get("/stays/<slug>/review")
def review(slug: str) -> ResponseReturnValue:
    """Everything once more, and the one button that takes the guest to pay."""
    page = _wished(slug, request.args)
    form = ReviewForm.filled(typed_details())
    if page.errors or not form.name.data or not form.email.data:
        return redirect(url_for("checkout.book", slug=slug, **_args(page)), 303)
    return _review_page(page, form)


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
    except CouponRefused:
        return _correct(slug, form)
    except PriceChanged as change:
        return make_response(_review_page(_wished(slug, request.form), form, change=change), 409)
    except PlanChanged as change:
        page, is_way = _wished(slug, request.form), isinstance(change, WayChanged)
        return make_response(_review_page(page, form, is_other_way=is_way, is_new_plan=not is_way), 409)
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
    return make_response(_details_page(_wished(slug, request.form), details, is_old=True), 400)


def _old_review(slug: str) -> ResponseReturnValue:
    form = ReviewForm(**_OLD_FORM)
    form.validate()
    return _correct(slug, form, is_old=True)


def _correct(slug: str, form: ReviewForm, *, is_old: bool = False) -> ResponseReturnValue:
    """The review again; or the details, where something in them is wrong that the review has no field for."""
    page, status = _wished(slug, request.form), 400 if is_old else 422
    if form.has_good_details and not page.errors:
        return make_response(_review_page(page, form, is_old=is_old), status)
    details = DetailsForm.filled(form.typed())
    details.take_errors(form)
    return make_response(_details_page(page, details, is_old=is_old), status)


def _wished(slug: str, args: MultiDict[str, str]) -> WishPage:
    """The offer in an address or form, with the wishes in it; where there is none, the request ends here."""
    # The form of the details has its dates in the address that it is sent to.
    about = request.args if "arrive" in request.args else args
    typed = read_wishes(args)
    if typed.code:
        count(TRYING_CODES)  # a right one counts, too: or who is over the limit would learn by it which one is right
    return grant(offer_or_elsewhere(slug, about), typed)


def _args(page: WishPage) -> dict[str, Any]:
    return {**args_of(page.offer), **page.args}


def _place_request(slug: str, question: Question, form: ReviewForm) -> PlaceRequest:
    listing, wishes = get_listing(db.session(), slug), read_wishes(request.form).wishes
    member, network = current_member(), client_address()
    account_id = member.account_id if member else None
    return form.request_for(listing.id, listing.property.currency, question, browser_id(), network, wishes, account_id)


def _details_page(page: WishPage, form: DetailsForm, *, again: bool = False, is_old: bool = False) -> str:
    form.show(page.offer.listing.property.check_in_from, current_runtime().clock.now())
    form.take_wishes(page)
    facts = {"offer": page.offer, "wish_page": page, "form": form, "args": _args(page)}
    facts["longest_message"] = LONGEST_MESSAGE
    return render_template("checkout/book.html", **facts, again=again, is_old=is_old)


def _review_page(
    page: WishPage,
    form: ReviewForm,
    *,
    change: PriceChanged | None = None,
    is_new_plan: bool = False,
    is_old: bool = False,
    is_other_way: bool = False,
) -> str:
    browser_id()  # before the button is there: both halves of a first double click must carry the same id
    runtime, offer = current_runtime(), page.offer
    facts = {"offer": offer, "wish_page": page, "form": form, "args": _args(page), "is_old": is_old}
    facts |= {"change": change, "difference": _difference(change, offer)}
    facts |= {"is_new_plan": is_new_plan, "is_other_way": is_other_way}
    facts |= {"asked": _asked(offer, runtime.clock.now()), **_consent_facts(offer)}
    facts["plan_words"] = schedule_in_words(offer.schedule, from_card=bool(facts["consent"]))
    facts["lost_rate"] = "as_member" in request.form and not offer.member_off
    meant = suggest_address(form.email.data or "")
    return render_template(
        "checkout/review.html",
        **facts,
        meant=meant,
        shown_at=trap.stamp(runtime.clock.now()),
        hold_minutes=runtime.settings.hold_minutes,
    )


def _consent_facts(offer: Offer) -> dict[str, Any]:
    """What is said about saving a card, and the name by which the form brings it back."""
    code = current_language().code
    consent = offered_consent(offer.listing, offer.quote, offer.stay.arrive, current_runtime().clock.now())
    if consent is None:
        return {"consent": (), "consent_name": ""}
    return {"consent": consent_text(consent, code), "consent_name": name_of(consent, code)}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a guest is told of a request before it is made: in words, and until when it would be answered."""

    words: tuple[Said, ...]
    answer_by: datetime


def _asked(offer: Offer, now: datetime) -> _Asked | None:
    """None where the stay is booked at once."""
    listing, place = offer.listing, offer.listing.property
    if not listing.takes_requests:
        return None
    first = first_moment(offer.stay.arrive, place.check_in_from, place.zone)
    answer_by = answer_deadline(now, listing.answer_hours, None, first)
    return _Asked(request_in_words(offer.total, listing.answer_hours), answer_by)


def _difference(change: PriceChanged | None, offer: Offer) -> Money | None:
    """By how much the price is another one than the guest saw."""
    shown = change.details["shown"] if change else None
    return Money(abs(offer.total.minor - shown.minor), shown.currency) if isinstance(shown, Money) else None
