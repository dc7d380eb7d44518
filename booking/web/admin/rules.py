"""Stay rules: of each listing what holds all year, ranges of days, and the question whether a guest may book."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.domain.stay_rules import RuleRange
from booking.queries.rules import RuledListing, get_range, get_ruled_listing, list_ruled_listings, may_guest_book
from booking.services import stay_rules
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.rule_forms import MayBookForm, RangeForm, RulesForm
from booking.wiring import current_runtime


@blueprint.get("/rules")
def rules() -> ResponseReturnValue:
    """Every listing with its rules in words."""
    return render_template("admin/rules.html", listings=list_ruled_listings(reader(), now()))


@blueprint.get("/rules/<int:listing_id>")
def listing_rules(listing_id: int) -> ResponseReturnValue:
    """The rules of one listing, and what a guest would be told of some nights."""
    return _page(_ruled(listing_id))


@blueprint.post("/rules/<int:listing_id>")
def change_rules(listing_id: int) -> ResponseReturnValue:
    """Change what holds all year."""
    found, form = _ruled(listing_id), RulesForm()
    wanted = form.read_rules()
    if wanted is None:
        return _page(found, form), 422
    try:
        stay_rules.change_rules(current_runtime(), listing_id, wanted, current_user.email)
    except StayRuleBroken as error:
        form.refuse(error, "max_nights")
        return _page(_ruled(listing_id), form), 422
    flash("The rules are changed. Bookings made before stay as they are.")
    return redirect(url_for("admin.listing_rules", listing_id=listing_id), 303)


@blueprint.get("/rules/<int:listing_id>/ranges/new")
def new_range(listing_id: int) -> ResponseReturnValue:
    """Days with rules of their own, still to be filled in."""
    return _range_page(_ruled(listing_id), RangeForm(formdata=None))


@blueprint.post("/rules/<int:listing_id>/ranges")
def add_range(listing_id: int) -> ResponseReturnValue:
    """Give some days rules of their own."""
    found, form = _ruled(listing_id), RangeForm()
    wanted = form.read_range()
    if wanted is None:
        return _range_page(found, form), 422
    try:
        stay_rules.add_range(current_runtime(), listing_id, wanted, current_user.email)
    except StayRuleBroken as error:
        form.refuse(error, "last_on")
        return _range_page(_ruled(listing_id), form), 422
    flash("These days have rules of their own now.")
    return redirect(url_for("admin.listing_rules", listing_id=listing_id), 303)


@blueprint.get("/rules/<int:listing_id>/ranges/<int:range_id>")
def stay_range(listing_id: int, range_id: int) -> ResponseReturnValue:
    """One range of days, to be changed."""
    return _range_page(_ruled(listing_id), RangeForm.of(_own_range(listing_id, range_id)), range_id)


@blueprint.post("/rules/<int:listing_id>/ranges/<int:range_id>")
def change_range(listing_id: int, range_id: int) -> ResponseReturnValue:
    """Change the rules of a range."""
    found, form = _ruled(listing_id), RangeForm()
    _own_range(listing_id, range_id)
    wanted = form.read_range()
    if wanted is None:
        return _range_page(found, form, range_id), 422
    try:
        stay_rules.change_range(current_runtime(), range_id, wanted, current_user.email)
    except StayRuleBroken as error:
        form.refuse(error, "last_on")
        return _range_page(_ruled(listing_id), form, range_id), 422
    flash("The rules of these days are changed.")
    return redirect(url_for("admin.listing_rules", listing_id=listing_id), 303)


@blueprint.post("/rules/<int:listing_id>/ranges/<int:range_id>/remove")
def remove_range(listing_id: int, range_id: int) -> ResponseReturnValue:
    """Let the rules of the whole year hold on these days again."""
    stay_rules.remove_range(current_runtime(), range_id, current_user.email)
    flash("These days have the rules of the whole year again.")
    return redirect(url_for("admin.listing_rules", listing_id=listing_id), 303)


def _page(found: RuledListing, form: RulesForm | None = None) -> str:
    ask = MayBookForm(request.args if request.args.get("arrive") else None, guests=2)
    stay = ask.read_stay() if request.args.get("arrive") else None
    answer = may_guest_book(reader(), found.listing, stay, ask.guests.data, now()) if stay else None
    parts = {"form": form or RulesForm.of(found.listing.rules), "ask": ask, "answer": answer}
    return render_template("admin/listing_rules.html", found=found, listing=found.listing, **parts)


def _range_page(found: RuledListing, form: RangeForm, range_id: int | None = None) -> str:
    return render_template("admin/stay_range.html", listing=found.listing, form=form, range_id=range_id)


def _ruled(listing_id: int) -> RuledListing:
    try:
        return get_ruled_listing(reader(), listing_id, now())
    except ListingNotFound:
        abort(404)


def _own_range(listing_id: int, range_id: int) -> RuleRange:
    try:
        row = get_range(reader(), range_id)
    except ListingNotFound:
        abort(404)
    return row.term if row.listing_id == listing_id else abort(404)
