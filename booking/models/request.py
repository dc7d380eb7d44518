"""Requests to book: what the host is asked, and each sum that is reserved on a guest's card for one."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.money import Money
from booking.domain.requests import AuthorisationState, RequestState
from booking.models.base import Stamped
from booking.models.booking import Booking


class StayRequest(Stamped):
    """That a booking is a request, written with it and for good; and what became of it."""

    __tablename__ = "stay_request"
    __table_args__ = (
        UniqueConstraint("booking_id"),
        CheckConstraint("answer_hours > 0", name="hours_positive"),
        CheckConstraint("state <> 'asked' OR answer_by IS NOT NULL", name="asked_has_deadline"),
        Index("ix_stay_request_state_answer_by", "state", "answer_by"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    state: Mapped[RequestState] = mapped_column(enum_column(RequestState, "state"), default=RequestState.STARTED)
    answer_hours: Mapped[int] = mapped_column()  # the host's patience, frozen
    # The sentences that the guest read above the button, in their language.
    consent: Mapped[list[str]] = mapped_column(JSON)
    consented_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # None until a sum is reserved.
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answer_by: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # None while nobody has answered; empty address: nobody of the house did.
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answered_by: Mapped[str] = mapped_column(String(254), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")  # why the host declined, as the guest reads it

    booking: Mapped[Booking] = relationship()


class Authorisation(Stamped):
    """One sum reserved on a card: a PaymentIntent that is captured or let go, each once.

    Keys are written before the first call, and a capture that Stripe answers with an error gets the next one.
    """

    __tablename__ = "authorisation"
    __table_args__ = (
        UniqueConstraint("attempt_id"),
        UniqueConstraint("payment_intent_id"),
        UniqueConstraint("capture_key"),
        UniqueConstraint("release_key"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        Index("ix_authorisation_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    payment_intent_id: Mapped[str] = mapped_column(String(255))  # pi_..., made by Stripe
    state: Mapped[AuthorisationState] = mapped_column(enum_column(AuthorisationState, "state"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    authorised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    capture_before: Mapped[datetime | None] = mapped_column(UTCDateTime)  # as the charge says; None: it did not
    capture_key: Mapped[str] = mapped_column(String(255))
    capture_params: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # frozen, as sent to Stripe
    release_key: Mapped[str] = mapped_column(String(255))
    release_params: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # frozen, as sent to Stripe
    tries: Mapped[int] = mapped_column(default=0)  # of the call that is on its way
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when Stripe was last asked to take it or let it go

    booking: Mapped[Booking] = relationship()

    @property
    def amount(self) -> Money:
        """What is reserved."""
        return Money(self.amount_minor, self.currency)
