"""What every table shares."""

from datetime import UTC, datetime

from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime
from booking.extensions import Base


def _written_now() -> datetime:
    # Bookkeeping of the row itself, never read by a rule: rules are given the clock.
    return datetime.now(UTC)


class Stamped(Base):
    """Rows that remember when they were written and last changed."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=_written_now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime, default=_written_now, onupdate=_written_now, sort_order=91
    )
