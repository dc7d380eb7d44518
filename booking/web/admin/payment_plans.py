"""Payment plans: what each property asks for when, and which of its listings ask for something else."""

from collections.abc import Callable

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import ListingNotFound, PolicyRefused
from booking.queries.payment_plans import PlanPage, get_listing_plan, get_property_plan, list_planned_houses
from booking.services import payment_plans as service
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.plan_forms import PlanForm
from booking.wiring import current_runtime


@blueprint.get("/payment-plans")
def payment_plans() -> ResponseReturnValue:
    """Every property and listing with its plan in words."""
    return render_template("admin/payment_plans.html", houses=list_planned_houses(reader()))


@blueprint.get("/payment-plans/property/<int:property_id>")
def property_plan(property_id: int) -> ResponseReturnValue:
    """What a property asks for, with an example."""
    page = _find(lambda: get_property_plan(reader(), property_id, now()))
    return _page(page, PlanForm.of(page.own, is_of_listing=False))


@blueprint.post("/payment-plans/property/<int:property_id>")
def change_property_plan(property_id: int) -> ResponseReturnValue:
    """Ask for something else, of bookings made from now on."""
    page, form = _find(lambda: get_property_plan(reader(), property_id, now())), PlanForm.typed(is_of_listing=False)
    plan = form.read_plan() if form.is_good() else None
    if plan is None:
        return _page(page, form), 422
    return _keep(page, form, lambda: service.choose_for_property(current_runtime(), property_id, plan, _who()))


@blueprint.get("/payment-plans/listing/<int:listing_id>")
def listing_plan(listing_id: int) -> ResponseReturnValue:
    """What a listing asks for, with an example."""
    page = _find(lambda: get_listing_plan(reader(), listing_id, now()))
    return _page(page, PlanForm.of(page.own, is_of_listing=True))


@blueprint.post("/payment-plans/listing/<int:listing_id>")
def change_listing_plan(listing_id: int) -> ResponseReturnValue:
    """Give a listing a plan of its own, or let it ask for what its property asks for."""
    page, form = _find(lambda: get_listing_plan(reader(), listing_id, now())), PlanForm.typed(is_of_listing=True)
    if not form.is_good():
        return _page(page, form), 422
    plan = form.read_plan()
    return _keep(page, form, lambda: service.choose_for_listing(current_runtime(), listing_id, plan, _who()))


def _keep(page: PlanPage, form: PlanForm, choose: Callable[[], None]) -> ResponseReturnValue:
    try:
        choose()
    except PolicyRefused as error:
        form.refuse(error)
        return _page(page, form), 422
    flash("Bookings from now on are paid like this. Those made before keep what their guests agreed to.")
    return redirect(url_for("admin.payment_plans"), 303)


def _page(page: PlanPage, form: PlanForm) -> str:
    return render_template("admin/payment_plan.html", page=page, form=form)


def _find(get: Callable[[], PlanPage]) -> PlanPage:
    try:
        return get()
    except ListingNotFound:
        abort(404)


def _who() -> str:
    return str(current_user.email)
