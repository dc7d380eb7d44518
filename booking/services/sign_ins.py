"""Sign-ins of the people of the house: rows on our side, so that each can be seen and ended. A cookie names one."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.browsers import name_browser
from booking.domain.errors import SignInRefused
from booking.extensions import DATABASE_AWAY
from booking.models import Staff, StaffSession
from booking.queries.staff import LONGEST, Present, StaffMember, find_present
from booking.runtime import Runtime
from booking.services import audit

logger = logging.getLogger(__name__)

# Noted no more often than this: a page that is looked at should not write.
SEEN_EVERY = timedelta(minutes=1)
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """From where somebody signs in."""

    address: str = ""
    user_agent: str = ""


def sign_in(runtime: Runtime, member: StaffMember, place: Place) -> str:
    """Begin a sign-in of somebody who has shown who they are; the secret that the cookie carries. Commits.

    Raises:
        SignInRefused: the account has changed since they were asked.
    """
    now = runtime.clock.now()
    with transaction() as session:
        same = update(Staff).where(
            Staff.id == member.id, Staff.session_key == member.session_key, Staff.is_active.is_(True)
        )
        if session.execute(same.values(last_login_at=now).returning(Staff.id)).first() is None:
            raise SignInRefused
        token = open_session(session, member, place, now)
        audit.record(session, member.email, "staff.signed_in", f"staff {member.email}", now)
    logger.info("staff_signed_in", extra={"staff_id": member.id})
    return token


def open_session(session: Session, member: StaffMember, place: Place, now: datetime) -> str:
    """Write the row of a sign-in; its secret, of which the hash is kept. Joins the caller's transaction."""
    require_transaction(session)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = StaffSession(staff_id=member.id, token_hash=hash_of(token), session_key=member.session_key)
    row.began_at = row.seen_at = row.proved_at = now
    row.address, row.browser = place.address[:45], name_browser(place.user_agent)
    session.add(row)
    return token


def find(runtime: Runtime, token: str) -> Present | None:
    """Whom a cookie's secret belongs to; None where the sign-in is over. Reads only, one statement."""
    return find_present(hash_of(token), runtime.clock.now())


def note_seen(runtime: Runtime, present: Present) -> None:
    """Remember that a sign-in is used. Commits, once a minute; where the database cannot write, it goes on without."""
    now, sign_in = runtime.clock.now(), present.sign_in
    if now - sign_in.seen_at < SEEN_EVERY:
        return
    try:
        with transaction() as session:
            session.execute(update(StaffSession).where(StaffSession.id == sign_in.id).values(seen_at=now))
    except DATABASE_AWAY:
        logger.warning("sign_in_not_noted", extra={"staff_id": present.member.id})


def renew(session: Session, present: Present, now: datetime) -> str:
    """They have shown again who they are: the sign-in goes on under a new secret. Joins the caller's transaction."""
    require_transaction(session)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    mine = update(StaffSession).where(StaffSession.id == present.sign_in.id)
    session.execute(mine.values(token_hash=hash_of(token), proved_at=now, seen_at=now))
    return token


def sign_out(runtime: Runtime, present: Present) -> None:
    """End this sign-in. Commits."""
    _end(runtime, present, present.sign_in.id, "staff.signed_out")


def end_other(runtime: Runtime, present: Present, sign_in_id: int) -> None:
    """End another sign-in of the same person, wherever it is. Commits; one that is over already changes nothing."""
    _end(runtime, present, sign_in_id, "staff.sign_in_ended")


def purge(runtime: Runtime) -> int:
    """Drop sign-ins that are over; how many. For the worker's sweep. Commits."""
    with transaction() as session:
        old = delete(StaffSession).where(StaffSession.began_at <= runtime.clock.now() - LONGEST)
        return len(session.scalars(old.returning(StaffSession.id)).all())


def hash_of(token: str) -> str:
    """In which form a secret of ours is kept. It is random and long, so that no slow hash is needed."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _end(runtime: Runtime, present: Present, sign_in_id: int, action: str) -> None:
    member = present.member
    end_read()
    with transaction() as session:
        mine = delete(StaffSession).where(StaffSession.id == sign_in_id, StaffSession.staff_id == member.id)
        if session.scalars(mine.returning(StaffSession.id)).all():
            audit.record(session, member.email, action, f"staff {member.email}", runtime.clock.now())
