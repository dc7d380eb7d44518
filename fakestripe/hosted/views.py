"""Routes of the guest's pages. They work without script and say SIMULATED on each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as BaseResponse

from fakestripe import cards, checkout, jobs, money, till
from fakestripe.api import base_url
from fakestripe.checkout import NotPayable
from fakestripe.errors import ApiError
from fakestripe.hosted.countries import COUNTRIES
from fakestripe.hosted.entry import Entry
from fakestripe.store import Record
from fakestripe.world import World

blueprint = Blueprint(
    "hosted",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/_static",
)
POLICY = "default-src 'none'; style-src 'self'; img-src http: https: data:; base-uri 'none'"


@blueprint.after_request
def protect(response: BaseResponse) -> BaseResponse:
    """No script at all, no framing, nothing kept by the browser."""
    response.headers["Content-Security-Policy"] = POLICY + "; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.endpoint != "hosted.static":
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.errorhandler(ApiError)
def not_found(error: ApiError) -> BaseResponse:
    return _page("missing.html", 404)


@blueprint.get("/")
def home() -> BaseResponse:
    world = _world()
    sessions = world.store.all("checkout.session")[::-1][:20]
    return _page("home.html", sessions=sessions, endpoints=world.store.all("webhook_endpoint"))


@blueprint.get("/test-cards")
def test_cards() -> BaseResponse:
    return _page("cards.html", cards=cards.CARDS, accounts=cards.ACCOUNTS)


@blueprint.get("/c/pay/<session_id>")
def show_payment(session_id: str) -> BaseResponse:
    session = _session(session_id)
    if session["status"] != "open":
        return _ended(session)
    return _form(session, {}, {})


@blueprint.post("/c/pay/<session_id>")
def submit_payment(session_id: str) -> BaseResponse:
    """Try to pay. A second submit of the same session only follows the first one's redirect."""
    world = _world()
    session = _session(session_id)
    if session["status"] != "open":
        return _after_double_submit(session)
    entry = Entry(session, request.form, world.clock.now())
    if entry.errors:
        return _form(session, request.form.to_dict(), entry.errors, status=422)
    try:
        intent = checkout.pay(world, session_id, entry.instrument(), entry.guest(), base_url(world))
    except NotPayable:
        return _after_double_submit(_session(session_id))
    return _after_attempt(session_id, intent)


@blueprint.get("/c/3ds/<intent_id>")
def show_challenge(intent_id: str) -> BaseResponse:
    intent = _world().store.get("payment_intent", intent_id)
    if intent is None:
        return _page("missing.html", 404)
    if intent["status"] != "requires_action":
        return _leave_challenge(intent)
    return _page("challenge.html", intent=intent, amount=_amount(intent))


@blueprint.post("/c/3ds/<intent_id>")
def answer_challenge(intent_id: str) -> BaseResponse:
    success = request.form.get("answer") == "complete"
    intent = checkout.authenticate(_world(), intent_id, success=success)
    return _leave_challenge(intent)


def _after_attempt(session_id: str, intent: Record) -> BaseResponse:
    outcome = till.outcome(intent)
    if outcome == "requires_action":
        return redirect(f"/c/3ds/{intent['id']}", 303)
    session = _session(session_id)
    if outcome == "declined":
        message = intent["last_payment_error"]["message"]
        return _form(session, request.form.to_dict(), {}, decline=message, status=402)
    till.hold_redirect(_world(), session_id)
    return redirect(checkout.success_url(session), 303)


def _after_double_submit(session: Record) -> BaseResponse:
    if session["status"] == "complete":
        till.hold_redirect(_world(), session["id"])
        return redirect(checkout.success_url(session), 303)
    return _ended(session)


def _leave_challenge(intent: Record) -> BaseResponse:
    """Back to where the guest came from: the shop, the payment page, or `return_url`."""
    session = checkout.session_of(_world(), intent)
    if session is None:
        return _return_to_integration(intent)
    if session["status"] == "complete":
        till.hold_redirect(_world(), session["id"])
        return redirect(checkout.success_url(session), 303)
    return redirect(f"/c/pay/{session['id']}", 303)


def _return_to_integration(intent: Record) -> BaseResponse:
    """docs.stripe.com/payments/3d-secure/authentication-flow: both values are appended."""
    url = intent.get("_return_url")
    if not url:
        return _page("challenge_done.html", intent=intent)
    mark = "&" if "?" in url else "?"
    values = f"payment_intent={intent['id']}&payment_intent_client_secret={intent['client_secret']}"
    return redirect(url + mark + values, 303)


def _ended(session: Record) -> BaseResponse:
    return _page(f"{session['status']}.html", session=session, success=_success(session))


def _success(session: Record) -> str:
    return checkout.success_url(session)


def _form(
    session: Record,
    typed: dict[str, str],
    errors: dict[str, str],
    decline: str | None = None,
    status: int = 200,
) -> BaseResponse:
    world = _world()
    lines = world.store.get("_line_items", session["id"]) or {"data": []}
    return _page(
        "pay.html",
        status,
        session=session,
        lines=lines["data"],
        typed=typed,
        errors=errors,
        decline=decline or _last_decline(session, typed),
        total=money.show(session["amount_total"], session["currency"]),
        expires=_expiry(session, world.clock.now()),
        countries=COUNTRIES,
    )


def _last_decline(session: Record, typed: dict[str, str]) -> str | None:
    """A guest who comes back from a failed 3-D Secure page is told why."""
    if typed or not session["payment_intent"]:
        return None
    intent = _world().store.get("payment_intent", session["payment_intent"])
    error = intent["last_payment_error"] if intent else None
    if error is None:
        return None
    if error["code"] == "payment_intent_authentication_failure":
        return (
            "We are unable to authenticate your payment method. Please choose a different payment method and try again."
        )
    return str(error["message"])


def _expiry(session: Record, now: float) -> str:
    at = datetime.fromtimestamp(session["expires_at"], UTC)
    minutes = max(0, int((session["expires_at"] - now) // 60))
    hours, rest = divmod(minutes, 60)
    left = f"{hours} h {rest} min" if hours else f"{rest} min"
    return f"Pay before {at:%H:%M} UTC: {left} left."


def _amount(record: Record) -> str:
    return money.show(record["amount"], record["currency"])


def _session(session_id: str) -> Record:
    world = _world()
    jobs.run_due(world)
    return checkout.get_session(world, session_id)


def _world() -> World:
    world: World = current_app.extensions["fakestripe"]
    return world


def _page(template: str, status: int = 200, /, **context: Any) -> Response:
    html = render_template(f"hosted/{template}", money=money.show, zip=zip, **context)
    return make_response(html, status)
