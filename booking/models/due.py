"""What guests still owe for their bookings beside the first payment: a balance, a fee, a damage."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.money import Money
from booking.domain.states import AttemptPurpose, DueKind, DueStatus
from booking.models.base import Stamped
from booking.models.booking import Booking


class Due(Stamped):
    """One sum that is owed. It is paid through attempts that name it, and by nothing else."""

    __tablename__ = "due"
    __table_args__ = (
        UniqueConstraint("form_token"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_due_status_due_on", "status", "due_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    kind: Mapped[DueKind] = mapped_column(enum_column(DueKind, "kind"))
    status: Mapped[DueStatus] = mapped_column(enum_column(DueStatus, "status"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    due_on: Mapped[date] = mapped_column()  # a day of the property's
    note: Mapped[str] = mapped_column(String(500), default="")  # what staff says of it, for the guest to read
    requested_by: Mapped[str] = mapped_column(String(254), default="")  # staff address; empty: by the plan
    form_token: Mapped[str | None] = mapped_column(String(64))  # one per rendered form: a double click is one due
    tries_stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # by staff: no card is charged by itself

    booking: Mapped[Booking] = relationship()

    @property
    def amount(self) -> Money:
        """What is owed."""
        return Money(self.amount_minor, self.currency)

    @property
    def purpose(self) -> AttemptPurpose:
        """What an attempt at it is for."""
        return AttemptPurpose.BALANCE if self.kind is DueKind.BALANCE else AttemptPurpose.CHARGE
