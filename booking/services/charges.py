"""Charging the saved card of a booking with nobody there: balances that are due, no-shows, damage.

Each try is an attempt with key and frozen parameters, committed before Stripe is asked; what came of it goes through
the one door. Nothing is charged while the guest may be paying the same in another way, and an answer that is missing
is looked up at Stripe and never asked for again. https://docs.stripe.com/payments/save-and-reuse
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.charging import ANNOUNCE_DAYS, may_try_again, next_try
from booking.domain.errors import BookingNotFound, TransitionRefused
from booking.domain.states import (
    AttemptChannel,
    AttemptStatus,
    BookingStatus,
    DueKind,
    DueStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import (
    ChargeOrder,
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGatewayError,
    Tag,
)
from booking.language import language
from booking.models import Attempt, Booking, Due, SavedCard
from booking.runtime import Runtime
from booking.services import attempts, audit, cards, notifications, timeline
from booking.services.attempts import Ticket
from booking.services.cases import Outcome
from booking.services.charge_news import find_tries, note_failed_try
from booking.services.instance import Identity, get_identity
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# The row of a charge needs an end like that of a page; by then it is settled or was looked up.
CHARGE_LIFE = timedelta(hours=24)
_KEYS = {AttemptChannel.OFF_SESSION: "charge", AttemptChannel.ON_PAGE: "page"}  # how their keys begin
MOST_ROUNDS = 4


class Try(StrEnum):
    """What became of a wish to charge a card."""

    PAID = "paid"
    PROCESSING = "processing"
    DECLINED = "declined"
    UNKNOWN = "unknown"  # no answer; the worker looks at Stripe
    UNDER_WAY = "under_way"  # the same is being paid at this moment, here or by the guest
    NOT_OWED = "not_owed"  # paid, waived, or the booking is over
    NO_CARD = "no_card"  # nothing was saved, or the guest has removed it


@dataclass(frozen=True, slots=True)
class _EndFirst:
    """A page on which the guest could pay was given up, and has to be ended at Stripe before a card is charged."""


def charge_due(runtime: Runtime, due_id: int, cause: Cause, *, ends_pages: bool = False) -> Try:
    """Charge what is owed to the card that was saved with the booking, once. Commits.

    `ends_pages` where somebody wants it now: a page on which the guest could pay the same is ended at Stripe first,
    and counts if it was paid. Otherwise an open page has the right of way.

    Raises:
        BookingNotFound: there is no such due.
        GatewayUnavailable: a page could not be ended; nothing was charged.
    """
    identity = get_identity(runtime)
    for _ in range(MOST_ROUNDS):
        step = _begin(runtime, due_id, identity, cause, ends_pages=ends_pages)
        if isinstance(step, Try):
            return step
        if isinstance(step, Ticket):
            return _charge(runtime, step, cause, identity)
        attempts.end_given_up(runtime, _booking_of(due_id), cause)
    return Try.UNDER_WAY


def charge_due_cards(runtime: Runtime) -> list[str]:
    """Announce what is going to be charged, and charge what is due today; a line for each. Commits one by one."""
    now = runtime.clock.now()
    lines = [_announce(runtime, due_id) for due_id in _find_announceable(now)]
    for due_id, booking_id in _find_chargeable(now):
        try:
            lines.append(f"booking {booking_id}: due {due_id} {charge_due(runtime, due_id, Cause(Source.TIMER))}")
        except PaymentGatewayError as error:
            logger.warning("charge_not_made", extra={"booking": booking_id, "error": error.code})
            lines.append(f"booking {booking_id}: Stripe did not answer about due {due_id}, will be tried again")
    return lines


def try_now(runtime: Runtime, due_id: int, staff_email: str) -> Try:
    """Staff wants a due charged at this moment, whatever day it is. Commits, with a line in the audit log.

    Raises:
        BookingNotFound, GatewayUnavailable: as charge_due.
    """
    with transaction() as session:
        due = get_due(session, due_id)
        due.tries_stopped_at = None
        audit.record(session, staff_email, "due.tried", f"booking {due.booking.reference}", runtime.clock.now(),
                     after={"due": due.id, "minor": due.amount_minor})  # fmt: skip
    return charge_due(runtime, due_id, Cause(Source.STAFF, staff_email), ends_pages=True)


def stop_trying(runtime: Runtime, due_id: int, staff_email: str) -> None:
    """Charge the card for this due no more by itself; it stays owed. Commits; twice is once.

    Raises:
        BookingNotFound: there is no such due.
    """
    now = runtime.clock.now()
    with transaction() as session:
        due = get_due(session, due_id)
        if due.tries_stopped_at is not None:
            return
        due.tries_stopped_at = now
        timeline.record(
            session, due.booking, "charging_stopped", Cause(Source.STAFF, staff_email), now, note=f"due {due.id}"
        )
        audit.record(
            session, staff_email, "due.stopped", f"booking {due.booking.reference}", now, after={"due": due.id}
        )


def send_link(runtime: Runtime, due_id: int, form_token: str, staff_email: str) -> None:
    """Mail the guest where to pay what is owed; the same form sent twice is one mail. Commits.

    Raises:
        BookingNotFound: there is no such due.
        TransitionRefused: nothing is owed any more.
    """
    now = runtime.clock.now()
    with transaction() as session:
        due = get_due(session, due_id)
        if due.status is not DueStatus.OPEN:
            raise TransitionRefused("Nothing is owed here any more.")
        notifications.tell_guest(
            session, due.booking, GuestMail.PAY_DUE, now, fact_id=form_token, due_id=due.id, charged=due.amount,
            owed_for=due.kind.value, reason=due.note,
        )  # fmt: skip
        audit.record(
            session, staff_email, "due.link_sent", f"booking {due.booking.reference}", now, after={"due": due.id}
        )
    runtime.wake_worker()


# --- one try --------------------------------------------------------------------------------------------------------


def _begin(
    runtime: Runtime, due_id: int, identity: Identity, cause: Cause, *, ends_pages: bool
) -> Try | Ticket | _EndFirst:
    """Write the attempt, or say why there is none."""
    now = runtime.clock.now()
    with transaction() as session:
        due = get_due(session, due_id)
        booking = due.booking
        if not is_owed(due, booking):
            return Try.NOT_OWED
        card = cards.find_default(session, booking.id)
        if card is None or cards.find_consent(session, booking.id) is None:
            return Try.NO_CARD
        live = attempts.find_live(session, booking.id, due_id=due.id)
        if live is not None and not (ends_pages and _is_open_page(live)):
            return Try.UNDER_WAY
        if live is not None:
            live.status = AttemptStatus.SUPERSEDED
            return _EndFirst()
        if attempts.has_unended(session, due.id):
            return _EndFirst() if ends_pages else Try.UNDER_WAY
        attempt = _write(session, runtime, due, card, now, identity)
        timeline.record(session, booking, "charge_begun", cause, now, note=f"attempt {attempt.number}, due {due.id}")
        return attempts.ticket_of(attempt, booking.reference)


def is_owed(due: Due, booking: Booking) -> bool:
    """Whether it may be charged or paid: open, of a stay that is on, and with nobody looking into the booking."""
    is_over = due.kind is DueKind.BALANCE and booking.status is not BookingStatus.CONFIRMED
    return due.status is DueStatus.OPEN and not is_over and not booking.needs_review and booking.erased_at is None


def _is_open_page(attempt: Attempt) -> bool:
    is_page = attempt.channel is not AttemptChannel.OFF_SESSION
    return is_page and attempt.status in (AttemptStatus.CREATING, AttemptStatus.OPEN)


def _write(session: Session, runtime: Runtime, due: Due, card: SavedCard, now: datetime, identity: Identity) -> Attempt:
    token, booking = uuid.uuid4().hex, due.booking
    order = ChargeOrder(
        tag=Tag(identity.instance_id, due.purpose.value, str(booking.id), token),
        amount=due.amount,
        description=f"{booking.listing.name}, {booking.reference}",
        customer_id=card.customer_id,
        payment_method_id=card.payment_method_id,
    )
    return write_charge(session, runtime, due, order, AttemptChannel.OFF_SESSION, now, now + CHARGE_LIFE)


def write_charge(
    session: Session,
    runtime: Runtime,
    due: Due,
    order: ChargeOrder,
    channel: AttemptChannel,
    now: datetime,
    expires_at: datetime,
) -> Attempt:
    """Write an attempt at a due without a hosted page, with its key and frozen parameters. Joins the transaction."""
    attempt = Attempt(
        booking_id=due.booking_id,
        purpose=due.purpose,
        channel=channel,
        due_id=due.id,
        number=attempts.next_number(session, due.booking),
        token=order.tag.attempt,
        status=AttemptStatus.CREATING,
        amount_minor=due.amount_minor,
        currency=due.currency,
        idempotency_key=f"{_KEYS[channel]}:{order.tag.attempt}",
        params=runtime.payments.charge_params(order),
        expires_at=expires_at,
        created_at=now,
    )
    session.add(attempt)
    session.flush()  # its ticket has its id
    return attempt


def _charge(runtime: Runtime, ticket: Ticket, cause: Cause, identity: Identity) -> Try:
    try:
        evidence = runtime.payments.open_charge(ticket.params, ticket.idempotency_key)
    except GatewayUnavailable as error:
        logger.warning("charge_unknown", extra={"booking": ticket.booking_id, "error": error.code})
        return Try.UNKNOWN
    except (GatewayRefused, GatewayConflict) as refusal:
        _note_refusal(runtime, ticket.attempt_id, getattr(refusal, "reason", "") or refusal.code, cause)
        return Try.DECLINED
    outcome = attempts.settle_now(runtime, evidence, cause, identity).outcome
    return _IN_TRIES.get(outcome, Try.UNKNOWN)


_IN_TRIES = {
    Outcome.DUE_PAID: Try.PAID,
    Outcome.ALREADY: Try.PAID,  # the webhook was faster
    Outcome.DUPLICATE: Try.NOT_OWED,
    Outcome.LATE: Try.NOT_OWED,
    Outcome.PROCESSING: Try.PROCESSING,
    Outcome.DECLINED: Try.DECLINED,
    Outcome.CLOSED: Try.DECLINED,
    Outcome.NOTHING: Try.DECLINED,  # the news of it was here before the answer
}


def _note_refusal(runtime: Runtime, attempt_id: int, reason: str, cause: Cause) -> None:
    """Stripe would not even try: the card was forgotten in its dashboard, or something is wrong with our order."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, session.get_one(Attempt, attempt_id).booking_id)
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if attempt.status is AttemptStatus.CREATING:
            note_failed_try(session, booking, attempt, reason[:80], cause, now)
    runtime.wake_worker()


# --- what is due ----------------------------------------------------------------------------------------------------


def _find_chargeable(now: datetime) -> list[tuple[int, int]]:
    """Open dues with a card whose day to be tried (again) has come, where the house is."""
    found = []
    for due in _open_dues(now.date() + timedelta(days=1)):
        today = due.booking.listing.property.today(now)
        tries = find_tries(db.session(), due)
        day = next_try(
            due.due_on, [one.created_at.astimezone(due.booking.listing.property.zone).date() for one in tries]
        )
        is_final = bool(tries) and not may_try_again(tries[-1].decline_code)
        if day is not None and day <= today and not is_final and cards.will_charge(db.session(), due.booking_id):
            found.append((due.id, due.booking_id))
    end_read()
    return found


def _find_announceable(now: datetime) -> list[int]:
    found = []
    for due in _open_dues(now.date() + timedelta(days=ANNOUNCE_DAYS + 1)):
        today = due.booking.listing.property.today(now)
        is_near = today < due.due_on <= today + timedelta(days=ANNOUNCE_DAYS)
        if due.kind is DueKind.BALANCE and is_near and cards.will_charge(db.session(), due.booking_id):
            found.append(due.id)
    end_read()
    return found


def _open_dues(until: date) -> list[Due]:
    """Those that are not over and not stopped. A booking that waits for a person is left alone."""
    wanted = (
        select(Due)
        .join(Booking, Booking.id == Due.booking_id)
        .where(Due.status == DueStatus.OPEN, Due.due_on <= until, Due.tries_stopped_at.is_(None))
        .where(Booking.needs_review.is_(False), Booking.erased_at.is_(None))
        .order_by(Due.due_on, Due.id)
    )
    return [due for due in db.session.scalars(wanted) if is_owed(due, due.booking)]


def _announce(runtime: Runtime, due_id: int) -> str:
    """Tell the guest once that the card is going to be charged, and how to pay otherwise."""
    now = runtime.clock.now()
    with transaction() as session:
        due = get_due(session, due_id)
        tell_of_charge(session, due, now)
        return f"booking {due.booking_id}: due {due.id} is announced"


def tell_of_charge(session: Session, due: Due, now: datetime) -> None:
    """Ask for the mail that says what will be charged, for what and when. Joins the caller's transaction."""
    card = cards.find_default(session, due.booking_id)
    speak = language(due.booking.language)
    notifications.tell_guest(
        session, due.booking, GuestMail.CHARGE_ANNOUNCED, now, fact_id=due.id, due_id=due.id, charged=due.amount,
        owed_for=due.kind.value, reason=due.note, charge_on=speak.day(due.due_on), card=card.name if card else "",
    )  # fmt: skip


def get_due(session: Session, due_id: int) -> Due:
    """The due with its booking locked first, as everywhere. Raises BookingNotFound."""
    booking_id = session.scalar(select(Due.booking_id).where(Due.id == due_id))
    if booking_id is None:
        raise BookingNotFound
    lock_booking(session, booking_id)
    return session.get_one(Due, due_id, with_for_update=True, populate_existing=True)


def _booking_of(due_id: int) -> int:
    booking_id = db.session.scalars(select(Due.booking_id).where(Due.id == due_id)).one()
    end_read()
    return booking_id
