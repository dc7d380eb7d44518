"""What guests still owe, for the booking sheet: each sum with what was tried for it, and when."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.states import AttemptChannel, AttemptStatus, DueKind, DueStatus
from booking.models import Attempt, Due


@dataclass(frozen=True, slots=True)
class DueTry:
    """One attempt at a due. `reason` is why a card was refused, in words for staff."""

    at: datetime
    channel: AttemptChannel
    status: AttemptStatus
    reason: str


@dataclass(frozen=True, slots=True)
class DueRow:
    """One sum as staff sees it."""

    id: int
    kind: DueKind
    status: DueStatus
    amount: Money
    due_on: date
    note: str
    requested_by: str
    is_stopped: bool
    tries: tuple[DueTry, ...]

    @property
    def is_open(self) -> bool:
        """Whether it is still owed."""
        return self.status is DueStatus.OPEN


def list_dues(session: Session, booking_id: int) -> list[DueRow]:
    """Every sum that was ever owed beside the first payment, oldest first, with its attempts."""
    dues = session.scalars(select(Due).where(Due.booking_id == booking_id).order_by(Due.id)).all()
    tried = session.scalars(
        select(Attempt).where(Attempt.booking_id == booking_id, Attempt.due_id.is_not(None)).order_by(Attempt.id)
    ).all()
    return [_row(due, [attempt for attempt in tried if attempt.due_id == due.id]) for due in dues]


def _row(due: Due, attempts: list[Attempt]) -> DueRow:
    return DueRow(
        id=due.id,
        kind=due.kind,
        status=due.status,
        amount=due.amount,
        due_on=due.due_on,
        note=due.note,
        requested_by=due.requested_by,
        is_stopped=due.tries_stopped_at is not None,
        tries=tuple(map(_try, attempts)),
    )


def _try(attempt: Attempt) -> DueTry:
    decline = attempt.decline
    return DueTry(attempt.created_at, attempt.channel, attempt.status, decline.reason if decline else "")
