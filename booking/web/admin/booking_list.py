"""The list of bookings, on a page and as a file."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from booking.queries.booking_list import BookingOrder, list_bookings, list_listing_choices
from booking.queries.booking_sheet import BOOKING_HEAD, read_booking_sheet
from booking.web.admin.blueprint import blueprint, now, reader
from booking.web.admin.search import ORDER_WORDS, SearchForm, as_query
from booking.web.admin.sheets import send_sheet


@blueprint.get("/bookings")
def bookings() -> ResponseReturnValue:
    """The bookings that match; words and filters that mean nothing are no error."""
    form = SearchForm.of(request.args, list_listing_choices(reader()))
    search = form.read_search()
    page = list_bookings(reader(), search, request.args.get("page", 1, type=int))
    shown = {"page": page, "form": form, "query": as_query(search), "order": ORDER_WORDS[search.order]}
    return render_template("admin/bookings.html", **shown, is_by_age=search.order is BookingOrder.NEWEST)


@blueprint.get("/bookings.csv")
def bookings_sheet() -> ResponseReturnValue:
    """The same bookings, all pages of them, as a file."""
    search = SearchForm.of(request.args, list_listing_choices(reader())).read_search()
    return send_sheet(f"bookings-{now():%Y-%m-%d}", BOOKING_HEAD, lambda session: read_booking_sheet(session, search))
