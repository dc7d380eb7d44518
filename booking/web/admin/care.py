"""Notes, the guest's own link, and more time to pay."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import DatesUnavailable, TransitionRefused
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.queries.bookings import get_booking_file
from booking.services import care
from booking.services.checkout import HandoffOutcome
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.desk_forms import MoreTimeForm, NoteForm
from booking.wiring import current_runtime

_PAID = "It was paid in the meantime: the booking is confirmed."
_HELD = "The nights are held, and the guest gets a mail with the link."
_NOT_NOW = "Nothing was changed: this booking is not in a state that allows it. The timeline says why."


@blueprint.get("/bookings/<int:booking_id>/note")
def ask_note(booking_id: int) -> ResponseReturnValue:
    """The form for a note."""
    return _note_page(booking_id, NoteForm(formdata=None))


@blueprint.post("/bookings/<int:booking_id>/note")
def add_note(booking_id: int) -> ResponseReturnValue:
    """Keep it in the timeline, where staff alone reads it."""
    form = NoteForm()
    if not form.validate_on_submit():
        return _note_page(booking_id, form), 422
    try:
        care.add_note(current_runtime(), booking_id, form.text.data or "", current_user.email)
        flash("The note is in the timeline.")
    except TransitionRefused:
        flash("Nothing was noted: this guest was erased.", "trouble")
    return _back(booking_id)


@blueprint.get("/bookings/<int:booking_id>/link")
def ask_link(booking_id: int) -> ResponseReturnValue:
    """What handing a guest their link means."""
    return _link_page(booking_id)


@blueprint.post("/bookings/<int:booking_id>/link")
def make_link(booking_id: int) -> ResponseReturnValue:
    """A fresh link, shown here and nowhere again: an address must not carry it, so this page is the answer itself."""
    try:
        link = care.make_guest_link(current_runtime(), booking_id, current_user.email)
    except TransitionRefused:
        flash("There is no link: this guest was erased.", "trouble")
        return _back(booking_id)
    return _link_page(booking_id, link)  # no page of these is stored anywhere on its way


@blueprint.get("/bookings/<int:booking_id>/more-time")
def ask_more_time(booking_id: int) -> ResponseReturnValue:
    """How long, and what that does."""
    return _more_time_page(booking_id, MoreTimeForm(formdata=None))


@blueprint.post("/bookings/<int:booking_id>/more-time")
def give_more_time(booking_id: int) -> ResponseReturnValue:
    """End the page that the guest has at Stripe, and open another one with more time."""
    form = MoreTimeForm()
    if not form.validate_on_submit():
        return _more_time_page(booking_id, form), 422
    try:
        outcome = care.give_more_time(current_runtime(), booking_id, form.minutes.data, current_user.email)
    except TransitionRefused:
        flash(_NOT_NOW, "trouble")
    except DatesUnavailable:
        flash("Nothing was changed: the hold was over, and somebody else has the nights by now.", "trouble")
    except (GatewayUnavailable, GatewayRefused):
        flash("The nights are held and the guest is told. Stripe did not answer yet: the worker asks again.", "trouble")
    else:
        flash(_PAID if outcome is HandoffOutcome.CONFIRMED else _HELD)
    return _back(booking_id)


def _note_page(booking_id: int, form: NoteForm) -> str:
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/note.html", file=file, booking=file.booking, form=form)


def _link_page(booking_id: int, link: str = "") -> str:
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/link.html", file=file, booking=file.booking, link=link)


def _more_time_page(booking_id: int, form: MoreTimeForm) -> str:
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/more_time.html", file=file, booking=file.booking, form=form)


def _back(booking_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)
