"""What becomes of sums that are reserved on cards for requests to book: decisions that join their caller's transaction.

The one door asks the first half, whoever ends a booking the second. Asking Stripe to take a sum or to let it go is in
requests.py.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.errors import TransitionRefused
from booking.domain.requests import (
    OPEN_REQUEST,
    UNCAPTURED,
    AuthorisationState,
    RequestState,
    answer_deadline,
    check_step,
    first_moment,
    nights_kept_until,
)
from booking.domain.states import AttemptStatus, BookingStatus, CancelReason
from booking.models import Authorisation, Booking, StayRequest
from booking.services import notifications, timeline
from booking.services.cases import Case, Outcome, give_up_others
from booking.services.nights import free_nights, retake_nights
from booking.services.notifications import GuestMail, StaffNotice

BEING_TAKEN = "The payment for this request is being taken right now. Look at it again in a minute."


def find_request(session: Session, booking_id: int) -> StayRequest | None:
    """The request that a booking is, as it is now; None where it is none."""
    wanted = select(StayRequest).where(StayRequest.booking_id == booking_id)
    return session.scalar(wanted.execution_options(populate_existing=True))


def find_reserved(case: Case) -> Authorisation | None:
    """The sum that is or was reserved in a case's attempt."""
    wanted = select(Authorisation).where(Authorisation.attempt_id == case.attempt.id)
    return case.session.scalar(wanted.execution_options(populate_existing=True))


# --- the one door asks ----------------------------------------------------------------------------------------------


def note_authorised(case: Case) -> Outcome:
    """The guest has given a card: the request is asked, and its nights are kept until the host must have answered.

    A sum for which nothing waits is let go. Nothing is charged here in any case.
    """
    if knows(case):
        return Outcome.NOTHING
    reserved, request = write_reserved(case), find_request(case.session, case.booking.id)
    is_waiting = case.booking.status is BookingStatus.PENDING and not case.booking.needs_review
    if request is None or request.state is not RequestState.STARTED or not is_waiting:
        return _let_go_at_once(case, reserved, request)
    give_up_others(case)
    case.attempt.status = AttemptStatus.PROCESSING
    answer_by = answer_deadline(case.now, request.answer_hours, case.evidence.capture_before, _arrives_at(case.booking))
    unit_id = retake_nights(case.session, case.booking, case.now, hold_until=nights_kept_until(answer_by))
    if unit_id is None:
        return _dates_gone(case, reserved, request)
    return _ask(case, request, unit_id, answer_by)


def knows(case: Case) -> bool:
    """Whether this sum is known; what is new of it is kept."""
    reserved = find_reserved(case)
    if reserved is not None:
        reserved.capture_before = reserved.capture_before or case.evidence.capture_before
    return reserved is not None


def write_reserved(case: Case, state: AuthorisationState = AuthorisationState.HELD) -> Authorisation:
    """Keep what Stripe reserved, with the keys under which it is taken or let go."""
    evidence, token = case.evidence, case.attempt.token
    assert evidence.payment_intent_id is not None, "an authorisation names its payment"
    assert evidence.amount is not None, "an authorisation names its amount"
    reserved = Authorisation(
        booking_id=case.booking.id,
        attempt_id=case.attempt.id,
        payment_intent_id=evidence.payment_intent_id,
        state=state,
        amount_minor=evidence.amount.minor,
        currency=evidence.amount.currency,
        authorised_at=case.now,
        capture_before=evidence.capture_before,
        capture_key=f"capture:{token}",
        release_key=f"release:{token}",
        tries=0,
    )
    case.session.add(reserved)
    case.session.flush()  # the timeline names its id
    note = f"authorisation {reserved.id}"
    timeline.record(case.session, case.booking, "card_authorised", case.cause, case.now, note=note)
    return reserved


def note_gone(case: Case) -> Outcome | None:
    """Stripe says that a sum is reserved no more; None where none was, and the attempt ended without one."""
    reserved = find_reserved(case)
    if reserved is None:
        return None
    if reserved.state not in UNCAPTURED:
        return Outcome.NOTHING
    was_let_go = reserved.state is AuthorisationState.RELEASING
    reserved.state = AuthorisationState.RELEASED if was_let_go else AuthorisationState.GONE
    if case.attempt.status is not AttemptStatus.PAID:  # money may have come in another session of it
        case.attempt.status = AttemptStatus.EXPIRED if was_let_go else AttemptStatus.FAILED
    kind = "authorisation_released" if was_let_go else "authorisation_gone"
    timeline.record(case.session, case.booking, kind, case.cause, case.now, note=f"authorisation {reserved.id}")
    if not was_let_go:
        _end_for_card(case)
    return Outcome.CLOSED


def note_captured(case: Case) -> None:
    """The sum was captured, by us or at Stripe: whatever becomes of the money, it is not reserved any more.

    Where the money came past it, in another session of the same attempt, what is reserved is let go.
    """
    reserved = find_reserved(case)
    if reserved is None:
        return
    if reserved.payment_intent_id == case.evidence.payment_intent_id:
        reserved.state = AuthorisationState.CAPTURED
    elif reserved.state is AuthorisationState.HELD:
        reserved.state = AuthorisationState.RELEASING


def note_placed(case: Case, outcome: Outcome) -> None:
    """The money of a request was taken: it is accepted, if the nights could still be had."""
    request = find_request(case.session, case.booking.id)
    if request is None or request.state not in (RequestState.STARTED, *OPEN_REQUEST):
        return
    if outcome in (Outcome.CONFIRMED, Outcome.MOVED):
        step(request, RequestState.ACCEPTED)
        request.answered_at = request.answered_at or case.now
    elif outcome is Outcome.DATES_GONE:
        step(request, RequestState.DATES_GONE)


def _arrives_at(booking: Booking) -> datetime:
    place = booking.listing.property
    return first_moment(booking.arrive, place.check_in_from, place.zone)


def _ask(case: Case, request: StayRequest, unit_id: int, answer_by: datetime) -> Outcome:
    booking = case.booking
    booking.unit_id, booking.hold_until = unit_id, nights_kept_until(answer_by)
    step(request, RequestState.ASKED)
    request.asked_at, request.answer_by = case.now, answer_by
    until = answer_by.astimezone(booking.listing.property.zone)
    timeline.record(
        case.session, booking, "request_asked", case.cause, case.now, note=f"to be answered by {until:%Y-%m-%d %H:%M}"
    )
    notifications.tell_guest(case.session, booking, GuestMail.REQUEST_RECEIVED, case.now, answer_by=answer_by)
    note = f"Accept or decline it by {until:%A %d %B, %H:%M}. After that it lapses and the guest is told so."
    notifications.tell_staff(
        case.session, StaffNotice.NEW_REQUEST, case.now, booking, note, page=f"/admin/requests/{booking.id}"
    )
    return Outcome.AUTHORIZED


def _dates_gone(case: Case, reserved: Authorisation, request: StayRequest) -> Outcome:
    reserved.state = AuthorisationState.RELEASING
    step(request, RequestState.DATES_GONE)
    end_booking(
        case, "dates_gone", CancelReason.DATES_UNAVAILABLE, "authorised, but the nights were taken; nothing is charged"
    )
    notifications.tell_guest(
        case.session, case.booking, GuestMail.REQUEST_OFF, case.now, is_dates_gone=True, is_card_gone=False
    )
    return Outcome.REQUEST_OFF


def _let_go_at_once(case: Case, reserved: Authorisation, request: StayRequest | None) -> Outcome:
    """Nothing waits for this sum: the booking is over, or it is a second one for a request that is asked already."""
    reserved.state = AuthorisationState.RELEASING
    if case.attempt.status in (AttemptStatus.CREATING, AttemptStatus.OPEN):
        case.attempt.status = AttemptStatus.PROCESSING  # nobody can pay in it, and Stripe has still to end it
    if case.booking.status is BookingStatus.EXPIRED:
        if request is not None and request.state is RequestState.STARTED:
            step(request, RequestState.DATES_GONE)
        end_booking(case, "dates_gone", CancelReason.DATES_UNAVAILABLE, "authorised when the hold was over")
    if case.booking.status is BookingStatus.CANCELLED:
        number = case.attempt.number
        notifications.tell_guest(
            case.session, case.booking, GuestMail.REQUEST_OFF, case.now, fact_id=number,
            is_dates_gone=False, is_card_gone=False,
        )  # fmt: skip
    return Outcome.REQUEST_OFF


def _end_for_card(case: Case) -> None:
    request = find_request(case.session, case.booking.id)
    if request is None or request.state not in OPEN_REQUEST:
        return
    step(request, RequestState.CARD_FAILED)
    if case.booking.status is BookingStatus.PENDING:
        end_booking(case, "request_off", CancelReason.PAYMENT_FAILED, "the sum is no longer reserved on the card")
        notifications.tell_guest(
            case.session, case.booking, GuestMail.REQUEST_OFF, case.now, is_dates_gone=False, is_card_gone=True
        )
        note = "The bank has let the reserved sum go, so this request is over. Nothing was charged; the guest is told."
        notifications.tell_staff(case.session, StaffNotice.REQUEST_TROUBLE, case.now, case.booking, note)


def end_booking(case: Case, kind: str, reason: CancelReason, note: str) -> None:
    """Cancel a booking that is not paid, and give its nights back."""
    timeline.move(
        case.session, case.booking, BookingStatus.CANCELLED, kind, case.cause, case.now,
        note=note, cancel_reason=reason, cancelled_at=case.now, hold_until=None,
    )  # fmt: skip
    free_nights(case.session, booking_id=case.booking.id)


# --- whoever ends a booking asks ------------------------------------------------------------------------------------


def end_request(session: Session, booking: Booking, state: RequestState, now: datetime, **values: Any) -> None:
    """Whatever is reserved for a booking that is being ended is to be let go. Joins the caller's transaction.

    Raises:
        TransitionRefused: it is being taken right now.
    """
    require_transaction(session)
    request = find_request(session, booking.id)
    if request is None:
        return
    if request.state is RequestState.ACCEPTING:
        raise TransitionRefused(BEING_TAKEN)
    if request.state in (RequestState.STARTED, RequestState.ASKED):
        step(request, state)
        for name, value in values.items():
            setattr(request, name, value)
    held = select(Authorisation).where(
        Authorisation.booking_id == booking.id, Authorisation.state == AuthorisationState.HELD
    )
    for reserved in session.scalars(held):
        reserved.state = AuthorisationState.RELEASING


def step(request: StayRequest, state: RequestState) -> None:
    """Move a request on. Raises TransitionRefused where the table has no such step."""
    check_step(request.state, state)
    request.state = state
