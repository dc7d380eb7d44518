"""What guests change of their own booking: their details, and the end of it. Staff corrects the address."""

import hashlib
import logging
from dataclasses import dataclass

from booking.database import end_read, transaction
from booking.domain.arrival import arrival_times
from booking.domain.cancelling import CancelDoor, Cancelling
from booking.domain.errors import BookingNotFound, RefundRefused, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.domain.words import say
from booking.extensions import db
from booking.models import Booking
from booking.queries.guest import may_change, read_cancelling
from booking.runtime import Runtime
from booking.services import access, audit, checkout, notifications, reservations, timeline
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Details:
    """What a guest may change. `arrival_time` is one of the house's half hours, or empty."""

    name: str
    phone: str
    arrival_time: str
    message: str


class RefundChanged(RefundRefused):
    """Less comes back than the page said; `details["cancelling"]` is what holds now."""

    code = "refund_changed"
    default_message = say("What comes back has changed since this page was made. Nothing was cancelled.")


def change_details(runtime: Runtime, booking_id: int, details: Details) -> tuple[str, ...]:
    """Write what a guest has changed of their details, with one step on the timeline. Commits; names what changed.

    Sent twice it changes nothing the second time. The step names the fields and never what was typed into them.

    Raises:
        BookingNotFound, TransitionRefused: the stay is cancelled or over, or the time is not one of the house's.
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if not may_change(booking, now) or not _is_time(booking, details.arrival_time):
            raise TransitionRefused
        changed = _write(booking, details)
        if changed:
            timeline.record(session, booking, "details_changed", Cause(Source.WEB), now, note=", ".join(changed))
        return changed


def change_email(runtime: Runtime, booking_id: int, email: str, staff_email: str) -> None:
    """Staff corrects a guest's address: old links die with it, and the confirmation goes to the new one. Commits.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: the guest was erased.
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.erased_at is not None:
            raise TransitionRefused
        if booking.guest_email == email:
            return
        booking.guest_email = email
        access.revoke_links(session, booking_id, now)
        timeline.record(session, booking, "address_changed", Cause(Source.STAFF, staff_email), now)
        audit.record(session, staff_email, "booking.address_changed", f"booking {booking.reference}", now)
        if booking.status is BookingStatus.CONFIRMED:
            notifications.tell_guest(session, booking, GuestMail.CONFIRMED, now, fact_id=f"to-{now:%Y%m%d%H%M%S}")
    runtime.wake_worker()


def cancel_as_guest(runtime: Runtime, booking_id: int, shown: Money, form_token: str) -> None:
    """Cancel for the guest, with what the terms give back at this moment, or let unpaid nights go. Commits.

    Never gives less than `shown`, which is what the guest agreed to: the day may have changed since. The same form
    sent twice cancels once, and a booking that is cancelled already stays as it is.

    Raises:
        BookingNotFound: no such booking.
        RefundChanged: nothing was cancelled; the guest must look again.
        TransitionRefused: not by the guest alone, or no longer.
        GatewayUnavailable: it could still be paid and Stripe does not answer.
    """
    found = _look(runtime, booking_id)
    if found is None:
        return
    if found.door is CancelDoor.LET_GO:
        checkout.abandon_checkout(runtime, booking_id, Cause(Source.WEB))
        return
    if found.door is not CancelDoor.OPEN:
        raise TransitionRefused
    if found.back.currency != shown.currency or found.back.minor < shown.minor:
        _ask_again(runtime, booking_id)
    else:
        _cancel(runtime, booking_id, found, form_token)


# --- changing -------------------------------------------------------------------------------------------------------


def _is_time(booking: Booking, arrival_time: str) -> bool:
    # What was said before stays right, even where the house has changed its hours since.
    allowed = arrival_times(booking.listing.property.check_in_from)
    return arrival_time in ("", booking.arrival_time, *allowed)


def _write(booking: Booking, details: Details) -> tuple[str, ...]:
    wanted = {
        "name": ("guest_name", details.name),
        "telephone": ("guest_phone", details.phone),
        "arrival time": ("arrival_time", details.arrival_time),
        "message": ("message", details.message),
    }
    changed = tuple(word for word, (column, value) in wanted.items() if getattr(booking, column) != value)
    for column, value in wanted.values():
        setattr(booking, column, value)
    return changed


# --- cancelling -----------------------------------------------------------------------------------------------------


def _look(runtime: Runtime, booking_id: int) -> Cancelling | None:
    """What cancelling means now; None where the booking is cancelled already."""
    session = db.session()
    booking = session.get(Booking, booking_id, populate_existing=True)
    if booking is None:
        raise BookingNotFound
    is_cancelled = booking.status is BookingStatus.CANCELLED
    found = read_cancelling(session, booking, runtime.clock.now())
    end_read()
    return None if is_cancelled else found


def _cancel(runtime: Runtime, booking_id: int, found: Cancelling, form_token: str) -> None:
    """The ledger is looked at again under the booking's lock: more than is left is refused there."""
    refund = found.back if found.back.minor else None
    # Of the booking too, so that no token somebody sends can meet another booking's.
    token = hashlib.sha256(f"{booking_id}:{form_token}".encode()).hexdigest()[:32]
    try:
        reservations.cancel_booking(runtime, booking_id, CancelReason.GUEST, Cause(Source.WEB), refund, token)
    except TransitionRefused:
        if _look(runtime, booking_id) is not None:
            raise
        # Cancelled by somebody else, or by the other half of a double click: that is what was wanted.
    except RefundRefused:
        _ask_again(runtime, booking_id)


def _ask_again(runtime: Runtime, booking_id: int) -> None:
    """Less is left than was agreed to, unless that is because the other half of a double click was first."""
    found = _look(runtime, booking_id)
    if found is not None:
        raise RefundChanged(cancelling=found)
