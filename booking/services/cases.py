"""What a decision on money is given, and what decisions of every kind do. All of it joins the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from booking.domain.states import LIVE_ATTEMPT, UNFINISHED_ATTEMPT, AttemptStatus, RefundReason
from booking.gateways.payments import EvidenceState, PaymentEvidence
from booking.models import Attempt, Booking, Payment
from booking.services import notifications, refunds
from booking.services.instance import Identity
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause


class Outcome(StrEnum):
    """What was decided. Each is a normal outcome, none an error."""

    CONFIRMED = "confirmed"
    MOVED = "moved"  # confirmed, in an equal unit of the same listing
    ALREADY = "already"  # this payment was settled before
    DATES_GONE = "dates_gone"  # cancelled, full refund
    LATE = "late"  # the booking was cancelled before: full refund
    CHANGED = "changed"  # the difference came, and the stay is the new one
    CHANGE_OFF = "change_off"  # the difference came too late: refunded, the stay is as it was
    DUE_PAID = "due_paid"  # a balance, a fee or a damage
    DUPLICATE = "duplicate"  # a second payment for a confirmed booking: refunded
    NEEDS_REVIEW = "needs_review"
    AUTHORIZED = "authorized"  # a request to book is asked
    REQUEST_OFF = "request_off"  # a sum was reserved for nothing, and is let go
    PROCESSING = "processing"
    DECLINED = "declined"
    CLOSED = "closed"  # nobody can pay this attempt any more
    NOTHING = "nothing"  # nothing new
    UNKNOWN = "unknown"  # no attempt of ours


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision needs, with attempt and booking locked."""

    session: Session
    attempt: Attempt
    booking: Booking
    evidence: PaymentEvidence
    cause: Cause
    now: datetime
    identity: Identity
    attempts: Sequence[Attempt]  # all of the booking, this one too
    is_recorded: bool  # the payment that the evidence tells of, before this decision


@dataclass(frozen=True, slots=True)
class Decisions:
    """What news of an attempt means for the thing that it pays for.

    A payment is recorded and compared before it is placed. News that `on` does not name changes nothing.
    """

    place: Callable[[Case, Payment], Outcome]
    on: Mapping[EvidenceState, Callable[[Case], Outcome]]


def send_back(case: Case, payment: Payment, reason: RefundReason) -> None:
    """Ask for all of a payment to be refunded."""
    refunds.request_refund(case.session, payment, payment.amount, reason, case.cause, case.now)


def refund_late(case: Case, payment: Payment) -> Outcome:
    """Money for a booking that is over: all of it goes back, and the guest hears of it."""
    send_back(case, payment, RefundReason.ALREADY_CANCELLED)
    notifications.tell_guest(case.session, case.booking, GuestMail.LATE_REFUND, case.now, refund=payment.amount)
    return Outcome.LATE


def refund_duplicate(case: Case, payment: Payment) -> Outcome:
    """Paid twice: the second payment goes back, and both sides hear of it."""
    send_back(case, payment, RefundReason.DUPLICATE)
    notifications.tell_guest(
        case.session, case.booking, GuestMail.DUPLICATE_REFUND, case.now, fact_id=payment.id, refund=payment.amount
    )
    note = "The guest paid twice; the second payment is being refunded."
    notifications.tell_staff(case.session, StaffNotice.DUPLICATE, case.now, case.booking, note, fact_id=payment.id)
    return Outcome.DUPLICATE


def give_up_others(case: Case) -> None:
    """Nothing else may be handed out for the same; the sweep ends the sessions that are still open at Stripe."""
    this = case.attempt
    for other in case.attempts:
        # The price of the booking, the difference of a change and a due are things to pay for each by itself.
        is_for_the_same = (other.change_id, other.due_id) == (this.change_id, this.due_id)
        if other is not this and is_for_the_same and other.status in LIVE_ATTEMPT:
            other.status = AttemptStatus.SUPERSEDED
    case.session.flush()  # one of them is live at most, and this one may be the next


def close_attempt(case: Case, status: AttemptStatus) -> bool:
    """Nobody can pay in this attempt any more; whether that is news. A refusal that is told with it is kept."""
    if case.attempt.status not in UNFINISHED_ATTEMPT:
        return False
    case.attempt.status = status
    if case.evidence.decline_code:
        keep_decline(case)
    return True


def keep_decline(case: Case) -> None:
    """Remember why the bank refused, for whoever has to be told."""
    case.attempt.decline_code = (case.evidence.decline_code or "declined")[:80]
    case.attempt.declined_at = case.now
