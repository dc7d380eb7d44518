"""Requests to book: which wait for an answer, the answer itself, and whether a listing takes them."""

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from booking.domain.errors import DatesUnavailable, TransitionRefused
from booking.domain.requests import LEAST_HOURS, LONGEST_REASON, MOST_HOURS, USUAL_HOURS
from booking.queries.requests import RequestRow, find_request_row, list_ended_requests, list_waiting_requests
from booking.services import requests
from booking.services.catalogue import set_requests
from booking.services.requests import Answer
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.text import some_lines
from booking.wiring import current_runtime

_SAID = {
    Answer.BOOKED: "Accepted: the payment has come and the stay is booked. The guest gets the confirmation.",
    Answer.UNKNOWN: "Accepted. Stripe has not said yet whether the payment was taken: the worker asks again, "
    "and the stay is booked as soon as it knows.",
    Answer.REFUSED: "Not booked: Stripe refused to take the payment, and nothing was charged. The request waits as "
    "before. Try once more; if that fails too, look at the payment in Stripe's dashboard.",
    Answer.OFF: "Not booked: the payment was not to be had any more. Nothing was charged, the nights are free, "
    "and the guest is told.",
}
_DECLINED = "Declined: the nights are free, the reserved sum is let go, and the guest is told."
_DECLINED_SILENT = (
    "Declined: the nights are free, and the guest is told. Stripe has not said yet that the reserved sum is let go: "
    "the worker asks until it has. Nothing is charged."
)


class DeclineForm(FlaskForm):
    """Why the answer is no; the guest reads it."""

    reason = TextAreaField(
        "What the guest reads (optional)",
        [Length(max=LONGEST_REASON, message=f"Use at most {LONGEST_REASON} characters.")],
        filters=[some_lines],
        render_kw={"rows": 3},
    )


class TakesRequestsForm(FlaskForm):
    """Whether each stay of a listing is asked for first, and how long the house takes to answer."""

    takes_requests = BooleanField("Guests ask, and the house accepts or declines each stay")
    answer_hours = IntegerField(
        "Hours to answer",
        [
            InputRequired("Say within how many hours the house answers."),
            NumberRange(LEAST_HOURS, MOST_HOURS, f"Choose between {LEAST_HOURS} and {MOST_HOURS} hours."),
        ],
        default=USUAL_HOURS,
    )


@blueprint.get("/requests", endpoint="requests")
def list_requests() -> ResponseReturnValue:
    """Every request that waits, and the last ones that do not any more."""
    waiting, ended = list_waiting_requests(reader()), list_ended_requests(reader())
    return render_template("admin/requests.html", waiting=waiting, ended=ended, now=now())


@blueprint.get("/requests/<int:booking_id>", endpoint="request")
def show_request(booking_id: int) -> ResponseReturnValue:
    """One request, with both answers and what each does."""
    return _page(_get(booking_id), DeclineForm(formdata=None))


@blueprint.post("/requests/<int:booking_id>/accept")
def accept_request(booking_id: int) -> ResponseReturnValue:
    """Yes: take the payment."""
    _get(booking_id)
    try:
        answer = requests.accept_request(current_runtime(), booking_id, current_user.email)
    except (TransitionRefused, DatesUnavailable) as refusal:
        flash(f"Nothing was changed. {refusal.user_message}", "trouble")
    else:
        flash(_SAID[answer], "message" if answer is Answer.BOOKED else "trouble")
    return redirect(url_for("admin.request", booking_id=booking_id), 303)


@blueprint.post("/requests/<int:booking_id>/decline")
def decline_request(booking_id: int) -> ResponseReturnValue:
    """No: let the reserved sum go."""
    found, form = _get(booking_id), DeclineForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    try:
        is_let_go = requests.decline_request(current_runtime(), booking_id, form.reason.data or "", current_user.email)
    except TransitionRefused as refusal:
        flash(f"Nothing was changed. {refusal.user_message}", "trouble")
    else:
        flash(_DECLINED if is_let_go else _DECLINED_SILENT, "message" if is_let_go else "trouble")
    return redirect(url_for("admin.request", booking_id=booking_id), 303)


@blueprint.post("/listings/<int:listing_id>/requests")
def change_requests(listing_id: int) -> ResponseReturnValue:
    """Turn asking first on or off for a listing. Bookings and requests that are there stay as they are."""
    form = TakesRequestsForm()
    if not form.validate_on_submit():
        flash(next(iter(form.answer_hours.errors), "That cannot be kept."), "trouble")
    else:
        hours = form.answer_hours.data or USUAL_HOURS
        set_requests(
            current_runtime(), listing_id, current_user.email, takes_requests=form.takes_requests.data, hours=hours
        )
        flash("Kept. It holds for every stay that is asked for or booked from now on.")
    return redirect(url_for("admin.listing", listing_id=listing_id), 303)


def _get(booking_id: int) -> RequestRow:
    found = find_request_row(reader(), booking_id)
    return found if found is not None else abort(404)


def _page(found: RequestRow, form: DeclineForm) -> str:
    return render_template("admin/request.html", found=found, form=form, now=now())
