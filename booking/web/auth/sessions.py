"""What a sign-in is: a line in the signed cookie that names a person and the state of the account it was made in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, session
from flask_login import UserMixin, login_user, logout_user

from booking.domain.roles import Role
from booking.extensions import login_manager
from booking.queries.staff import StaffMember
from booking.services.staff import find_signed_in
from booking.wiring import current_runtime

IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
_BEGAN, _SEEN = "staff_began", "staff_seen"
# What a browser keeps when somebody signs in or out: its own bookings. All else goes, the form tokens first of all.
_KEPT = ("browser", "bookings")

login_manager.login_view = "auth.login"
# No message: it would give every stranger a cookie. The page says it itself.
login_manager.login_message = None


@dataclass(frozen=True)
class SignedIn(UserMixin):
    """The person behind a request, as Flask-Login and the templates see it."""

    id: int
    email: str
    name: str
    role: Role
    session_key: str

    def get_id(self) -> str:
        """Id and session key together: changing the key in the database ends every sign-in."""
        return f"{self.id}.{self.session_key}"


def begin(member: StaffMember) -> None:
    """Sign a person in, with a session that shares nothing with the one before."""
    _start_anew()
    session[_BEGAN] = session[_SEEN] = _seconds(current_runtime().clock.now())
    login_user(_signed_in(member), remember=False)


def end() -> None:
    """Sign out of this browser."""
    logout_user()
    _start_anew()


@login_manager.user_loader
def load_signed_in(cookie_id: str) -> SignedIn | None:
    """Who a cookie belongs to; None where the sign-in is over, and on a page about a database that does not answer."""
    if g.get("no_database"):
        return None
    now = current_runtime().clock.now()
    staff_id, _, key = cookie_id.partition(".")
    if not staff_id.isdecimal() or not _is_alive(now):
        return None
    member = find_signed_in(int(staff_id), key)
    if member is None:
        return None
    _note_seen(now)
    return _signed_in(member)


def _signed_in(member: StaffMember) -> SignedIn:
    return SignedIn(member.id, member.email, member.name, member.role, member.session_key)


def _is_alive(now: datetime) -> bool:
    seconds = _seconds(now)
    began, seen = session.get(_BEGAN, 0), session.get(_SEEN, 0)
    return seconds - began < LONGEST.total_seconds() and seconds - seen < IDLE.total_seconds()


def _note_seen(now: datetime) -> None:
    # Once a minute is enough, and keeps the cookie from being sent with every answer.
    if _seconds(now) - session.get(_SEEN, 0) >= 60:
        session[_SEEN] = _seconds(now)


def _start_anew() -> None:
    kept = {name: session[name] for name in _KEPT if name in session}
    session.clear()
    session.update(kept)


def _seconds(now: datetime) -> int:
    return int(now.timestamp())
