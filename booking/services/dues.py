"""What becomes of dues: how a balance begins and ends, and what money for one means. Each joins its transaction.

How a guest comes to pay, and what staff does, is in balances.py.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.errors import TransitionRefused
from booking.domain.money import Money
from booking.domain.payment_plans import ROOM_TO_PAY, smallest_charge
from booking.domain.states import (
    UNFINISHED_ATTEMPT,
    AttemptChannel,
    AttemptStatus,
    BookingStatus,
    DueKind,
    DueStatus,
    RefundReason,
)
from booking.gateways.payments import EvidenceState
from booking.models import Attempt, Booking, Due, Payment, StayChange
from booking.services import notifications, timeline
from booking.services.cases import (
    Case,
    Decisions,
    Outcome,
    close_attempt,
    give_up_others,
    keep_decline,
    refund_duplicate,
    refund_late,
    send_back,
)
from booking.services.charge_news import fail_charge
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause

# In these nobody has paid yet, so they may be given up.
_UNPAID = (AttemptStatus.CREATING, AttemptStatus.OPEN)


def open_balance(session: Session, booking: Booking, cause: Cause, now: datetime) -> None:
    """Write down what a booking that is confirmed right now leaves to pay; nothing where all is paid. Joins.

    With a payment method that took days, the day that was agreed may have come too near: nobody is late by that.
    """
    require_transaction(session)
    schedule = booking.schedule
    if not schedule.is_split or schedule.due_on is None:
        return
    due_on = max(schedule.due_on, min(booking.listing.property.today(now) + ROOM_TO_PAY, booking.arrive))
    due = Due(
        booking_id=booking.id,
        kind=DueKind.BALANCE,
        status=DueStatus.OPEN,
        amount_minor=schedule.later.minor,
        currency=schedule.later.currency,
        due_on=due_on,
    )
    session.add(due)
    session.flush()  # the timeline names its id
    timeline.record(session, booking, "balance_owed", cause, now, note=f"due {due.id}, until {due_on}")


def find_open_balance(session: Session, booking_id: int) -> Due | None:
    """What is left to pay of a booking's price. Under the booking's lock nobody else decides on it."""
    wanted = select(Due).where(Due.booking_id == booking_id, Due.kind == DueKind.BALANCE, Due.status == DueStatus.OPEN)
    return session.scalar(wanted.order_by(Due.id).limit(1).execution_options(populate_existing=True))


def is_owed(booking: Booking, due: Due) -> bool:
    """Whether a guest is still to pay it. A balance is a part of the price of a stay, and goes with it."""
    return due.status is DueStatus.OPEN and not _is_off(booking, due)


def is_payable(session: Session, due_id: int) -> bool:
    """Whether somebody may be paying it at Stripe, or money for it be on its way. Joins the caller's transaction."""
    found = select(Attempt.id).where(Attempt.due_id == due_id, Attempt.status.in_(UNFINISHED_ATTEMPT))
    return session.scalar(found.limit(1)) is not None


def mark_paid(session: Session, booking: Booking, due: Due, cause: Cause, now: datetime) -> None:
    """The money has come: close the due, and tell the guest. Joins the caller's transaction."""
    due.status = DueStatus.PAID
    timeline.record(session, booking, "due_paid", cause, now, note=f"due {due.id}, {due.kind}")
    if due.kind is DueKind.BALANCE:
        notifications.tell_guest(session, booking, GuestMail.BALANCE_PAID, now, fact_id=due.id, due_amount=due.amount)
    else:
        notifications.tell_guest(session, booking, GuestMail.RECEIPT, now, fact_id=f"due-{due.id}")


def waive(session: Session, booking: Booking, due: Due, cause: Cause, now: datetime) -> None:
    """Nobody owes it any more. Its sessions are given up; the sweep ends those that are open at Stripe. Joins."""
    due.status = DueStatus.WAIVED
    unpaid = update(Attempt).where(Attempt.due_id == due.id, Attempt.status.in_(_UNPAID))
    session.execute(unpaid.values(status=AttemptStatus.SUPERSEDED))
    timeline.record(session, booking, "due_waived", cause, now, note=f"due {due.id}, {due.kind}")


def drop_with_booking(session: Session, booking: Booking, cause: Cause, now: datetime) -> None:
    """A booking is cancelled: what is left of its price is not owed any more. Joins the caller's transaction."""
    due = find_open_balance(session, booking.id)
    if due is not None:
        waive(session, booking, due, cause, now)


def after_change(due: Due, difference: Money) -> Money:
    """What a balance comes to once a stay costs more, or less. Raises TransitionRefused where it cannot take that."""
    amount = due.amount + difference
    if amount.minor < smallest_charge(amount.currency).minor:
        raise TransitionRefused(
            "The balance that is still owed is too small to take this difference. "
            "Change the stay at the price it has now, or let the balance be paid first."
        )
    return amount


def take_change(session: Session, booking: Booking, due: Due, change: StayChange, cause: Cause, now: datetime) -> None:
    """Put what a change costs more or less into the balance, and let its day move with the stay. Joins.

    Only where nothing of it is payable: a session of the old amount must not be left.
    """
    amount, moved = after_change(due, change.difference), change.arrive - change.from_arrive
    earliest = min(booking.listing.property.today(now) + ROOM_TO_PAY, change.arrive)
    due.amount_minor, due.due_on = amount.minor, max(due.due_on + moved, earliest)
    note = f"due {due.id}: {amount.major} {amount.currency.upper()} until {due.due_on}"
    timeline.record(session, booking, "balance_changed", cause, now, note=note)


# --- what news of an attempt means ----------------------------------------------------------------------------------


def _place(case: Case, payment: Payment) -> Outcome:
    """What is owed is paid, unless nothing is owed any more: then all of it goes back."""
    due = _due_of(case)
    if _is_off(case.booking, due):
        return refund_late(case, payment)
    if due.status is DueStatus.PAID or due.amount != payment.amount:
        return refund_duplicate(case, payment)
    if due.status is DueStatus.WAIVED:
        return _refund_waived(case, payment)
    mark_paid(case.session, case.booking, due, case.cause, case.now)
    return Outcome.DUE_PAID


def _refund_waived(case: Case, payment: Payment) -> Outcome:
    """The house had given it up, and the stay stands: the money goes back, and both sides hear of it."""
    send_back(case, payment, RefundReason.ALREADY_CANCELLED)
    amount = payment.amount
    notifications.tell_guest(
        case.session, case.booking, GuestMail.NOT_OWED, case.now, fact_id=payment.id, refund=amount
    )
    note = "The guest paid what the house had given up; that payment is being refunded in full."
    notifications.tell_staff(case.session, StaffNotice.DUPLICATE, case.now, case.booking, note, fact_id=payment.id)
    return Outcome.LATE


def _is_off(booking: Booking, due: Due) -> bool:
    return due.kind is DueKind.BALANCE and booking.status is not BookingStatus.CONFIRMED


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
    if case.attempt.channel is AttemptChannel.OFF_SESSION:
        return fail_charge(case)
    keep_decline(case)
    timeline.record(case.session, case.booking, "card_declined", case.cause, case.now)
    return Outcome.DECLINED


def _close_expired(case: Case) -> Outcome:
    """The due stays open, here and below: another attempt can be asked for."""
    return Outcome.CLOSED if close_attempt(case, AttemptStatus.EXPIRED) else Outcome.NOTHING


def _close_failed(case: Case) -> Outcome:
    return Outcome.CLOSED if close_attempt(case, AttemptStatus.FAILED) else Outcome.NOTHING


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
