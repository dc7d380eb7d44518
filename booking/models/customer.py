"""Guests whom Stripe knows by an id of its own, because they keep a card or are members. Nobody else has such a row."""

from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.models.base import Stamped


class Customer(Stamped):
    """One person: key and parameters are committed before Stripe is asked.

    The key changes only where Stripe has no answer for it and no such customer: `updated_at` says since when it is.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("token"),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("stripe_customer_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254))  # in small letters; None once the person is erased
    token: Mapped[str] = mapped_column(String(32))  # metadata `customer` at Stripe
    idempotency_key: Mapped[str] = mapped_column(String(255))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, as sent to Stripe
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255))  # cus_..., made by Stripe
