"""What follows when a saved card was charged with nobody there and said no: both sides hear of it."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import require_transaction
from booking.domain.charging import may_try_again, next_try
from booking.domain.declines import explain
from booking.domain.states import UNFINISHED_ATTEMPT, AttemptChannel, AttemptStatus, DueStatus
from booking.language import language
from booking.models import Attempt, Booking, Due
from booking.services import notifications, timeline
from booking.services.cases import Case, Outcome
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause


def fail_charge(case: Case) -> Outcome:
    """With nobody there a refusal ends a try. The same news may come twice: by the answer, and by an event."""
    if case.attempt.status not in UNFINISHED_ATTEMPT:
        return Outcome.NOTHING
    code = (case.evidence.decline_code or "declined")[:80]
    note_failed_try(case.session, case.booking, case.attempt, code, case.cause, case.now)
    return Outcome.DECLINED


def find_tries(session: Session, due: Due) -> Sequence[Attempt]:
    """How often a saved card was charged for it and said no, oldest first; what never reached Stripe is no try."""
    tried = select(Attempt).where(
        Attempt.due_id == due.id,
        Attempt.channel == AttemptChannel.OFF_SESSION,
        Attempt.status == AttemptStatus.FAILED,
    )
    return session.scalars(tried.order_by(Attempt.id)).all()


def note_failed_try(
    session: Session, booking: Booking, attempt: Attempt, code: str, cause: Cause, now: datetime
) -> None:
    """End a try, tell the guest how to pay otherwise, and staff where it was the last. Joins the transaction."""
    require_transaction(session)
    attempt.status, attempt.decline_code, attempt.declined_at = AttemptStatus.FAILED, code, now
    session.flush()  # it counts as a try
    timeline.record(session, booking, "charge_failed", cause, now, note=f"attempt {attempt.number}")
    due = session.get_one(Due, attempt.due_id)
    if due.status is not DueStatus.OPEN:
        return
    again, speak = _again_on(session, due, code), language(booking.language)
    notifications.tell_guest(
        session, booking, GuestMail.CHARGE_FAILED, now, fact_id=attempt.id, due_id=due.id, charged=due.amount,
        owed_for=due.kind.value, reason=due.note, decline=speak.speak(explain(code).told),
        must_confirm=int(code == "authentication_required"), again_on=speak.day(again) if again else "",
    )  # fmt: skip
    if again is None:
        what = f"{due.kind.replace('_', ' ')} of {due.amount.major} {due.currency.upper()}"
        note = f"The saved card could not be charged for the {what} (due {due.id}), and is not tried again."
        notifications.tell_staff(session, StaffNotice.CHARGE_FAILED, now, booking, note, fact_id=attempt.id)


def _again_on(session: Session, due: Due, code: str) -> date | None:
    if due.tries_stopped_at is not None or not may_try_again(code):
        return None
    zone = due.booking.listing.property.zone
    return next_try(due.due_on, [one.created_at.astimezone(zone).date() for one in find_tries(session, due)])
