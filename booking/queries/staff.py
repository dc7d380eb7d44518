"""People who may sign in and their sign-ins, as plain values: what leaves here outlives every transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from booking.domain.roles import Role
from booking.extensions import db
from booking.models import RecoveryCode, Staff, StaffPolicy, StaffSession

# A sign-in ends after so long without a page, and after so long in any case.
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
_PERSON: tuple[Any, ...] = (
    Staff.id, Staff.email, Staff.name, Staff.is_active, Staff.role, Staff.codes_since, Staff.last_login_at,
    Staff.session_key, Staff.password_hash,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One person of the house. `session_key` ties a sign-in to this state of the account."""

    id: int
    email: str
    name: str
    is_active: bool
    role: Role
    codes_since: datetime | None  # None: signs in with a password alone
    last_login_at: datetime | None
    session_key: str = field(repr=False)
    password_hash: str = field(repr=False)

    @property
    def is_invited(self) -> bool:
        """Whether they have not come yet."""
        return not self.password_hash


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in that goes on."""

    id: int
    began_at: datetime
    seen_at: datetime
    proved_at: datetime  # when they last showed who they are
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Present:
    """Who is behind a request, by which sign-in, and whether the house asks everybody for codes."""

    member: StaffMember
    sign_in: SignIn
    must_have_codes: bool


def find_by_id(staff_id: int) -> StaffMember | None:
    """The person with this id, active or not."""
    return _find(Staff.id == staff_id)


def find_by_email(email: str) -> StaffMember | None:
    """The person with this address, active or not."""
    return _find(Staff.email == email)


def find_present(token_hash: str, now: datetime) -> Present | None:
    """Whose sign-in this is, in one statement; None where it is over or the account was switched off."""
    required = exists().where(StaffPolicy.codes_required.is_(True)).label("required")
    wanted = _going_on(select(*_SIGN_IN, required, *_PERSON), now).where(StaffSession.token_hash == token_hash)
    row = db.session.execute(wanted).first()
    if row is None:
        return None
    own = len(_SIGN_IN)
    return Present(StaffMember(*row[own + 1 :]), SignIn(*row[:own]), bool(row[own]))


def list_people(session: Session) -> list[StaffMember]:
    """Everybody with an account, by name; who was switched off comes last."""
    people = select(*_PERSON).order_by(Staff.is_active.desc(), func.lower(Staff.name), Staff.id)
    return [StaffMember(*row) for row in session.execute(people)]


def list_sign_ins(session: Session, staff_id: int, now: datetime) -> list[SignIn]:
    """Where a person is signed in, the latest first."""
    wanted = _going_on(select(*_SIGN_IN), now).where(Staff.id == staff_id)
    return [SignIn(*row) for row in session.execute(wanted.order_by(StaffSession.seen_at.desc()))]


def count_recovery_codes(session: Session, staff_id: int) -> int:
    """How many recovery codes a person has left."""
    left = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return session.scalar(left) or 0


def are_codes_required(session: Session) -> bool:
    """Whether the house asks everybody for codes."""
    return bool(session.scalar(select(StaffPolicy.codes_required)))


_SIGN_IN: tuple[Any, ...] = (
    StaffSession.id, StaffSession.began_at, StaffSession.seen_at, StaffSession.proved_at, StaffSession.address,
    StaffSession.browser,
)  # fmt: skip


def _going_on(wanted: Select[Any], now: datetime) -> Select[Any]:
    """Only sign-ins that have not ended: by their time, by a new password, or with the account."""
    return wanted.join(Staff, Staff.id == StaffSession.staff_id).where(
        StaffSession.session_key == Staff.session_key,
        Staff.is_active.is_(True),
        StaffSession.seen_at > now - IDLE,
        StaffSession.began_at > now - LONGEST,
    )


def _find(condition: ColumnElement[bool]) -> StaffMember | None:
    row = db.session.execute(select(*_PERSON).where(condition)).first()
    return StaffMember(*row) if row else None
