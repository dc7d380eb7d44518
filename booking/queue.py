"""The queue between web and worker: where it lies, and how the web rings for the worker."""

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from booking.config import Settings
from booking.runtime import WakeWorker

if TYPE_CHECKING:
    from huey.api import Huey, TaskWrapper

logger = logging.getLogger(__name__)

QUEUE = "holdfast"
# As many waiting wake-ups are plenty: each of them empties the outbox.
MOST_WAKE_UPS = 20
# The module by which both sides of the queue name the tasks.
TASKS = "booking.jobs.tasks"


def build_huey(settings: Settings) -> "Huey":
    """The queue that QUEUE_URL names. Messages are signed, because reading an unsigned one could run anything."""
    # Imported at the first use: a tenth of a second that a start need not wait for.
    from huey import PostgresHuey, RedisHuey, SqliteHuey
    from huey.serializer import SignedSerializer

    url = settings.queue_url
    options = {"results": False, "serializer": SignedSerializer(secret=settings.secret_key, salt="holdfast-queue")}
    if url.startswith(("redis://", "rediss://")):
        return RedisHuey(QUEUE, url=url, **options)
    if url.startswith(("postgresql://", "postgresql+psycopg://", "postgres://")):
        return PostgresHuey(QUEUE, dsn="postgresql://" + url.partition("://")[2], **options)
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    # A wake-up is a hint: it may wait for no lock for long, and need not survive a power cut.
    return SqliteHuey(QUEUE, filename=str(path), timeout=1, fsync=False, **options)


def build_wake_worker(settings: Settings) -> WakeWorker:
    """Tells the worker that the outbox has something, or logs that it could not: the worker looks by itself too."""
    alarm = _Alarm(settings)

    def wake_worker() -> None:
        try:
            alarm.ring()
        except Exception as error:  # whatever the queue is made of, a booking must not fail for it
            logger.warning("worker_not_woken", extra={"error": type(error).__name__})

    return wake_worker


class _Alarm:
    """The web's side of the queue, opened at its first use: a connection must not be carried through a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._task: TaskWrapper | None = None

    def ring(self) -> None:
        task = self._open()
        if task.huey.pending_count() < MOST_WAKE_UPS:
            task()

    def _open(self) -> "TaskWrapper":
        with self._lock:
            if self._task is None:
                self._task = build_huey(self._settings).task(name="work_outbox")(_nothing)
            return self._task


def _nothing() -> None:
    """The web only names the task; the worker has the body."""


_nothing.__module__ = TASKS
