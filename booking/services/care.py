"""What staff does for a booking without moving it: notes, the guest's own link, more time to pay."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import TransitionRefused
from booking.domain.states import AttemptStatus, BookingStatus, Source
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.language import localised
from booking.models import Booking, BookingEvent
from booking.models.instance import LinkPurpose
from booking.runtime import Runtime
from booking.services import access, attempts, audit, checkout, notifications, timeline
from booking.services.checkout import HandoffOutcome
from booking.services.instance import get_identity
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

NOTE = "note"
LONGEST_NOTE = 500
# What staff may choose from. The longest is what Stripe allows, less what clocks may differ:
# https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
LONGEST_MINUTES = 1435
MORE_MINUTES = (60, 180, 720, LONGEST_MINUTES)
_DOUBLE_CLICK = timedelta(minutes=1)


def add_note(runtime: Runtime, booking_id: int, text: str, staff_email: str) -> None:
    """Keep what staff wants remembered of a booking, in its timeline; no guest's page shows it. Commits.

    The same words of the same person within a minute are a double click.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: the guest was erased, and nothing of them may be written down anew.
    """
    now, note = runtime.clock.now(), text.strip()[:LONGEST_NOTE]
    with transaction() as session:
        booking = _get_kept(session, booking_id)
        if not _was_just_noted(session, booking_id, note, staff_email, now):
            timeline.record(session, booking, NOTE, Cause(Source.STAFF, staff_email), now, note=note)
            audit.record(session, staff_email, "booking.noted", f"booking {booking.reference}", now)


def make_guest_link(runtime: Runtime, booking_id: int, staff_email: str) -> str:
    """A fresh secret link to the guest's own page, for staff to hand over. Commits.

    Only its hash is kept, so it can be read once, here. It lasts as the links in mails do, and dies with them when the
    address is corrected.

    Raises:
        BookingNotFound: no such booking. TransitionRefused: the guest was erased.
    """
    now = runtime.clock.now()
    with transaction() as session:
        booking = _get_kept(session, booking_id)
        token = access.mint_link(session, booking, LinkPurpose.BOOKING, now)
        timeline.record(session, booking, "link_made", Cause(Source.STAFF, staff_email), now)
        audit.record(session, staff_email, "booking.link_made", f"booking {booking.reference}", now)
        return runtime.settings.base_url + localised(f"/m/{token}", booking.language)


def give_more_time(runtime: Runtime, booking_id: int, minutes: int, staff_email: str) -> HandoffOutcome:
    """Let a guest pay for so many minutes from now, and mail them where. Commits before and after each call.

    A session of Stripe's cannot be prolonged: the old one is given up and ended there before the new one can be paid.
    If it turns out to be paid, the booking is confirmed instead.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: nobody is waiting for a payment, or one is on its way already.
        DatesUnavailable: the hold was over and somebody else has the nights.
        GatewayUnavailable, GatewayRefused: the nights are held for the new time; the new page is not open yet.
    """
    identity, now, cause = get_identity(runtime), runtime.clock.now(), Cause(Source.STAFF, staff_email)
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        live = attempts.find_live(session, booking_id)
        is_coming = live is not None and live.status is AttemptStatus.PROCESSING
        if booking.status is not BookingStatus.PENDING or booking.needs_review or is_coming:
            raise TransitionRefused
        attempt = checkout.renew(session, runtime, booking, live, now, identity, cause, minutes=minutes)
        notifications.tell_guest(session, booking, GuestMail.PAYMENT_LINK, now, fact_id=attempt.number)
        subject, given = f"booking {booking.reference}", {"minutes": minutes}
        audit.record(session, staff_email, "booking.given_more_time", subject, now, after=given)
    runtime.wake_worker()
    return checkout.start_checkout(runtime, booking_id).outcome


def open_at_stripe(runtime: Runtime, booking_id: int) -> bool:
    """Open the page on which a booking can be paid, before its guest asks; whether Stripe has it. Commits."""
    try:
        checkout.start_checkout(runtime, booking_id)
    except (GatewayUnavailable, GatewayRefused):
        return False  # the guest's click asks again, and staff was told of a refusal
    return True


def _get_kept(session: Session, booking_id: int) -> Booking:
    booking = lock_booking(session, booking_id)
    if booking.erased_at is not None:
        raise TransitionRefused
    return booking


def _was_just_noted(session: Session, booking_id: int, note: str, staff_email: str, now: datetime) -> bool:
    same = select(BookingEvent.id).where(
        BookingEvent.booking_id == booking_id,
        BookingEvent.kind == NOTE,
        BookingEvent.actor == staff_email,
        BookingEvent.note == note,
        BookingEvent.at > now - _DOUBLE_CLICK,
    )
    return session.scalar(same.limit(1)) is not None
