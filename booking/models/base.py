"""What every table shares."""

from datetime import UTC, datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime
from booking.extensions import Base


def _written_now() -> datetime:
    # Bookkeeping of the row itself, never read by a rule: rules are given the clock.
    return datetime.now(UTC)


def partial_index(name: str, *columns: str, where: str, unique: bool = True) -> Index:
    """An index of some rows alone, the same on both databases; mostly, columns that are unique among these."""
    rows = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


def sparse_index(table: str, column: str) -> Index:
    """An index of the rows that say anything in a column that most leave empty: to write one of those costs nothing."""
    return partial_index(f"ix_{table}_{column}", column, where=f"{column} IS NOT NULL", unique=False)


class Stamped(Base):
    """Rows that remember when they were written and last changed."""

    __abstract__ = True

    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=_written_now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime, default=_written_now, onupdate=_written_now, sort_order=91
    )
