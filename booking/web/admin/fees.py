"""Charging a saved card: the fee of a guest who did not come, damage, and what is owed already."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import TransitionRefused
from booking.gateways.payments import GatewayUnavailable
from booking.queries.bookings import BookingFile, get_booking_file
from booking.queries.cards import read_wallet
from booking.queries.charge_tries import list_dues
from booking.services import charges
from booking.services.charges import Try
from booking.services.fees import FEE_KINDS, FeeWish, charge_fee, read_limit
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.card_forms import FeeForm
from booking.web.admin.forms import OnceForm
from booking.wiring import current_runtime

_SAID = {
    Try.PAID: "The card was charged. The guest gets a receipt by mail.",
    Try.PROCESSING: "The bank has the payment and will answer later.",
    Try.DECLINED: "The card was refused and no money was taken. The guest was told how to pay otherwise.",
    Try.UNKNOWN: "Stripe did not answer. The worker finds out whether the card was charged; it is not charged twice.",
    Try.UNDER_WAY: "This is being paid or charged already. Nothing was done.",
    Try.NOT_OWED: "Nothing is owed here any more. Nothing was charged.",
    Try.NO_CARD: "There is no saved card any more. Send the guest the link instead.",
}
_GOOD = (Try.PAID, Try.PROCESSING, Try.UNDER_WAY)


@blueprint.get("/bookings/<int:booking_id>/fee/<kind>")
def ask_fee(booking_id: int, kind: str) -> ResponseReturnValue:
    """How much, and why: with what the guest agreed to beside it."""
    file = _chargeable(booking_id, kind)
    limit = read_limit(booking_id, FEE_KINDS[kind])
    form = FeeForm.fresh(limit if kind == "no-show" else limit * 0)
    return _page("admin/fee.html", file, kind, form)


@blueprint.post("/bookings/<int:booking_id>/fee/<kind>/check")
def check_fee(booking_id: int, kind: str) -> ResponseReturnValue:
    """What exactly will happen. Nothing happens before the next button."""
    file, form = _chargeable(booking_id, kind), FeeForm()
    if not _read(form, file, kind):
        return _page("admin/fee.html", file, kind, form), 422
    return _page("admin/fee_check.html", file, kind, form)


@blueprint.post("/bookings/<int:booking_id>/fee/<kind>")
def charge(booking_id: int, kind: str) -> ResponseReturnValue:
    """Write down what is owed and charge the card. Sent twice, it is charged once."""
    file, form = _chargeable(booking_id, kind), FeeForm()
    wish = _read(form, file, kind)
    if wish is None:
        return _page("admin/fee.html", file, kind, form), 422
    try:
        _tell(charge_fee(current_runtime(), booking_id, wish, current_user.email))
    except TransitionRefused as refusal:
        flash(refusal.user_message, "trouble")
    return _to_booking(booking_id)


@blueprint.post("/bookings/<int:booking_id>/dues/<int:due_id>/try")
def try_due(booking_id: int, due_id: int) -> ResponseReturnValue:
    """Charge the saved card at this moment."""
    _check_due(booking_id, due_id)
    try:
        _tell(charges.try_now(current_runtime(), due_id, current_user.email))
    except GatewayUnavailable:
        flash("The guest's open payment page could not be ended, because Stripe does not answer.", "trouble")
    return _to_booking(booking_id)


@blueprint.post("/bookings/<int:booking_id>/dues/<int:due_id>/stop")
def stop_due(booking_id: int, due_id: int) -> ResponseReturnValue:
    """Charge the card for this no more by itself."""
    _check_due(booking_id, due_id)
    charges.stop_trying(current_runtime(), due_id, current_user.email)
    flash("The card is not charged for this any more by itself. It stays owed.")
    return _to_booking(booking_id)


@blueprint.post("/bookings/<int:booking_id>/dues/<int:due_id>/link")
def send_due_link(booking_id: int, due_id: int) -> ResponseReturnValue:
    """Mail the guest where to pay it. One page sends it once, however often it is pressed."""
    _check_due(booking_id, due_id)
    form = OnceForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        charges.send_link(current_runtime(), due_id, str(form.form_token.data), current_user.email)
        flash("The mail with the link is on its way.")
    except TransitionRefused as refusal:
        flash(refusal.user_message, "trouble")
    return _to_booking(booking_id)


def _check_due(booking_id: int, due_id: int) -> None:
    """A due of another booking is one that does not exist here."""
    if due_id not in {due.id for due in list_dues(reader(), booking_id)}:
        abort(404)


def _chargeable(booking_id: int, kind: str) -> BookingFile:
    """The booking, where a fee of this kind may be charged at all."""
    if kind not in FEE_KINDS:
        abort(404)
    file = get_booking_file(reader(), booking_id, now())
    return file if read_limit(booking_id, FEE_KINDS[kind]).minor else abort(404)


def _read(form: FeeForm, file: BookingFile, kind: str) -> FeeWish | None:
    """What is wanted; None, with words on the fields, where it cannot be charged."""
    found = form.read_fee(file.booking.currency)
    limit = read_limit(file.booking.id, FEE_KINDS[kind])
    if found is None:
        return None
    amount, reason, token = found
    if amount.minor > limit.minor or not amount.is_movable:
        form.amount.errors = [f"At most {limit.major} {limit.currency.upper()} may be charged."]
        return None
    return FeeWish(FEE_KINDS[kind], amount, reason, token)


def _page(template: str, file: BookingFile, kind: str, form: FeeForm) -> str:
    booking_id = file.booking.id
    facts = {"limit": read_limit(booking_id, FEE_KINDS[kind]), "kind": kind, "form": form}
    return render_template(template, file=file, booking=file.booking, wallet=read_wallet(reader(), booking_id), **facts)


def _tell(outcome: Try) -> None:
    flash(_SAID[outcome], "message" if outcome in _GOOD else "trouble")


def _to_booking(booking_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)
