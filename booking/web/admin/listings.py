"""Listings and their units: made, described, put in order, taken off sale or out of use."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import HouseRefused
from booking.queries.house import count_to_come, find_listing, find_unit, list_shelf_rows
from booking.queries.search import find_property
from booking.services import catalogue
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.house_forms import ListingForm, NewListingForm, UnitForm
from booking.web.admin.requests import TakesRequestsForm
from booking.wiring import current_runtime

_UP, _DOWN = -1, 1


@blueprint.get("/listings")
def listings() -> ResponseReturnValue:
    """All of them, in the order in which guests see them."""
    return render_template("admin/listings.html", rows=list_shelf_rows(reader(), now()), place=find_property(reader()))


@blueprint.get("/listings/new")
def ask_listing() -> ResponseReturnValue:
    """The few things that a listing must have."""
    return _new_page(NewListingForm(formdata=None, max_guests=2, units=1))


@blueprint.post("/listings/new")
def make_listing() -> ResponseReturnValue:
    """Make it, on sale at once."""
    form = NewListingForm()
    listing_id = take_listing(form)
    if listing_id is None:
        return _new_page(form), 422
    flash("The listing is made and on sale. Tell guests more about it here, and add photos.")
    return redirect(url_for("admin.listing", listing_id=listing_id), 303)


@blueprint.get("/listings/<int:listing_id>")
def listing(listing_id: int) -> ResponseReturnValue:
    """One listing: what it says of itself, its units, and where its photos are."""
    row = get_listing_or_404(listing_id)
    return _page(row, ListingForm.of(row))


@blueprint.post("/listings/<int:listing_id>")
def change_listing(listing_id: int) -> ResponseReturnValue:
    """Describe it anew."""
    row, form = get_listing_or_404(listing_id), ListingForm()
    facts = form.read_facts()
    if facts is None:
        return _page(row, form), 422
    try:
        catalogue.change_listing(current_runtime(), listing_id, facts, current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return _page(get_listing_or_404(listing_id), form), 422
    flash("Kept. Guests see it at once.")
    return redirect(url_for("admin.listing", listing_id=listing_id), 303)


@blueprint.post("/listings/<int:listing_id>/move")
def move_listing(listing_id: int) -> ResponseReturnValue:
    """One place up or down."""
    get_listing_or_404(listing_id)
    catalogue.move_listing(current_runtime(), listing_id, _read_direction(), current_user.email)
    return redirect(url_for("admin.listings", _anchor=f"listing-{listing_id}"), 303)


@blueprint.get("/listings/<int:listing_id>/off-sale")
def ask_off_sale(listing_id: int) -> ResponseReturnValue:
    """What taking it off sale does."""
    row = get_listing_or_404(listing_id)
    return render_template("admin/off_sale.html", listing=row, to_come=count_to_come(reader(), listing_id, now()))


@blueprint.post("/listings/<int:listing_id>/off-sale")
def take_off_sale(listing_id: int) -> ResponseReturnValue:
    """Guests find it no longer; bookings stay."""
    return _put_on_sale(listing_id, False, "The listing is off sale. Its bookings stay as they are.")


@blueprint.post("/listings/<int:listing_id>/on-sale")
def put_on_sale(listing_id: int) -> ResponseReturnValue:
    """Guests find it again."""
    return _put_on_sale(listing_id, True, "The listing is on sale.")


# --- units ----------------------------------------------------------------------------------------------------------


@blueprint.post("/listings/<int:listing_id>/units")
def add_unit(listing_id: int) -> ResponseReturnValue:
    """One more of it."""
    row, form = get_listing_or_404(listing_id), UnitForm()
    try:
        catalogue.add_unit(current_runtime(), listing_id, form.name.data or "", current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return _page(row, ListingForm.of(row), unit=form), 422
    return _back_to_units(listing_id, "The unit is there and can be booked.")


@blueprint.get("/units/<int:unit_id>")
def unit(unit_id: int) -> ResponseReturnValue:
    """One unit: its name, and whether it is in use."""
    row = _get_unit(unit_id)
    return _unit_page(row, UnitForm(formdata=None, name=row.name))


@blueprint.post("/units/<int:unit_id>")
def rename_unit(unit_id: int) -> ResponseReturnValue:
    """Call it something else."""
    row, form = _get_unit(unit_id), UnitForm()
    try:
        catalogue.rename_unit(current_runtime(), unit_id, form.name.data or "", current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return _unit_page(_get_unit(unit_id), form), 422
    return _back_to_units(row.listing_id, "The unit has its new name.")


@blueprint.post("/units/<int:unit_id>/move")
def move_unit(unit_id: int) -> ResponseReturnValue:
    """One place up or down in the order in which units are given out."""
    row = _get_unit(unit_id)
    catalogue.move_unit(current_runtime(), unit_id, _read_direction(), current_user.email)
    return redirect(url_for("admin.listing", listing_id=row.listing_id, _anchor="units"), 303)


@blueprint.post("/units/<int:unit_id>/use")
def use_unit(unit_id: int) -> ResponseReturnValue:
    """Put it back in use."""
    row = _get_unit(unit_id)
    catalogue.use_unit(current_runtime(), unit_id, current_user.email, is_used=True)
    return _back_to_units(row.listing_id, "The unit is in use again.")


@blueprint.post("/units/<int:unit_id>/rest")
def rest_unit(unit_id: int) -> ResponseReturnValue:
    """Take it out of use, unless somebody has nights in it."""
    row = _get_unit(unit_id)
    try:
        catalogue.use_unit(current_runtime(), unit_id, current_user.email, is_used=False)
    except HouseRefused as refusal:
        return _unit_page(_get_unit(unit_id), UnitForm(formdata=None, name=row.name), refusal), 409
    return _back_to_units(row.listing_id, "The unit is out of use. Nobody can book it.")


def take_listing(form: NewListingForm) -> int | None:
    """Make the listing that the form describes; its id, or None with words on the fields where it cannot be."""
    place = find_property(reader())
    new = form.read_new(place.currency if place else "eur")
    if new is None:
        return None
    try:
        return catalogue.make_listing(current_runtime(), new, current_user.email)
    except HouseRefused as refusal:
        form.refuse(refusal)
        return None


def get_listing_or_404(listing_id: int) -> Any:
    """The listing's row, on sale or not."""
    return find_listing(reader(), listing_id) or abort(404)


def _get_unit(unit_id: int) -> Any:
    return find_unit(reader(), unit_id) or abort(404)


def _read_direction() -> int:
    directions = {"up": _UP, "down": _DOWN}
    return directions.get(request.form.get("to", "")) or abort(400)


def _put_on_sale(listing_id: int, is_on_sale: bool, words: str) -> ResponseReturnValue:
    get_listing_or_404(listing_id)
    catalogue.put_on_sale(current_runtime(), listing_id, current_user.email, is_on_sale=is_on_sale)
    flash(words)
    return redirect(url_for("admin.listing", listing_id=listing_id), 303)


def _back_to_units(listing_id: int, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("admin.listing", listing_id=listing_id, _anchor="units"), 303)


def _new_page(form: NewListingForm) -> str:
    return render_template("admin/listing_new.html", form=form, place=find_property(reader()))


def _page(row: Any, form: ListingForm, unit: UnitForm | None = None) -> str:
    return render_template(
        "admin/listing.html", listing=row, form=form, unit=unit or UnitForm(formdata=None), asking=_asking(row)
    )


def _asking(row: Any) -> TakesRequestsForm:
    return TakesRequestsForm(formdata=None, takes_requests=row.takes_requests, answer_hours=row.answer_hours)


def _unit_page(row: Any, form: UnitForm, refusal: HouseRefused | None = None) -> str:
    return render_template("admin/unit.html", unit=row, form=form, refusal=refusal)
