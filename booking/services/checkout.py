"""The guest's way to Stripe's Checkout and back. No transaction is open during any call."""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.errors import DatesUnavailable
from booking.domain.money import Money
from booking.domain.policy import LEAST_SESSION_LIFE
from booking.domain.requests import RequestState
from booking.domain.states import (
    UNFINISHED_ATTEMPT,
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    PaymentStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import (
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    PaymentGatewayError,
)
from booking.models import Attempt, Booking
from booking.runtime import Runtime
from booking.services import attempts, audit, notifications, requests, timeline
from booking.services.authorisations import end_request
from booking.services.instance import Identity, get_identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.nights import free_nights, retake_nights
from booking.services.notifications import StaffNotice
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# A refusal of parameters this young is about us, not about their age.
STALE_AFTER = timedelta(minutes=1)
# Stripe ends sessions by itself; this long after that moment nobody can have paid, even if Stripe cannot be asked.
SURELY_OVER = timedelta(minutes=60)
MOST_ROUNDS = 3


class HandoffOutcome(StrEnum):
    """Where to send the guest."""

    PAY = "pay"  # to Stripe's page
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Handoff:
    """`url` is Stripe's page if the outcome is PAY, else None."""

    outcome: HandoffOutcome
    reference: str
    url: str | None = None


class ReturnState(StrEnum):
    """What a guest who comes back from Stripe is told."""

    BOOKED = "booked"
    CONFIRMING = "confirming"
    PROCESSING = "processing"
    REQUESTED = "requested"
    REFUNDED = "refunded"
    OPEN = "open"
    OVER = "over"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class ReturnView:
    """What may be shown to anybody who holds the session id, which is no secret: a first name at most."""

    state: ReturnState
    booking_id: int
    reference: str
    first_name: str
    arrive: date
    leave: date
    amount: Money  # of what was paid, or would have been, on the page that they come back from
    is_paid: bool
    is_guarantee: bool  # a card was given there, and nothing paid


def start_checkout(runtime: Runtime, booking_id: int) -> Handoff:
    """Hand the guest over to Stripe: to the session that is open, or to a new one. Commits before and after each call.

    A click after a crash or a lost answer replays the stored key with the frozen parameters and so gets the same
    session. Before a new session is handed out, the old one is ended at Stripe; if it turns out to be paid, it counts.

    Raises:
        BookingNotFound: no such booking.
        DatesUnavailable: the hold was over and somebody else has the nights.
        GatewayUnavailable: Stripe does not answer; the hold stays, and the next click recovers.
        GatewayRefused: Stripe will not make this session; staff are told.
    """
    identity = get_identity(runtime)
    for _ in range(MOST_ROUNDS):
        step = _next_step(runtime, booking_id, identity)
        if isinstance(step, Handoff):
            return step
        if attempts.end_given_up(runtime, booking_id, Cause(Source.WEB)):
            continue  # one of them was paid: look again
        open_session(runtime, step, identity)
    raise GatewayUnavailable("no session could be opened")


def finish_return(runtime: Runtime, session_id: str) -> ReturnView | None:
    """What the return page shows: settles through the one door if the webhook has not. Commits.

    The id is only a key into our own database. None for an id that is not of ours, without asking Stripe.
    """
    attempt = db.session.scalar(select(Attempt).where(Attempt.session_id == session_id))
    if attempt is None:
        return None
    booking_id, is_settled = attempt.booking_id, attempt.status not in UNFINISHED_ATTEMPT
    answered = is_settled or _ask_and_settle(runtime, session_id, Cause(Source.REDIRECT))
    return _view(booking_id, session_id, answered)


def abandon_checkout(runtime: Runtime, booking_id: int, cause: Cause) -> BookingStatus:
    """The guest lets the nights go: end the sessions at Stripe, then free them. Commits. Returns where it ended.

    Raises:
        BookingNotFound: no such booking.
        GatewayUnavailable: it could still be paid, so the nights stay held until their time is over.
    """
    for _ in range(MOST_ROUNDS):
        status: BookingStatus | None = attempts.end_sessions(runtime, booking_id, cause)
        if status in (BookingStatus.PENDING, BookingStatus.EXPIRED):
            status = _let_go(runtime, booking_id, cause)
        if status is not None:
            requests.release_now(runtime, booking_id)
            runtime.wake_worker()
            return status
    raise GatewayUnavailable("sessions are opened as fast as they are ended")


def close_overdue(runtime: Runtime, booking_id: int) -> BookingStatus:
    """End a booking whose hold is over, by Stripe's word; without it once it is surely over. Commits.

    Raises:
        GatewayUnavailable: Stripe does not answer and the session may have been paid in its last second.
    """
    cause = Cause(Source.TIMER)
    try:
        attempts.end_sessions(runtime, booking_id, cause)
    except GatewayUnavailable:
        if not is_surely_over(booking_id, runtime.clock.now()):
            raise
    status = _expire_if_pending(runtime, booking_id, cause)
    runtime.wake_worker()
    return status


# --- going to Stripe ------------------------------------------------------------------------------------------------


def _next_step(runtime: Runtime, booking_id: int, identity: Identity) -> Handoff | attempts.Ticket:
    """Where this booking stands: an answer for the guest, or an attempt to open (written here if it is a new one)."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.status is not BookingStatus.PENDING or booking.needs_review:
            return _handoff_of(booking)
        attempt = attempts.find_live(session, booking_id)
        if attempt is not None and attempt.status is AttemptStatus.PROCESSING:
            return Handoff(HandoffOutcome.PROCESSING, booking.reference)
        if attempt is not None and can_be_paid(attempt, now):
            return Handoff(HandoffOutcome.PAY, booking.reference, attempt.url)
        if attempt is None or attempt.status is AttemptStatus.OPEN:
            attempt = renew(session, runtime, booking, attempt, now, identity, Cause(Source.WEB))
        return attempts.ticket_of(attempt, booking.reference)


def _handoff_of(booking: Booking) -> Handoff:
    if booking.needs_review:
        return Handoff(HandoffOutcome.PROCESSING, booking.reference)
    is_confirmed = booking.status is BookingStatus.CONFIRMED
    return Handoff(HandoffOutcome.CONFIRMED if is_confirmed else HandoffOutcome.OVER, booking.reference)


def can_be_paid(attempt: Attempt, now: datetime) -> bool:
    """Whether its page may be handed out: open, and with enough time to type a card."""
    return attempt.status is AttemptStatus.OPEN and attempt.expires_at - now > LEAST_SESSION_LIFE


def renew(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    old: Attempt | None,
    now: datetime,
    identity: Identity,
    cause: Cause,
    *,
    minutes: int | None = None,
) -> Attempt:
    """Give up the old attempt and write the next one, with the nights taken anew for its time. Joins the transaction.

    Raises:
        DatesUnavailable: the hold was over and somebody else has the nights.
    """
    if old is not None:
        old.status = AttemptStatus.SUPERSEDED
        session.flush()  # the unique index allows one live attempt
    number = attempts.next_number(session, booking)
    attempt = attempts.write_attempt(session, runtime, booking, number, now, identity, minutes=minutes)
    session.flush()  # its id goes into the ticket
    unit_id = retake_nights(session, booking, now, hold_until=booking.hold_until)
    if unit_id is None:
        raise DatesUnavailable
    booking.unit_id = unit_id
    timeline.record(session, booking, "attempt_renewed", cause, now, note=f"attempt {attempt.number}")
    return attempt


def open_session(runtime: Runtime, ticket: attempts.Ticket, identity: Identity) -> None:
    """Ask for the session and store it; what a refusal means depends on the age of the parameters."""
    try:
        evidence = attempts.open_or_find(runtime, ticket)
    except GatewayConflict:
        evidence = None
    except GatewayRefused as error:
        evidence = None
        if runtime.clock.now() - ticket.created_at < STALE_AFTER:
            # Told first: were it ended first, a death in between would leave nobody knowing.
            _tell_of_refusal(runtime, ticket, error)
            attempts.mark_ended(ticket.attempt_id)
            raise
    if evidence is None:
        attempts.mark_ended(ticket.attempt_id)
    else:
        attempts.settle_now(runtime, evidence, Cause(Source.WEB), identity)


def _tell_of_refusal(runtime: Runtime, ticket: attempts.Ticket, error: GatewayRefused) -> None:
    logger.error("checkout_refused", extra={"booking": ticket.reference, "reason": error.reason})
    why = error.reason or "no reason given"
    note = f"Stripe refuses to open a checkout ({why}). Nobody can pay until this is mended."
    with transaction() as session:
        booking = lock_booking(session, ticket.booking_id)
        notifications.tell_staff(session, StaffNotice.CHECKOUT_REFUSED, runtime.clock.now(), booking, note)
    runtime.wake_worker()


# --- ending sessions ------------------------------------------------------------------------------------------------


def _let_go(runtime: Runtime, booking_id: int, cause: Cause) -> BookingStatus | None:
    """Where the booking stands now; None where it can be paid again since its sessions were ended."""
    now, reason = runtime.clock.now(), CancelReason.STAFF if cause.source is Source.STAFF else CancelReason.GUEST
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.status in (BookingStatus.PENDING, BookingStatus.EXPIRED) and not booking.needs_review:
            if attempts.is_payable(session, booking_id):
                return None
            timeline.move(
                session, booking, BookingStatus.CANCELLED, "let_go", cause, now,
                cancel_reason=reason, cancelled_at=now, hold_until=None,
            )  # fmt: skip
            free_nights(session, booking_id=booking.id)
            end_request(session, booking, RequestState.WITHDRAWN, now)
            refresh_money(session, booking)
            audit.record_if_staff(session, cause, "booking.let_go", f"booking {booking.reference}", now)
        return booking.status


def _expire_if_pending(runtime: Runtime, booking_id: int, cause: Cause) -> BookingStatus:
    """A booking that no session keeps alive any more has expired."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        is_asked = booking.payment_status is PaymentStatus.AUTHORIZED  # requests.py lets it lapse
        keeps = is_asked or booking.needs_review or booking.hold_until is None or booking.hold_until > now
        if booking.status is BookingStatus.PENDING and not keeps:
            timeline.move(session, booking, BookingStatus.EXPIRED, "expired", cause, now, hold_until=None)
            free_nights(session, booking_id=booking.id)
        return booking.status


def is_surely_over(booking_id: int, now: datetime) -> bool:
    """Whether Stripe has ended every session of a booking by itself. A read of its own, ended at once."""
    last = db.session.scalar(select(func.max(Attempt.expires_at)).where(Attempt.booking_id == booking_id))
    end_read()
    return last is None or now >= last + SURELY_OVER


# --- coming back ----------------------------------------------------------------------------------------------------


def _ask_and_settle(runtime: Runtime, session_id: str, cause: Cause) -> bool:
    """Ask Stripe once; whether it answered."""
    identity = get_identity(runtime)
    end_read()
    try:
        evidence = runtime.payments.look_up_checkout(session_id)
    except PaymentGatewayError as error:
        logger.warning("return_not_settled", extra={"session": session_id, "error": error.code})
        return False
    attempts.settle_now(runtime, evidence, cause, identity)
    return True


def _view(booking_id: int, session_id: str, answered: bool) -> ReturnView:
    booking = db.session.get_one(Booking, booking_id, populate_existing=True)
    attempt = db.session.scalars(
        select(Attempt).where(Attempt.session_id == session_id), execution_options={"populate_existing": True}
    ).one()
    return ReturnView(
        state=_return_state(booking, attempt, answered),
        booking_id=booking.id,
        reference=booking.reference,
        first_name=booking.guest_name.split(" ")[0],
        arrive=booking.arrive,
        leave=booking.leave,
        amount=Money(attempt.amount_minor, attempt.currency),
        is_paid=attempt.status is AttemptStatus.PAID,
        is_guarantee=attempt.purpose is AttemptPurpose.GUARANTEE and attempt.status is AttemptStatus.PAID,
    )


def _return_state(booking: Booking, attempt: Attempt, answered: bool) -> ReturnState:
    if booking.needs_review:
        return ReturnState.REVIEW
    if booking.status is BookingStatus.CONFIRMED:
        is_coming = attempt.due_id is not None and attempt.status is AttemptStatus.PROCESSING
        return ReturnState.PROCESSING if is_coming else ReturnState.BOOKED
    if attempt.status is AttemptStatus.PAID:
        return ReturnState.OVER if attempt.purpose is AttemptPurpose.GUARANTEE else ReturnState.REFUNDED
    if booking.status is BookingStatus.PENDING and booking.payment_status is PaymentStatus.AUTHORIZED:
        return ReturnState.REQUESTED
    if booking.payment_status is PaymentStatus.AUTHORIZED:
        return ReturnState.OVER  # what is still reserved is being let go
    if attempt.status is AttemptStatus.PROCESSING or booking.payment_status is PaymentStatus.PROCESSING:
        return ReturnState.PROCESSING
    if not answered:
        return ReturnState.CONFIRMING
    return ReturnState.OPEN if booking.status is BookingStatus.PENDING else ReturnState.OVER
