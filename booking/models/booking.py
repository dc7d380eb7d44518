"""Bookings, the nights they occupy, closures, and the story of each booking."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.payment_plans import Schedule, paid_in_full
from booking.domain.pricing import Quote
from booking.domain.states import BookingStatus, CancelReason, PaymentStatus, Source
from booking.domain.terms import CancellationTerms, Deal
from booking.models.base import Stamped, partial_index, sparse_index
from booking.models.listing import Listing, Unit

if TYPE_CHECKING:
    from booking.models.request import StayRequest


class Booking(Stamped):
    """A guest's claim on one unit for a stay. Amounts are minor units of `currency`."""

    __tablename__ = "booking"
    __table_args__ = (
        UniqueConstraint("reference"),
        CheckConstraint("arrive < leave", name="arrive_before_leave"),
        CheckConstraint("guests > 0", name="guests_positive"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(status = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelled_has_reason"),
        CheckConstraint("status <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed_has_time"),
        # One browser asking twice for the same stay gets one hold, however fast it clicks.
        partial_index("uq_booking_hold_key_pending", "hold_key", where="status = 'pending'"),
        Index("ix_booking_status_hold_until", "status", "hold_until"),
        Index("ix_booking_listing_id_arrive", "listing_id", "arrive"),
        sparse_index("booking", "coupon_id"),
        sparse_index("booking", "membership_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8))
    listing_id: Mapped[int] = mapped_column(ForeignKey("listing.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    arrive: Mapped[date] = mapped_column()
    leave: Mapped[date] = mapped_column()
    guests: Mapped[int] = mapped_column()
    status: Mapped[BookingStatus] = mapped_column(enum_column(BookingStatus, "status"))
    payment_status: Mapped[PaymentStatus] = mapped_column(enum_column(PaymentStatus, "payment_status"))
    cancel_reason: Mapped[CancelReason | None] = mapped_column(enum_column(CancelReason, "cancel_reason"))
    disputed: Mapped[bool] = mapped_column(default=False)
    refund_failed: Mapped[bool] = mapped_column(default=False)
    needs_review: Mapped[bool] = mapped_column(default=False)
    # None once confirmed, and while a delayed payment is on its way: then nothing ends the hold by itself.
    hold_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hold_key: Mapped[str] = mapped_column(String(64), index=True)  # hash of browser, listing, dates and guests
    browser_key: Mapped[str] = mapped_column(String(64), index=True)  # hash of the browser's own random id
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    quote: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, domain.pricing.Quote
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, domain.terms.CancellationTerms, with their text
    # Frozen, domain.pricing.Wishes; None in rows from before there was anything to choose.
    wishes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # Frozen, domain.payment_plans.Schedule, with the words that its guest agreed to; None: all was paid at once.
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupon.id"))
    # Whose rate it was booked at, and how much that takes off, in hundredths of a percent: frozen, as the price is.
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("membership.id"))
    member_off: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    guest_name: Mapped[str] = mapped_column(String(120))
    guest_email: Mapped[str] = mapped_column(String(254), index=True)
    guest_phone: Mapped[str] = mapped_column(String(40), default="")
    message: Mapped[str] = mapped_column(String(2000), default="")
    # These have defaults in the database too: a version from before them may still be running beside this one.
    # "16:30" on the property's own clock; empty where the guest did not say.
    arrival_time: Mapped[str] = mapped_column(String(5), default="", server_default=text("''"))
    # In which the guest booked, and is written to.
    language: Mapped[str] = mapped_column(String(5), default="en", server_default="en")
    # Rises with each change that a guest's calendar must hear of.
    calendar_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    erase_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # then nothing personal is left in the row
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    confirmed_via: Mapped[Source | None] = mapped_column(enum_column(Source, "confirmed_via"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    no_show_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when staff noted that nobody came
    freed_from: Mapped[date | None] = mapped_column()  # the first night put on sale again then; None: none was

    listing: Mapped[Listing] = relationship()
    unit: Mapped[Unit] = relationship()
    # That it is a request to book, and what became of that; None: it is none. Written by itself.
    request: Mapped["StayRequest | None"] = relationship(viewonly=True)
    events: Mapped[list["BookingEvent"]] = relationship(order_by="BookingEvent.id")

    @property
    def stay(self) -> Stay:
        """The nights as one value."""
        return Stay(self.arrive, self.leave)

    @property
    def amount(self) -> Money:
        """The frozen total."""
        return Money(self.amount_minor, self.currency)

    @property
    def schedule(self) -> Schedule:
        """What its guest agreed to pay when; whatever was agreed with the house since is in its dues."""
        return Schedule.from_json(self.plan) if self.plan else paid_in_full(self.amount)

    @property
    def first_payment(self) -> Money:
        """What is paid with the booking: the whole, or the deposit."""
        return self.schedule.now

    @hybrid_property
    def keeps_until(self) -> date:
        """Until when it has its unit: earlier than `leave` where nobody came and the rest was put on sale again."""
        return self.freed_from or self.leave

    @keeps_until.inplace.expression
    @classmethod
    def _keeps_until(cls) -> ColumnElement[date]:
        return func.coalesce(cls.freed_from, cls.leave)

    @property
    def deal(self) -> Deal:
        """What was agreed to: the frozen price with its terms, and when."""
        agreed_at = self.terms.get("booked_at")  # bookings from before there was a time for second thoughts lack it
        return Deal(
            Quote.from_json(self.quote),
            CancellationTerms.from_json(self.terms),
            self.arrive,
            datetime.fromisoformat(agreed_at) if agreed_at else self.created_at,
            self.listing.property.zone,
        )


class Closure(Stamped):
    """Nights that staff took off sale."""

    __tablename__ = "closure"
    __table_args__ = (CheckConstraint("arrive < leave", name="arrive_before_leave"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    arrive: Mapped[date] = mapped_column()
    leave: Mapped[date] = mapped_column()
    reason: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[str] = mapped_column(String(120), default="")

    unit: Mapped[Unit] = relationship()


class Night(Stamped):
    """One date in one unit: the primary key is what makes selling it twice impossible.

    `hold_until` None means taken for good; one that has passed means free to take over, with no cleaning job.
    """

    __tablename__ = "night"
    __table_args__ = (
        CheckConstraint("(booking_id IS NULL) <> (closure_id IS NULL)", name="one_owner"),
        CheckConstraint("closure_id IS NULL OR hold_until IS NULL", name="closures_do_not_expire"),
        sparse_index("night", "hold_until"),
        sparse_index("night", "closure_id"),
        {"sqlite_with_rowid": False},
    )

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"), index=True)
    closure_id: Mapped[int | None] = mapped_column(ForeignKey("closure.id", ondelete="CASCADE"))
    hold_until: Mapped[datetime | None] = mapped_column(UTCDateTime)


class BookingEvent(Stamped):
    """One step of a booking's timeline, with its cause. Rows are only ever added."""

    __tablename__ = "booking_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    kind: Mapped[str] = mapped_column(String(40))
    source: Mapped[Source] = mapped_column(enum_column(Source, "source"))
    actor: Mapped[str] = mapped_column(String(254), default="")  # staff address; empty otherwise
    stripe_event_id: Mapped[str | None] = mapped_column(String(255))
    old_status: Mapped[BookingStatus | None] = mapped_column(enum_column(BookingStatus, "old_status"))
    new_status: Mapped[BookingStatus | None] = mapped_column(enum_column(BookingStatus, "new_status"))
    note: Mapped[str] = mapped_column(String(500), default="")
