"""What the cookie knows of a sign-in: its secret, and for minutes between password and code, who has given the first.

The sign-in itself is a row on our side (services/sign_ins.py).
"""

from dataclasses import dataclass

from flask import g, request, session
from flask_login import UserMixin, current_user, login_user, logout_user

from booking.domain.roles import Role
from booking.extensions import login_manager
from booking.queries.staff import Present, StaffMember, find_by_id
from booking.services import sign_ins
from booking.services.sign_ins import Place
from booking.wiring import current_runtime

# So long a password is good for the page that asks for the code.
HALF_SECONDS = 300
_HALF = "staff_half"
# What a browser keeps when somebody signs in or out: its own bookings. All else goes, the form tokens first of all.
_KEPT = ("browser", "bookings")

login_manager.login_view = "auth.login"
# No message: it would give every stranger a cookie. The page says it itself.
login_manager.login_message = None


@dataclass(frozen=True)
class SignedIn(UserMixin):
    """The person behind a request, as Flask-Login and the templates see it."""

    present: Present
    token: str

    @property
    def id(self) -> int:
        return self.present.member.id

    @property
    def email(self) -> str:
        return self.present.member.email

    @property
    def name(self) -> str:
        return self.present.member.name

    @property
    def role(self) -> Role:
        return self.present.member.role

    @property
    def has_codes(self) -> bool:
        return self.present.member.codes_since is not None

    @property
    def lacks_codes(self) -> bool:
        """Whether the house asks for codes and this person has none yet."""
        return self.present.must_have_codes and not self.has_codes

    def get_id(self) -> str:
        """What the cookie holds: the secret of the sign-in."""
        return self.token


def place() -> Place:
    """From where this request comes."""
    return Place(request.remote_addr or "", request.user_agent.string)


def present() -> Present:
    """Who is signed in, and by which sign-in. For pages behind the guard."""
    found: Present = current_user.present
    return found


def begin(token: str) -> None:
    """Let this browser use a sign-in, with a cookie that shares nothing with the one before.

    The sign-in is read first: were the database away after the cookie was emptied, the answer that asks to come back
    would take the token of the form along, and the same form would be refused as too old.
    """
    found = sign_ins.find(current_runtime(), token)
    _start_anew()
    _use(found, token)


def go_on(token: str) -> None:
    """The same sign-in under a new secret: forms that were opened before stay good."""
    _use(sign_ins.find(current_runtime(), token), token)


def end() -> None:
    """Sign out of this browser."""
    if current_user.is_authenticated:
        sign_ins.sign_out(current_runtime(), present())
    forget()


def forget() -> None:
    """Take a sign-in that is over out of this browser."""
    logout_user()
    _start_anew()


def begin_half(member: StaffMember) -> None:
    """The password was right; a code is asked for next."""
    _start_anew()
    session[_HALF] = {"id": member.id, "key": sign_ins.hash_of(member.session_key), "at": _seconds()}


def find_half() -> StaffMember | None:
    """Who has given their password minutes ago; None where that is long ago, or the account has changed."""
    half = session.get(_HALF)
    if not isinstance(half, dict) or _seconds() - half["at"] >= HALF_SECONDS:
        return None
    member = find_by_id(half["id"])
    if member is None or not member.is_active or sign_ins.hash_of(member.session_key) != half["key"]:
        return None
    return member


@login_manager.user_loader
def load_signed_in(token: str) -> SignedIn | None:
    """Who a cookie belongs to; None where the sign-in is over, and on a page about a database that does not answer."""
    if g.get("no_database"):
        return None
    found = sign_ins.find(current_runtime(), token)
    return SignedIn(found, token) if found else None


def _use(found: Present | None, token: str) -> None:
    if found is not None:
        login_user(SignedIn(found, token), remember=False)


def _start_anew() -> None:
    kept = {name: session[name] for name in _KEPT if name in session}
    session.clear()
    session.update(kept)


def _seconds() -> int:
    return int(current_runtime().clock.now().timestamp())
