"""The staff blueprint: its one guard, its filters, its own error pages. The pages register themselves on it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from booking.domain.dates import spoken_moment
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.roles import Role
from booking.domain.words import Weekdays, spoken_weekdays
from booking.extensions import db
from booking.services import sign_ins
from booking.web.admin import menu, permits, proof
from booking.wiring import current_runtime

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

_STRIPE_ID = re.compile(r"[a-z]{2,4}_\w+", re.ASCII)
_ERROR_WORDS = {
    403: (
        "That is not open to you",
        "Your role in this house does not allow it. An owner can change that under People. Nothing was changed.",
    ),
    404: ("There is nothing here", "The address may be mistyped, or what it showed is gone."),
    413: ("That was too much at once", "A photo may have 12 MB, and 8 may come at a time. Nothing was changed."),
    400: ("That form has run out", "Go back, load the page again and send it once more. Nothing was changed."),
}


@blueprint.before_request
def require_staff() -> ResponseReturnValue | None:
    """The guard in front of every page of this blueprint: a new page cannot forget it."""
    if not current_user.is_authenticated:
        answer: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        return answer
    permits.require_permission()
    sign_ins.note_seen(current_runtime(), current_user.present)
    return proof.ask_if_needed()


@blueprint.errorhandler(BookingNotFound)
def booking_not_found(_error: BookingNotFound) -> ResponseReturnValue:
    """A booking that is not there."""
    return render_template("admin/error.html", title="No such booking", text="It may have been mistyped."), 404


@blueprint.errorhandler(CSRFError)
@blueprint.errorhandler(permits.NotPermitted)
@blueprint.errorhandler(404)
@blueprint.errorhandler(413)
def show_error(error: HTTPException) -> ResponseReturnValue:
    """Errors in the layout of these pages, so that staff finds the way back."""
    code = error.code or 500
    title, text = _ERROR_WORDS.get(code, (error.name, error.description or ""))
    return render_template("admin/error.html", title=title, text=text), code


@blueprint.app_template_filter("moment")
def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant on the clock of a zone: "Fri 5 March 2027, 14:05"."""
    return spoken_moment(at, zone)


@blueprint.app_template_filter("words")
def words(value: object) -> str:
    """A stored word as people read it: "partially refunded"."""
    return str(value).replace("_", " ")


blueprint.add_app_template_global(permits.can_open, "can_open")
blueprint.add_app_template_test(permits.can_open, "open_to_me")
blueprint.add_app_template_global(menu.menu, "menu")


@blueprint.app_template_filter("role_name")
def role_name(role: Role) -> str:
    """A role as people read it: "Read only"."""
    return role.value.replace("_", " ").capitalize()


@blueprint.app_template_global("make_money")
def make_money(minor: int, currency: str) -> Money:
    """An amount out of a sum that was kept in minor units."""
    return Money(minor, currency)


@blueprint.app_template_global("stripe_address")
def stripe_address(kind: str, stripe_id: str) -> str:
    """Where Stripe's dashboard (or that of what stands in for Stripe) shows an object; empty for what Stripe did not
    make.
    """
    if not _STRIPE_ID.fullmatch(stripe_id):
        return ""
    settings = current_runtime().settings
    if settings.stripe_api_base:
        return f"{settings.stripe_api_base.rstrip('/')}/dashboard/object/{stripe_id}"
    return f"https://dashboard.stripe.com/{'' if settings.livemode else 'test/'}{kind}/{stripe_id}"


@blueprint.app_template_filter("weekday_list")
def weekday_list(days: Weekdays) -> str:
    """Days of the week as people say them: "Friday or Saturday"."""
    return spoken_weekdays(days)


@blueprint.app_template_global("is_livemode")
def is_livemode() -> bool:
    """Whether this shop moves real money; staff should never have to guess."""
    return current_runtime().settings.livemode


def now() -> datetime:
    """The present instant, from the clock that services use."""
    return current_runtime().clock.now()


def reader() -> Session:
    """The session in which this request reads."""
    return db.session()
