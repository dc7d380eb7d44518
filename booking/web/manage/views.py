"""A guest's own booking, and the links that lead to it. Who may not see a booking is told that there is none."""

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from booking.domain.states import BookingStatus
from booking.extensions import db
from booking.gateways.calendar_file import StayFacts, calendar_file
from booking.queries.guest import GuestBooking, find_guest_booking
from booking.services.access import normal_reference, open_link, peek_link, request_link
from booking.services.limits import check_limit
from booking.web.guest import may_see, remember_booking
from booking.web.manage.forms import LookupForm
from booking.web.security import client_address
from booking.wiring import current_runtime

blueprint = Blueprint("manage", __name__)

LOOKUPS_PER_HOUR = 20
_IN_CALENDAR = (BookingStatus.CONFIRMED, BookingStatus.CANCELLED)


@blueprint.get("/b/<reference>")
def booking(reference: str) -> ResponseReturnValue:
    """One booking with everything its guest needs, to the browser that may see it."""
    found = _find_visible(reference)
    if found is None:
        return _nothing_here("manage/not_here.html")
    return render_template("manage/booking.html", booking=found)


@blueprint.get("/b/<reference>/calendar.ics")
def calendar(reference: str) -> ResponseReturnValue:
    """The stay for the guest's calendar. Only one that was ever confirmed has a place there."""
    found = _find_visible(reference)
    if found is None or found.status not in _IN_CALENDAR:
        return _nothing_here("manage/not_here.html")
    response = make_response(calendar_file(_facts(found)))
    response.headers["Content-Type"] = "text/calendar; charset=utf-8; method=PUBLISH"
    response.headers["Content-Disposition"] = f'attachment; filename="stay-{found.reference}.ics"'
    return response


@blueprint.get("/manage")
def lookup() -> ResponseReturnValue:
    """Ask for a link to a booking made in another browser."""
    return render_template("manage/lookup.html", form=LookupForm(formdata=None), is_sent="sent" in request.args)


@blueprint.post("/manage")
def ask_link() -> ResponseReturnValue:
    """The same answer whether or not there is such a booking."""
    form = LookupForm()
    if not form.validate():
        return make_response(render_template("manage/lookup.html", form=form, is_sent=False), 422)
    runtime = current_runtime()
    check_limit(runtime, "lookup-from", client_address(), LOOKUPS_PER_HOUR, timedelta(hours=1))
    request_link(runtime, form.reference.data or "", form.email.data or "")
    return redirect(url_for("manage.lookup", sent=1), 303)


@blueprint.get("/m/<token>")
def link(token: str) -> ResponseReturnValue:
    """A page with one button: programs that follow links in mails do not press it, so they use nothing up."""
    if not peek_link(token, current_runtime().clock.now()):
        return _nothing_here("manage/dead_link.html")
    return render_template("manage/link.html", token=token)


@blueprint.post("/m/<token>")
def follow_link(token: str) -> ResponseReturnValue:
    """Let this browser see the booking that the link belongs to."""
    reference = open_link(current_runtime(), token)
    if reference is None:
        return _nothing_here("manage/dead_link.html")
    remember_booking(reference)
    return redirect(url_for("manage.booking", reference=reference), 303)


def _find_visible(reference: str) -> GuestBooking | None:
    reference = normal_reference(reference)
    if not may_see(reference):
        return None
    return find_guest_booking(db.session(), reference, current_runtime().clock.now())


def _nothing_here(template: str) -> ResponseReturnValue:
    return make_response(render_template(template), 404)


def _facts(found: GuestBooking) -> StayFacts:
    place, host = found.place, urlsplit(current_runtime().settings.base_url).hostname
    return StayFacts(
        uid=f"{found.reference}@{host}",
        summary=f"{found.listing_name}, {place.name}",
        arrive=found.stay.arrive,
        leave=found.stay.leave,
        location=place.address,
        description=f"Check-in from {place.check_in_from}, check-out by {place.check_out_by}. "
        f"Reference {found.reference}. {place.contact_email} {place.contact_phone}".strip(),
        is_cancelled=found.status is BookingStatus.CANCELLED,
        sequence=found.sequence,
        stamped_at=found.changed_at,
    )
