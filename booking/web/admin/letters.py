"""Mail that staff sends once more, and receipts."""

from flask import abort, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import TooManyTries
from booking.domain.states import Source
from booking.services import resending
from booking.services.resending import Resent
from booking.services.timeline import Cause
from booking.web.admin.blueprint import blueprint
from booking.web.admin.forms import OnceForm
from booking.wiring import current_runtime

_WORDS = {
    Resent.ASKED: "It goes out within a minute, with what holds now.",
    Resent.ON_ITS_WAY: "The first one is still being tried, so nothing more was sent.",
    Resent.NOT_TRUE: "Nothing was sent: this mail would tell the guest what is not so any more.",
    Resent.NOTHING_PAID: "Nothing was paid, so there is nothing to give a receipt for.",
}
_TOO_MANY = "Nothing was sent: this guest has had enough mail for an hour."


@blueprint.post("/bookings/<int:booking_id>/mails/<int:row_id>/again")
def send_mail_again(booking_id: int, row_id: int) -> ResponseReturnValue:
    """A mail that the guest may have lost. One page sends it once, however often it is pressed."""
    token = _read_token()
    try:
        resent = resending.send_again(current_runtime(), booking_id, row_id, current_user.email, token)
    except TooManyTries:
        return _told(booking_id, _TOO_MANY, is_good=False)
    if resent is Resent.NO_SUCH_MAIL:
        abort(404)
    return _told(booking_id, _WORDS[resent], is_good=resent is Resent.ASKED)


@blueprint.post("/bookings/<int:booking_id>/receipt")
def mail_receipt(booking_id: int) -> ResponseReturnValue:
    """A receipt to the address on file."""
    cause, token = Cause(Source.STAFF, current_user.email), _read_token()
    try:
        resent = resending.mail_receipt(current_runtime(), booking_id, cause, token)
    except TooManyTries:
        return _told(booking_id, _TOO_MANY, is_good=False)
    return _told(booking_id, _WORDS[resent], is_good=resent is Resent.ASKED)


def _read_token() -> str:
    form = OnceForm()
    if not form.validate_on_submit():
        abort(400)
    return str(form.form_token.data)


def _told(booking_id: int, words: str, *, is_good: bool) -> ResponseReturnValue:
    flash(words, "message" if is_good else "trouble")
    return redirect(url_for("admin.booking", booking_id=booking_id), 303)
