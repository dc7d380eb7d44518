"""Cancellation policies: in words, with days and sums for an example, and which listing has which."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import ListingNotFound, PolicyRefused
from booking.domain.terms import CancellationTerms, terms_in_words
from booking.queries.rules import Example, House, get_policy, list_houses, try_terms
from booking.services import policies as service
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.rule_forms import ChooseForm, PolicyForm
from booking.wiring import current_runtime


@blueprint.get("/policies")
def policies() -> ResponseReturnValue:
    """Every policy in words, and the choice for each listing."""
    return render_template("admin/policies.html", houses=list_houses(reader()))


@blueprint.post("/policies/of/<int:listing_id>")
def choose_policy(listing_id: int) -> ResponseReturnValue:
    """Give a listing another policy, for bookings from now on."""
    form = ChooseForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        service.choose_policy(current_runtime(), listing_id, form.read_policy(), current_user.email)
    except ListingNotFound:
        abort(404)
    flash("Bookings from now on have these terms. Those made before keep theirs.")
    return redirect(url_for("admin.policies"), 303)


@blueprint.get("/policies/new")
def new_policy() -> ResponseReturnValue:
    """A policy still to be filled in, with what is usual."""
    return _page(PolicyForm.fresh())


@blueprint.post("/policies/new")
def add_policy() -> ResponseReturnValue:
    """Try a new policy on an example, or make it."""
    form = PolicyForm()
    terms = _read(form)
    if terms is None or "preview" in request.form:
        return _page(form, terms=terms), 422 if terms is None else 200
    try:
        service.add_policy(current_runtime(), form.property_id.data, form.name.data, terms, current_user.email)
    except PolicyRefused as error:
        form.refuse(error, "name")
        return _page(form, terms=terms), 422
    flash("The policy is made. Choose it for the listings that shall have it.")
    return redirect(url_for("admin.policies"), 303)


@blueprint.get("/policies/<int:policy_id>")
def policy(policy_id: int) -> ResponseReturnValue:
    """One policy, with its days and sums for an example."""
    name, terms = _find(policy_id)
    return _page(PolicyForm.of(name, terms), policy_id, terms)


@blueprint.post("/policies/<int:policy_id>")
def change_policy(policy_id: int) -> ResponseReturnValue:
    """Try changes on an example, or write them, for bookings from now on."""
    _find(policy_id)
    form = PolicyForm()
    terms = _read(form)
    if terms is None or "preview" in request.form:
        return _page(form, policy_id, terms), 422 if terms is None else 200
    try:
        service.change_policy(current_runtime(), policy_id, form.name.data, terms, current_user.email)
    except PolicyRefused as error:
        form.refuse(error, "name")
        return _page(form, policy_id, terms), 422
    flash("The policy is changed for bookings from now on. Those made before keep their terms.")
    return redirect(url_for("admin.policies"), 303)


@blueprint.post("/policies/<int:policy_id>/remove")
def remove_policy(policy_id: int) -> ResponseReturnValue:
    """Remove a policy that no listing has."""
    try:
        service.remove_policy(current_runtime(), policy_id, current_user.email)
        flash("The policy is removed. Bookings that were made with it keep its terms.")
    except PolicyRefused as error:
        flash(error.user_message, "trouble")
    return redirect(url_for("admin.policies"), 303)


def _read(form: PolicyForm) -> CancellationTerms | None:
    """What was typed, as terms; the choices are filled first, so that they can be shown again."""
    houses = list_houses(reader())
    _offer(form, houses)
    return form.read_terms()


def _page(form: PolicyForm, policy_id: int | None = None, terms: CancellationTerms | None = None) -> str:
    houses = list_houses(reader())
    _offer(form, houses)
    example = _example(form, houses, terms) if terms else None
    words = terms_in_words(terms) if terms else ()
    parts = {"policy_id": policy_id, "words": words, "example": example, "houses": houses}
    return render_template("admin/policy.html", form=form, **parts)


def _offer(form: PolicyForm, houses: list[House]) -> None:
    places = [(house.place.id, house.place.name) for house in houses]
    listings = [(listing.id, listing.name) for house in houses for listing in house.listings]
    form.offer(places, listings, houses[0].place.today(now()) if houses else now().date())


def _example(form: PolicyForm, houses: list[House], terms: CancellationTerms) -> Example | None:
    listings = [listing for house in houses for listing in house.listings]
    chosen = next((one for one in listings if one.id == form.listing_id.data), next(iter(listings), None))
    stay = form.read_stay()
    return try_terms(chosen, terms, stay, 2, now()) if chosen and stay else None


def _find(policy_id: int) -> tuple[str, CancellationTerms]:
    try:
        found = get_policy(reader(), policy_id)
    except ListingNotFound:
        abort(404)
    return found.name, found.terms
