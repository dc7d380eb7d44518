"""Pages of the guest club. Nobody but who is signed in sees an account, and each only their own."""

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf import FlaskForm

from booking.domain.errors import AlreadyMember, PlanNotFound
from booking.extensions import db
from booking.gateways.payments import PaymentGatewayError
from booking.queries.club import OpenPlan, find_membership, list_club_houses, list_open_plans
from booking.services import guest_accounts, joining
from booking.services.account_privacy import erase_account, export_account
from booking.services.guest_accounts import Member
from booking.services.limits import Limit, count_try
from booking.web.club.forms import JoinForm, SignInForm
from booking.web.language import current_language
from booking.web.member import current_member, let_in, let_out, member_token
from booking.web.security import client_address, let_forms_lead_to_portal
from booking.wiring import current_runtime

blueprint = Blueprint("club", __name__, url_prefix="/club")

ASKING = Limit("club-ask-from", 20, timedelta(hours=1))
OPENING = Limit("club-link-from", 120, timedelta(hours=1))
JOINING = Limit("club-join-from", 30, timedelta(hours=1))
GUEST_WORDS = "guest"


@blueprint.before_request
def only_where_there_is_one() -> None:
    """A shop without a club has none of its pages. Who is signed in keeps the account, or could not cancel."""
    if not list_club_houses(db.session()) and current_member() is None and request.endpoint not in _WAYS_IN:
        abort(404)


# The way to an account stays open: a member must be able to cancel when the house has left the club.
_WAYS_IN = ("club.link", "club.follow_link", "club.account")


@blueprint.get("")
def club() -> ResponseReturnValue:
    """What the club gives, what it costs and on which terms; how to join and how to sign in."""
    return _club_page(SignInForm(formdata=None), JoinForm(formdata=None))


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Mail a link. The same answer whether or not there is an account."""
    form = SignInForm()
    if not form.validate():
        return make_response(_club_page(form, JoinForm(formdata=None)), 422)
    runtime = current_runtime()
    count_try(runtime, ASKING, client_address())
    guest_accounts.request_link(runtime, form.email.data or "", current_language().code)
    return redirect(url_for("club.club", sent=1), 303)


@blueprint.get("/m/<path:token>")
def link(token: str) -> ResponseReturnValue:
    """A page with one button: programs that follow links in mails do not press it, so they use nothing up."""
    if not guest_accounts.peek_link(token, current_runtime().clock.now()):
        return _dead_link()
    return render_template("club/link.html", form=FlaskForm())


@blueprint.post("/m/<path:token>")
def follow_link(token: str) -> ResponseReturnValue:
    """Sign this browser in. Whoever was signed in in it before is not any more."""
    runtime = current_runtime()
    count_try(runtime, OPENING, client_address())
    secret = guest_accounts.open_link(runtime, token)
    if secret is None:
        return _dead_link()
    if member_token():
        guest_accounts.sign_out(member_token())
    response = make_response(redirect(url_for("club.account"), 303))
    let_in(response, secret)
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this sign-in, here and in our rows."""
    guest_accounts.sign_out(member_token())
    response = make_response(redirect(url_for("storefront.home"), 303))
    let_out(response)
    return response


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """What somebody has joined, what they were billed, and the ways to change it. Strangers are asked to sign in."""
    member = current_member()
    if member is None:
        return redirect(url_for("club.club"), 303)
    now = current_runtime().clock.now()
    view = find_membership(db.session(), member.account_id, now)
    facts = {"member": member, "view": view, "form": FlaskForm(), "zone": _zone(), "plans": _open_plans()}
    facts["bills"] = joining.list_bills(current_runtime(), member) if view else []
    page = render_template("club/account.html", **facts, is_over=view is None or view.is_over)
    response = make_response(page)
    let_forms_lead_to_portal(response)
    return response


@blueprint.post("/join")
def join() -> ResponseReturnValue:
    """Send a guest who has agreed to the terms to Stripe's page."""
    member, form = _member_or_door(), JoinForm()
    plan = next((plan for plan in _open_plans() if plan.plan_id == form.plan_id), None)
    if plan is None:
        abort(404)
    if not form.validate():
        return make_response(_club_page(SignInForm(formdata=None), form), 422)
    count_try(current_runtime(), JOINING, client_address())
    try:
        code = current_language().code
        url = joining.join(current_runtime(), member, plan.plan_id, _consent(plan), code)
    except AlreadyMember:
        flash(gettext("You are a member already."), GUEST_WORDS)
        return redirect(url_for("club.account"), 303)
    except PlanNotFound:
        abort(404)
    except PaymentGatewayError:
        return make_response(render_template("club/trouble.html"), 503)
    return redirect(url, 303)


@blueprint.get("/return")
def come_back() -> ResponseReturnValue:
    """Where Stripe sends a guest back to. What is shown is what Stripe says when we ask, not what the address says."""
    answered = joining.come_back(current_runtime(), request.args.get("session_id", ""))
    if current_member() is None:
        return redirect(url_for("club.club"), 303)
    if not answered:
        flash(
            gettext("We are confirming your membership with Stripe. It will stand here in a few minutes."), GUEST_WORDS
        )
    return redirect(url_for("club.account"), 303)


@blueprint.post("/portal")
def portal() -> ResponseReturnValue:
    """Lead a member to their own page of Stripe's portal."""
    member = _member_or_door()
    try:
        url = joining.open_portal(current_runtime(), member, current_language().code)
    except PaymentGatewayError:
        return make_response(render_template("club/trouble.html"), 503)
    if url is None:
        abort(404)
    return redirect(url, 303)


@blueprint.get("/data")
def export() -> ResponseReturnValue:
    """Everything held about the account of who is signed in, as one file."""
    held = export_account(current_runtime(), _member_or_door())
    response = make_response(json.dumps(held, indent=2, ensure_ascii=False))
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
    return response


@blueprint.post("/erase")
def erase() -> ResponseReturnValue:
    """Erase the account of who is signed in, unless a membership runs: that has to be cancelled first."""
    member = _member_or_door()
    if not erase_account(current_runtime(), member):
        flash(
            gettext("Your membership still runs. Cancel it first; once it has ended, erase your account."), GUEST_WORDS
        )
        return redirect(url_for("club.account"), 303)
    response = make_response(redirect(url_for("storefront.home"), 303))
    let_out(response)
    return response


def _member_or_door() -> Member:
    """Who is signed in; else the request ends at the page where one signs in."""
    member = current_member()
    if member is None:
        abort(redirect(url_for("club.club"), 303))
    return member


def _club_page(form: SignInForm, join_form: JoinForm) -> str:
    session, member = db.session(), current_member()
    now = current_runtime().clock.now()
    facts: dict[str, Any] = {"form": form, "join_form": join_form, "plain": FlaskForm(), "zone": _zone()}
    view = find_membership(session, member.account_id, now) if member else None
    facts |= {"houses": list_club_houses(session), "plans": _open_plans(), "member": member, "view": view}
    return render_template("club/club.html", **facts, is_sent="sent" in request.args, consent=_consent)


def _open_plans() -> list[OpenPlan]:
    session = db.session()
    return list_open_plans(session, current_runtime().settings.livemode) if list_club_houses(session) else []


def _zone() -> str:
    houses = list_club_houses(db.session())
    return houses[0].timezone if houses else "UTC"


def _consent(plan: OpenPlan) -> str:
    """The sentence that stands beside the box, and is kept with the wish to join."""
    facts = {"plan": plan.name, "price": current_language().money(plan.price), "days": plan.trial_days}
    if plan.is_yearly:
        costs = gettext("I join %(plan)s for %(price)s a year.", **facts)
        renews = gettext("It renews by itself each year until I cancel.")
    else:
        costs = gettext("I join %(plan)s for %(price)s a month.", **facts)
        renews = gettext("It renews by itself each month until I cancel.")
    trial = gettext("The first %(days)s days cost nothing.", **facts) if plan.trial_days else ""
    ends = gettext("I can cancel at any time on my account’s page; it then ends with the period that is paid for.")
    return " ".join(part for part in (costs, trial, renews, ends) if part)


def _dead_link() -> ResponseReturnValue:
    """Wrong, used or too old: the very same page, so that nobody learns which."""
    return make_response(render_template("club/dead_link.html"), 404)
