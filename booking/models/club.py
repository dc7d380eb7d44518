"""The guest club's plans, where each stands in Stripe's catalogue, and what was asked of that."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.club import LONGEST_NAME, Interval, PlanTerms
from booking.domain.money import Money
from booking.models.base import Stamped, partial_index

_OPEN = "done_at IS NULL"


class ClubPlan(Stamped):
    """A membership that can be joined. One that somebody may have joined is never deleted, only retired."""

    __tablename__ = "club_plan"
    __table_args__ = (
        UniqueConstraint("lookup_key"),
        CheckConstraint("price_minor > 0", name="price_positive"),
        CheckConstraint("currency = lower(currency) AND length(currency) = 3", name="currency_code"),
        CheckConstraint("trial_days BETWEEN 0 AND 90", name="trial_days"),
        CheckConstraint("off_share BETWEEN 1 AND 9999", name="off_share"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # What the price is called at Stripe, whichever price it is: made from our INSTANCE_ID, so that shops do not meet.
    lookup_key: Mapped[str] = mapped_column(String(120))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    interval: Mapped[Interval] = mapped_column(enum_column(Interval, "interval"))
    trial_days: Mapped[int] = mapped_column(default=0)
    off_share: Mapped[int] = mapped_column()  # in hundredths of a percent
    is_active: Mapped[bool] = mapped_column(default=True)

    @property
    def price(self) -> Money:
        """What an interval costs whoever joins now."""
        return Money(self.price_minor, self.currency)

    @property
    def terms(self) -> PlanTerms:
        """What it costs and gives, as one value."""
        return PlanTerms(self.name, self.price, self.interval, self.trial_days, self.off_share)


class CatalogEntry(Stamped):
    """Where a plan stands in Stripe's catalogue, in test or in live mode, as it was last seen there."""

    __tablename__ = "catalog_entry"
    __table_args__ = (UniqueConstraint("product_id"), UniqueConstraint("price_id"))

    plan_id: Mapped[int] = mapped_column(ForeignKey("club_plan.id"), primary_key=True)
    livemode: Mapped[bool] = mapped_column(primary_key=True)
    product_id: Mapped[str] = mapped_column(String(255))  # prod_..., made by Stripe
    product_name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    is_on_sale: Mapped[bool] = mapped_column(default=True)  # the product is active there
    price_id: Mapped[str | None] = mapped_column(String(255))  # price_..., made by Stripe; None: nobody can join

    plan: Mapped[ClubPlan] = relationship()


class CatalogAct(StrEnum):
    """What can be asked of Stripe's catalogue."""

    MAKE_PRODUCT = "make_product"
    CHANGE_PRODUCT = "change_product"
    MAKE_PRICE = "make_price"
    RETIRE_PRICE = "retire_price"


class CatalogErrand(Stamped):
    """One change asked of Stripe's catalogue: key and parameters are committed before the call.

    Where no answer came for a key, another is taken: `asked_at` says since when it is.
    """

    __tablename__ = "catalog_errand"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        # Two runs at once ask for the same thing under the same key.
        partial_index("uq_catalog_errand_open", "plan_id", "livemode", "act", "target", where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("club_plan.id"), index=True)
    livemode: Mapped[bool] = mapped_column()
    act: Mapped[CatalogAct] = mapped_column(enum_column(CatalogAct, "act"))
    target: Mapped[str] = mapped_column(String(255), default="")  # Stripe's id of what is changed; empty: it is made
    idempotency_key: Mapped[str] = mapped_column(String(255))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, as sent to Stripe
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stripe_id: Mapped[str | None] = mapped_column(String(255))  # what came of it; None with done_at: Stripe said no
    refused: Mapped[str] = mapped_column(String(80), default="")  # Stripe's code of a no
