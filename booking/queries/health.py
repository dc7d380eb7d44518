"""Whether what the shop needs is there."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from booking.extensions import db
from booking.models import Heartbeat

WORKER = "worker"
OLDEST_BEAT = timedelta(minutes=3)


def find_faults(now: datetime, find_schema_problem: Callable[[], str | None]) -> list[str]:
    """The names of what is missing: `database`, `schema`, `worker`. Nothing is raised."""
    try:
        db.session.execute(select(1))
        if find_schema_problem():
            return ["schema"]
        return [] if is_worker_alive(now) else ["worker"]
    except SQLAlchemyError:
        db.session.rollback()
        return ["database"]


def is_worker_alive(now: datetime) -> bool:
    """Whether the worker was seen lately."""
    beaten_at = db.session.scalar(select(Heartbeat.beaten_at).where(Heartbeat.name == WORKER))
    return beaten_at is not None and beaten_at > now - OLDEST_BEAT
