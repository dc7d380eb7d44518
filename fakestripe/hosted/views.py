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

from fakestripe import basket, cards, checkout, jobs, money, till
from fakestripe.api import base_url
from fakestripe.checkout import NotPayable
from fakestripe.checkout_modes import find_intent, intent_of
from fakestripe.errors import ApiError
from fakestripe.hosted import wording
from fakestripe.hosted.countries import COUNTRIES
from fakestripe.hosted.entry import Entry
from fakestripe.hosted.prefill import SUGGESTED, typed_by_link
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


@blueprint.get("/test-cards")
def test_cards() -> BaseResponse:
    """By the page of Stripe they come from; `?session=` makes each number fill in that session's page."""
    session = _world().store.get("checkout.session", request.args.get("session", ""))
    return _page(
        "cards.html",
        groups=cards.grouped(),
        accounts=cards.ACCOUNTS,
        accounts_page=cards.ACCOUNTS_PAGE,
        session=session if session and session["status"] == "open" else None,
    )


@blueprint.get("/c/pay/<session_id>")
def show_payment(session_id: str) -> BaseResponse:
    session = _session(session_id)
    if session["status"] != "open":
        return _ended(session)
    return _form(session, typed_by_link(session, request.args, checkout.known_email(_world(), session)), {})


@blueprint.post("/c/pay/<session_id>")
def submit_payment(session_id: str) -> BaseResponse:
    """Try to pay. A second submit of the same session only follows the first one's redirect."""
    world = _world()
    session = _session(session_id)
    if session["status"] != "open":
        return _after_double_submit(session)
    entry = Entry(session, request.form, world.clock.now(), checkout.known_email(world, session))
    if entry.errors:
        return _form(session, request.form.to_dict(), entry.errors, status=422)
    try:
        intent = checkout.pay(world, session_id, entry.instrument(), entry.guest(), base_url(world))
    except NotPayable:
        return _after_double_submit(_session(session_id))
    return _after_attempt(session_id, intent)


@blueprint.post("/c/pay/<session_id>/basket")
def change_basket(session_id: str) -> BaseResponse:
    """Other quantities, or something more: the page comes back with the new total."""
    world = _world()
    with world.store.lock:
        session = _session(session_id)
        wanted = {line["id"]: request.form.get(f"quantity_{line['id']}", "") for line in _adjustable(session)}
        try:
            basket.change(
                world, session, {key: int(text) for key, text in wanted.items() if text.isdecimal() and len(text) < 8}
            )
        except basket.Refused as refused:
            return _form(session, {}, {}, status=422, basket_error=str(refused))
    return redirect(f"/c/pay/{session_id}", 303)


@blueprint.get("/r/<token>")
def recover(token: str) -> BaseResponse:
    """The link of an expired session makes a new one like it."""
    session = checkout.recover(_world(), token)
    return redirect(session["url"], 303) if session else _page("missing.html", 404)


@blueprint.get("/c/3ds/<intent_id>")
def show_challenge(intent_id: str) -> BaseResponse:
    intent = find_intent(_world(), intent_id)
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


def _after_attempt(session_id: str, intent: Record | None) -> BaseResponse:
    outcome = till.outcome(intent)
    if intent and outcome == "requires_action":
        return redirect(f"/c/3ds/{intent['id']}", 303)
    session = _session(session_id)
    error = till.error(intent)
    if error:
        return _form(session, request.form.to_dict(), {}, decline=error["message"], status=402)
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
    kind = intent["object"]
    values = f"{kind}={intent['id']}&{kind}_client_secret={intent['client_secret']}"
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
    basket_error: str | None = None,
) -> BaseResponse:
    world = _world()
    lines = basket.contents(world, session["id"])["data"]
    words = wording.of(session, lines, world.clock.now())
    return _page(
        "pay.html",
        status,
        session=session,
        lines=lines,
        adjustable=_adjustable(session),
        basket_error=basket_error,
        limits=basket.limits,
        words=words,
        email=checkout.known_email(world, session) or "",
        typed=typed,
        errors=errors,
        decline=decline or _last_decline(session, typed),
        total=words.total,
        expires=_expiry(session, world.clock.now()),
        countries=COUNTRIES,
        shipping_countries=_shipping_countries(session),
        suggested=SUGGESTED,
        accounts=cards.ACCOUNTS,
    )


def _adjustable(session: Record) -> list[Record]:
    """What the guest may have more or less of."""
    if not basket.is_open(session):
        return []
    found = basket.contents(_world(), session["id"])
    return [line for line in (*found["data"], *found["optional"]) if basket.limits(line)[0] != basket.limits(line)[1]]


def _shipping_countries(session: Record) -> list[tuple[str, str]]:
    """Those the shop sends to; one that is not in our short list is shown by its letters."""
    wanted = (session["shipping_address_collection"] or {}).get("allowed_countries", [])
    names = dict(COUNTRIES)
    return [(code, names.get(code, code)) for code in wanted]


def _last_decline(session: Record, typed: dict[str, str]) -> str | None:
    """A guest who comes back from a failed 3-D Secure page is told why."""
    error = None if typed else till.error(intent_of(_world(), session))
    if error is None:
        return None
    if error["code"].endswith("_intent_authentication_failure"):
        return (
            "We are unable to authenticate your payment method. Please choose a different payment method and try again."
        )
    return str(error["message"])


def _expiry(session: Record, now: float) -> str:
    at = datetime.fromtimestamp(session["expires_at"], UTC)
    minutes = max(0, int((session["expires_at"] - now) // 60))
    hours, rest = divmod(minutes, 60)
    left = f"{hours} h {rest} min" if hours else f"{rest} min"
    verb = "Pay" if session["mode"] == "payment" else "Finish"
    return f"{verb} before {at:%H:%M} UTC: {left} left."


def _amount(intent: Record) -> str | None:
    """What is asked to be paid; a SetupIntent asks for nothing."""
    return money.show(intent["amount"], intent["currency"]) if "amount" in intent else None


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
