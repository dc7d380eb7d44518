"""Nights that staff takes off sale."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from wtforms.fields.choices import SelectChoice

from booking.domain.errors import BookingError, DatesUnavailable
from booking.queries.closures import list_closures, list_unit_choices
from booking.queries.dashboard import get_house_zone
from booking.services import listings
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.forms import ClosureForm
from booking.wiring import current_runtime


@blueprint.get("/closures")
def closures() -> ResponseReturnValue:
    """What is off sale, and the form to add to it."""
    return _page(_form())


@blueprint.post("/closures")
def close_nights() -> ResponseReturnValue:
    """Take nights off sale, all of them or none."""
    form = _form()
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        unit_id, reason = form.unit_id.data, form.reason.data or ""
        listings.close_nights(current_runtime(), unit_id, form.read_stay(), reason, current_user.email)
    except DatesUnavailable as error:
        return _page(form, error), 422
    except BookingError as error:
        form.refuse(error)
        return _page(form), 422
    flash("These nights are off sale.")
    return redirect(url_for("admin.closures"), 303)


@blueprint.post("/closures/<int:closure_id>/reopen")
def reopen_nights(closure_id: int) -> ResponseReturnValue:
    """Put them back on sale."""
    listings.reopen_nights(current_runtime(), closure_id, current_user.email)
    flash("These nights are on sale again.")
    return redirect(url_for("admin.closures"), 303)


def _form() -> ClosureForm:
    form = ClosureForm()
    form.unit_id.choices = [SelectChoice(*choice) for choice in list_unit_choices(reader())]
    return form


def _page(form: ClosureForm, clash: DatesUnavailable | None = None) -> str:
    today = now().astimezone(get_house_zone(reader())).date()
    return render_template("admin/closures.html", form=form, clash=clash, closures=list_closures(reader(), today))
