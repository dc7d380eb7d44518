"""Stay rules for ranges of days, and the cancellation policies of a property. Plain rules stand with the listing."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.domain.rates import LineKind
from booking.domain.stay_rules import LONGEST_NAME, RuleRange
from booking.domain.terms import CancellationTerms, Grace, Tier
from booking.domain.words import Weekdays
from booking.models.base import Stamped

EVERY_DAY = "0123456"


def read_weekdays(stored: str) -> Weekdays:
    """Days of the week as a column keeps them: "56" is Saturday and Sunday."""
    return frozenset(int(day) for day in stored)


def write_weekdays(days: Weekdays) -> str:
    """The other way round."""
    return "".join(str(day) for day in sorted(days))


class StayRule(Stamped):
    """Rules of a listing that hold from one day to another, both included. None: as all year."""

    __tablename__ = "stay_rule"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="days_in_order"),
        CheckConstraint("min_nights > 0 AND max_nights > 0", name="nights_positive"),
        CheckConstraint("notice_days >= 0 AND horizon_days >= 0 AND turnover_days >= 0", name="days_not_negative"),
        CheckConstraint("arrive_on <> '' AND leave_on <> ''", name="some_weekday"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    first_on: Mapped[date] = mapped_column()
    last_on: Mapped[date] = mapped_column()
    min_nights: Mapped[int | None] = mapped_column()
    max_nights: Mapped[int | None] = mapped_column()
    arrive_on: Mapped[str | None] = mapped_column(String(7))  # "56": Saturday and Sunday; Monday is 0
    leave_on: Mapped[str | None] = mapped_column(String(7))
    notice_days: Mapped[int | None] = mapped_column()
    horizon_days: Mapped[int | None] = mapped_column()
    avoid_gaps: Mapped[bool | None] = mapped_column()
    turnover_days: Mapped[int | None] = mapped_column()
    every_night: Mapped[bool] = mapped_column(default=False)  # length holds for each stay with a night in the range

    @property
    def term(self) -> RuleRange:
        """The row as stay rules have it."""
        return RuleRange(
            self.name,
            self.first_on,
            self.last_on,
            self.min_nights,
            self.max_nights,
            None if self.arrive_on is None else read_weekdays(self.arrive_on),
            None if self.leave_on is None else read_weekdays(self.leave_on),
            self.notice_days,
            self.horizon_days,
            self.avoid_gaps,
            self.turnover_days,
            self.every_night,
        )


class CancellationTier(Stamped):
    """One step of a policy: until so many days before arrival, so many hundredths come back."""

    __tablename__ = "cancellation_tier"
    __table_args__ = (
        CheckConstraint("days_before >= 0", name="days_not_negative"),
        CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
        {"sqlite_with_rowid": False},
    )

    policy_id: Mapped[int] = mapped_column(ForeignKey("cancellation_policy.id", ondelete="CASCADE"), primary_key=True)
    days_before: Mapped[int] = mapped_column(primary_key=True)
    percent: Mapped[int] = mapped_column()


class CancellationPolicy(Stamped):
    """Named cancellation terms of a property; without tiers, nothing comes back. Bookings keep a copy of their own."""

    __tablename__ = "cancellation_policy"
    __table_args__ = (
        UniqueConstraint("property_id", "name"),
        CheckConstraint("grace_hours >= 0 AND grace_least_days >= 0", name="grace_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    grace_hours: Mapped[int] = mapped_column(default=0)  # 0: no time for second thoughts
    grace_least_days: Mapped[int] = mapped_column(default=0)  # between booking and arrival
    returns_tourist_tax: Mapped[bool] = mapped_column(default=True)  # in full whenever nobody stays
    returns_cleaning: Mapped[bool] = mapped_column(default=True)

    tiers: Mapped[list[CancellationTier]] = relationship(
        order_by=CancellationTier.days_before.desc(), cascade="all, delete-orphan"
    )

    @property
    def terms(self) -> CancellationTerms:
        """The policy as one value."""
        given = {LineKind.TOURIST_TAX: self.returns_tourist_tax, LineKind.CLEANING: self.returns_cleaning}
        return CancellationTerms(
            tuple(Tier(tier.days_before, tier.percent) for tier in self.tiers),
            Grace(self.grace_hours, self.grace_least_days) if self.grace_hours else None,
            frozenset(kind for kind, is_given in given.items() if is_given),
        )
