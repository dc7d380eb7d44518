"""Correcting what a guest mistyped of themselves: the address that their mail goes to."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.queries.bookings import get_booking_file
from booking.services import self_service
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import AddressForm
from booking.wiring import current_runtime


@blueprint.get("/bookings/<int:booking_id>/address")
def ask_address(booking_id: int) -> ResponseReturnValue:
    """The form, and what correcting the address does."""
    return _address_page(booking_id, AddressForm(formdata=None))


@blueprint.post("/bookings/<int:booking_id>/address")
def correct_address(booking_id: int) -> ResponseReturnValue:
    """From now on mail goes to the right address, and links in earlier mails open nothing."""
    form = AddressForm()
    if not form.validate_on_submit():
        return _address_page(booking_id, form), 422
    self_service.change_email(current_runtime(), booking_id, form.email.data, current_user.email)
    flash("The address is corrected. Links in earlier mails open nothing any more.")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)


def _address_page(booking_id: int, form: AddressForm) -> str:
    file = get_booking_file(reader(), booking_id, now())
    return render_template("admin/address.html", file=file, booking=file.booking, form=form)
