"""What a guest looks at, keeps and prints: the booking, its calendar file, the voucher, the receipt."""

from urllib.parse import urlsplit

from flask import make_response, render_template
from flask.typing import ResponseReturnValue

from booking.domain.states import BookingStatus
from booking.gateways.calendar_file import BookedStay, calendar_file, stay_entry
from booking.queries.guest import GuestBooking, GuestState
from booking.web.language import current_language
from booking.web.manage.blueprint import blueprint, get_visible, is_own, nothing_here
from booking.web.manage.forms import PlainForm
from booking.wiring import current_runtime

_IN_CALENDAR = (BookingStatus.CONFIRMED, BookingStatus.CANCELLED)


@blueprint.get("/b/<reference>")
def booking(reference: str) -> ResponseReturnValue:
    """One booking with everything its guest needs, to the browser that may see it."""
    found = get_visible(reference)
    return render_template("manage/booking.html", booking=found, is_own=is_own(reference), plain=PlainForm())


@blueprint.get("/b/<reference>/voucher")
def voucher(reference: str) -> ResponseReturnValue:
    """One sheet of paper to travel with. Only a stay that is to come, or was, has one."""
    found = get_visible(reference)
    if found.state not in (GuestState.CONFIRMED, GuestState.STAYED):
        nothing_here()
    return render_template("manage/voucher.html", booking=found, base_url=current_runtime().settings.base_url)


@blueprint.get("/b/<reference>/receipt")
def receipt(reference: str) -> ResponseReturnValue:
    """What was paid and what went back, by the ledger. Where no money came there is none."""
    found = get_visible(reference)
    if not found.payments:
        nothing_here()
    return render_template("manage/receipt.html", booking=found)


@blueprint.get("/b/<reference>/calendar.ics")
def calendar(reference: str) -> ResponseReturnValue:
    """The stay for the guest's calendar. Only one that was ever confirmed has a place there."""
    found = get_visible(reference)
    if found.status not in _IN_CALENDAR:
        nothing_here()
    response = make_response(calendar_file(stay_entry(_booked(found), current_language())))
    response.headers["Content-Type"] = "text/calendar; charset=utf-8; method=PUBLISH"
    response.headers["Content-Disposition"] = f'attachment; filename="stay-{found.reference}.ics"'
    return response


def _booked(found: GuestBooking) -> BookedStay:
    place = found.place
    return BookedStay(
        reference=found.reference,
        host=urlsplit(current_runtime().settings.base_url).hostname or "",
        listing_name=found.listing_name,
        property_name=place.name,
        address=place.address,
        contact_email=place.contact_email,
        contact_phone=place.contact_phone,
        check_in_from=place.check_in_from,
        check_out_by=place.check_out_by,
        stay=found.stay,
        is_cancelled=found.status is BookingStatus.CANCELLED,
        sequence=found.sequence,
        stamped_at=found.changed_at,
    )
