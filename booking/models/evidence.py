"""Answers to disputes: what staff drafts and lays down at Stripe, its files, and the one submission of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.papers import PaperKind
from booking.models.base import Stamped
from booking.models.payment import Dispute


class SubmissionState(StrEnum):
    """SENDING means that Stripe may have been asked and that its answer is not known: looking settles it."""

    SENDING = "sending"
    SENT = "sent"


class EvidenceDraft(Stamped):
    """The draft of an answer, as staff saved it last. It can be saved as often as they like."""

    __tablename__ = "evidence_draft"
    __table_args__ = (UniqueConstraint("idempotency_key"),)

    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"), primary_key=True)
    texts: Mapped[dict[str, str]] = mapped_column(JSON)  # by Stripe's names, see domain/evidence.py
    saved_by: Mapped[str] = mapped_column(String(254))  # staff address
    saved_at: Mapped[datetime] = mapped_column(UTCDateTime)
    idempotency_key: Mapped[str] = mapped_column(String(255))  # new for each version of the texts
    staged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # None: not known to lie at Stripe
    refused: Mapped[str] = mapped_column(String(80), default="")  # why Stripe would not take it

    dispute: Mapped[Dispute] = relationship()


class EvidenceFile(Stamped):
    """A file that goes with an answer, kept as it is: what staff looks at is what the bank gets.

    One that is made anew and came out otherwise is another row. Erased with its guest, it is empty.
    """

    __tablename__ = "evidence_file"
    __table_args__ = (
        UniqueConstraint("dispute_id", "kind", "digest"),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("stripe_file_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"))
    kind: Mapped[PaperKind] = mapped_column(enum_column(PaperKind, "kind"))
    name: Mapped[str] = mapped_column(String(80))  # of no other file: by it one is found again at Stripe
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of what was made
    size: Mapped[int] = mapped_column()  # in bytes
    pages: Mapped[int] = mapped_column()
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)  # last; what came out as before is the same row
    idempotency_key: Mapped[str] = mapped_column(String(255))
    first_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # first call with this key
    stripe_file_id: Mapped[str | None] = mapped_column(String(255))  # file_..., made by Stripe; None: not known to lie


class EvidenceSubmission(Stamped):
    """The answer that goes to the bank. The primary key is what makes a second one impossible.

    Texts and key are committed before the call and never change while its outcome is unknown.
    """

    __tablename__ = "evidence_submission"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        CheckConstraint("(state = 'sent') = (submitted_at IS NOT NULL)", name="sent_has_time"),
    )

    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"), primary_key=True)
    state: Mapped[SubmissionState] = mapped_column(enum_column(SubmissionState, "state"))
    texts: Mapped[dict[str, str]] = mapped_column(JSON)  # frozen, as sent to Stripe
    idempotency_key: Mapped[str] = mapped_column(String(255))
    submitted_by: Mapped[str] = mapped_column(String(254))  # staff address
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)  # when staff pressed the button
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # first call with this key
    submitted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when Stripe was known to have it

    dispute: Mapped[Dispute] = relationship()
