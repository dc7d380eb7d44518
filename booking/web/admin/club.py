"""The guest club at the desk: its plans, the houses that take part, and who has joined."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import ListingNotFound, PlanNotFound, PlanRefused
from booking.queries.club import get_plan, list_member_rows, list_places, list_plan_rows
from booking.services import club_plans as service
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.club_forms import PlanForm
from booking.wiring import current_runtime

_SYNC = "Now run `flask catalog-sync`, which brings it to Stripe."


@blueprint.get("/club")
def club() -> ResponseReturnValue:
    """Plans, houses and members."""
    session, livemode = reader(), current_runtime().settings.livemode
    facts = {"plans": list_plan_rows(session, livemode, now()), "members": list_member_rows(session, now())}
    return render_template("admin/club.html", **facts, places=list_places(session))


@blueprint.post("/club/houses/<int:property_id>")
def switch_club(property_id: int) -> ResponseReturnValue:
    """Have a house take part, or not any more."""
    is_on = request.form.get("in_club") == "1"
    try:
        service.switch_club(current_runtime(), property_id, is_on, current_user.email)
    except ListingNotFound:
        abort(404)
    except PlanRefused as error:
        flash(error.user_message, "trouble")
    else:
        flash("Members stay here for less from now on." if is_on else "Nothing of the club is shown here any more.")
    return redirect(url_for("admin.club"), 303)


@blueprint.get("/club/plans/new")
def new_club_plan() -> ResponseReturnValue:
    """A plan still to be filled in."""
    return _page(PlanForm.fresh())


@blueprint.post("/club/plans/new")
def add_club_plan() -> ResponseReturnValue:
    """Write a plan down."""
    form = _typed()
    terms = form.read_terms()
    if terms is None:
        return _page(form), 422
    try:
        service.add_plan(current_runtime(), terms, current_user.email)
    except PlanRefused as error:
        form.refuse(error, "name")
        return _page(form), 422
    flash(f"The plan is made. {_SYNC}")
    return redirect(url_for("admin.club"), 303)


@blueprint.get("/club/plans/<int:plan_id>")
def club_plan(plan_id: int) -> ResponseReturnValue:
    """One plan, to be changed or retired."""
    return _page(PlanForm.of(_find(plan_id).terms), plan_id)


@blueprint.post("/club/plans/<int:plan_id>")
def change_club_plan(plan_id: int) -> ResponseReturnValue:
    """Write a plan anew, for those who join from now on."""
    form = _typed(plan_id)
    terms = form.read_terms()
    if terms is None:
        return _page(form, plan_id), 422
    try:
        service.change_plan(current_runtime(), plan_id, terms, current_user.email)
    except PlanNotFound:
        abort(404)
    except PlanRefused as error:
        form.refuse(error, "name")
        return _page(form, plan_id), 422
    flash(f"The plan is changed for those who join from now on. {_SYNC}")
    return redirect(url_for("admin.club"), 303)


@blueprint.post("/club/plans/<int:plan_id>/retire")
def retire_club_plan(plan_id: int) -> ResponseReturnValue:
    """Let nobody join a plan any more."""
    _find(plan_id)
    service.retire_plan(current_runtime(), plan_id, current_user.email)
    flash(f"Nobody can join this plan any more; its members stay members. {_SYNC}")
    return redirect(url_for("admin.club"), 303)


def _find(plan_id: int) -> Any:
    """The plan, or the end of the request."""
    try:
        return get_plan(reader(), plan_id)
    except PlanNotFound:
        abort(404)


def _typed(plan_id: int | None = None) -> PlanForm:
    form = PlanForm()
    form.offer(_currencies(plan_id))
    return form


def _currencies(plan_id: int | None) -> list[str]:
    of_plan = [_find(plan_id).currency] if plan_id else []
    return [*of_plan, *(place.currency for place in list_places(reader()))]


def _page(form: PlanForm, plan_id: int | None = None) -> str:
    form.offer(_currencies(plan_id))
    return render_template("admin/club_plan.html", form=form, plan=_find(plan_id) if plan_id else None)
