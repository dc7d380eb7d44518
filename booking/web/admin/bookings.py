"""The first page, and one booking."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.states import Source
from booking.gateways.payments import GatewayUnavailable
from booking.queries.bookings import BookingFile, get_booking_file
from booking.queries.cards import read_wallet
from booking.queries.charge_tries import list_dues
from booking.queries.dashboard import get_dashboard
from booking.services import checkout, reviews
from booking.services.fees import FEE_KINDS, read_limit
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import OnceForm, ReviewForm
from booking.wiring import current_runtime

_LET_GO_WORDS = {
    "confirmed": "It was paid in the meantime: the booking is confirmed.",
    "expired": "The nights are on sale again. Nothing was charged.",
    "cancelled": "The nights are on sale again. Nothing was charged.",
}


@blueprint.get("/")
def today() -> ResponseReturnValue:
    """What needs a person, who comes and goes, who is still paying."""
    return render_template("admin/today.html", board=get_dashboard(reader(), now()))


@blueprint.get("/bookings/<int:booking_id>")
def booking(booking_id: int) -> ResponseReturnValue:
    """Everything about one booking."""
    return _page(get_booking_file(reader(), booking_id, now()), ReviewForm())


@blueprint.get("/bookings/<int:booking_id>/let-go")
def ask_let_go(booking_id: int) -> ResponseReturnValue:
    """What letting unpaid nights go would do."""
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/let_go.html", file=file, booking=file.booking)


@blueprint.post("/bookings/<int:booking_id>/let-go")
def let_go(booking_id: int) -> ResponseReturnValue:
    """End an unpaid hold, after Stripe's word that nobody can pay it any more."""
    cause = Cause(Source.STAFF, current_user.email)
    try:
        status = checkout.abandon_checkout(current_runtime(), booking_id, cause)
        flash(_LET_GO_WORDS.get(status.value, "The payment is on its way, so the nights stay held."))
    except GatewayUnavailable:
        flash("Stripe did not answer, so the nights stay held. Try again in a minute.", "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


@blueprint.post("/bookings/<int:booking_id>/review")
def close_review(booking_id: int) -> ResponseReturnValue:
    """A person has looked at what did not fit."""
    form = ReviewForm()
    if not form.validate_on_submit():
        return _page(get_booking_file(reader(), booking_id, now()), form), 422
    reviews.close_review(current_runtime(), booking_id, current_user.email, form.note.data)
    flash("Noted. This booking no longer waits for a look.")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _page(file: BookingFile, review: ReviewForm) -> str:
    booking_id = file.booking.id
    parts = {"review": review, "once": OnceForm.fresh(), "guest_mails": set(GuestMail)}
    parts |= {"dues": list_dues(reader(), booking_id), "wallet": read_wallet(reader(), booking_id)}
    parts |= {"fee_limits": {word: read_limit(booking_id, kind) for word, kind in FEE_KINDS.items()}}
    return render_template("admin/booking.html", file=file, booking=file.booking, **parts)
