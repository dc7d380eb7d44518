"""What this installation remembers of itself: id, pulse, what was proved last, links it mailed, limits it keeps."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from booking.database import UTCDateTime, enum_column
from booking.models.base import Stamped
from booking.models.booking import Booking


class Instance(Stamped):
    """One row: the id that marks our objects at Stripe, so that two shops on one account never mix."""

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[str] = mapped_column(String(64))


class Heartbeat(Stamped):
    """When a named process was last seen at work."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    beaten_at: Mapped[datetime] = mapped_column(UTCDateTime)


class PromiseCheck(Stamped):
    """How many rows broke one promise when the worker last looked."""

    __tablename__ = "promise_check"

    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    broken: Mapped[int] = mapped_column()
    checked_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LinkPurpose(StrEnum):
    """BOOKING links come with mails and last until after the stay; LOOKUP links work once, for half an hour."""

    BOOKING = "booking"
    LOOKUP = "lookup"


class AccessLink(Stamped):
    """A secret link to one booking. Only the hash is kept: a copy of the database opens nothing."""

    __tablename__ = "access_link"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[LinkPurpose] = mapped_column(enum_column(LinkPurpose, "purpose"))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    booking: Mapped[Booking] = relationship()


class RateWindow(Stamped):
    """How often something was done by someone in the running window."""

    __tablename__ = "rate_window"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)  # what is limited, and a hash of who
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    count: Mapped[int] = mapped_column()
