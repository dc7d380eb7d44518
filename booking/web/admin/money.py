"""Actions that move money. Each has two pages: what is wanted, and what exactly will happen."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import BookingError, RefundRefused, TransitionRefused
from booking.domain.money import Money, parse_major
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.gateways.payments import GatewayUnavailable
from booking.queries.bookings import BookingFile, get_booking_file
from booking.services import refunds, reservations
from booking.services.timeline import Cause
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import AmountForm, CancelForm, OrderForm
from booking.wiring import current_runtime

_NOT_CANCELLED = {
    TransitionRefused: "This booking was not cancelled just now: its state does not allow it. The timeline says why.",
    GatewayUnavailable: "Stripe did not answer, so nothing was cancelled. Try again in a minute.",
}
_CAN_CANCEL = (BookingStatus.CONFIRMED, BookingStatus.PENDING)


@blueprint.get("/bookings/<int:booking_id>/cancel")
def ask_cancel(booking_id: int) -> ResponseReturnValue:
    """How much should go back?"""
    file = _cancellable(booking_id)
    form = CancelForm(formdata=None, refund="terms" if file.by_terms.minor else "none")
    return render_template("admin/cancel.html", file=file, booking=file.booking, form=form)


@blueprint.get("/bookings/<int:booking_id>/cancel/check")
def check_cancel(booking_id: int) -> ResponseReturnValue:
    """What cancelling with this refund will do."""
    file, form = _cancellable(booking_id), CancelForm(request.args)
    amount = form.read_refund(file.by_terms, file.refundable)
    if amount is None:
        return render_template("admin/cancel.html", file=file, booking=file.booking, form=form), 422
    page = {"file": file, "booking": file.booking, "amount": amount, "order": OrderForm.of(amount)}
    return render_template("admin/cancel_check.html", **page)


@blueprint.post("/bookings/<int:booking_id>/cancel")
def cancel(booking_id: int) -> ResponseReturnValue:
    """Cancel, with exactly the refund that was shown."""
    amount, order = _read_order(booking_id)
    wanted, cause = amount if amount.minor else None, Cause(Source.STAFF, current_user.email)
    token = order.form_token.data
    try:
        reservations.cancel_booking(current_runtime(), booking_id, CancelReason.STAFF, cause, wanted, token)
    except RefundRefused as error:
        return _ask_again("cancel", booking_id, order, error)
    except (TransitionRefused, GatewayUnavailable) as error:
        flash(_NOT_CANCELLED[type(error)], "trouble")
    else:
        flash("The booking is cancelled." + (" The refund is on its way." if wanted else ""))
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


@blueprint.get("/bookings/<int:booking_id>/refund")
def ask_refund(booking_id: int) -> ResponseReturnValue:
    """How much should go back, with the booking as it is?"""
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/refund.html", file=file, booking=file.booking, form=AmountForm(formdata=None))


@blueprint.get("/bookings/<int:booking_id>/refund/check")
def check_refund(booking_id: int) -> ResponseReturnValue:
    """What this refund will do."""
    file, form = get_booking_file(reader(), booking_id, now()), AmountForm(request.args)
    amount = form.read_amount(file.refundable) if form.validate() else None
    if amount is None:
        return render_template("admin/refund.html", file=file, booking=file.booking, form=form), 422
    page = {"file": file, "booking": file.booking, "amount": amount, "order": OrderForm.of(amount, file.refundable)}
    return render_template("admin/refund_check.html", **page)


@blueprint.post("/bookings/<int:booking_id>/refund")
def refund(booking_id: int) -> ResponseReturnValue:
    """Send back exactly what was shown. The form's token makes a double click one refund."""
    amount, order = _read_order(booking_id)
    try:
        left, token = parse_major(order.left.data or "", amount.currency), order.form_token.data
        refunds.order_refund(current_runtime(), booking_id, amount, current_user.email, token, left=left)
    except RefundRefused as error:
        return _ask_again("refund", booking_id, order, error)
    flash("The refund is on its way. Its state is in the ledger below.")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


@blueprint.post("/refunds/<int:refund_id>/handed-over")
def hand_over(refund_id: int) -> ResponseReturnValue:
    """The house has given back what it had taken itself."""
    try:
        booking_id = refunds.note_handed_over(current_runtime(), refund_id, current_user.email)
    except RefundRefused:
        abort(404)
    flash("Noted: the money is with the guest again.")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _cancellable(booking_id: int) -> BookingFile:
    file = get_booking_file(reader(), booking_id, now())
    if file.booking.status not in _CAN_CANCEL:
        abort(404)
    return file


def _read_order(booking_id: int) -> tuple[Money, OrderForm]:
    """The amount that was agreed to, and its form; 400 where somebody changed what the second page had sent."""
    order = OrderForm()
    amount = order.read_order(get_booking_file(reader(), booking_id, now()).booking.currency)
    if amount is None:
        abort(400)
    return amount, order


def _ask_again(page: str, booking_id: int, order: OrderForm, error: BookingError) -> ResponseReturnValue:
    """The first page again with what was typed, because the money has changed in the meantime."""
    file = get_booking_file(reader(), booking_id, now())
    form: AmountForm = CancelForm(formdata=None, refund="other") if page == "cancel" else AmountForm(formdata=None)
    form.amount.data = order.amount.data
    form.amount.errors = [error.user_message]
    return render_template(f"admin/{page}.html", file=file, booking=file.booking, form=form), 422
