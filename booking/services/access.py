"""Secret links to bookings: made for mails, opened once by a button, kept only as hashes."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.database import require_transaction, transaction
from booking.extensions import db
from booking.models import AccessLink, Booking
from booking.models.instance import LinkPurpose
from booking.runtime import Runtime
from booking.services.limits import check_limit

LOOKUP_LIFE = timedelta(minutes=30)
AFTER_STAY = timedelta(days=31)  # thirty days after the day of departure has ended everywhere
TOKEN_BYTES = 32
LONGEST_TOKEN = 100
LOOKUPS_PER_ADDRESS = 5
# Crockford's alphabet leaves out what people mix up, and reads it kindly.
_KINDLY = str.maketrans({"O": "0", "I": "1", "L": "1"})


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link has opened. Whoever came by it is let out again once the link is revoked."""

    reference: str
    link_id: int


def mint_link(session: Session, booking: Booking, purpose: LinkPurpose, now: datetime) -> str:
    """A fresh token for one booking; only its hash is stored. Joins the caller's transaction."""
    require_transaction(session)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = _expiry(booking, purpose, now)
    session.add(AccessLink(booking_id=booking.id, token_hash=_hash(token), purpose=purpose, expires_at=expires_at))
    return token


def peek_link(token: str, now: datetime) -> bool:
    """Whether a token would open something now. Looks only, so that a mail scanner cannot use a link up."""
    return _find_open(db.session(), token, now) is not None


def open_link(runtime: Runtime, token: str) -> Opened | None:
    """The booking that a token opens; None for a wrong, expired, revoked or used one, which nobody can tell apart.

    Commits the use. A LOOKUP link opens once, however many ask at the same time.
    """
    now = runtime.clock.now()
    with transaction() as session:
        link = _find_open(session, token, now)
        if link is None or not _use(session, link, now):
            return None
        return Opened(link.booking.reference, link.id)


def is_revoked(link_id: int) -> bool:
    """Whether a link that let a browser in has been taken back since, or was never there."""
    kept = select(AccessLink.id).where(AccessLink.id == link_id, AccessLink.revoked_at.is_(None))
    return db.session.scalar(kept) is None


def revoke_links(session: Session, booking_id: int, now: datetime) -> None:
    """From now on no link mailed before opens this booking. Joins the caller's transaction."""
    require_transaction(session)
    valid = update(AccessLink).where(AccessLink.booking_id == booking_id, AccessLink.revoked_at.is_(None))
    session.execute(valid.values(revoked_at=now))


def request_link(runtime: Runtime, reference: str, email: str) -> None:
    """Mail a link to the address on file where reference and address match; say nothing either way.

    Raises:
        TooManyTries: counted by the address that was typed, whether or not a booking has it.
    """
    # Letters mint their links when they are written, so that module imports this one.
    from booking.services.notifications import GuestMail, tell_guest

    email = email.strip().lower()
    check_limit(runtime, "lookup", email, LOOKUPS_PER_ADDRESS, timedelta(hours=1))
    now = runtime.clock.now()
    with transaction() as session:
        wanted = select(Booking).where(Booking.reference == normal_reference(reference), Booking.erased_at.is_(None))
        booking = session.scalar(wanted)
        if booking is None or not _same_address(booking.guest_email, email):
            return
        # A double click falls into one minute: one mail.
        tell_guest(session, booking, GuestMail.MANAGE_LINK, now, fact_id=f"{now:%Y%m%d%H%M}")
    runtime.wake_worker()


def normal_reference(text: str) -> str:
    """A reference as people type it ("h7k2-m9ol") in the form in which it is stored."""
    return "".join(letter for letter in text[:80].upper() if letter.isascii() and letter.isalnum()).translate(_KINDLY)


def _expiry(booking: Booking, purpose: LinkPurpose, now: datetime) -> datetime:
    if purpose is LinkPurpose.LOOKUP:
        return now + LOOKUP_LIFE
    return datetime.combine(booking.leave, time(), UTC) + AFTER_STAY


def _find_open(session: Session, token: str, now: datetime) -> AccessLink | None:
    wanted = select(AccessLink).where(
        AccessLink.token_hash == _hash(token[:LONGEST_TOKEN]),
        AccessLink.expires_at > now,
        AccessLink.used_at.is_(None),
        AccessLink.revoked_at.is_(None),
    )
    return session.scalar(wanted)


def _use(session: Session, link: AccessLink, now: datetime) -> bool:
    if link.purpose is LinkPurpose.BOOKING:
        return True
    used = update(AccessLink).where(AccessLink.id == link.id, AccessLink.used_at.is_(None)).values(used_at=now)
    return session.execute(used.returning(AccessLink.id)).first() is not None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _same_address(one: str, other: str) -> bool:
    return hmac.compare_digest(one.lower().encode(), other.encode("utf-8", "surrogatepass"))
