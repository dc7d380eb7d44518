"""Cards that guests let the house charge later: what each agreed to, and what Stripe keeps. No card number is here."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime
from booking.domain.money import Money
from booking.models.base import Stamped, partial_index
from booking.models.booking import Booking

_DEFAULT = "is_default AND detached_at IS NULL"


class CardConsent(Stamped):
    """What the guest of a booking read and agreed to before paying, in their own language; frozen for good."""

    __tablename__ = "card_consent"
    __table_args__ = (
        CheckConstraint("no_show_minor >= 0 AND damage_minor >= 0", name="not_negative"),
        UniqueConstraint("booking_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    text: Mapped[list[str]] = mapped_column(JSON)  # the sentences as they stood on the page
    language: Mapped[str] = mapped_column(String(8))
    agreed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # At most so much each, over the life of the booking.
    no_show_minor: Mapped[int] = mapped_column(BigInteger)
    damage_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))

    booking: Mapped[Booking] = relationship()

    @property
    def no_show(self) -> Money:
        """The most that may be charged where nobody came."""
        return Money(self.no_show_minor, self.currency)

    @property
    def damage(self) -> Money:
        """The most that may be charged for damage."""
        return Money(self.damage_minor, self.currency)


class SavedCard(Stamped):
    """A card that Stripe keeps. It belongs to the booking that it was saved with, and pays for no other.

    The address of a booking is not proven: whoever books with somebody's address must neither see nor use the cards
    that this somebody has saved.
    """

    __tablename__ = "saved_card"
    __table_args__ = (
        UniqueConstraint("payment_method_id"),
        UniqueConstraint("detach_key"),
        # One of a booking's cards is the one that is charged.
        partial_index("uq_saved_card_booking_id_default", "booking_id", where=_DEFAULT),
        Index("ix_saved_card_booking_id", "booking_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    customer_id: Mapped[str] = mapped_column(String(255))  # cus_..., made by Stripe
    payment_method_id: Mapped[str] = mapped_column(String(255))  # pm_..., made by Stripe
    brand: Mapped[str] = mapped_column(String(30))
    last4: Mapped[str] = mapped_column(String(4))
    exp_month: Mapped[int] = mapped_column()
    exp_year: Mapped[int] = mapped_column()
    is_default: Mapped[bool] = mapped_column(default=False)
    # The wish to have Stripe forget it: from here on it is not charged. The key of that call stays with it.
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    detach_key: Mapped[str | None] = mapped_column(String(255))
    detached_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # Stripe has forgotten it

    booking: Mapped[Booking] = relationship()

    @property
    def name(self) -> str:
        """What people see of it."""
        return f"{self.brand.capitalize()} ···· {self.last4}"
