"""What a guest sees and books, and the interchangeable units behind it."""

import builtins
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.domain.money import Money
from booking.domain.payment_plans import PaymentPlan, Schedule
from booking.domain.rates import Fee as FeeTerm
from booking.domain.rates import LineKind, Per, Prices, RateCard, TouristTax, weekend_prices
from booking.domain.requests import USUAL_HOURS
from booking.domain.stay_rules import StayRules
from booking.domain.terms import CancellationTerms
from booking.models.base import Stamped
from booking.models.payment_plan import PlanChoice
from booking.models.property import Property
from booking.models.rates import DayPrice, Discount, Fee, Season, read_glossary, read_weekdays
from booking.models.rules import EVERY_DAY, CancellationPolicy, StayRule
from booking.models.rules import read_weekdays as read_days_of_week

_Value = TypeVar("_Value")


class worked_out(Generic[_Value]):  # noqa: N801 (used as a decorator, as property is)
    """A value that a listing makes of its rows: anew each time, or once where the listing is kept for reading."""

    def __init__(self, make: Callable[["Listing"], _Value]) -> None:
        self._make, self._name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, listing: "Listing", _kind: object = None) -> _Value:
        kept = listing._kept
        if kept is None:
            return self._make(listing)
        if self._name not in kept:
            kept[self._name] = self._make(listing)
        value: _Value = kept[self._name]
        return value


class Listing(Stamped):
    """ "Harbour Loft", "Double room". Amounts are minor units of the property's currency."""

    __tablename__ = "listing"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("nightly_minor > 0 AND weekend_minor > 0", name="prices_positive"),
        CheckConstraint("cleaning_minor >= 0 AND tourist_tax_minor >= 0", name="fees_not_negative"),
        CheckConstraint("max_guests > 0", name="guests_positive"),
        CheckConstraint("answer_hours > 0", name="answer_hours_positive"),
        CheckConstraint("min_nights > 0 AND max_nights >= min_nights", name="nights_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    property_id: Mapped[int] = mapped_column(ForeignKey("property.id"), index=True)
    slug: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(String(200), default="")  # "over the old boatyard"
    description: Mapped[str] = mapped_column(String(4000), default="")
    bedrooms: Mapped[int] = mapped_column(default=1)
    beds: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))  # "one double, two singles"
    amenities: Mapped[list[str]] = mapped_column(JSON, default=list, server_default="[]")  # keys of domain/amenities.py
    # For guests who cannot climb or squeeze: steps, widths of doors.
    access_notes: Mapped[str] = mapped_column(String(1000), default="", server_default=text("''"))
    # A number that some places must show.
    registration: Mapped[str] = mapped_column(String(80), default="", server_default=text("''"))
    # The host's own words in other languages: {"de": {"summary": "...", "description": "..."}}.
    translations: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict, server_default="{}")
    area_m2: Mapped[int | None] = mapped_column()  # None: not told
    max_guests: Mapped[int] = mapped_column()
    nightly_minor: Mapped[int] = mapped_column(BigInteger)
    weekend_minor: Mapped[int] = mapped_column(BigInteger)  # nights of Friday and Saturday
    cleaning_minor: Mapped[int] = mapped_column(BigInteger, default=0)  # per stay
    tourist_tax_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    # These have defaults in the database too: a version from before them may still be running beside this one.
    tourist_tax_per: Mapped[str] = mapped_column(  # a value of domain.rates.Per
        String(32), default=Per.GUEST_NIGHT.value, server_default=Per.GUEST_NIGHT.value
    )
    tourist_tax_from_age: Mapped[int] = mapped_column(default=0, server_default="0")
    tourist_tax_most_nights: Mapped[int | None] = mapped_column()  # None: every night
    # Weekdays with a price of their own, above the two plain ones: {"6": 9900}, Monday is 0.
    weekday_minor: Mapped[dict[str, int]] = mapped_column(JSON, default=dict, server_default="{}")
    included_guests: Mapped[int | None] = mapped_column()  # None: the price of a night is for all that it sleeps
    more_guests_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # a head and night
    min_nights: Mapped[int] = mapped_column(default=1)
    max_nights: Mapped[int] = mapped_column(default=30)
    notice_days: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=540)
    arrive_on: Mapped[str] = mapped_column(String(7), default=EVERY_DAY, server_default=EVERY_DAY)  # Monday is 0
    leave_on: Mapped[str] = mapped_column(String(7), default=EVERY_DAY, server_default=EVERY_DAY)
    avoid_gaps: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether the host accepts or declines each stay, and within how many hours.
    takes_requests: Mapped[bool] = mapped_column(default=False, server_default=false())
    answer_hours: Mapped[int] = mapped_column(default=USUAL_HOURS, server_default=str(USUAL_HOURS))
    turnover_days: Mapped[int] = mapped_column(default=0, server_default="0")
    # None: the plain terms of its property.
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("cancellation_policy.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    property: Mapped[Property] = relationship(back_populates="listings", lazy="joined", innerjoin=True)
    units: Mapped[list["Unit"]] = relationship(back_populates="listing", order_by="Unit.position, Unit.id")
    photos: Mapped[list["Photo"]] = relationship(
        back_populates="listing", order_by="Photo.position, Photo.id", lazy="selectin"
    )
    # Pages that show many listings load these for all at once: queries/on_sale.py.
    seasons: Mapped[list[Season]] = relationship(order_by=Season.first_on)
    day_prices: Mapped[list[DayPrice]] = relationship(order_by=DayPrice.day)
    discounts: Mapped[list[Discount]] = relationship(order_by=Discount.id)
    fees: Mapped[list[Fee]] = relationship(order_by=Fee.id)
    stay_rules: Mapped[list[StayRule]] = relationship(order_by=(StayRule.first_on, StayRule.id))
    policy: Mapped[CancellationPolicy | None] = relationship()
    # None: as its property asks.
    plan_choice: Mapped[PlanChoice | None] = relationship(viewonly=True)
    # What it has worked out, where it is kept for reading; None: each value is made anew.
    _kept: ClassVar[dict[str, Any] | None] = None

    @worked_out
    def rules(self) -> StayRules:
        """The stay rules as one value."""
        return StayRules(
            self.max_guests,
            self.min_nights,
            self.max_nights,
            self.notice_days,
            self.horizon_days,
            read_days_of_week(self.arrive_on),
            read_days_of_week(self.leave_on),
            self.avoid_gaps,
            self.turnover_days,
            tuple(row.term for row in self.stay_rules),
        )

    @worked_out
    def terms(self) -> CancellationTerms:
        """The cancellation terms that a booking made now is given."""
        return self.policy.terms if self.policy else self.property.terms

    @worked_out
    def payment_plan(self) -> PaymentPlan:
        """How whoever books it now pays. Where the host accepts each stay, the whole price is authorised at once."""
        if self.takes_requests:
            return PaymentPlan()
        return self.plan_choice.plan if self.plan_choice else self.property.payment_plan

    def schedule(self, total: Money, arrive: date, now: datetime) -> Schedule:
        """What whoever books it now for such a total pays when."""
        return self.payment_plan.schedule(total, arrive, self.property.today(now))

    @builtins.property  # the plain name is the relationship to the place
    def cover(self) -> "Photo | None":
        """The picture that stands for the listing: the first. None where there is none."""
        return self.photos[0] if self.photos else None

    @builtins.property
    def prices(self) -> Prices:
        """What nights cost outside all seasons."""
        own = read_weekdays(self.weekday_minor)
        return Prices(self.nightly_minor, {**weekend_prices(self.weekend_minor), **own})

    @worked_out
    def rates(self) -> RateCard:
        """All prices as one value."""
        return RateCard(
            self.property.currency,
            self.prices,
            seasons=tuple(season.term for season in self.seasons),
            days={row.day: row.nightly_minor for row in self.day_prices},
            included_guests=self.included_guests,
            more_guests_minor=self.more_guests_minor,
            discounts=tuple(row.term for row in self.discounts),
            fees=(FeeTerm(LineKind.CLEANING, self.cleaning_minor), *(row.term for row in self.fees)),
            extras=tuple(row.term for row in self.property.extras),
            tourist_tax=self._tourist_tax,
            taxes=tuple(row.term for row in self.property.taxes),
            glossary=read_glossary(
                (*self.seasons, *self.discounts, *self.fees, *self.property.extras, *self.property.taxes)
            ),
        )

    @builtins.property
    def _tourist_tax(self) -> TouristTax:
        return TouristTax(
            self.tourist_tax_minor, Per(self.tourist_tax_per), self.tourist_tax_from_age, self.tourist_tax_most_nights
        )

    def words(self, field: str, language: str) -> str:
        """One of the host's own texts in a language, or as it was first written where nobody translated it."""
        return self.translations.get(language, {}).get(field) or str(getattr(self, field))

    def keep(self) -> None:
        """Work out each value now and for good: for a listing that many will read and nobody changes.

        The rows that prices and rules were made of are let go: of a thousand listings they are most of what they weigh.
        """
        self.__dict__["_kept"] = {}
        for value in ("rules", "terms", "payment_plan", "rates"):
            getattr(self, value)
        for rows in ("seasons", "day_prices", "discounts", "fees", "stay_rules"):
            self.__dict__.pop(rows, None)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._kept is not None:
            raise AttributeError(f"{name}: this listing is kept for reading; change the one that a transaction reads")
        super().__setattr__(name, value)


class Photo(Stamped):
    """One picture of a listing. Its files lie in the media folder under its digest, in several sizes and formats."""

    __tablename__ = "photo"
    __table_args__ = (
        UniqueConstraint("listing_id", "digest"),
        CheckConstraint("width > 0 AND height > 0", name="size_positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the picture as it was given
    width: Mapped[int] = mapped_column()  # of the largest size, in pixels
    height: Mapped[int] = mapped_column()
    colour: Mapped[str] = mapped_column(String(7))  # "#c9a27e", shown until the picture is there
    alt: Mapped[str] = mapped_column(String(300), default="")  # empty for a picture that only decorates
    translations: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)  # the alt text: {"de": "..."}
    position: Mapped[int] = mapped_column(default=0)

    listing: Mapped[Listing] = relationship(back_populates="photos")

    def alt_in(self, language: str) -> str:
        """What the picture shows, in a language where somebody wrote it down."""
        return self.translations.get(language) or self.alt


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


class OldSlug(Stamped):
    """A name that a listing had in its address before: who follows an old link is led to the new one."""

    __tablename__ = "old_slug"

    slug: Mapped[str] = mapped_column(String(80), primary_key=True)
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
