"""Guests who did not come: the choice, what it does, and the doing."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.cancelling import Ending
from booking.domain.errors import RefundRefused, TransitionRefused
from booking.queries.bookings import BookingFile, get_booking_file
from booking.services import no_shows
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import OrderForm
from booking.web.admin.rule_forms import NoShowForm
from booking.wiring import current_runtime


@blueprint.get("/bookings/<int:booking_id>/no-show")
def ask_no_show(booking_id: int) -> ResponseReturnValue:
    """What becomes of the nights that are left?"""
    file = _markable(booking_id)
    return render_template("admin/no_show.html", file=file, booking=file.booking, form=NoShowForm(formdata=None))


@blueprint.get("/bookings/<int:booking_id>/no-show/check")
def check_no_show(booking_id: int) -> ResponseReturnValue:
    """What exactly will happen."""
    file, frees = _markable(booking_id), NoShowForm(request.args).free.data
    order = OrderForm.of(file.endings[Ending.NO_SHOW].back)
    return render_template("admin/no_show_check.html", file=file, booking=file.booking, frees=frees, order=order)


@blueprint.post("/bookings/<int:booking_id>/no-show")
def mark_no_show(booking_id: int) -> ResponseReturnValue:
    """Note that nobody came, with exactly what was shown. Sent twice, it is noted once."""
    order = OrderForm()
    shown = order.read_order(get_booking_file(reader(), booking_id, now()).booking.currency)
    if shown is None:
        abort(400)
    frees, token = "free" in request.form, order.form_token.data
    try:
        no_shows.mark_no_show(current_runtime(), booking_id, shown, frees, current_user.email, token)
        flash("Noted that nobody came." + (" The refund is on its way." if shown.minor else ""))
    except (RefundRefused, TransitionRefused) as error:
        flash(error.user_message, "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _markable(booking_id: int) -> BookingFile:
    file = get_booking_file(reader(), booking_id, now())
    return file if file.may_be_no_show else abort(404)
