"""The blueprint of signing in and of one's own account. Everything else of the staff pages lives in web/admin."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from booking.domain.errors import BookingError
from booking.web.admin.blueprint import require_staff, show_error
from booking.web.admin.permits import OPEN_TO_ALL, NotPermitted

blueprint = Blueprint("auth", __name__, url_prefix="/admin")
for error in (CSRFError, NotPermitted):
    blueprint.register_error_handler(error, show_error)


@blueprint.before_request
def guard() -> ResponseReturnValue | None:
    """The same guard as before all other staff pages; those for signing in stand outside."""
    return None if request.endpoint in OPEN_TO_ALL else require_staff()


def refused(page: str, error: BookingError | None, **shown: object) -> ResponseReturnValue:
    """A form again, with why: 422, or 429 and when to come back for who tried too often."""
    retry_after = error.details.get("retry_after") if error else None
    body = render_template(page, error=error, **shown)
    return (body, 429, {"Retry-After": str(retry_after)}) if retry_after else (body, 422)
