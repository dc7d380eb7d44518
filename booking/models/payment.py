"""The ledger: what we asked of Stripe, and one row per Stripe object that moved money."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.declines import Decline, explain
from booking.domain.ledger import PaymentEntry, RefundEntry, ended_declined
from booking.domain.money import Money
from booking.domain.states import (
    AttemptChannel,
    AttemptPurpose,
    AttemptStatus,
    Authentication,
    PaymentMethod,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.models.base import Stamped, partial_index, sparse_index
from booking.models.booking import Booking

CALLED_OFF = "lost_in_dispute"  # `failure_reason` of a refund that a lost dispute has made needless
_LIVE = "status IN ('creating', 'open', 'processing')"


class Attempt(Stamped):
    """One payment we asked Stripe for: key and parameters are committed before the call and never change.

    It pays for the booking itself, or for the change or the due that it names.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("booking_id", "number"),
        UniqueConstraint("token"),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("session_id"),
        UniqueConstraint("payment_intent_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("change_id IS NULL OR due_id IS NULL", name="one_subject"),
        # Each thing to pay for can be paid in at most one of them at a time.
        partial_index(
            "uq_attempt_booking_id_live", "booking_id", where=f"{_LIVE} AND change_id IS NULL AND due_id IS NULL"
        ),
        partial_index("uq_attempt_change_id_live", "change_id", where=f"{_LIVE} AND change_id IS NOT NULL"),
        partial_index("uq_attempt_due_id_live", "due_id", where=f"{_LIVE} AND due_id IS NOT NULL"),
        sparse_index("attempt", "change_id"),
        sparse_index("attempt", "due_id"),
        Index("ix_attempt_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    number: Mapped[int] = mapped_column()
    # What Stripe's objects carry as metadata `attempt`: random, so that a restored backup cannot hand it out again.
    token: Mapped[str] = mapped_column(String(32))
    status: Mapped[AttemptStatus] = mapped_column(enum_column(AttemptStatus, "status"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    idempotency_key: Mapped[str] = mapped_column(String(255))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, as sent to Stripe
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)  # of the session
    session_id: Mapped[str | None] = mapped_column(String(255))  # cs_..., made by Stripe
    payment_intent_id: Mapped[str | None] = mapped_column(String(255))  # pi_..., made by Stripe
    url: Mapped[str | None] = mapped_column(String(2000))
    # These have defaults in the database too: a version from before them may still be running beside this one.
    purpose: Mapped[AttemptPurpose] = mapped_column(
        enum_column(AttemptPurpose, "purpose"), default=AttemptPurpose.BOOKING, server_default="booking"
    )
    channel: Mapped[AttemptChannel] = mapped_column(
        enum_column(AttemptChannel, "channel"), default=AttemptChannel.CHECKOUT, server_default="checkout"
    )
    # The change whose difference it pays, or what else is owed; None of both: it pays for the booking.
    change_id: Mapped[int | None] = mapped_column(ForeignKey("stay_change.id"))
    due_id: Mapped[int | None] = mapped_column(ForeignKey("due.id"))
    decline_code: Mapped[str | None] = mapped_column(String(80))  # last refusal of a card, for display only
    declined_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    booking: Mapped[Booking] = relationship()

    @property
    def decline(self) -> Decline | None:
        """What the last refusal of a card means; None where there was none."""
        return explain(self.decline_code) if self.decline_code else None

    @property
    def ended_declined(self) -> bool:
        """Whether a card was refused in it and no other can be tried any more."""
        return ended_declined(self.status, self.decline_code)


class Payment(Stamped):
    """Money that came: one row per PaymentIntent, or per time that the house took money itself."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("payment_intent_id"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("reported_refunded_minor >= 0", name="reported_not_negative"),
        CheckConstraint("(method = 'stripe') = (payment_intent_id IS NOT NULL)", name="stripe_has_intent"),
        sparse_index("payment", "charge_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    # These two are None for money that the house took itself.
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("attempt.id"))
    payment_intent_id: Mapped[str | None] = mapped_column(String(255))  # pi_..., made by Stripe
    charge_id: Mapped[str | None] = mapped_column(String(255))  # ch_..., made by Stripe
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # captured
    currency: Mapped[str] = mapped_column(String(3))
    captured_at: Mapped[datetime] = mapped_column(UTCDateTime)
    source: Mapped[Source] = mapped_column(enum_column(Source, "source"))
    method: Mapped[PaymentMethod] = mapped_column(
        enum_column(PaymentMethod, "method"), default=PaymentMethod.STRIPE, server_default=PaymentMethod.STRIPE.value
    )
    # What the charge says was refunded, while our refund rows do not explain it yet (see domain/ledger.py).
    reported_refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)

    # From Stripe's charge, when its list is walked; None until then, and for money that the house took itself.
    authentication: Mapped[Authentication | None] = mapped_column(enum_column(Authentication, "authentication"))

    booking: Mapped[Booking] = relationship()
    attempt: Mapped[Attempt | None] = relationship()
    refunds: Mapped[list["Refund"]] = relationship(back_populates="payment", order_by="Refund.id")

    @property
    def amount(self) -> Money:
        """What was captured."""
        return Money(self.amount_minor, self.currency)

    @property
    def is_with_stripe(self) -> bool:
        """Whether Stripe took it, and so can send it back. What the house took, it hands back itself."""
        return self.method is PaymentMethod.STRIPE

    @property
    def entry(self) -> PaymentEntry:
        """This payment with its refunds, as the ledger counts it."""
        counted = [refund for refund in self.refunds if not refund.is_called_off]
        refunds = tuple(refund.entry for refund in counted)
        return PaymentEntry(self.amount_minor, refunds, self.reported_refunded_minor)


class Refund(Stamped):
    """Money going back: the row is committed before Stripe is asked."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("stripe_refund_id"),
        UniqueConstraint("token"),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("form_token"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_refund_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    token: Mapped[str] = mapped_column(String(32))  # metadata `refund_id` at Stripe
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[RefundStatus] = mapped_column(enum_column(RefundStatus, "status"))
    reason: Mapped[RefundReason] = mapped_column(enum_column(RefundReason, "reason"))
    requested_by: Mapped[str] = mapped_column(String(254), default="")  # staff address; empty: by itself
    idempotency_key: Mapped[str | None] = mapped_column(String(255))  # None: made in Stripe's dashboard
    params: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # frozen, as sent to Stripe
    first_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    stripe_refund_id: Mapped[str | None] = mapped_column(String(255))  # re_..., made by Stripe
    form_token: Mapped[str | None] = mapped_column(String(64))  # one per rendered form: a double click is one refund
    failure_reason: Mapped[str | None] = mapped_column(String(80))

    payment: Mapped[Payment] = relationship(back_populates="refunds")
    booking: Mapped[Booking] = relationship()

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.amount_minor, self.currency)

    @property
    def entry(self) -> RefundEntry:
        """This refund as the ledger counts it."""
        return RefundEntry(self.amount_minor, self.status, is_owed=self.reason is RefundReason.CHANGE)

    @property
    def is_called_off(self) -> bool:
        """Whether it was never sent, because the bank had given the money back: nobody is owed it any more."""
        return self.failure_reason == CALLED_OFF


class Dispute(Stamped):
    """A chargeback or inquiry. It overlays a booking and never moves it."""

    __tablename__ = "dispute"
    __table_args__ = (UniqueConstraint("stripe_dispute_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    stripe_dispute_id: Mapped[str] = mapped_column(String(255))  # du_... or dp_..., made by Stripe
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(40))  # Stripe's own words
    reason: Mapped[str] = mapped_column(String(80), default="")
    due_by: Mapped[datetime | None] = mapped_column(UTCDateTime)
    is_charge_refundable: Mapped[bool] = mapped_column(default=False)
    funds_withdrawn: Mapped[bool] = mapped_column(default=False)
    reminded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # that `due_by` is near; None: not yet

    booking: Mapped[Booking] = relationship()

    @property
    def amount(self) -> Money:
        """What the bank asks back."""
        return Money(self.amount_minor, self.currency)
