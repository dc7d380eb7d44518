"""What becomes of the difference that a change of a confirmed booking costs. The one door asks; each joins it."""

from booking.domain.states import (
    UNFINISHED_ATTEMPT,
    AttemptStatus,
    BookingStatus,
    ChangeStatus,
    RefundReason,
)
from booking.gateways.payments import EvidenceState
from booking.models import Payment, StayChange
from booking.services import notifications, swaps, timeline
from booking.services.cases import Case, Decisions, Outcome, give_up_others, refund_duplicate, refund_late, send_back
from booking.services.nights import claim_beside
from booking.services.notifications import StaffNotice


def _place(case: Case, payment: Payment) -> Outcome:
    """Recheck and swap the nights in this very transaction, or send all of the difference back; never half of it."""
    change = _change_of(case)
    if case.booking.status is not BookingStatus.CONFIRMED:
        return refund_late(case, payment)
    if change.status is ChangeStatus.DONE:
        return refund_duplicate(case, payment)
    if swaps.make_change(case.session, case.booking, change, case.cause, case.now):
        swaps.tell_of_change(case.session, case.booking, change, case.now)
        note = f"The guest has paid the difference: the stay is {case.booking.arrive} to {case.booking.leave} now."
        notifications.tell_staff(case.session, StaffNotice.STAY_CHANGED, case.now, case.booking, note)
        return Outcome.CHANGED
    send_back(case, payment, RefundReason.DATES_UNAVAILABLE)
    status = ChangeStatus.LAPSED if change.status is ChangeStatus.OPEN else change.status
    swaps.drop_change(case.session, case.booking, change, status, case.cause, case.now, refund=payment.amount)
    note = "The difference for a change came when the change could not be made any more. It is being refunded in full."
    notifications.tell_staff(case.session, StaffNotice.STAY_CHANGED, case.now, case.booking, note, fact_id=payment.id)
    return Outcome.CHANGE_OFF


def _note_coming(case: Case) -> Outcome:
    """A delayed method: the new nights are kept beside the old ones until its result."""
    change = _change_of(case)
    is_given_up = case.attempt.status is AttemptStatus.SUPERSEDED and not swaps.has_live_attempt(case.session, change)
    if case.attempt.status not in (AttemptStatus.CREATING, AttemptStatus.OPEN) and not is_given_up:
        return Outcome.NOTHING
    give_up_others(case)
    case.attempt.status = AttemptStatus.PROCESSING
    if change.status is ChangeStatus.OPEN:
        claim_beside(case.session, case.booking, change.unit_id, change.stay, case.now, hold_until=None)
        change.hold_until = None
    timeline.record(case.session, case.booking, "difference_processing", case.cause, case.now)
    return Outcome.PROCESSING


def _lapse_expired(case: Case) -> Outcome:
    return _lapse(case, AttemptStatus.EXPIRED)


def _lapse_failed(case: Case) -> Outcome:
    return _lapse(case, AttemptStatus.FAILED)


def _lapse(case: Case, status: AttemptStatus) -> Outcome:
    """Nobody can pay in this session any more: without another one the stay stays as it was."""
    if case.attempt.status not in UNFINISHED_ATTEMPT:
        return Outcome.NOTHING
    case.attempt.status = status
    case.session.flush()  # it is not live any more
    change = _change_of(case)
    if change.status is ChangeStatus.OPEN and not swaps.has_live_attempt(case.session, change):
        swaps.drop_change(case.session, case.booking, change, ChangeStatus.LAPSED, case.cause, case.now)
    return Outcome.CLOSED


def _change_of(case: Case) -> StayChange:
    assert case.attempt.change_id is not None
    return case.session.get_one(StayChange, case.attempt.change_id, populate_existing=True)


DECISIONS = Decisions(
    place=_place,
    on={
        EvidenceState.PROCESSING: _note_coming,
        EvidenceState.FAILED: _lapse_failed,
        EvidenceState.EXPIRED: _lapse_expired,
    },
)
