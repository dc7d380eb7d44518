"""The blueprint of a guest's own booking, and the one answer to whoever may not see it. The pages register themselves.

A browser sees a booking that it made, or that it came to by a link from a mail, for as long as that link is not taken
back. Staff see every booking, and change them on their own pages.
"""

from datetime import timedelta
from typing import NoReturn

from flask import Blueprint, abort, flash, make_response, render_template, session
from flask_login import current_user

from booking.extensions import db
from booking.queries.guest import GuestBooking, find_guest_booking
from booking.services.access import Opened, is_revoked, normal_reference
from booking.services.limits import check_limit
from booking.web.guest import known_references, may_see, remember_booking
from booking.web.language import current_language
from booking.web.security import client_address
from booking.wiring import current_runtime

blueprint = Blueprint("manage", __name__)

CHANGES_PER_HOUR = 30
CHANGES_FROM_PER_HOUR = 120
GUEST_WORDS = "guest"  # the category of what guests are told after a change
_LINKS = "links"


def let_in(opened: Opened) -> None:
    """Let this browser see what a link has opened. One that made the booking itself needs no link to stay."""
    links = {known: link for known, link in _links().items() if known in known_references()}
    if opened.reference in links or opened.reference not in known_references():
        links[opened.reference] = opened.link_id
    remember_booking(opened.reference)
    session[_LINKS] = links


def get_visible(reference: str) -> GuestBooking:
    """The booking, for a browser that may see it; else the request ends with the page that gives nothing away."""
    reference = normal_reference(reference)
    if not may_see(reference) or _is_let_out(reference):
        nothing_here()
    return _get_booking(reference)


def get_own(reference: str) -> GuestBooking:
    """The booking, for its guest's browser alone: staff have pages of their own to change it."""
    if not is_own(reference):
        nothing_here()
    return get_visible(reference)


def is_own(reference: str) -> bool:
    """Whether this browser is the guest's own."""
    return normal_reference(reference) in known_references()


def own_references() -> list[str]:
    """The bookings that this browser may open and change, newest last: none whose link was taken back since."""
    return [reference for reference in known_references() if not _is_let_out(reference)]


def nothing_here() -> NoReturn:
    """End the request: there is no such booking, or this browser may not see it. Nobody can tell which."""
    abort(make_response(render_template("manage/not_here.html"), 404))


def count_try(booking: GuestBooking) -> None:
    """Count one change of a booking. Raises TooManyTries."""
    runtime, hour = current_runtime(), timedelta(hours=1)
    check_limit(runtime, "guest-change-from", client_address(), CHANGES_FROM_PER_HOUR, hour)
    check_limit(runtime, "guest-change", booking.reference, CHANGES_PER_HOUR, hour)


def tell(words: str) -> None:
    """Keep a sentence for the next page, which says it politely."""
    flash(words, GUEST_WORDS)


def _get_booking(reference: str) -> GuestBooking:
    now = current_runtime().clock.now()
    found = find_guest_booking(db.session(), reference, now, current_language().code)
    if found is None:
        nothing_here()
    return found


def _links() -> dict[str, int]:
    """By which link this browser came to a booking that it did not make."""
    return dict(session.get(_LINKS, {}))


def _is_let_out(reference: str) -> bool:
    link_id = _links().get(reference)
    return link_id is not None and not current_user.is_authenticated and is_revoked(link_id)
