"""To Stripe and back. Nothing an address says about a payment is believed here."""

import re
from collections.abc import Callable

from flask import abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from booking.domain.errors import DatesUnavailable, ListingNotFound
from booking.domain.states import Source
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.queries.alternatives import Alternatives, find_alternatives
from booking.queries.charges import find_charge
from booking.queries.guest import GuestBooking, find_newest_held
from booking.queries.search import get_listing
from booking.services.cards import agree_before_paying
from booking.services.changes import start_difference
from booking.services.checkout import (
    Handoff,
    HandoffOutcome,
    ReturnView,
    abandon_checkout,
    finish_return,
    start_checkout,
)
from booking.services.limits import ASKING_FOR_NEWS
from booking.services.timeline import Cause
from booking.web.checkout.blueprint import blueprint
from booking.web.checkout.news import News, find_news
from booking.web.checkout.offers import good_question
from booking.web.checkout.pages import Trouble, get_booking, lapsed_page, trouble_page
from booking.web.guest import is_trial
from booking.web.language import current_language
from booking.web.manage.blueprint import get_own, own_references
from booking.web.security import count
from booking.wiring import current_runtime

_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,200}", re.ASCII)


@blueprint.get("/pay/return")
def pay_return() -> ResponseReturnValue:
    """Back from Stripe. The id is only a key to look things up: what is true, the service finds out."""
    session_id = request.args.get("session_id", "")
    if not _SESSION_ID.fullmatch(session_id):
        return _newest_or_missing(session_id)
    view, booking, news = _look(session_id)
    if is_trial(view.reference):
        return redirect(url_for("admin.setup", step="trial"), 303)
    is_known = view.reference in own_references()
    if news in (News.BOOKED, News.STAYED) and is_known:
        return redirect(url_for("manage.booking", reference=view.reference), 303)
    charge = find_charge(db.session(), booking.id, asked=session_id)
    facts = {"view": view, "booking": booking, "news": news, "charge": charge, "is_known": is_known}
    free = _free_instead(booking) if news is News.DATES_GONE else None
    return render_template("checkout/return.html", **facts, session_id=session_id, free=free)


@blueprint.get("/pay/state")
def pay_state() -> ResponseReturnValue:
    """In one word what the return page would say now: for the script that asks while a guest waits there."""
    count(ASKING_FOR_NEWS)
    session_id = request.args.get("session_id", "")
    if not _SESSION_ID.fullmatch(session_id):
        abort(404)
    return jsonify(state=_look(session_id)[2])


@blueprint.get("/pay/cancelled")
def pay_cancelled() -> ResponseReturnValue:
    """The guest came back without paying: the nights are still held, and both ways are open."""
    known, now = own_references(), current_runtime().clock.now()
    if known and is_trial(known[-1]):
        return redirect(url_for("admin.setup", step="trial"), 303)
    held = find_newest_held(db.session(), known, now, current_language().code)
    return render_template("checkout/cancelled.html", held=held, newest=known[-1] if known else None, now=now)


@blueprint.post("/pay/resume")
def pay_resume() -> ResponseReturnValue:
    """Go to Stripe (again) for a booking of this browser.

    Who was booked for by staff agrees here to what the page said of the card, or reads what it says now.
    """
    booking = _own_booking()
    shown, code = request.form.get("card_consent", ""), current_language().code
    if booking.wanted_consent and not agree_before_paying(current_runtime(), booking.id, shown, code):
        return redirect(url_for("manage.booking", reference=booking.reference), 303)
    return hand_over(booking.id, booking.reference)


@blueprint.post("/pay/difference")
def pay_difference() -> ResponseReturnValue:
    """Go to Stripe for what a change of this browser's booking costs more."""
    booking = _own_booking()
    if booking.change is None:
        return redirect(url_for("manage.booking", reference=booking.reference), 303)
    return hand_over(booking.id, booking.reference, is_difference=True)


@blueprint.post("/pay/release")
def pay_release() -> ResponseReturnValue:
    """Let the nights go, after Stripe has said that nobody can pay for them any more."""
    booking = _own_booking()
    try:
        abandon_checkout(current_runtime(), booking.id, Cause(Source.WEB))
    except GatewayUnavailable:
        return trouble_page(booking.reference, 503, Trouble.RELEASE)
    if request.form.get("next_slug"):  # room was made for another stay: go on with that
        args = good_question().as_args()
        return redirect(url_for("checkout.review", slug=request.form["next_slug"], **args), 303)
    return redirect(url_for("manage.booking", reference=booking.reference), 303)


def hand_over(booking_id: int, reference: str, *, is_difference: bool = False) -> ResponseReturnValue:
    """Send the guest to the page where this booking can be paid, or to the one that says why it cannot."""
    start = start_difference if is_difference else start_checkout
    return send_to_stripe(reference, lambda: start(current_runtime(), booking_id))


def send_to_stripe(reference: str, start: Callable[[], Handoff]) -> ResponseReturnValue:
    """The same for whatever `start` begins to pay."""
    try:
        handoff = start()
    except GatewayUnavailable:
        return trouble_page(reference, 503, Trouble.SILENT)
    except GatewayRefused:
        return trouble_page(reference, 502, Trouble.REFUSED)
    except DatesUnavailable:
        return lapsed_page(reference)
    if handoff.outcome is HandoffOutcome.PAY and handoff.url:
        return redirect(handoff.url, 303)
    return redirect(url_for("manage.booking", reference=reference), 303)


def _look(session_id: str) -> tuple[ReturnView, GuestBooking, News]:
    view = finish_return(current_runtime(), session_id)
    if view is None:
        abort(404)
    booking = get_booking(view.reference)
    return view, booking, find_news(view.state, booking)


def _free_instead(booking: GuestBooking) -> Alternatives:
    session, now = db.session(), current_runtime().clock.now()
    try:
        listing = get_listing(session, booking.listing_slug)
    except ListingNotFound:  # no longer on sale
        return Alternatives()
    return find_alternatives(session, listing, booking.stay, booking.guests, now)


def _own_booking() -> GuestBooking:
    return get_own(request.form.get("reference", ""))


def _newest_or_missing(session_id: str) -> ResponseReturnValue:
    # Some copies of the address still hold the placeholder that Stripe should have filled in.
    references = own_references()
    if references and session_id in ("", "{CHECKOUT_SESSION_ID}"):
        return redirect(url_for("manage.booking", reference=references[-1]), 303)
    return abort(404)
