"""Whether this installation can do its work at this moment. Looking leaves nothing behind."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from booking.database import transaction
from booking.extensions import db
from booking.models import Heartbeat
from booking.queries.health import is_worker_alive
from booking.runtime import Runtime
from booking.services import heartbeat

# With less the next write may be the one that fails.
LEAST_FREE_DISK = 0.05
TRIAL = "readiness"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found. Where the database does not answer at all, nobody could look at schema and worker: false."""

    database: bool  # can be written to
    schema: bool  # at the newest migration
    worker: bool  # seen lately
    disk: bool  # has room

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return self.database and self.schema and self.worker and self.disk


def check_readiness(runtime: Runtime, find_schema_problem: Callable[[], str | None]) -> Readiness:
    """Look at everything that a booking needs. Commits a row and takes it away; raises nothing for what is missing."""
    has_room = free_disk(runtime) >= LEAST_FREE_DISK
    try:
        is_newest = find_schema_problem() is None
    except SQLAlchemyError:  # down: whoever asks on waits once more for each answer
        return Readiness(database=False, schema=False, worker=False, disk=has_room)
    return Readiness(
        database=_is_so(lambda: _can_write(runtime)),
        schema=is_newest,
        worker=_is_so(lambda: is_worker_alive(runtime.clock.now())),
        disk=has_room,
    )


def free_disk(runtime: Runtime) -> float:
    """The free part, 0 to 1, of the disk that holds the data (of the program's, where the data is elsewhere)."""
    usage = shutil.disk_usage(runtime.settings.data_folder)
    return usage.free / usage.total


def _is_so(look: Callable[[], bool]) -> bool:
    try:
        return look()
    except SQLAlchemyError:
        db.session.rollback()
        return False


def _can_write(runtime: Runtime) -> bool:
    """Write a row, commit it, and take it away again: a disk that takes nothing shows at a commit, and not before."""
    heartbeat.beat(runtime, TRIAL)
    with transaction() as session:
        session.execute(delete(Heartbeat).where(Heartbeat.name == TRIAL))
    return True
