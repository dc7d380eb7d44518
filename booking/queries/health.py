"""Whether what the shop needs is there."""

from datetime import datetime, timedelta

from sqlalchemy import select

from booking.extensions import db
from booking.models import Heartbeat

# Whose pulse is kept: the worker's each minute, and that of a walk through Stripe's lists when it has come to its end.
WORKER, RECONCILER = "worker", "reconciler"
OLDEST_BEAT = timedelta(minutes=3)


def is_worker_alive(now: datetime) -> bool:
    """Whether the worker was seen lately."""
    beaten_at = db.session.scalar(select(Heartbeat.beaten_at).where(Heartbeat.name == WORKER))
    return beaten_at is not None and beaten_at > now - OLDEST_BEAT
