"""What a guest still owes, and what staff does about it: take the money itself, or give it up."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import TransitionRefused
from booking.domain.states import DueStatus
from booking.gateways.payments import GatewayUnavailable
from booking.queries.bookings import BookingFile, get_booking_file
from booking.queries.dues import Owed
from booking.services import balances
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.desk_forms import TakeDueForm
from booking.wiring import current_runtime

_SILENT = "Stripe did not answer, so the guest could still pay there and nothing was noted. Try again in a minute."
_WAIVED = {
    DueStatus.WAIVED: "Given up: the guest does not owe this any more.",
    DueStatus.PAID: "The guest has paid it in this very moment, so it was not given up.",
}


@blueprint.get("/bookings/<int:booking_id>/owed/<int:due_id>")
def due(booking_id: int, due_id: int) -> ResponseReturnValue:
    """One sum that is owed, and both ways to be done with it."""
    file, owed = _find(booking_id, due_id)
    return _page(file, owed, TakeDueForm.of(owed.amount))


@blueprint.post("/bookings/<int:booking_id>/owed/<int:due_id>/taken")
def take_due(booking_id: int, due_id: int) -> ResponseReturnValue:
    """The house has taken the money itself."""
    file, owed = _find(booking_id, due_id)
    form = TakeDueForm()
    taken = form.read_taken(file.booking.currency)
    if taken is None:
        return _page(file, owed, form), 422
    try:
        balances.take_due(current_runtime(), due_id, taken, current_user.email)
        flash("Noted: the money is here. The guest gets a mail about it.")
    except TransitionRefused as error:
        flash(f"Nothing was noted. {error.user_message}", "trouble")
    except GatewayUnavailable:
        flash(_SILENT, "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


@blueprint.post("/bookings/<int:booking_id>/owed/<int:due_id>/waived")
def waive_due(booking_id: int, due_id: int) -> ResponseReturnValue:
    """Nobody shall pay it any more."""
    _find(booking_id, due_id)
    try:
        status = balances.waive_due(current_runtime(), due_id, current_user.email)
        flash(_WAIVED.get(status, "It is still owed."))
    except TransitionRefused as error:
        flash(f"Nothing was noted. {error.user_message}", "trouble")
    except GatewayUnavailable:
        flash(_SILENT, "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _page(file: BookingFile, owed: Owed, form: TakeDueForm) -> str:
    parts = {"file": file, "booking": file.booking, "owed": owed, "form": form}
    return render_template("admin/due.html", **parts)


def _find(booking_id: int, due_id: int) -> tuple[BookingFile, Owed]:
    file = get_booking_file(reader(), booking_id, now())
    owed = next((owed for owed in file.owed if owed.id == due_id), None)
    return (file, owed) if owed else abort(404)
