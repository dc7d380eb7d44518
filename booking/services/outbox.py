"""The outbox: what must happen outside the database, written with its cause and leased to one worker at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import insert_of, inserted_at_commit, require_transaction, transaction
from booking.models import OutboxRow
from booking.models.outbox import OutboxKind, OutboxState
from booking.runtime import Runtime
from booking.services import audit

# Longer than the longest call a worker makes, or two workers could do the same thing at once.
LEASE = timedelta(minutes=5)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Task:
    """One leased row."""

    row_id: int
    kind: OutboxKind
    dedupe_key: str
    payload: dict[str, Any]
    tries: int  # this one included


def enqueue(
    session: Session,
    kind: OutboxKind,
    dedupe_key: str,
    payload: dict[str, Any],
    now: datetime,
    *,
    booking_id: int | None = None,
) -> None:
    """Ask for something to be done after the commit; asking again with the same key changes nothing.

    Joins the caller's transaction, so that the wish is kept exactly if its cause is; it is written at the end of it.
    """
    row = {"kind": kind, "dedupe_key": dedupe_key, "payload": payload, "booking_id": booking_id}
    _note(session, {**row, "state": OutboxState.DUE, "run_after": now, "tries": 0})


@cache
def _asking(insert: Callable[[Any], Any]) -> Any:
    """The same statement for every wish, put together once for each database."""
    return insert(OutboxRow.__table__).on_conflict_do_nothing(index_elements=["dedupe_key"])


_note = inserted_at_commit("holdfast_outbox", lambda session: _asking(insert_of(session)))


def lease_next(runtime: Runtime) -> Task | None:
    """Take the oldest row that is due; None where nothing is. Commits the lease: a crash gives the row back later."""
    now = runtime.clock.now()
    with transaction() as session:
        row = session.scalar(
            select(OutboxRow)
            .where(OutboxRow.state == OutboxState.DUE, OutboxRow.run_after <= now)
            .order_by(OutboxRow.run_after, OutboxRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        row.run_after, row.tries = now + LEASE, row.tries + 1
        return Task(row.id, row.kind, row.dedupe_key, dict(row.payload), row.tries)


@dataclass(frozen=True, slots=True)
class Done:
    """How a row ended: with a note where it was rightly left undone, with subject and text where a letter left."""

    note: str = ""
    letter: dict[str, str] | None = None


def finish(runtime: Runtime, task: Task, done: Done) -> None:
    """The thing is done, or was rightly left undone. Commits."""
    with transaction() as session:
        row = session.get_one(OutboxRow, task.row_id)
        row.state, row.done_at, row.last_error = OutboxState.DONE, runtime.clock.now(), done.note[:200]
        row.letter = done.letter


def put_back(session: Session, task: Task, error: str, now: datetime, *, is_dead: bool) -> None:
    """It did not work: try again after a wait that doubles, or leave it to staff.

    Joins the caller's transaction, so that whoever gives up for good can tell somebody in the same breath.
    """
    require_transaction(session)
    wait = min(FIRST_WAIT * 2 ** min(task.tries - 1, 20), LONGEST_WAIT)
    row = session.get_one(OutboxRow, task.row_id)
    row.state = OutboxState.DEAD if is_dead else OutboxState.DUE
    row.run_after, row.last_error = now + wait, error[:200]


def retry(runtime: Runtime, row_id: int, staff_email: str) -> None:
    """Staff asks for another try of a row that was given up. Commits."""
    with transaction() as session:
        row = session.get_one(OutboxRow, row_id)
        if row.state is OutboxState.DEAD:
            now = runtime.clock.now()
            row.state, row.run_after, row.tries = OutboxState.DUE, now, 0
            audit.record(session, staff_email, "errand.retried", f"errand {row_id}", now, after={"kind": row.kind})
    runtime.wake_worker()
