"""The host's answer to a request to book, its guest's way out, and asking Stripe to take a sum or to let it go.

Rows with their keys are committed before each call, and no transaction is open during one. Whatever Stripe's answer
was, it is settled through the one door; an answer that did not come is asked for again by the worker.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.errors import BookingNotFound, DatesUnavailable, TransitionRefused
from booking.domain.requests import (
    LONGEST_REASON,
    AuthorisationState,
    RequestState,
    can_be_answered,
    nights_kept_until,
)
from booking.domain.states import BookingStatus, CancelReason, Source
from booking.extensions import db
from booking.gateways.payments import (
    EvidenceState,
    GatewayConflict,
    GatewayRefused,
    GatewayUnavailable,
    Params,
    PaymentEvidence,
    PaymentGatewayError,
)
from booking.models import Authorisation, Booking, StayRequest
from booking.runtime import Runtime
from booking.services import attempts, audit, notifications, timeline
from booking.services.authorisations import end_request, find_request, step
from booking.services.instance import get_identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.nights import free_nights, retake_nights
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# A call this young may still be answered to whoever made it.
UNTOUCHED_FOR = timedelta(minutes=2)
_ON_ITS_WAY = (AuthorisationState.CAPTURING, AuthorisationState.RELEASING)
_ANSWERED = "This request was answered already, or it is over."
_TOO_LATE = "The time to answer this request is over. It lapses now, and nothing is charged."


class Answer(StrEnum):
    """What became of a yes to a request."""

    BOOKED = "booked"
    UNKNOWN = "unknown"  # Stripe has not said yet whether the sum was taken; the worker asks again
    REFUSED = "refused"  # Stripe would not take it, and it is still reserved: the request waits as before
    OFF = "off"  # the sum is not to be had any more, or the nights are not


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is needed to ask Stripe about one reserved sum, with no row attached."""

    authorisation_id: int
    booking_id: int
    payment_intent_id: str
    is_capture: bool
    params: Params
    key: str


def accept_request(runtime: Runtime, booking_id: int, staff_email: str) -> Answer:
    """Agree to a request and take what is reserved for it. Commits before and after the call.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: it is no request, was answered before, or its time is over.
        DatesUnavailable: its nights are gone.
    """
    cause = Cause(Source.STAFF, staff_email)
    ticket = _accept(runtime, booking_id, cause)
    try:
        answer = _capture(runtime, ticket, cause)
    except GatewayUnavailable:
        logger.warning("capture_not_known", extra={"booking": booking_id})
        answer = Answer.UNKNOWN
    runtime.wake_worker()
    return answer


def decline_request(runtime: Runtime, booking_id: int, reason: str, staff_email: str) -> bool:
    """Decline a request: its nights are free, its guest is told why, and the sum is let go. Commits.

    Returns whether Stripe has let the sum go by now; if not, the worker asks until it has.

    Raises:
        BookingNotFound: no such booking. TransitionRefused: as accept_request.
    """
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        _get_asked(session, booking)
        _end(session, booking, RequestState.DECLINED, cause, now, reason.strip()[:LONGEST_REASON])
        subject = f"booking {booking.reference}"
        audit.record(session, staff_email, "request.declined", subject, now)
    release_now(runtime, booking_id)
    runtime.wake_worker()
    return not _find_open(booking_id=booking_id, states=(AuthorisationState.RELEASING,))


def lapse_overdue(runtime: Runtime) -> list[str]:
    """End every request that nobody answered in time; a line for each. Commits one by one."""
    lines = []
    for booking_id in _find_overdue(runtime.clock.now()):
        if _lapse(runtime, booking_id):
            release_now(runtime, booking_id)
            lines.append(f"booking {booking_id}: request lapsed")
    if lines:
        runtime.wake_worker()
    return lines


def release_now(runtime: Runtime, booking_id: int) -> None:
    """Let go at Stripe what is to be let go for a booking; whatever is not answered, the worker asks for again."""
    for authorisation_id in _find_open(booking_id=booking_id, states=(AuthorisationState.RELEASING,)):
        try:
            _settle_one(runtime, authorisation_id)
        except PaymentGatewayError as error:
            logger.warning("not_released_yet", extra={"booking": booking_id, "error": error.code})


def settle_open(runtime: Runtime, *, at_once: bool = True) -> Iterator[tuple[int, str, bool]]:
    """Ask Stripe about every sum that is being taken or let go: booking, what was found, whether it is a problem.

    Commits one by one. Without `at_once`, those that Stripe was asked about a moment ago are left to whoever asked.
    """
    youngest = runtime.clock.now() - (timedelta(0) if at_once else UNTOUCHED_FOR)
    for authorisation_id in _find_open(states=_ON_ITS_WAY, youngest=youngest):
        booking_id = _booking_of(authorisation_id)
        try:
            yield booking_id, _settle_one(runtime, authorisation_id), False
        except PaymentGatewayError as error:
            logger.warning("reserved_sum_not_settled", extra={"booking": booking_id, "error": error.code})
            yield booking_id, f"no usable answer from Stripe about a reserved sum ({error.code})", True


def list_open(*, at_once: bool, now: datetime) -> list[int]:
    """The bookings of those sums. A read of its own, ended at once."""
    youngest = now - (timedelta(0) if at_once else UNTOUCHED_FOR)
    return [_booking_of(found) for found in _find_open(states=_ON_ITS_WAY, youngest=youngest)]


# --- answering ------------------------------------------------------------------------------------------------------


def _accept(runtime: Runtime, booking_id: int, cause: Cause) -> Ticket:
    """The yes is written, with the key and the parameters of what is asked of Stripe for it."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        request = _get_asked(session, booking)
        if request.answer_by is None or now >= request.answer_by:
            raise TransitionRefused(_TOO_LATE)
        unit_id = retake_nights(session, booking, now, hold_until=None)
        if unit_id is None:
            raise DatesUnavailable("Somebody else has these nights. Decline the request.")
        booking.unit_id, booking.hold_until = unit_id, None
        step(request, RequestState.ACCEPTING)
        request.answered_at, request.answered_by = now, cause.actor
        timeline.record(session, booking, "request_accepted", cause, now)
        audit.record(session, cause.actor, "request.accepted", f"booking {booking.reference}", now)
        return _begin(runtime, _get_held(session, booking_id), now, AuthorisationState.CAPTURING)


def _get_asked(session: Session, booking: Booking) -> StayRequest:
    request = find_request(session, booking.id)
    if request is None:
        raise TransitionRefused("This booking is no request.")
    if not can_be_answered(request.state, booking.status, needs_review=booking.needs_review):
        raise TransitionRefused(_ANSWERED)
    return request


def _get_held(session: Session, booking_id: int) -> Authorisation:
    held = select(Authorisation).where(
        Authorisation.booking_id == booking_id, Authorisation.state == AuthorisationState.HELD
    )
    found = session.scalar(held)
    if found is None:
        raise TransitionRefused(_ANSWERED)
    return found


def _begin(runtime: Runtime, reserved: Authorisation, now: datetime, state: AuthorisationState) -> Ticket:
    """Write what is going to be asked of Stripe: each try under a key of its own, since Stripe replays old errors.

    A sum can be taken once and let go once, whatever the key: Stripe refuses the second time.
    """
    reserved.state, reserved.asked_at, reserved.tries = state, now, reserved.tries + 1
    is_capture, token = state is AuthorisationState.CAPTURING, reserved.capture_key.split(":")[1]
    if is_capture:
        reserved.capture_key = f"capture:{token}:{reserved.tries}"
        reserved.capture_params = reserved.capture_params or runtime.payments.capture_params(reserved.amount)
    else:
        reserved.release_key = f"release:{token}:{reserved.tries}"
        reserved.release_params = reserved.release_params or runtime.payments.release_params()
    return Ticket(
        authorisation_id=reserved.id,
        booking_id=reserved.booking_id,
        payment_intent_id=reserved.payment_intent_id,
        is_capture=is_capture,
        params=dict((reserved.capture_params if is_capture else reserved.release_params) or {}),
        key=reserved.capture_key if is_capture else reserved.release_key,
    )


def _end(
    session: Session, booking: Booking, state: RequestState, cause: Cause, now: datetime, reason: str = ""
) -> None:
    """The house says no, or nothing: the booking is over, and its guest reads why and that nothing is charged."""
    kind = "request_declined" if state is RequestState.DECLINED else "request_lapsed"
    timeline.move(
        session, booking, BookingStatus.CANCELLED, kind, cause, now,
        note=reason, cancel_reason=CancelReason.STAFF, cancelled_at=now, hold_until=None,
    )  # fmt: skip
    free_nights(session, booking_id=booking.id)
    end_request(session, booking, state, now, answered_at=now, answered_by=cause.actor, reason=reason)
    refresh_money(session, booking)
    is_lapsed = state is RequestState.LAPSED
    notifications.tell_guest(session, booking, GuestMail.REQUEST_DECLINED, now, reason=reason, is_lapsed=is_lapsed)


def _lapse(runtime: Runtime, booking_id: int) -> bool:
    """Whether it was still waiting."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        request = find_request(session, booking_id)
        if request is None or not can_be_answered(request.state, booking.status, needs_review=booking.needs_review):
            return False
        _end(session, booking, RequestState.LAPSED, Cause(Source.TIMER), now)
        note = "Nobody answered this request in time, so it has lapsed. Nothing was charged, and the guest is told."
        notifications.tell_staff(session, StaffNotice.REQUEST_TROUBLE, now, booking, note)
        return True


# --- asking Stripe --------------------------------------------------------------------------------------------------


def _settle_one(runtime: Runtime, authorisation_id: int) -> str:
    """Look first where Stripe was asked before; ask (again) where the sum is still reserved. In words for staff."""
    reserved = db.session.get_one(Authorisation, authorisation_id, populate_existing=True)
    intent_id, was_asked, state = reserved.payment_intent_id, reserved.asked_at is not None, reserved.state
    end_read()
    evidence = _look(runtime, intent_id) if was_asked else None
    if evidence is not None and evidence.state is not EvidenceState.AUTHORIZED:
        return f"a reserved sum: {_settle(runtime, evidence)}"
    ticket = _again(runtime, authorisation_id, state)
    if ticket is None:
        return "a reserved sum was settled meanwhile"
    if ticket.is_capture:
        return f"taking a reserved sum: {_capture(runtime, ticket, Cause(Source.RECONCILE))}"
    return f"letting go a reserved sum: {_release(runtime, ticket)}"


def _again(runtime: Runtime, authorisation_id: int, state: AuthorisationState) -> Ticket | None:
    """None where somebody else has settled it since it was looked at."""
    with transaction() as session:
        lock_booking(session, session.get_one(Authorisation, authorisation_id).booking_id)
        reserved = session.get_one(Authorisation, authorisation_id, with_for_update=True, populate_existing=True)
        return _begin(runtime, reserved, runtime.clock.now(), state) if reserved.state is state else None


def _capture(runtime: Runtime, ticket: Ticket, cause: Cause) -> Answer:
    """Raises GatewayUnavailable: whether it was taken is not known."""
    try:
        evidence = runtime.payments.capture_payment(ticket.payment_intent_id, ticket.params, ticket.key)
    except (GatewayRefused, GatewayConflict) as refusal:
        logger.warning(
            "capture_refused", extra={"booking": ticket.booking_id, "reason": getattr(refusal, "reason", "")}
        )
        evidence = _look(runtime, ticket.payment_intent_id)
    if evidence.state is EvidenceState.AUTHORIZED:
        _wait_again(runtime, ticket, cause)
        return Answer.REFUSED
    _settle(runtime, evidence, cause)
    return Answer.BOOKED if _status(ticket.booking_id) is BookingStatus.CONFIRMED else Answer.OFF


def _release(runtime: Runtime, ticket: Ticket) -> str:
    """Raises GatewayUnavailable: whether it was let go is not known."""
    try:
        evidence = runtime.payments.release_payment(ticket.payment_intent_id, ticket.params, ticket.key)
    except (GatewayRefused, GatewayConflict):
        evidence = _look(runtime, ticket.payment_intent_id)  # taken or let go before
    if evidence.state is EvidenceState.AUTHORIZED:
        raise GatewayUnavailable("the sum is still reserved after it was to be let go")
    return _settle(runtime, evidence)


def _look(runtime: Runtime, payment_intent_id: str) -> PaymentEvidence:
    try:
        return runtime.payments.look_up_authorisation(payment_intent_id)
    except GatewayRefused as refusal:  # our key is not taken any more, say: nobody knows what became of the sum
        raise GatewayUnavailable(f"what became of a reserved sum is not known: {refusal}") from refusal


def _settle(runtime: Runtime, evidence: PaymentEvidence, cause: Cause | None = None) -> str:
    return attempts.settle_now(runtime, evidence, cause or Cause(Source.RECONCILE), get_identity(runtime)).outcome


def _wait_again(runtime: Runtime, ticket: Ticket, cause: Cause) -> None:
    """Stripe will not take the sum, which is still reserved: the request waits as before, and staff know why."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, ticket.booking_id)
        request = find_request(session, ticket.booking_id)
        reserved = session.get_one(Authorisation, ticket.authorisation_id, populate_existing=True)
        if request is None or request.state is not RequestState.ACCEPTING or request.answer_by is None:
            return
        reserved.state = AuthorisationState.HELD
        step(request, RequestState.ASKED)
        request.answered_at, request.answered_by = None, ""
        booking.hold_until = nights_kept_until(request.answer_by)
        retake_nights(session, booking, now, hold_until=booking.hold_until)
        timeline.record(session, booking, "capture_refused", cause, now)
        note = (
            "Stripe refused to take the reserved sum, so the request waits as before and nothing was charged. "
            "Try again to accept it; if that fails too, look at the payment in Stripe's dashboard."
        )
        notifications.tell_staff(
            session, StaffNotice.REQUEST_TROUBLE, now, booking, note, fact_id=f"refused-{reserved.tries}"
        )


def _status(booking_id: int) -> BookingStatus:
    booking = db.session.get(Booking, booking_id, populate_existing=True)
    if booking is None:
        raise BookingNotFound
    status = booking.status
    end_read()
    return status


# --- finding --------------------------------------------------------------------------------------------------------


def _find_overdue(now: datetime) -> list[int]:
    overdue = select(StayRequest.booking_id).where(
        StayRequest.state == RequestState.ASKED, StayRequest.answer_by <= now
    )
    found = list(db.session.scalars(overdue.order_by(StayRequest.answer_by)))
    end_read()
    return found


def _find_open(
    *, states: tuple[AuthorisationState, ...], booking_id: int | None = None, youngest: datetime | None = None
) -> list[int]:
    wanted = select(Authorisation.id).where(Authorisation.state.in_(states))
    if booking_id is not None:
        wanted = wanted.where(Authorisation.booking_id == booking_id)
    if youngest is not None:
        wanted = wanted.where((Authorisation.asked_at <= youngest) | Authorisation.asked_at.is_(None))
    found = list(db.session.scalars(wanted.order_by(Authorisation.id)))
    end_read()
    return found


def _booking_of(authorisation_id: int) -> int:
    booking_id = db.session.scalar(select(Authorisation.booking_id).where(Authorisation.id == authorisation_id))
    end_read()
    assert booking_id is not None
    return booking_id
