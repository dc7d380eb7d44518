"""Mail that somebody asks for: one that went out before, once more, or a receipt."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import TransitionRefused
from booking.domain.states import BookingStatus, Source
from booking.models import Booking, OutboxRow, Payment
from booking.models.outbox import OutboxKind, OutboxState
from booking.runtime import Runtime
from booking.services import audit, notifications, timeline
from booking.services.limits import check_limit
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

MOST_AN_HOUR = 10
RESENDS_PER_HOUR = 3  # by the guest alone
_AGAIN = ":again:"


class Resent(StrEnum):
    """What became of the wish."""

    ASKED = "asked"
    ON_ITS_WAY = "on_its_way"  # the first one is still being tried
    NOT_TRUE = "not_true"  # it would tell the guest what does not hold any more
    NO_SUCH_MAIL = "no_such_mail"
    NOTHING_PAID = "nothing_paid"  # there is nothing to give a receipt for


def send_again(runtime: Runtime, booking_id: int, row_id: int, staff_email: str, form_token: str) -> Resent:
    """Send a guest's mail once more, written anew from what holds now. Commits.

    One form sends one mail, however often it is pressed.

    Raises:
        BookingNotFound: no such booking.
        TooManyTries: this booking's guest has had enough mail for an hour.
    """
    _check(runtime, booking_id)
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        row = session.get(OutboxRow, row_id)
        if row is None or not _is_guest_mail_of(row, booking):
            return Resent.NO_SUCH_MAIL
        if row.state is OutboxState.DUE:
            return Resent.ON_ITS_WAY
        if notifications.why_not(session, booking, row.payload["mail"], now, row.payload.get("facts")):
            return Resent.NOT_TRUE
        key = f"{row.dedupe_key.partition(_AGAIN)[0]}{_AGAIN}{form_token[:32]}"
        if not _is_asked(session, key):
            notifications.enqueue_letter(session, key, dict(row.payload), now, booking.id)
            timeline.record(session, booking, "mail_sent_again", cause, now, note=row.payload["mail"])
            told = {"mail": row.payload["mail"]}
            audit.record(session, staff_email, "mail.sent_again", f"booking {booking.reference}", now, after=told)
    runtime.wake_worker()
    return Resent.ASKED


def resend_confirmation(runtime: Runtime, booking_id: int) -> None:
    """Mail a guest who asks for it the confirmation once more, to the address on file. Commits.

    Two clicks in one minute are one mail.

    Raises:
        BookingNotFound, TransitionRefused: there is no confirmed booking.
        TooManyTries: it was asked for too often.
    """
    check_limit(runtime, "resend", str(booking_id), RESENDS_PER_HOUR, timedelta(hours=1))
    now = runtime.clock.now()
    fact_id = f"again-{now:%Y%m%d%H%M}"
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.status is not BookingStatus.CONFIRMED:
            raise TransitionRefused
        if not _is_asked(session, notifications.guest_key(GuestMail.CONFIRMED, booking_id, fact_id)):
            notifications.tell_guest(session, booking, GuestMail.CONFIRMED, now, fact_id=fact_id)
            timeline.record(session, booking, "confirmation_resent", Cause(Source.WEB), now)
    runtime.wake_worker()


def mail_receipt(runtime: Runtime, booking_id: int, cause: Cause, form_token: str) -> Resent:
    """Mail the guest a receipt of what was paid and sent back so far. Commits; one form sends one.

    Raises:
        BookingNotFound: no such booking.
        TooManyTries: this booking's guest has had enough mail for an hour.
    """
    _check(runtime, booking_id)
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if session.scalar(select(Payment.id).where(Payment.booking_id == booking_id).limit(1)) is None:
            return Resent.NOTHING_PAID
        if notifications.why_not(session, booking, GuestMail.RECEIPT, now):
            return Resent.NOT_TRUE
        if not _is_asked(session, notifications.guest_key(GuestMail.RECEIPT, booking_id, form_token[:32])):
            notifications.tell_guest(session, booking, GuestMail.RECEIPT, now, fact_id=form_token[:32])
            timeline.record(session, booking, "receipt_asked", cause, now)
            audit.record_if_staff(session, cause, "mail.receipt_sent", f"booking {booking.reference}", now)
    runtime.wake_worker()
    return Resent.ASKED


def _check(runtime: Runtime, booking_id: int) -> None:
    check_limit(runtime, "mail-again", str(booking_id), MOST_AN_HOUR, timedelta(hours=1))


def _is_guest_mail_of(row: OutboxRow, booking: Booking) -> bool:
    is_mail = row.kind is OutboxKind.MAIL and row.booking_id == booking.id
    return is_mail and row.payload["mail"] in set(GuestMail)


def _is_asked(session: Session, dedupe_key: str) -> bool:
    """Under the booking's lock nobody else asks at the same time."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.dedupe_key == dedupe_key)) is not None
