"""Guests with an account: how they come in, what they joined, and how Stripe was asked for it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.domain.club import MemberStatus, Standing
from booking.domain.money import Money
from booking.models.base import Stamped, partial_index
from booking.models.club import ClubPlan

_LIVE = "status IN ('creating', 'open')"


class GuestAccount(Stamped):
    """Somebody who has shown, by a link in a mail, that an address is theirs."""

    __tablename__ = "guest_account"
    __table_args__ = (UniqueConstraint("email"), UniqueConstraint("stripe_customer_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254))  # lower case; None once erased
    language: Mapped[str] = mapped_column(String(5))
    # cus_..., made by Stripe when they first joined: theirs alone, whoever books with their address.
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255))
    erase_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class GuestLink(Stamped):
    """A mailed way in: opened once, by a button, and kept as a hash. Until then nobody has an account by it."""

    __tablename__ = "guest_link"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_guest_link_expires_at", "expires_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(5))
    token_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class GuestSession(Stamped):
    """A browser in which somebody is signed in. The cookie has the secret, this row its hash."""

    __tablename__ = "guest_session"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("guest_account.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)

    account: Mapped[GuestAccount] = relationship()


class JoinStatus(StrEnum):
    """Where one Checkout Session for a membership stands. CREATING means that its outcome is not known yet."""

    CREATING = "creating"
    OPEN = "open"
    DONE = "done"
    EXPIRED = "expired"


class Joining(Stamped):
    """One wish to join: key and parameters are committed before the call and never change."""

    __tablename__ = "joining"
    __table_args__ = (
        UniqueConstraint("token"),
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("session_id"),
        # Nobody joins twice at once.
        partial_index("uq_joining_account_id_live", "account_id", where=_LIVE),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("guest_account.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("club_plan.id"), index=True)
    status: Mapped[JoinStatus] = mapped_column(enum_column(JoinStatus, "status"))
    token: Mapped[str] = mapped_column(String(32))  # metadata `attempt` at Stripe
    idempotency_key: Mapped[str] = mapped_column(String(255))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, as sent to Stripe
    consent: Mapped[str] = mapped_column(String(1000))  # the sentence that was agreed to, in its language
    agreed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)  # of the session
    session_id: Mapped[str | None] = mapped_column(String(255))  # cs_..., made by Stripe
    url: Mapped[str | None] = mapped_column(String(2000))

    account: Mapped[GuestAccount] = relationship()
    plan: Mapped[ClubPlan] = relationship()


class Membership(Stamped):
    """A subscription of an account as it was when Stripe was last asked: never what an event said of it."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("subscription_id"),
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("off_share BETWEEN 1 AND 9999", name="off_share"),
        CheckConstraint("period_start < period_end", name="period"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("guest_account.id"), index=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("club_plan.id"), index=True)
    subscription_id: Mapped[str] = mapped_column(String(255))  # sub_..., made by Stripe
    livemode: Mapped[bool] = mapped_column()
    status: Mapped[MemberStatus] = mapped_column(enum_column(MemberStatus, "status"))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    off_share: Mapped[int] = mapped_column()  # of the plan when they joined, in hundredths of a percent
    period_start: Mapped[datetime] = mapped_column(UTCDateTime)
    period_end: Mapped[datetime] = mapped_column(UTCDateTime)
    cancels_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    trial_end: Mapped[datetime | None] = mapped_column(UTCDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # when it first gave the rate; None: never yet
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    looked_at: Mapped[datetime] = mapped_column(UTCDateTime)  # when Stripe was asked for all this

    account: Mapped[GuestAccount] = relationship()
    plan: Mapped[ClubPlan] = relationship()

    @property
    def price(self) -> Money:
        """What an interval costs this member."""
        return Money(self.price_minor, self.currency)

    @property
    def standing(self) -> Standing:
        """What decides whether it gives the members' rate."""
        return Standing(self.status, self.period_start, self.period_end, self.cancels_at)


class PortalVisit(Stamped):
    """One way to Stripe's customer portal that was asked for. Its address is a secret and is not kept."""

    __tablename__ = "portal_visit"
    __table_args__ = (UniqueConstraint("idempotency_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("guest_account.id"), index=True)
    idempotency_key: Mapped[str] = mapped_column(String(255))
    params: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen, as sent to Stripe
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
