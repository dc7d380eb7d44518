"""What becomes of money for a due: a balance, a fee, a damage. The one door asks; each joins its transaction."""

from booking.domain.states import UNFINISHED_ATTEMPT, AttemptStatus, BookingStatus, DueKind, DueStatus
from booking.gateways.payments import EvidenceState
from booking.models import Due, Payment
from booking.services import timeline
from booking.services.cases import (
    Case,
    Decisions,
    Outcome,
    give_up_others,
    keep_decline,
    refund_duplicate,
    refund_late,
)


def _place(case: Case, payment: Payment) -> Outcome:
    """What is owed is paid, unless nothing is owed any more: then all of it goes back."""
    due = _due_of(case)
    if due.status is DueStatus.PAID:
        return refund_duplicate(case, payment)
    if due.status is DueStatus.WAIVED or _is_off(case, due):
        return refund_late(case, payment)
    due.status = DueStatus.PAID
    timeline.record(case.session, case.booking, "due_paid", case.cause, case.now, note=f"due {due.id}, {due.kind}")
    return Outcome.DUE_PAID


def _is_off(case: Case, due: Due) -> bool:
    """A balance is part of the price of a stay, and goes with it. A fee or a damage stays owed."""
    return due.kind is DueKind.BALANCE and case.booking.status is not BookingStatus.CONFIRMED


def _note_coming(case: Case) -> Outcome:
    """A delayed method: the due stays open until its result."""
    if case.attempt.status not in (AttemptStatus.CREATING, AttemptStatus.OPEN):
        return Outcome.NOTHING
    give_up_others(case)
    case.attempt.status = AttemptStatus.PROCESSING
    timeline.record(case.session, case.booking, "due_processing", case.cause, case.now)
    return Outcome.PROCESSING


def _note_decline(case: Case) -> Outcome:
    if case.attempt.status is AttemptStatus.PAID:
        return Outcome.NOTHING  # the news of an earlier try, come late
    keep_decline(case)
    timeline.record(case.session, case.booking, "card_declined", case.cause, case.now)
    return Outcome.DECLINED


def _close_expired(case: Case) -> Outcome:
    return _close(case, AttemptStatus.EXPIRED)


def _close_failed(case: Case) -> Outcome:
    return _close(case, AttemptStatus.FAILED)


def _close(case: Case, status: AttemptStatus) -> Outcome:
    """Nobody can pay in this attempt any more. The due stays open: another one can be asked for."""
    if case.attempt.status not in UNFINISHED_ATTEMPT:
        return Outcome.NOTHING
    case.attempt.status = status
    if case.evidence.decline_code:
        keep_decline(case)
    return Outcome.CLOSED


def _due_of(case: Case) -> Due:
    assert case.attempt.due_id is not None
    return case.session.get_one(Due, case.attempt.due_id, populate_existing=True)


DECISIONS = Decisions(
    place=_place,
    on={
        EvidenceState.PROCESSING: _note_coming,
        EvidenceState.DECLINED: _note_decline,
        EvidenceState.FAILED: _close_failed,
        EvidenceState.EXPIRED: _close_expired,
    },
)
