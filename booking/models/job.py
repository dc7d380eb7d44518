"""Long work that somebody asked for and watches: its progress, and what came of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime, enum_column
from booking.models.base import Stamped


class JobKind(StrEnum):
    """What is done."""

    PICTURES = "pictures"
    RECONCILE = "reconcile"
    REPLAY = "replay"


class JobState(StrEnum):
    """INTERRUPTED: the worker died over it as often as it may; some of the work is perhaps left undone."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    INTERRUPTED = "interrupted"


class Job(Stamped):
    """One piece of work. `done` of `of` parts are finished; `of` is 0 where nobody can know how many there are."""

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("done >= 0 AND tries >= 0", name="counts_not_negative"),
        Index("ix_job_state_lease_until", "state", "lease_until"),
        Index("ix_job_kind_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))  # a JobKind; no constraint, so that a new kind needs no migration
    state: Mapped[JobState] = mapped_column(enum_column(JobState, "state"))
    done: Mapped[int] = mapped_column(default=0)
    of: Mapped[int] = mapped_column(default=0)
    message: Mapped[str] = mapped_column(String(200), default="")  # what is being done, or how it ended
    who: Mapped[str] = mapped_column(String(254))  # staff address; "worker" where nobody asked
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # One line for each thing found or done: [{"text": "...", "is_problem": false}, ...].
    result: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None unless it runs
    tries: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
