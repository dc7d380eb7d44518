"""Which payment plan a property has, and which of its listings have another. Bookings keep a copy of their own."""

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import enum_column
from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.models.base import Stamped, partial_index

_OF_THE_HOUSE = "listing_id IS NULL"


class PlanChoice(Stamped):
    """What a house asks for when, in one property or, where `listing_id` is set, in one of its listings alone."""

    __tablename__ = "payment_plan"
    __table_args__ = (
        UniqueConstraint("listing_id"),
        CheckConstraint("kind <> 'deposit' OR percent BETWEEN 1 AND 99", name="deposit_is_a_part"),
        CheckConstraint("days_before >= 0", name="days_not_negative"),
        partial_index("uq_payment_plan_property_id_own", "property_id", where=_OF_THE_HOUSE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id"), index=True)
    listing_id: Mapped[int | None] = mapped_column(ForeignKey("listing.id"))
    kind: Mapped[PlanKind] = mapped_column(enum_column(PlanKind, "kind"))
    percent: Mapped[int] = mapped_column(default=0)  # of the total, with the booking
    days_before: Mapped[int] = mapped_column(default=0)  # arrival: the last day to pay the rest

    @property
    def plan(self) -> PaymentPlan:
        """The choice as one value."""
        return PaymentPlan(self.kind, self.percent, self.days_before)
