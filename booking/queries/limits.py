"""How often something was tried in the running window."""

from datetime import datetime

from sqlalchemy import select

from booking.extensions import db
from booking.models import RateWindow


def find_window(key: str, after: datetime) -> tuple[datetime, int] | None:
    """When the running window of a key began and its count; None where none has begun after that instant."""
    rows = select(RateWindow.started_at, RateWindow.count).where(RateWindow.key == key, RateWindow.started_at > after)
    return db.session.execute(rows).first()
