"""What a guest sees and books, and the interchangeable units behind it."""

import builtins

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.domain.policy import StayRules
from booking.domain.pricing import Rates
from booking.models.base import Stamped
from booking.models.property import Property


class Listing(Stamped):
    """ "Harbour Loft", "Double room". Amounts are minor units of the property's currency."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("nightly_minor > 0 AND weekend_minor > 0", name="prices_positive"),
        CheckConstraint("cleaning_minor >= 0 AND tourist_tax_minor >= 0", name="fees_not_negative"),
        CheckConstraint("max_guests > 0", name="guests_positive"),
        CheckConstraint("min_nights > 0 AND max_nights >= min_nights", name="nights_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id"), index=True)
    slug: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(200), default="")  # "over the old boatyard"
    description: Mapped[str] = mapped_column(String(4000), default="")
    image: Mapped[str] = mapped_column(String(200), default="")  # path below static/
    image_alt: Mapped[str] = mapped_column(String(200), default="")
    bedrooms: Mapped[int] = mapped_column(default=1)
    area_m2: Mapped[int | None] = mapped_column()  # None: not told
    max_guests: Mapped[int] = mapped_column()
    nightly_minor: Mapped[int] = mapped_column(BigInteger)
    weekend_minor: Mapped[int] = mapped_column(BigInteger)  # nights of Friday and Saturday
    cleaning_minor: Mapped[int] = mapped_column(BigInteger, default=0)  # per stay
    tourist_tax_minor: Mapped[int] = mapped_column(BigInteger, default=0)  # per guest and night
    min_nights: Mapped[int] = mapped_column(default=1)
    max_nights: Mapped[int] = mapped_column(default=30)
    notice_days: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=540)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    property: Mapped[Property] = relationship(back_populates="listings", lazy="joined", innerjoin=True)
    units: Mapped[list["Unit"]] = relationship(back_populates="listing", order_by="Unit.position, Unit.id")

    @builtins.property  # the plain name is the relationship to the place
    def rules(self) -> StayRules:
        """The stay rules as one value."""
        return StayRules(self.max_guests, self.min_nights, self.max_nights, self.notice_days, self.horizon_days)

    @builtins.property
    def rates(self) -> Rates:
        """The prices as one value."""
        return Rates(
            currency=self.property.currency,
            nightly_minor=self.nightly_minor,
            weekend_minor=self.weekend_minor,
            cleaning_minor=self.cleaning_minor,
            tourist_tax_minor=self.tourist_tax_minor,
        )


class Unit(Stamped):
    """One physical room or flat."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("listing_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    name: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    listing: Mapped[Listing] = relationship(back_populates="units")
