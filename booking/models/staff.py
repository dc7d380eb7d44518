"""People who run the house, and what signs them in."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime, enum_column
from booking.domain.roles import Role
from booking.models.base import Stamped


class Staff(Stamped):
    """One person. `session_key` is part of each sign-in, so changing it ends them all.

    Who was invited and has not come yet has no password and is not active.
    """

    __tablename__ = "staff"
    __table_args__ = (UniqueConstraint("email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))  # lower case
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(255))  # argon2id; empty: never had one
    session_key: Mapped[str] = mapped_column(String(64))
    role: Mapped[Role] = mapped_column(enum_column(Role, "role"), server_default=text("'owner'"))
    is_active: Mapped[bool] = mapped_column(default=True)
    last_login_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Codes of an app (TOTP): the seed is encrypted, and counts once a code of it was shown.
    code_seed: Mapped[str | None] = mapped_column(String(255))
    codes_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_code_step: Mapped[int | None] = mapped_column()  # each code opens once: the half minute of the last one


class StaffSession(Stamped):
    """One sign-in. Only the hash of its id is kept: a copy of the database signs nobody in."""

    __tablename__ = "staff_session"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    session_key: Mapped[str] = mapped_column(String(64))  # the person's when it began; another one since: it is over
    began_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proved_at: Mapped[datetime] = mapped_column(UTCDateTime)  # when they last showed who they are
    address: Mapped[str] = mapped_column(String(45))
    browser: Mapped[str] = mapped_column(String(60))


class RecoveryCode(Stamped):
    """One code for somebody without their app. Opens once."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("staff_id", "code_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class StaffLinkPurpose(StrEnum):
    """What a mailed link is for."""

    INVITATION = "invitation"
    PASSWORD = "password"  # noqa: S105  (a purpose, not a secret)


class StaffLink(Stamped):
    """A secret link to the choice of a password. Only the hash is kept; it opens once."""

    __tablename__ = "staff_link"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[StaffLinkPurpose] = mapped_column(enum_column(StaffLinkPurpose, "purpose"))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # or taken back


class StaffPolicy(Stamped):
    """One row: what the house asks of everybody who signs in."""

    __tablename__ = "staff_policy"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    codes_required: Mapped[bool] = mapped_column(default=False)
