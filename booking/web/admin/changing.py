"""Other dates or guests for a confirmed booking: the wish, what it costs, and the doing."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import BookingError, RefundRefused, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, ChangeStatus
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.queries.bookings import BookingFile, get_booking_file
from booking.services import changes
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.desk_forms import ChangeForm, ChangeOrderForm
from booking.wiring import current_runtime

_TOLD = {
    ChangeStatus.DONE: "The stay is changed, and the guest gets a mail about it.",
    ChangeStatus.OPEN: "The new nights are held, and the guest gets a mail with the difference and a link.",
}
_WITHDRAWN = {
    ChangeStatus.DONE: "The guest has paid the difference in the meantime: the stay is changed.",
    None: "No change is waiting any more.",
}


@blueprint.get("/bookings/<int:booking_id>/change")
def ask_change(booking_id: int) -> ResponseReturnValue:
    """Which dates, for how many, and at which price."""
    file = _changeable(booking_id)
    return _ask_page(file, ChangeForm.of(file.booking.stay, file.booking.guests))


@blueprint.get("/bookings/<int:booking_id>/change/check")
def check_change(booking_id: int) -> ResponseReturnValue:
    """The difference, and what exactly will happen."""
    file, form = _changeable(booking_id), ChangeForm(request.args)
    wish = form.read_wish()
    if wish is None:
        return _ask_page(file, form), 422
    try:
        preview = changes.preview_change(current_runtime(), booking_id, wish)
    except BookingError as error:
        form.take(error)
        return _ask_page(_changeable(booking_id), form), 422
    order = ChangeOrderForm.of(wish, preview.quote.total)
    page = {"file": file, "booking": file.booking, "wish": wish, "preview": preview, "order": order}
    return render_template("admin/change_check.html", **page, quote=preview.quote)


@blueprint.post("/bookings/<int:booking_id>/change")
def change(booking_id: int) -> ResponseReturnValue:
    """Do exactly what was shown. The form's token makes a double click one change."""
    file, order = _changeable(booking_id), ChangeOrderForm()
    wish = order.read_wish()
    if wish is None:
        abort(400)
    shown = Money(int(order.shown_minor.data), file.booking.currency)
    token, who = order.form_token.data, current_user.email
    try:
        flash(_TOLD.get(changes.change_stay(current_runtime(), booking_id, wish, shown, token, who), "It was changed."))
    except (RefundRefused, TransitionRefused) as error:
        flash(f"Nothing was changed. {error.user_message}", "trouble")
    except GatewayRefused:
        flash(
            "Stripe does not take this difference, so nothing was changed. It may be too small to be charged.",
            "trouble",
        )
    except BookingError as error:
        form = ChangeForm.of(wish.stay, wish.guests)
        form.take(error)
        return _ask_page(_changeable(booking_id), form), 409
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


@blueprint.post("/bookings/<int:booking_id>/change/withdraw")
def withdraw_change(booking_id: int) -> ResponseReturnValue:
    """Take an offered change back, after Stripe has said that nobody can pay for it any more."""
    try:
        status = changes.withdraw_change(current_runtime(), booking_id, current_user.email)
        flash(_WITHDRAWN.get(status, "The change is off: the stay is as it was, and its new nights are free."))
    except TransitionRefused as error:
        flash(f"Nothing was changed. {error.user_message}", "trouble")
    except GatewayUnavailable:
        flash("Stripe did not answer, so the new nights stay held. Try again in a minute.", "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _changeable(booking_id: int) -> BookingFile:
    file = get_booking_file(reader(), booking_id, now())
    if file.booking.status is not BookingStatus.CONFIRMED:
        abort(404)
    return file


def _ask_page(file: BookingFile, form: ChangeForm) -> str:
    return render_template("admin/change.html", file=file, booking=file.booking, form=form)
