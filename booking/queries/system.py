"""What waits in the queues, and with what this installation is built."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from platform import python_version

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from booking.models import OutboxRow, WebhookEvent
from booking.models.outbox import OutboxState
from booking.queries.inbox import STUCK
from booking.queries.jobs import count_waiting

_PARTS = ("flask", "sqlalchemy", "stripe", "huey", "pillow", "gunicorn")


@dataclass(frozen=True, slots=True)
class Depths:
    """How much waits for the worker, and how much for a person. `oldest_at`: None where nothing is due."""

    due: int  # errands whose time has come
    later: int  # errands that wait for another try
    oldest_at: datetime | None
    dead: int
    stuck: int  # events of Stripe's
    jobs: int


def count_depths(session: Session, now: datetime) -> Depths:
    """How long the queues are."""
    waiting = OutboxRow.state == OutboxState.DUE
    oldest = session.scalar(select(func.min(OutboxRow.run_after)).where(waiting, OutboxRow.run_after <= now))
    return Depths(
        due=_count(session, OutboxRow, waiting, OutboxRow.run_after <= now),
        later=_count(session, OutboxRow, waiting, OutboxRow.run_after > now),
        oldest_at=oldest,
        dead=_count(session, OutboxRow, OutboxRow.state == OutboxState.DEAD),
        stuck=_count(session, WebhookEvent, WebhookEvent.outcome.in_(STUCK)),
        jobs=count_waiting(session),
    )


def list_versions(session: Session) -> list[tuple[str, str]]:
    """Python, the database and the libraries that matter, each with its version."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    asked = "SHOW server_version" if is_postgres else "SELECT sqlite_version()"
    database = ("PostgreSQL" if is_postgres else "SQLite", str(session.scalar(text(asked))))
    return [("Python", python_version()), database, *((part, version(part)) for part in _PARTS)]


def _count(session: Session, model: type[OutboxRow] | type[WebhookEvent], *conditions: object) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0  # type: ignore[arg-type]
