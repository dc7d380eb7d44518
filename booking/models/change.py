"""Changes of dates and guests that staff made or offered. An offer holds its new nights beside the old ones."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime, enum_column
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import ChangeStatus
from booking.models.base import Stamped, partial_index

_OPEN = "status = 'open'"


class StayChange(Stamped):
    """One change of a confirmed booking. While it is OPEN the booking is as it was, and the difference can be paid."""

    __tablename__ = "stay_change"
    __table_args__ = (
        UniqueConstraint("form_token"),
        CheckConstraint("arrive < leave", name="arrive_before_leave"),
        CheckConstraint("guests > 0", name="guests_positive"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        # One at a time: the difference is one between two stays.
        partial_index("uq_stay_change_booking_id_open", "booking_id", where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    status: Mapped[ChangeStatus] = mapped_column(enum_column(ChangeStatus, "status"))
    from_arrive: Mapped[date] = mapped_column()
    from_leave: Mapped[date] = mapped_column()
    from_guests: Mapped[int] = mapped_column()
    from_minor: Mapped[int] = mapped_column(BigInteger)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    arrive: Mapped[date] = mapped_column()
    leave: Mapped[date] = mapped_column()
    guests: Mapped[int] = mapped_column()
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # the whole price after it
    currency: Mapped[str] = mapped_column(String(3))
    quote: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, domain.pricing.Quote
    # None once it is over, and while a delayed payment of the difference is on its way.
    hold_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    requested_by: Mapped[str] = mapped_column(String(254))  # staff address
    form_token: Mapped[str] = mapped_column(String(64))

    @property
    def stay(self) -> Stay:
        """The nights after it."""
        return Stay(self.arrive, self.leave)

    @property
    def old_stay(self) -> Stay:
        """The nights before it."""
        return Stay(self.from_arrive, self.from_leave)

    @property
    def amount(self) -> Money:
        """The whole price after it."""
        return Money(self.amount_minor, self.currency)

    @property
    def difference(self) -> Money:
        """What it costs more; below zero where it costs less."""
        return Money(self.amount_minor - self.from_minor, self.currency)
