"""A guest's own data: a copy of it, and the wish to have it erased."""

import json

from flask import make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from booking.queries.guest import GuestBooking
from booking.services.privacy import ask_erasure, export_data, look_for_obstacle, withdraw_erasure
from booking.web.manage.blueprint import blueprint, count_try, get_own, tell
from booking.web.manage.forms import EraseForm, PlainForm
from booking.wiring import current_runtime


@blueprint.get("/b/<reference>/privacy")
def your_data(reference: str) -> ResponseReturnValue:
    """What is held, the way to a copy, and what erasing means."""
    return _data_page(get_own(reference), EraseForm(formdata=None))


@blueprint.get("/b/<reference>/data")
def export(reference: str) -> ResponseReturnValue:
    """Everything held about the guest of this booking, as one file."""
    found = get_own(reference)
    count_try(found)
    text = json.dumps(export_data(current_runtime(), found.id), indent=2, ensure_ascii=False)
    response = make_response(text)
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="booking-{found.reference}.json"'
    return response


@blueprint.post("/b/<reference>/erase")
def erase(reference: str) -> ResponseReturnValue:
    """Note the wish. The worker fulfils it as soon as nothing stands in the way."""
    found, form = get_own(reference), EraseForm()
    if not form.validate():
        return make_response(_data_page(found, form), 422)
    count_try(found)
    ask_erasure(current_runtime(), found.id)
    tell(gettext("We have noted that you want your data erased."))
    return _to_data(found)


@blueprint.post("/b/<reference>/keep")
def keep(reference: str) -> ResponseReturnValue:
    """The guest has thought better of it, in time."""
    found = get_own(reference)
    count_try(found)
    withdraw_erasure(current_runtime(), found.id)
    tell(gettext("Your data stays with your booking."))
    return _to_data(found)


def _data_page(found: GuestBooking, form: EraseForm) -> str:
    obstacle = look_for_obstacle(current_runtime(), found.id)
    return render_template("manage/your_data.html", booking=found, form=form, plain=PlainForm(), obstacle=obstacle)


def _to_data(found: GuestBooking) -> ResponseReturnValue:
    return redirect(url_for("manage.your_data", reference=found.reference), 303)
