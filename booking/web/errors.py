"""Error pages: what happened, whether money was taken, what to do. Those about a failure ask no database."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Flask, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext, lazy_gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from booking import logs
from booking.domain.errors import (
    BookingError,
    BookingNotFound,
    DatesUnavailable,
    HouseRefused,
    InvalidDates,
    ListingNotFound,
    PriceChanged,
    RefundRefused,
    SignInRefused,
    StayRuleBroken,
    TooManyHolds,
    TooManyTries,
    TransitionRefused,
)
from booking.extensions import DATABASE_AWAY
from booking.gateways.payments import GatewayUnavailable, PaymentGatewayError
from booking.web.language import current_language
from booking.web.storefront.forms import read_question
from booking.web.templating import house_email

logger = logging.getLogger(__name__)

RETRY_SECONDS = 30
HOLD_RETRY_SECONDS = 300

STATUS_OF: dict[type[BookingError], HTTPStatus] = {
    InvalidDates: HTTPStatus.UNPROCESSABLE_ENTITY,
    StayRuleBroken: HTTPStatus.UNPROCESSABLE_ENTITY,
    RefundRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    HouseRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    DatesUnavailable: HTTPStatus.CONFLICT,
    PriceChanged: HTTPStatus.CONFLICT,
    TransitionRefused: HTTPStatus.CONFLICT,
    BookingNotFound: HTTPStatus.NOT_FOUND,
    ListingNotFound: HTTPStatus.NOT_FOUND,
    SignInRefused: HTTPStatus.FORBIDDEN,
    TooManyHolds: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyTries: HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True, slots=True)
class Words:
    """The heading and the sentence of one error page, spoken when a page is made."""

    title: LazyString
    text: LazyString


_WORDS = {
    400: Words(
        lazy_gettext("We could not read that"),
        lazy_gettext("Something in it is not as our pages send it. Please go back and try again."),
    ),
    403: Words(
        lazy_gettext("This page is not open to you"),
        lazy_gettext("You may need to sign in, or to ask the house for it."),
    ),
    404: Words(
        lazy_gettext("We cannot find that page"), lazy_gettext("The address may be mistyped, or the page is gone.")
    ),
    405: Words(
        lazy_gettext("That is not possible here"),
        lazy_gettext("This page cannot be asked in that way. Please start from the home page."),
    ),
    409: Words(
        lazy_gettext("Somebody was faster"),
        lazy_gettext("What you asked for has changed in the meantime. Please look again."),
    ),
    410: Words(lazy_gettext("That time has passed"), lazy_gettext("This page is no longer there.")),
    411: Words(lazy_gettext("We could not read that request"), lazy_gettext("It did not say how long it is.")),
    413: Words(lazy_gettext("That was too much at once"), lazy_gettext("Please send less text.")),
    415: Words(lazy_gettext("We could not read that request"), lazy_gettext("It is not in a form that we understand.")),
    422: Words(lazy_gettext("That does not work yet"), lazy_gettext("Please check what you typed.")),
    429: Words(lazy_gettext("That was tried too often"), lazy_gettext("Please wait a little and try again.")),
    500: Words(
        lazy_gettext("Something broke on our side"), lazy_gettext("It has been noted. Please try again in a moment.")
    ),
    502: Words(
        lazy_gettext("The payment page could not be opened"),
        lazy_gettext("Our payment provider did not accept the request."),
    ),
    503: Words(
        lazy_gettext("We are not quite there"),
        lazy_gettext("The shop cannot answer just now. Please try again in a moment."),
    ),
}


def install(app: Flask) -> None:
    """Give every error its page."""
    app.register_error_handler(CSRFError, _old_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(BookingError, _booking_error)
    app.register_error_handler(PaymentGatewayError, _gateway_error)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _database_error)
    app.register_error_handler(InternalServerError, _crash)
    app.log_exception = _log_crash  # type: ignore[method-assign]


def answer_error(status: int, text: str | None = None, retry_after: int | None = None) -> ResponseReturnValue:
    """The page for a status, with words of its own where `text` is given."""
    words = _WORDS.get(status, _WORDS[400] if status < 500 else _WORDS[500])
    if request.path.startswith("/webhooks/"):
        response = make_response(jsonify(error=str(words.title)), status)
    else:
        facts = {"title": words.title, "text": text or words.text, "is_paying": _is_paying(), "wait": retry_after}
        page = render_template("errors/error.html", status=status, **facts, **_ways_on(status))
        response = make_response(page, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def old_form_page() -> ResponseReturnValue:
    """A form whose token is too old, on a page that cannot show the form again."""
    page = render_template("errors/old_form.html", is_paying=_is_paying(), **_ways_on(400))
    return make_response(page, 400)


def _ways_on(status: int) -> dict[str, Any]:
    """What every error page offers: a search, what to name when one writes to the house, and whom to write to."""
    return {
        "question": read_question(MultiDict()) if status == 404 else None,
        "request_id": logs.request_id.get(),
        "contact": house_email(),
    }


def _is_paying() -> bool:
    return request.path.startswith("/pay/") or request.path.endswith(("/book", "/review"))


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, SecurityError):
        return _strange_host()
    g.no_database = error.code >= 500
    response = make_response(answer_error(error.code))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _strange_host() -> ResponseReturnValue:
    # Under a host that is not ours no address can be built, so this page has no links and looks like nothing.
    response = make_response("This shop does not answer under that name.\n", 400)  # in whose language, nobody knows
    response.mimetype = "text/plain"
    return response


def _booking_error(error: BookingError) -> ResponseReturnValue:
    status = next((code for kind, code in STATUS_OF.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    text = current_language().speak(error.said)
    return answer_error(status, text, retry_seconds(error) if status == 429 else None)


def retry_seconds(error: BookingError) -> int:
    """When a guest who was refused for trying too often may try again."""
    wait = error.details.get("retry_after", HOLD_RETRY_SECONDS)
    return wait if isinstance(wait, int) else HOLD_RETRY_SECONDS


def _gateway_error(error: PaymentGatewayError) -> ResponseReturnValue:
    logger.warning("payment_gateway_error", extra={"code": error.code, "endpoint": request.endpoint})
    if isinstance(error, GatewayUnavailable):
        text = gettext("Our payment provider does not answer just now, so nothing new was begun.")
        return answer_error(503, text, RETRY_SECONDS)
    return answer_error(502)


def _database_error(error: SQLAlchemyError) -> ResponseReturnValue:
    kind = type(getattr(error, "orig", error)).__name__
    logger.error("database_unavailable", extra={"endpoint": request.endpoint, "kind": kind})
    g.no_database = True
    return answer_error(503, retry_after=RETRY_SECONDS)


def _old_form(error: CSRFError) -> ResponseReturnValue:
    return old_form_page()


def _log_crash(exc_info: Any) -> None:
    # Not Flask's own line, which has the path in it: a path can open a booking.
    logger.error("request_crashed", exc_info=exc_info, extra={"endpoint": request.endpoint, "method": request.method})


def _crash(error: InternalServerError) -> ResponseReturnValue:
    g.no_database = True
    return answer_error(500)
