"""People who may sign in, as plain values: what leaves here outlives every transaction."""

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, select

from booking.domain.roles import Role
from booking.extensions import db
from booking.models import Staff


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One person of the house. `session_key` ties a sign-in to this state of the account."""

    id: int
    email: str
    name: str
    is_active: bool
    role: Role
    session_key: str = field(repr=False)
    password_hash: str = field(repr=False)


def find_by_id(staff_id: int) -> StaffMember | None:
    """The person with this id, active or not."""
    return _find(Staff.id == staff_id)


def find_by_email(email: str) -> StaffMember | None:
    """The person with this address, active or not."""
    return _find(Staff.email == email)


def _find(condition: ColumnElement[bool]) -> StaffMember | None:
    columns = (Staff.id, Staff.email, Staff.name, Staff.is_active, Staff.role, Staff.session_key, Staff.password_hash)
    row = db.session.execute(select(*columns).where(condition)).first()
    return StaffMember(*row) if row else None
