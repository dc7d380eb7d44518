"""Another unit for a booking: the choice, what it does, and the doing."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import DatesUnavailable, ListingNotFound, TransitionRefused
from booking.domain.states import BookingStatus
from booking.queries.bookings import BookingFile, get_booking_file
from booking.queries.moves import MoveTarget, list_move_targets
from booking.services.moves import move_booking
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.desk_forms import UnitForm
from booking.wiring import current_runtime

_MOVABLE = (BookingStatus.CONFIRMED, BookingStatus.PENDING)


@blueprint.get("/bookings/<int:booking_id>/move")
def ask_move(booking_id: int) -> ResponseReturnValue:
    """Every unit of the house: those that are free, and who has the others."""
    return _choice(_movable(booking_id), UnitForm(formdata=None))


@blueprint.get("/bookings/<int:booking_id>/move/check")
def check_move(booking_id: int) -> ResponseReturnValue:
    """What exactly will happen."""
    file, form = _movable(booking_id), UnitForm(request.args)
    target = _find(file, form.unit_id.data) if form.validate() else None
    if target is None:
        form.unit_id.errors = ["Choose one of the free units."]
        return _choice(file, form), 422
    page = {"file": file, "booking": file.booking, "target": target}
    return render_template("admin/move_check.html", **page)


@blueprint.post("/bookings/<int:booking_id>/move/<int:unit_id>")
def move(booking_id: int, unit_id: int) -> ResponseReturnValue:
    """Move it. Sent twice, it is moved once."""
    try:
        move_booking(current_runtime(), booking_id, unit_id, current_user.email)
        flash("The booking is moved.")
    except ListingNotFound:
        abort(404)
    except TransitionRefused as error:
        flash(f"Nothing was moved. {error.user_message}", "trouble")
    except DatesUnavailable as error:
        form = UnitForm(formdata=None)
        form.unit_id.errors = [error.user_message]
        return _choice(_movable(booking_id), form), 409
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _movable(booking_id: int) -> BookingFile:
    file = get_booking_file(reader(), booking_id, now())
    if file.booking.status not in _MOVABLE:
        abort(404)
    return file


def _find(file: BookingFile, unit_id: int) -> MoveTarget | None:
    targets = list_move_targets(reader(), file.booking, now())
    return next((target for target in targets if target.unit_id == unit_id and target.is_free), None)


def _choice(file: BookingFile, form: UnitForm) -> str:
    targets = list_move_targets(reader(), file.booking, now())
    return render_template("admin/move.html", file=file, booking=file.booking, form=form, targets=targets)
