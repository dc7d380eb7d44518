"""What must happen outside the database after a commit: written in the transaction of its cause, done by the worker."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime, enum_column
from booking.models.base import Stamped


class OutboxKind(StrEnum):
    """What is to be done."""

    MAIL = "mail"
    REFUND = "refund"
    SYNC_REFUNDS = "sync_refunds"
    KEEP_CARD = "keep_card"
    DETACH_CARD = "detach_card"


class OutboxState(StrEnum):
    """DEAD means that the worker has given up and staff must look."""

    DUE = "due"
    DONE = "done"
    DEAD = "dead"


class OutboxRow(Stamped):
    """One thing to do. `dedupe_key` makes asking for it twice the same as asking once."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("dedupe_key"), Index("ix_outbox_state_run_after", "state", "run_after"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[OutboxKind] = mapped_column(enum_column(OutboxKind, "kind"))
    dedupe_key: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"), index=True)
    state: Mapped[OutboxState] = mapped_column(enum_column(OutboxState, "state"))
    run_after: Mapped[datetime] = mapped_column(UTCDateTime)  # also the end of a worker's lease
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(200), default="")
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Subject and text of a mail to a guest as it left, without its links, which open the booking.
    letter: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
