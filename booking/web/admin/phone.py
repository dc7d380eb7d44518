"""A booking by telephone: the stay and its price, who comes and how it is paid, what will happen, and the doing."""

import secrets

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from booking.domain.dates import Stay, parse_stay
from booking.domain.errors import BookingError, DatesUnavailable, InvalidDates, PriceChanged
from booking.domain.money import Money
from booking.domain.payment_plans import Schedule, paid_in_full
from booking.domain.pricing import agreed
from booking.domain.roles import Permission
from booking.queries.nearby import Declined
from booking.queries.search import Offer, find_stay, list_listings
from booking.services.care import LONGEST_MINUTES
from booking.services.phone import PhoneRequest, place_by_phone
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.permits import NotPermitted, can
from booking.web.admin.phone_forms import BY_PLAN, METHODS, PhoneForm, PhoneStayForm
from booking.wiring import current_runtime


@blueprint.get("/bookings/new")
def ask_phone_booking() -> ResponseReturnValue:
    """Which stay; once that is said, what it costs, and the form for the guest."""
    if "listing" not in request.args:
        return _stay_page(_stay_form(empty=True))
    form = _stay_form()
    stay = form.read_stay() if form.validate() else None
    if stay is None:
        return _stay_page(form), 422
    found = _find(form.listing.data, stay, form.guests.data)
    if isinstance(found, Declined):
        if found.field:
            form.refuse(found.field, str(found.reason))
        return _stay_page(form, found), 422
    return _guest_page(found, _fresh_form(found))


@blueprint.post("/bookings/new/check")
def check_phone_booking() -> ResponseReturnValue:
    """What exactly will happen. Sent by POST, because an address must not carry a guest's name."""
    form, offer = PhoneForm(), _offer_of_form()
    wanted = form.read_request(offer.listing.id, offer.stay, offer.total.currency)
    if wanted is None:
        return _guest_page(offer, form), 422
    _refuse_unless_permitted(wanted)
    return _check_page(offer, form, wanted)


@blueprint.post("/bookings/new/change")
def change_phone_booking() -> ResponseReturnValue:
    """Back to the form, with all that was typed."""
    return _guest_page(_offer_of_form(), PhoneForm())


@blueprint.post("/bookings/new")
def place_phone_booking() -> ResponseReturnValue:
    """Book it. One form makes one booking, however often it is sent."""
    form, (listing_id, stay, guests) = PhoneForm(), _asked()
    currency = next((each.property.currency for each in list_listings(reader()) if each.id == listing_id), None)
    wanted = form.read_request(listing_id, stay, currency) if currency else None
    if wanted is None:
        abort(400)  # the page before has checked all of it
    _refuse_unless_permitted(wanted)
    try:
        placed = place_by_phone(current_runtime(), wanted, current_user.email)
    except (DatesUnavailable, PriceChanged, BookingError) as error:
        return _refused(error, form, listing_id, stay, guests)
    told = "The booking is confirmed." if placed.is_confirmed else "The nights are held, and the guest gets the mail."
    flash(told)
    return redirect(url_for("admin.booking", booking_id=placed.booking_id), 303)


def _refused(error: BookingError, form: PhoneForm, listing_id: int, stay: Stay, guests: int) -> ResponseReturnValue:
    """The form again with all that was typed; or the first page, where this stay cannot be had any more."""
    found = _find(listing_id, stay, guests)
    if isinstance(found, Declined):
        flash(f"Nothing was booked. {found.reason}", "trouble")
        return redirect(_stay_address(listing_id, stay, guests), 303)
    if isinstance(error, PriceChanged):
        form.shown_minor.data = str(found.total.minor)
    form.take(error)
    return _guest_page(found, form), 409


def _refuse_unless_permitted(wanted: PhoneRequest) -> None:
    """Recording money, and asking for another price than that of the rates, is for those who may move money."""
    if (not wanted.is_link or wanted.agreement) and not can(Permission.MOVE_MONEY):
        raise NotPermitted


def _stay_form(*, empty: bool = False) -> PhoneStayForm:
    form = PhoneStayForm(None if empty else request.args, guests=2)
    form.listing.choices = [SelectChoice(listing.id, listing.name) for listing in list_listings(reader())]
    return form


def _fresh_form(offer: Offer) -> PhoneForm:
    return PhoneForm(
        formdata=None,
        listing=str(offer.listing.id),
        arrive=offer.stay.arrive.isoformat(),
        leave=offer.stay.leave.isoformat(),
        guests=str(offer.guests),
        shown_minor=str(offer.total.minor),
        form_token=secrets.token_hex(16),
    )


def _asked() -> tuple[int, Stay, int]:
    """The stay that the form is about; 400 where somebody changed what the first page had sent."""
    try:
        listing_id, guests = int(request.form.get("listing", "")), int(request.form.get("guests", ""))
        return listing_id, parse_stay(request.form.get("arrive", ""), request.form.get("leave", "")), guests
    except (ValueError, InvalidDates):
        abort(400)


def _offer_of_form() -> Offer:
    found = _find(*_asked())
    if isinstance(found, Offer):
        return found
    listing_id, stay, guests = _asked()
    flash(f"Nothing was booked. {found.reason}", "trouble")
    return abort(redirect(_stay_address(listing_id, stay, guests), 303))


def _stay_address(listing_id: int, stay: Stay, guests: int) -> str:
    return url_for("admin.ask_phone_booking", listing=listing_id, arrive=stay.arrive, leave=stay.leave, guests=guests)


def _find(listing_id: int, stay: Stay, guests: int) -> Offer | Declined:
    listing = next((each for each in list_listings(reader()) if each.id == listing_id), None)
    return find_stay(reader(), listing, stay, guests, now()) if listing else abort(400)


def _stay_page(form: PhoneStayForm, declined: Declined | None = None) -> str:
    return render_template("admin/phone_stay.html", form=form, declined=declined)


def _guest_page(offer: Offer, form: PhoneForm) -> str:
    return render_template("admin/phone_guest.html", offer=offer, form=form, may_move=can(Permission.MOVE_MONEY))


def _check_page(offer: Offer, form: PhoneForm, wanted: PhoneRequest) -> str:
    quote = agreed(offer.quote, wanted.agreement.total) if wanted.agreement else offer.quote
    plan = _plan(offer, form, wanted, quote.total)
    form.shown_plan.data = plan.mark  # what happens is what stands on this page, or nothing
    facts = {"offer": offer, "form": form, "wanted": wanted, "quote": quote, "is_link": wanted.is_link, "plan": plan}
    return render_template("admin/phone_check.html", **facts, method=METHODS[wanted.method], minutes=LONGEST_MINUTES)


def _plan(offer: Offer, form: PhoneForm, wanted: PhoneRequest, total: Money) -> Schedule:
    if not wanted.is_link or form.plan.data != BY_PLAN:
        return paid_in_full(total)
    return offer.listing.schedule(total, offer.stay.arrive, now())
