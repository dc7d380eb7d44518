"""The audit log: a line for every change that staff makes, each sealed with the one before."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from booking.database import UTCDateTime
from booking.domain.audit import Facts
from booking.extensions import Base


class AuditLine(Base):
    """One line. Written once: triggers of the migrated database refuse to change or delete it."""

    __tablename__ = "audit_line"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    who: Mapped[str] = mapped_column(String(254), index=True)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120), index=True)
    before: Mapped[Facts | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[Facts | None] = mapped_column(JSON(none_as_null=True))
    request_id: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(45))  # the network address of who did it; empty on the command line
    previous: Mapped[str] = mapped_column(String(64))
    seal: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """One row: how far the log goes. Whoever adds a line holds it, so that lines are written one after another."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column()
    seal: Mapped[str] = mapped_column(String(64))
