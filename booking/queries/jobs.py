"""Long work as its page shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.models import Job
from booking.models.job import JobKind, JobState

__all__ = ["JobKind", "JobState", "JobView", "count_waiting", "find_job", "list_jobs"]

OVER = (JobState.DONE, JobState.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class JobView:
    """One piece of work. `of` is 0 where nobody knows how many parts there are; `lines` are what came of it."""

    id: int
    kind: str
    state: JobState
    done: int
    of: int
    message: str
    who: str
    params: dict[str, Any]
    lines: list[dict[str, Any]]
    asked_at: datetime
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER

    @property
    def problems(self) -> int:
        """How many of the lines need a person."""
        return sum(bool(line["is_problem"]) for line in self.lines)


def find_job(session: Session, job_id: int) -> JobView | None:
    """One piece of work."""
    row = session.get(Job, job_id, populate_existing=True)
    return _view(row) if row else None


def list_jobs(session: Session, kind: JobKind | None = None, most: int = 20) -> list[JobView]:
    """The newest pieces of work, of one kind or of all."""
    wanted = select(Job).order_by(Job.id.desc()).limit(most).execution_options(populate_existing=True)
    return [_view(row) for row in session.scalars(wanted.where(Job.kind == kind) if kind else wanted)]


def count_waiting(session: Session) -> int:
    """How many pieces of work have not come to their end."""
    return session.scalar(select(func.count()).select_from(Job).where(Job.state.not_in(OVER))) or 0


def _view(row: Job) -> JobView:
    return JobView(
        row.id, row.kind, row.state, row.done, row.of, row.message, row.who, row.params, row.result, row.created_at,
        row.ended_at,
    )  # fmt: skip
