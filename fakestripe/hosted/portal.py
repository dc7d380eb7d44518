"""Routes of the customer portal and of the page of one invoice. Without script, like the payment page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from fakestripe import guard, instruments, invoices, jobs, portal
from fakestripe.api import base_url
from fakestripe.billing import collection, lines, renewals, standing
from fakestripe.hosted.countries import COUNTRIES
from fakestripe.hosted.entry import Entry
from fakestripe.hosted.prefill import SUGGESTED, typed_by_link
from fakestripe.hosted.views import protect
from fakestripe.resources.sessions import NULLS as SESSION_NULLS
from fakestripe.store import Record
from fakestripe.world import World

blueprint = Blueprint("portal", __name__)
blueprint.after_request(protect)
SHOWN_INVOICES = 12
# The page of a card alone asks for what the payment page of a session like this would.
CARD_ONLY: Record = {
    **dict.fromkeys(SESSION_NULLS),
    "custom_fields": [],
    "mode": "setup",
    "payment_method_types": ["card"],
    "phone_number_collection": {"enabled": False},
}
FEEDBACK = {
    "too_expensive": "It is too expensive",
    "missing_features": "I miss some features",
    "switched_service": "I found an alternative",
    "unused": "I no longer need it",
    "customer_service": "Customer service was less than expected",
    "too_complex": "It was too complex",
    "low_quality": "Quality was less than expected",
    "other": "Other reason",
}


@blueprint.before_request
def refuse_other_sites() -> BaseResponse | None:
    if request.method == "POST" and guard.is_from_another_site(request):
        return _page("missing.html", 403)
    jobs.run_due(_world())
    return None


@blueprint.get("/p/session/<secret>")
def home(secret: str) -> BaseResponse:
    session = portal.enter(_world(), secret)
    return _home(session) if session else _page("portal_ended.html", 404)


@blueprint.post("/p/session/<secret>/subscriptions/<subscription_id>")
def change_subscription(secret: str, subscription_id: str) -> BaseResponse:
    world = _world()
    session = portal.enter(world, secret)
    if session is None:
        return _page("portal_ended.html", 404)
    if request.form.get("do") == "cancel":
        portal.cancel(world, session, subscription_id, request.form.get("feedback"))
    elif request.form.get("do") == "keep":
        portal.keep(world, session, subscription_id)
    return redirect(f"/p/session/{secret}", 303)


@blueprint.post("/p/session/<secret>/customer")
def change_customer(secret: str) -> BaseResponse:
    session = portal.enter(_world(), secret)
    if session is None:
        return _page("portal_ended.html", 404)
    given = {name: request.form.get(name, "").strip() for name in ("email", "name", "phone")}
    portal.update_customer(_world(), session, given)
    return redirect(f"/p/session/{secret}", 303)


@blueprint.get("/p/session/<secret>/cards")
def show_card_form(secret: str) -> BaseResponse:
    """Also where the 3-D Secure page leads back to, with the SetupIntent's id."""
    world = _world()
    session = portal.enter(world, secret)
    if session is None:
        return _page("portal_ended.html", 404)
    setup = world.store.get("setup_intent", request.args.get("setup_intent", ""))
    if setup and setup["status"] == "succeeded":
        portal.finish_setup(world, session, setup["id"])
        return redirect(f"/p/session/{secret}", 303)
    error = setup["last_setup_error"]["message"] if setup and setup["last_setup_error"] else None
    typed = typed_by_link(CARD_ONLY, request.args, _email(session["customer"]))
    return _card_form(session, typed, {}, error)


@blueprint.post("/p/session/<secret>/cards")
def change_card(secret: str) -> BaseResponse:
    """Another card that is kept already, or a new one."""
    world = _world()
    session = portal.enter(world, secret)
    if session is None or not portal.features(world, session)["payment_method_update"]["enabled"]:
        return _page("portal_ended.html", 404)
    if "use" in request.form:
        portal.use_method(world, session, request.form["use"])
        return redirect(f"/p/session/{secret}", 303)
    entry = Entry(CARD_ONLY, request.form, world.clock.now(), _email(session["customer"]))
    instrument = entry.instrument()
    if entry.errors or instrument is None:
        return _card_form(session, request.form.to_dict(), entry.errors, status=422)
    with world.store.change():
        method = instruments.make_payment_method(world, instrument)
        setup = portal.add_method(world, session, method, base_url(world))
    if setup["status"] == "requires_action":
        return redirect(f"/c/3ds/{setup['id']}", 303)
    if setup["status"] != "succeeded":
        return _card_form(session, request.form.to_dict(), {}, setup["last_setup_error"]["message"], status=402)
    return redirect(f"/p/session/{secret}", 303)


@blueprint.get("/i/<invoice_id>")
def show_invoice(invoice_id: str) -> BaseResponse:
    """`hosted_invoice_url`: what is owed for what, and a form to pay it."""
    invoice = _world().store.get("invoice", invoice_id)
    if invoice is None or invoice["status"] == "draft":
        return _page("missing.html", 404)
    return _invoice(invoice, typed_by_link(CARD_ONLY, request.args, invoice["customer_email"]), {})


@blueprint.post("/i/<invoice_id>")
def pay_invoice(invoice_id: str) -> BaseResponse:
    """A second submit finds it paid and pays nothing."""
    world = _world()
    invoice = world.store.get("invoice", invoice_id)
    if invoice is None or invoice["status"] != "open":
        return redirect(f"/i/{invoice_id}", 303)
    entry = Entry(CARD_ONLY, request.form, world.clock.now(), invoice["customer_email"])
    instrument = entry.instrument()
    if entry.errors or instrument is None:
        return _invoice(invoice, request.form.to_dict(), entry.errors, status=422)
    with world.store.change():
        invoice = world.store.get("invoice", invoice_id)
        if invoice is None or invoice["status"] != "open":
            return redirect(f"/i/{invoice_id}", 303)
        invoice = _pay(world, invoice, instruments.make_payment_method(world, instrument))
    intent = invoices.intent_of(world, invoice)
    if intent and intent["status"] == "requires_action":
        return redirect(f"/c/3ds/{intent['id']}", 303)
    if invoice["status"] == "open":
        return _invoice(invoice, request.form.to_dict(), {}, status=402)
    return redirect(f"/i/{invoice_id}", 303)


def _pay(world: World, invoice: Record, method: Record) -> Record:
    intent = invoices.intent_of(world, invoice)
    assert intent is not None
    world.store.put("payment_intent", {**intent, "_return_url": invoice["hosted_invoice_url"]})
    return collection.attempt(world, invoice, method, off_session=False)


def _home(session: Record) -> BaseResponse:
    world = _world()
    owned = world.store.where("subscription", "customer", session["customer"])
    billed = world.store.where("invoice", "customer", session["customer"])
    customer = world.store.get("customer", session["customer"]) or {}
    settings = customer.get("invoice_settings") or {}
    configuration = world.store.get("billing_portal.configuration", session["configuration"])
    return _page(
        "portal.html",
        session=session,
        configuration=configuration,
        features=portal.features(world, session),
        customer=customer,
        subscriptions=[_shown(world, s) for s in reversed(owned) if s["status"] != "incomplete_expired"],
        methods=[
            m for m in world.store.where("payment_method", "customer", session["customer"]) if m["type"] == "card"
        ],
        default=settings.get("default_payment_method"),
        invoices=[i for i in reversed(billed) if i["status"] != "draft"][:SHOWN_INVOICES],
        feedback=FEEDBACK,
    )


def _shown(world: World, subscription: Record) -> Record:
    """A subscription with what its page says of it."""
    over = subscription["status"] in standing.OVER
    card = world.store.get("payment_method", subscription["default_payment_method"] or "")
    return {
        "record": subscription,
        "items": lines.words(world, subscription),
        "over": over,
        "ends": None if over else subscription["cancel_at"],
        "renews": renewals.period_of(subscription)[1],
        "card": card["card"] if card and card["type"] == "card" else None,
    }


def _card_form(
    session: Record, typed: dict[str, str], errors: dict[str, str], decline: str | None = None, status: int = 200
) -> BaseResponse:
    if not portal.features(_world(), session)["payment_method_update"]["enabled"]:
        return _page("missing.html", 404)
    email = _email(session["customer"])
    return _page("portal_card.html", status, session=session, **_form(typed, errors, decline, email))


def _invoice(invoice: Record, typed: dict[str, str], errors: dict[str, str], status: int = 200) -> BaseResponse:
    intent = invoices.intent_of(_world(), invoice)
    error = intent["last_payment_error"] if intent and not errors else None
    decline = error["message"] if error and invoice["status"] == "open" else None
    return _page("invoice.html", status, invoice=invoice, **_form(typed, errors, decline, invoice["customer_email"]))


def _form(typed: dict[str, str], errors: dict[str, str], decline: str | None, email: str | None) -> dict[str, Any]:
    return {
        "typed": typed,
        "errors": errors,
        "decline": decline,
        "email": email or "",
        "countries": COUNTRIES,
        "suggested": SUGGESTED,
    }


def _email(customer_id: str) -> str | None:
    customer = _world().store.get("customer", customer_id) or {}
    return customer.get("email")


def _world() -> World:
    world: World = current_app.extensions["fakestripe"]
    return world


def _page(template: str, status: int = 200, /, **context: Any) -> Response:
    return make_response(render_template(f"hosted/{template}", **context), status)
