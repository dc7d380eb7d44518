"""A place with an address, a time zone and a currency."""

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, BigInteger, CheckConstraint, String, and_, false, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from booking.domain.payment_plans import PAY_IN_FULL, PaymentPlan
from booking.domain.terms import CancellationTerms
from booking.models.base import Stamped
from booking.models.payment_plan import PlanChoice
from booking.models.rates import Extra, Tax

if TYPE_CHECKING:
    from booking.models.listing import Listing


class Property(Stamped):
    """Where listings are. Its time zone says what "today" is, its currency what they cost."""

    __tablename__ = "property"
    __table_args__ = (
        CheckConstraint("currency = lower(currency) AND length(currency) = 3", name="currency_code"),
        CheckConstraint("cancel_full_days >= cancel_part_days AND cancel_part_days >= 0", name="cancel_days"),
        CheckConstraint("cancel_part_percent BETWEEN 0 AND 100", name="cancel_percent"),
        CheckConstraint("damage_most_minor >= 0", name="damage_not_negative"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    tagline: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(300), default="")
    timezone: Mapped[str] = mapped_column(String(64))  # IANA name
    currency: Mapped[str] = mapped_column(String(3))
    contact_email: Mapped[str] = mapped_column(String(254))
    contact_phone: Mapped[str] = mapped_column(String(40), default="")
    check_in_from: Mapped[str] = mapped_column(String(5), default="15:00")  # property's own clock
    check_out_by: Mapped[str] = mapped_column(String(5), default="11:00")
    house_rules: Mapped[str] = mapped_column(String(4000), default="")
    directions: Mapped[str] = mapped_column(String(2000), default="", server_default=text("''"))
    # The host's own words in other languages: {"de": {"tagline": "...", "house_rules": "..."}}.
    translations: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict, server_default="{}")
    in_club: Mapped[bool] = mapped_column(default=False, server_default=false())  # members stay here for less
    cancel_full_days: Mapped[int] = mapped_column(default=7)
    cancel_part_days: Mapped[int] = mapped_column(default=2)
    cancel_part_percent: Mapped[int] = mapped_column(default=50)
    # Whether guests are asked to let their card be saved, and up to how much it may be charged for damage.
    keeps_cards: Mapped[bool] = mapped_column(default=False, server_default=false())
    damage_most_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    # Whether what is owed can be paid on a page of the shop, with Stripe.js, beside Stripe's own page.
    pays_on_page: Mapped[bool] = mapped_column(default=False, server_default=false())

    listings: Mapped[list["Listing"]] = relationship(back_populates="property")
    taxes: Mapped[list[Tax]] = relationship(order_by=Tax.id)
    extras: Mapped[list[Extra]] = relationship(order_by=Extra.id)
    # How its guests pay; None: in full.
    plan_choice: Mapped[PlanChoice | None] = relationship(
        primaryjoin=lambda: and_(Property.id == foreign(PlanChoice.property_id), PlanChoice.listing_id.is_(None)),
        viewonly=True,
    )

    @property
    def terms(self) -> CancellationTerms:
        """The cancellation terms of listings that have chosen no policy."""
        return CancellationTerms.in_two_steps(self.cancel_full_days, self.cancel_part_days, self.cancel_part_percent)

    @property
    def payment_plan(self) -> PaymentPlan:
        """How guests of listings without a choice of their own pay."""
        return self.plan_choice.plan if self.plan_choice else PAY_IN_FULL

    @property
    def chargeable_damage(self) -> int | None:
        """Up to how much a saved card may be charged for damage; None where the house keeps no cards."""
        return self.damage_most_minor if self.keeps_cards else None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its own clock."""
        return ZoneInfo(self.timezone)

    def words(self, field: str, language: str) -> str:
        """One of the host's own texts in a language, or as it was first written where nobody translated it."""
        return self.translations.get(language, {}).get(field) or str(getattr(self, field))

    def today(self, now: datetime) -> date:
        """The date on the property's own calendar."""
        return now.astimezone(self.zone).date()
