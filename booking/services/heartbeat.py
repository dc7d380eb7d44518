"""The pulse of a process, so that somebody notices when it stops."""

from booking.database import insert_into, transaction
from booking.models import Heartbeat
from booking.queries.health import WORKER
from booking.runtime import Runtime


def beat(runtime: Runtime, name: str = WORKER) -> None:
    """Note that a process is at work. Commits; two beats at once are one."""
    now = runtime.clock.now()
    with transaction() as session:
        fresh = insert_into(session, Heartbeat).values(name=name, beaten_at=now)
        session.execute(fresh.on_conflict_do_update(index_elements=[Heartbeat.name], set_={"beaten_at": now}))
