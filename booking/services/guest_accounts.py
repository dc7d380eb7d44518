"""Guests' accounts: a mailed link lets a browser in, and nothing else does. No password is kept anywhere."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from booking.database import insert_into, require_transaction, transaction
from booking.extensions import db
from booking.models import GuestAccount, GuestLink, GuestSession, OutboxRow
from booking.models.outbox import OutboxKind, OutboxState
from booking.runtime import Runtime
from booking.services import outbox
from booking.services.limits import check_limit
from booking.services.sign_ins import TOKEN_BYTES, hash_of

logger = logging.getLogger(__name__)

LINK_LIFE = timedelta(minutes=30)
SESSION_LIFE = timedelta(days=30)
LINKS_PER_ADDRESS = 5
LONGEST_TOKEN = 100
LINK_MAIL = "club_link"


@dataclass(frozen=True, slots=True)
class Member:
    """Who is signed in, as plain values."""

    account_id: int
    email: str
    language: str


def request_link(runtime: Runtime, email: str, language: str) -> None:
    """Mail a link that signs in whoever reads the mail. Commits; says nothing of who has an account.

    Raises:
        TooManyTries: counted by the address.
    """
    email, now = email.strip().lower(), runtime.clock.now()
    check_limit(runtime, "club-link", email, LINKS_PER_ADDRESS, timedelta(hours=1))
    with transaction() as session:
        # The link is made when the letter is written: a secret does not wait in the outbox. A double click falls into
        # one minute: one mail.
        payload: dict[str, Any] = {
            "mail": LINK_MAIL,
            "booking_id": None,
            "email": email,
            "language": language,
            "facts": {},
        }
        key = f"mail:{LINK_MAIL}:{hash_of(email)[:24]}:{now:%Y%m%d%H%M}"
        outbox.enqueue(session, OutboxKind.MAIL, key, payload, now)
    runtime.wake_worker()


def mint_link(session: Session, email: str, language: str, now: datetime) -> str:
    """A fresh secret for an address; only its hash is stored. Joins the caller's transaction."""
    require_transaction(session)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + LINK_LIFE
    session.add(GuestLink(email=email, language=language, token_hash=hash_of(token), expires_at=expires_at))
    return token


def peek_link(token: str, now: datetime) -> bool:
    """Whether a link would let anybody in. Looks only, so that a program that opens links uses none up."""
    found = select(GuestLink.id).where(GuestLink.token_hash == hash_of(token[:LONGEST_TOKEN]))
    return db.session.scalar(found.where(GuestLink.used_at.is_(None), GuestLink.expires_at > now)) is not None


def open_link(runtime: Runtime, token: str) -> str | None:
    """Use a link up and sign in; the secret that the cookie carries. Commits. None for a link that opens nothing.

    The account is made here, where somebody has shown that the address is theirs, and not when the mail was asked for.
    """
    now = runtime.clock.now()
    with transaction() as session:
        used = update(GuestLink).where(
            GuestLink.token_hash == hash_of(token[:LONGEST_TOKEN]),
            GuestLink.used_at.is_(None),
            GuestLink.expires_at > now,
        )
        link = session.execute(used.values(used_at=now).returning(GuestLink.email, GuestLink.language)).first()
        if link is None:
            return None
        return _open_session(session, _get_or_make(session, link.email, link.language, now), now)


def find_member(runtime: Runtime, token: str) -> Member | None:
    """Whom a cookie's secret belongs to; None where nobody is signed in by it. Reads only."""
    found = db.session.execute(
        select(GuestAccount.id, GuestAccount.email, GuestAccount.language)
        .join(GuestSession, GuestSession.account_id == GuestAccount.id)
        .where(GuestSession.token_hash == hash_of(token[:LONGEST_TOKEN]))
        .where(GuestSession.expires_at > runtime.clock.now(), GuestAccount.email.is_not(None))
    ).first()
    return Member(found.id, found.email or "", found.language) if found else None


def sign_out(token: str) -> None:
    """End this sign-in. Commits. Done twice is done once."""
    with transaction() as session:
        session.execute(delete(GuestSession).where(GuestSession.token_hash == hash_of(token[:LONGEST_TOKEN])))


def sign_out_everywhere(session: Session, account_id: int) -> None:
    """End every sign-in of an account. Joins the caller's transaction."""
    require_transaction(session)
    session.execute(delete(GuestSession).where(GuestSession.account_id == account_id))


def purge(runtime: Runtime) -> int:
    """Drop links and sign-ins that are over; how many. For the worker's sweep. Commits."""
    now, dropped = runtime.clock.now(), 0
    with transaction() as session:
        for model in (GuestLink, GuestSession):
            old = delete(model).where(model.expires_at <= now)
            dropped += len(session.scalars(old.returning(model.id)).all())
        sent = OutboxRow.dedupe_key.like(f"mail:{LINK_MAIL}:%"), OutboxRow.state != OutboxState.DUE
        asked = update(OutboxRow).where(*sent, OutboxRow.created_at <= now - timedelta(days=1))
        # To whom a link went is nobody's business once it is over: there may not even be an account.
        session.execute(asked.values(payload={"mail": LINK_MAIL, "booking_id": None, "facts": {}}))
    return dropped


def _get_or_make(session: Session, email: str, language: str, now: datetime) -> int:
    fresh = insert_into(session, GuestAccount.__table__).values(email=email, language=language, created_at=now)
    session.execute(fresh.on_conflict_do_nothing(index_elements=["email"]))
    return session.scalars(select(GuestAccount.id).where(GuestAccount.email == email)).one()


def _open_session(session: Session, account_id: int, now: datetime) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(GuestSession(account_id=account_id, token_hash=hash_of(token), expires_at=now + SESSION_LIFE))
    logger.info("guest_signed_in", extra={"account": account_id})
    return token
