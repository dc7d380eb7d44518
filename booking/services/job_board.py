"""The board of long work: asked for by a page, leased to one worker at a time, watched while it is done.

A worker that dies leaves a lease that ends; the work then goes on where it was, and after a few deaths it is called
interrupted, so that nobody waits for ever. What is done is therefore such that half of it may be done twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.extensions import db
from booking.models import Job
from booking.models.job import JobKind, JobState
from booking.runtime import Runtime

# Longer than the longest part of any work takes; each finished part renews it.
LEASE = timedelta(minutes=3)
MOST_TRIES = 3
MOST_LINES, LONGEST_LINE = 200, 300
KEPT_FOR = timedelta(days=30)
WORKER = "worker"
_OVER = (JobState.DONE, JobState.INTERRUPTED)


class JobLost(Exception):
    """The lease has ended and somebody else goes on: stop here, and write nothing more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was done or found."""

    text: str
    is_problem: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """One leased piece of work. `done` parts were finished by an earlier try; `tries` tells this lease from others."""

    job_id: int
    kind: JobKind
    params: Mapping[str, Any]
    done: int
    who: str
    tries: int


def ask_for(session: Session, kind: JobKind, who: str, params: Mapping[str, Any], *, of: int = 0) -> int:
    """Put work on the board; its id. Joins the caller's transaction."""
    require_transaction(session)
    job = Job(kind=kind, state=JobState.WAITING, who=who[:254], params=dict(params), of=of, message="Waits its turn.")
    session.add(job)
    session.flush()  # for the id, under which it is watched
    return job.id


def find_same(session: Session, kind: JobKind) -> int | None:
    """Work of this kind that waits or runs: asking for it once more would only do it twice."""
    wanted = select(Job.id).where(Job.kind == kind, Job.state.not_in(_OVER)).order_by(Job.id).limit(1)
    return session.scalar(wanted)


def lease_next(runtime: Runtime) -> Work | None:
    """Take the oldest work that nobody does; None where there is none. Commits.

    Work over which the worker died too often is called interrupted on the way.
    """
    now = runtime.clock.now()
    if not _is_any_due(now):
        return None
    with transaction() as session:
        oldest = select(Job).where(_is_due(now)).order_by(Job.id).limit(1)
        job = session.scalar(oldest.with_for_update(skip_locked=True))
        if job is None:
            return None
        if job.tries >= MOST_TRIES:
            _end(job, JobState.INTERRUPTED, "Interrupted: the worker stopped while it did this.", now)
            return None
        job.state, job.lease_until, job.tries = JobState.RUNNING, now + LEASE, job.tries + 1
        job.started_at, job.message = job.started_at or now, "Begun." if job.tries == 1 else "Begun anew."
        return Work(job.id, JobKind(job.kind), dict(job.params), job.done, job.who, job.tries)


def report(runtime: Runtime, work: Work, done: int, message: str, lines: Iterable[Line] = ()) -> None:
    """So much is done, and this came of it. Renews the lease and commits. Raises JobLost."""
    with transaction() as session:
        job, now = _get_own(session, work), runtime.clock.now()
        job.done, job.message, job.lease_until = done, message[:200], now + LEASE
        _add_lines(job, lines)


def finish(runtime: Runtime, work: Work, message: str, lines: Iterable[Line] = ()) -> None:
    """The work is done. Commits. Raises JobLost."""
    with transaction() as session:
        job = _get_own(session, work)
        _add_lines(job, lines)
        job.of = max(job.of, 1)
        job.done = job.of
        _end(job, JobState.DONE, message, runtime.clock.now())


def give_up(runtime: Runtime, work: Work, why: str) -> None:
    """The work broke in a way that trying again does not mend. Commits; work that somebody else took over stays."""
    with transaction() as session:
        try:
            _end(_get_own(session, work), JobState.INTERRUPTED, why, runtime.clock.now())
        except JobLost:
            return


def note_done(runtime: Runtime, kind: JobKind, message: str, lines: Iterable[Line]) -> None:
    """Write down work that the worker did by its timetable, so that its last run can be looked at. Commits."""
    with transaction() as session:
        now = runtime.clock.now()
        job = Job(kind=kind, state=JobState.DONE, who=WORKER, done=1, of=1, result=[], started_at=now)
        _add_lines(job, lines)
        _end(job, JobState.DONE, message, now)
        session.add(job)


def purge(runtime: Runtime) -> None:
    """Forget work that ended long ago. Commits."""
    with transaction() as session:
        session.execute(delete(Job).where(Job.state.in_(_OVER), Job.ended_at < runtime.clock.now() - KEPT_FOR))


def _is_due(now: datetime) -> Any:
    died = and_(Job.state == JobState.RUNNING, Job.lease_until <= now)
    return or_(Job.state == JobState.WAITING, died)


def _is_any_due(now: datetime) -> bool:
    # Looked at every few seconds: only where there is something does anybody take the lock for writing.
    found = db.session.scalar(select(Job.id).where(_is_due(now)).limit(1))
    end_read()
    return found is not None


def _get_own(session: Session, work: Work) -> Job:
    own = select(Job).where(Job.id == work.job_id, Job.state == JobState.RUNNING, Job.tries == work.tries)
    job = session.scalar(own.with_for_update())
    if job is None:
        raise JobLost
    return job


def _add_lines(job: Job, lines: Iterable[Line]) -> None:
    fresh = [{"text": line.text[:LONGEST_LINE], "is_problem": line.is_problem} for line in lines]
    job.result = [*job.result, *fresh][:MOST_LINES]


def _end(job: Job, state: JobState, message: str, now: datetime) -> None:
    job.state, job.message, job.lease_until, job.ended_at = state, message[:200], None, now
