"""What a house charges beside its plain prices. domain/rates.py says what each of these means for a stay."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import enum_column
from booking.domain import rates
from booking.domain.coupons import Coupon as CouponTerms
from booking.domain.rates import LineKind, Per
from booking.models.base import Stamped, partial_index

NAME = 60


def read_weekdays(stored: Mapping[str, int]) -> dict[int, int]:
    """Prices by weekday as JSON keeps them: there, keys are texts."""
    return {int(weekday): minor for weekday, minor in stored.items()}


def read_glossary(named: Iterable[Any]) -> dict[str, dict[str, str]]:
    """The names of rows in other languages, by language."""
    glossary: dict[str, dict[str, str]] = {}
    for row in named:
        for language, word in row.translations.items():
            glossary.setdefault(language, {})[row.name] = word
    return glossary


class Season(Stamped):
    """Nights of a listing with prices of their own, both days included."""

    __tablename__ = "season"
    __table_args__ = (
        CheckConstraint("first_on <= last_on", name="days_in_order"),
        CheckConstraint("nightly_minor > 0", name="price_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(NAME))
    first_on: Mapped[date] = mapped_column()
    last_on: Mapped[date] = mapped_column()
    nightly_minor: Mapped[int] = mapped_column(BigInteger)
    weekday_minor: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # {"4": 16400}: Monday is 0
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # of the name: {"de": "..."}

    @property
    def term(self) -> rates.Season:
        """The row as a rate card has it."""
        prices = rates.Prices(self.nightly_minor, read_weekdays(self.weekday_minor))
        return rates.Season(self.name, self.first_on, self.last_on, prices)


class DayPrice(Stamped):
    """The price of a single night of a listing, above all else."""

    __tablename__ = "day_price"
    __table_args__ = (CheckConstraint("nightly_minor > 0", name="price_positive"), {"sqlite_with_rowid": False})

    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    nightly_minor: Mapped[int] = mapped_column(BigInteger)


class Discount(Stamped):
    """Something off the nights of a listing, for long stays or for those booked early or late."""

    __tablename__ = "discount"
    __table_args__ = (
        UniqueConstraint("listing_id", "name"),
        CheckConstraint("off > 0 AND off < 10000", name="share"),
        CheckConstraint("min_nights > 0", name="nights_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(NAME))
    off: Mapped[int] = mapped_column()  # in hundredths of a percent
    min_nights: Mapped[int] = mapped_column(default=1)
    min_lead: Mapped[int | None] = mapped_column()  # days before arrival; None: however late
    max_lead: Mapped[int | None] = mapped_column()  # None: however early
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    @property
    def term(self) -> rates.Discount:
        """The row as a rate card has it."""
        return rates.Discount(self.name, self.off, self.min_nights, self.min_lead, self.max_lead)


class Fee(Stamped):
    """What everybody pays for a listing beside nights and cleaning."""

    __tablename__ = "fee"
    __table_args__ = (
        UniqueConstraint("listing_id", "name"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(NAME))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    per: Mapped[Per] = mapped_column(enum_column(Per, "per"))
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    @property
    def term(self) -> rates.Fee:
        """The row as a rate card has it."""
        return rates.Fee(LineKind.FEE, self.amount_minor, self.per, self.name)


class Extra(Stamped):
    """What a guest of a property may choose, up to `most` of it."""

    __tablename__ = "extra"
    __table_args__ = (
        UniqueConstraint("property_id", "name"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("most > 0", name="most_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(NAME))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    per: Mapped[Per] = mapped_column(enum_column(Per, "per"))
    most: Mapped[int] = mapped_column(default=1)
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    @property
    def term(self) -> rates.Fee:
        """The row as a rate card has it; its id is the key of a guest's choice."""
        return rates.Fee(LineKind.EXTRA, self.amount_minor, self.per, self.name, str(self.id), self.most)


class Tax(Stamped):
    """A share of parts of the price, in the prices already or on top of them, in all listings of a property."""

    __tablename__ = "tax"
    __table_args__ = (
        UniqueConstraint("property_id", "name"),
        CheckConstraint("share BETWEEN 1 AND 10000", name="share"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(NAME))
    share: Mapped[int] = mapped_column()  # in hundredths of a percent
    parts: Mapped[list[str]] = mapped_column(JSON)  # values of domain.rates.TaxPart
    is_included: Mapped[bool] = mapped_column()
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    @property
    def term(self) -> rates.Tax:
        """The row as a rate card has it."""
        kinds = frozenset(kind for part in self.parts for kind in rates.TaxPart(part).kinds)
        return rates.Tax(self.name, self.share, kinds, self.is_included)


class Coupon(Stamped):
    """A code of a property. One that bookings name is never deleted, only no longer taken."""

    __tablename__ = "coupon"
    __table_args__ = (
        partial_index("uq_coupon_code_active", "property_id", "code", where="is_active"),
        CheckConstraint("(off_minor > 0) <> (off_share > 0)", name="one_amount"),
        CheckConstraint("off_minor >= 0 AND off_share BETWEEN 0 AND 10000", name="amount_possible"),
        CheckConstraint("most_uses > 0", name="uses_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id"))
    code: Mapped[str] = mapped_column(String(20))  # upper case
    off_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    off_share: Mapped[int] = mapped_column(default=0)  # in hundredths of a percent
    min_nights: Mapped[int] = mapped_column(default=1)
    first_on: Mapped[date | None] = mapped_column()  # the nights it is for
    last_on: Mapped[date | None] = mapped_column()
    until_on: Mapped[date | None] = mapped_column()  # the last day on which it can be used
    most_uses: Mapped[int | None] = mapped_column()
    is_active: Mapped[bool] = mapped_column(default=True)

    @property
    def terms(self) -> CouponTerms:
        """What it gives, and when it is taken."""
        return CouponTerms(
            self.code,
            self.off_minor,
            self.off_share,
            self.min_nights,
            self.first_on,
            self.last_on,
            self.until_on,
            self.most_uses,
        )
