"""The inbox: one row per event that concerned this shop, written in the transaction of its effect."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime, enum_column
from booking.models.base import Stamped, sparse_index


class InboxOutcome(StrEnum):
    """What became of an event. FAILED and UNMATCHED may be tried again; the others are final."""

    HANDLED = "handled"
    IGNORED = "ignored"
    UNMATCHED = "unmatched"
    FAILED = "failed"


class WebhookEvent(Stamped):
    """One event of Stripe's, by its own id."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        Index("ix_webhook_event_outcome_received_at", "outcome", "received_at"),
        sparse_index("webhook_event", "booking_id"),
    )

    id: Mapped[str] = mapped_column(String(255), primary_key=True)  # evt_..., made by Stripe
    type: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str] = mapped_column(String(255), default="")
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    outcome: Mapped[InboxOutcome] = mapped_column(enum_column(InboxOutcome, "outcome"))
    note: Mapped[str] = mapped_column(String(200), default="")
    deliveries: Mapped[int] = mapped_column(default=1)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
