"""The list of bookings, on a page and as a file, and the filters that somebody keeps for it."""

from dataclasses import replace
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from booking.queries.booking_list import BookingOrder, list_bookings, list_listing_choices
from booking.queries.booking_sheet import BOOKING_HEAD, read_booking_sheet
from booking.queries.saved_filters import list_saved_filters
from booking.services import saved_filters
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.search import ORDER_WORDS, KeepForm, SearchForm, as_query
from booking.web.admin.sheets import send_sheet
from booking.wiring import current_runtime


@blueprint.get("/bookings")
def bookings() -> ResponseReturnValue:
    """The bookings that match; words and filters that mean nothing are no error."""
    return _page(request.args, KeepForm(formdata=None))


@blueprint.get("/bookings.csv")
def bookings_sheet() -> ResponseReturnValue:
    """The same bookings, all pages of them, as a file."""
    search = _form(request.args).read_search()
    return send_sheet(f"bookings-{now():%Y-%m-%d}", BOOKING_HEAD, lambda session: read_booking_sheet(session, search))


@blueprint.post("/bookings/filters")
def keep_filter() -> ResponseReturnValue:
    """Keep what the list is narrowed to, for oneself; whom somebody looked for is not kept."""
    keep, query = KeepForm(), as_query(replace(_form(request.form).read_search(), text=""))
    if not query:
        abort(400)  # the form is shown where there is something to keep
    if not keep.validate_on_submit():
        return _page(request.form, keep), 422
    who = (current_user.id, current_user.email)
    if not saved_filters.keep_filter(current_runtime(), *who, keep.name.data, query):
        keep.refuse(f"You keep {saved_filters.MOST_KEPT} filters, which is as many as there can be. Forget one first.")
        return _page(request.form, keep), 422
    flash("The filter is kept. It stands above the list, for you alone.")
    parts: dict[str, Any] = {**query}
    return redirect(url_for("admin.bookings", **parts), 303)


@blueprint.post("/bookings/filters/<int:filter_id>/forget")
def forget_filter(filter_id: int) -> ResponseReturnValue:
    """Forget one of one's own."""
    if not saved_filters.forget_filter(current_runtime(), current_user.id, current_user.email, filter_id):
        abort(404)
    flash("The filter is forgotten. No booking was changed.")
    return redirect(url_for("admin.bookings"), 303)


def _form(asked: MultiDict[str, str]) -> SearchForm:
    return SearchForm.of(asked, list_listing_choices(reader()))


def _page(asked: MultiDict[str, str], keep: KeepForm) -> str:
    form, mine = _form(asked), list_saved_filters(reader(), current_user.id)
    search = form.read_search()
    page = list_bookings(reader(), search, asked.get("page", 1, type=int))
    worth_keeping = as_query(replace(search, text=""))
    shown = {"page": page, "form": form, "query": as_query(search), "order": ORDER_WORDS[search.order]}
    shown |= {"keep": keep, "mine": mine, "worth_keeping": worth_keeping}
    return render_template("admin/bookings.html", **shown, is_by_age=search.order is BookingOrder.NEWEST)
