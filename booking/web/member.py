"""Which guest is signed in: a cookie of its own, whose secret names a row of ours. Most visitors have none."""

from flask import Response, g, request

from booking.extensions import db
from booking.queries.club import find_rate
from booking.services import guest_accounts
from booking.services.guest_accounts import SESSION_LIFE, Member
from booking.wiring import current_runtime

_SECURE, _PLAIN = "__Host-member", "member"


def current_member() -> Member | None:
    """Who is signed in in this browser; asks the database once a request, and not at all without the cookie."""
    if "member" not in g:
        token = member_token()
        g.member = guest_accounts.find_member(current_runtime(), token) if token else None
    found: Member | None = g.member
    return found


def member_off() -> int:
    """What whoever is signed in saves at this moment, in hundredths of a percent; 0 for everybody else."""
    if "member_off" not in g:
        member, runtime = current_member(), current_runtime()
        now, livemode = runtime.clock.now(), runtime.settings.livemode
        rate = find_rate(db.session(), member.account_id, livemode, now) if member else None
        g.member_off = rate.off if rate else 0
    return int(g.member_off)


def member_token() -> str:
    """The secret in the cookie; empty where there is none."""
    return request.cookies.get(_name(), "")


def let_in(response: Response, token: str) -> None:
    """Have this browser bring the secret from now on."""
    response.set_cookie(
        _name(), token, max_age=SESSION_LIFE, secure=_is_secure(), httponly=True, samesite="Lax", path="/"
    )


def let_out(response: Response) -> None:
    """Have this browser forget the secret."""
    response.delete_cookie(_name(), secure=_is_secure(), httponly=True, samesite="Lax", path="/")


def _is_secure() -> bool:
    return current_runtime().settings.base_url.startswith("https:")


def _name() -> str:
    return _SECURE if _is_secure() else _PLAIN
