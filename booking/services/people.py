"""Who works here: inviting people, their roles, switching accounts off and on, and links to choose a password.

A house always has an owner: the last one can neither be switched off nor become something else.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.errors import StaffRefused
from booking.domain.roles import Role
from booking.extensions import db
from booking.models import Staff, StaffLink, StaffSession
from booking.models.outbox import OutboxKind
from booking.models.staff import StaffLinkPurpose
from booking.queries.staff import StaffMember, find_by_id
from booking.runtime import Runtime
from booking.services import audit, codes, outbox
from booking.services.sign_ins import TOKEN_BYTES, hash_of
from booking.services.staff import checked_email, checked_name, hash_password, new_key, store

logger = logging.getLogger(__name__)

LIFE = {StaffLinkPurpose.INVITATION: timedelta(hours=72), StaffLinkPurpose.PASSWORD: timedelta(minutes=30)}
# The folders of templates/email, as services/notifications.py knows them.
MAIL = {StaffLinkPurpose.INVITATION: "invitation", StaffLinkPurpose.PASSWORD: "password_link"}
_LAST_OWNER = "This is the only owner who can sign in. Make somebody else an owner first."


@dataclass(frozen=True, slots=True)
class Opened:
    """Whom a link belongs to, and what it is for."""

    staff_id: int
    email: str
    name: str
    role: Role
    purpose: StaffLinkPurpose


def invite(runtime: Runtime, by: str, email: str, name: str, role: Role) -> int:
    """Make an account that waits for its owner, and mail them a link to it; its id. Commits.

    Raises:
        StaffRefused: the address is malformed or has an account, or the name is missing.
    """
    address, called, now = checked_email(email), checked_name(name), runtime.clock.now()
    try:
        with transaction() as session:
            row = Staff(email=address, name=called, role=role, password_hash="", session_key=new_key(), is_active=False)
            session.add(row)
            session.flush()  # for the id
            staff_id = row.id
            _mail_link(session, staff_id, StaffLinkPurpose.INVITATION, by, now)
            audit.record(session, by, "people.invited", f"staff {address}", now, after={"role": role})
    except IntegrityError:
        raise StaffRefused("There is an account with this e-mail address already.", field="email") from None
    runtime.wake_worker()
    return staff_id


def invite_again(runtime: Runtime, by: str, staff_id: int) -> None:
    """Mail an invitation once more; earlier links open nothing any more. Commits. Raises StaffRefused."""
    with transaction() as session:
        row = _get(session, staff_id)
        if row.password_hash:
            raise StaffRefused("They have come already. Send a link for a new password instead.")
        _tell(session, row, StaffLinkPurpose.INVITATION, by, runtime.clock.now(), "people.invited_again")
    runtime.wake_worker()


def withdraw_invitation(runtime: Runtime, by: str, staff_id: int) -> None:
    """Take an invitation back, with the account that waits for it. Commits. Raises StaffRefused once they have come."""
    with transaction() as session:
        row = _get(session, staff_id)
        if row.password_hash:
            raise StaffRefused("They have come already. Switch the account off instead.")
        for model in (StaffLink, StaffSession):
            session.execute(delete(model).where(model.staff_id == staff_id))
        session.delete(row)
        audit.record(session, by, "people.invitation_withdrawn", f"staff {row.email}", runtime.clock.now())


def send_password_link(runtime: Runtime, by: str, staff_id: int) -> None:
    """Mail somebody a link to choose a new password. It does not stand for a code. Commits. Raises StaffRefused."""
    with transaction() as session:
        row = _get(session, staff_id)
        if not row.is_active:
            raise StaffRefused("This account is switched off, or was never used. Nothing was sent.")
        _tell(session, row, StaffLinkPurpose.PASSWORD, by, runtime.clock.now(), "people.password_link_sent")
    runtime.wake_worker()


def print_password_link(runtime: Runtime, by: str, email: str) -> str:
    """A link to choose a new password, for the terminal. Commits. Raises StaffRefused."""
    now = runtime.clock.now()
    with transaction() as session:
        row = session.scalar(select(Staff).where(Staff.email == checked_email(email), Staff.is_active.is_(True)))
        if row is None:
            raise StaffRefused("Nobody who can sign in has this e-mail address.", field="email")
        audit.record(session, by, "people.password_link_made", f"staff {row.email}", now)
        return address_of(runtime, mint_link(session, row.id, StaffLinkPurpose.PASSWORD, now))


def change_role(runtime: Runtime, by: str, staff_id: int, role: Role) -> None:
    """Give somebody another role, from their next page on. Commits. Raises StaffRefused for the last owner."""
    with transaction() as session:
        owners = _hold_owners(session)
        row = _get(session, staff_id)
        old = row.role
        if old is role:
            return
        if owners == [staff_id]:
            raise StaffRefused(_LAST_OWNER, field="role")
        row.role = role
        facts = {"before": {"role": old}, "after": {"role": role}}
        audit.record(session, by, "people.role_changed", f"staff {row.email}", runtime.clock.now(), **facts)


def switch_off(runtime: Runtime, by: str, staff_id: int) -> None:
    """End an account: no sign-in goes on, and none begins. Commits. Raises StaffRefused for the last owner."""
    with transaction() as session:
        owners = _hold_owners(session)
        row = _get(session, staff_id)
        if not row.is_active:
            return
        if owners == [staff_id]:
            raise StaffRefused(_LAST_OWNER)
        store(session, staff_id, is_active=False)
        _take_back_links(session, staff_id, runtime.clock.now())
        audit.record(session, by, "people.switched_off", f"staff {row.email}", runtime.clock.now())


def switch_on(runtime: Runtime, by: str, staff_id: int) -> None:
    """Let somebody in again, with the password they had. Commits. Raises StaffRefused for who never came."""
    with transaction() as session:
        row = _get(session, staff_id)
        if not row.password_hash:
            raise StaffRefused("They have not come yet: send the invitation again.")
        if not row.is_active:
            store(session, staff_id, is_active=True)
            audit.record(session, by, "people.switched_on", f"staff {row.email}", runtime.clock.now())


def take_codes_away(runtime: Runtime, by: str, staff_id: int) -> None:
    """Let somebody who lost app and recovery codes sign in with the password alone. Commits."""
    with transaction() as session:
        row = _get(session, staff_id)
        if row.codes_since is not None:
            codes.forget(session, staff_id)
            audit.record(session, by, "codes.taken_away", f"staff {row.email}", runtime.clock.now())


# --- links ----------------------------------------------------------------------------------------------------------


def mint_link(session: Session, staff_id: int, purpose: StaffLinkPurpose, now: datetime) -> str:
    """A fresh secret for a link; only its hash is stored. Joins the caller's transaction."""
    require_transaction(session)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    row = StaffLink(staff_id=staff_id, token_hash=hash_of(token), purpose=purpose, expires_at=now + LIFE[purpose])
    session.add(row)
    return token


def address_of(runtime: Runtime, token: str) -> str:
    """The address of a link."""
    return f"{runtime.settings.base_url}/admin/m/{token}"


def peek_link(token: str, now: datetime) -> Opened | None:
    """What a link would open. Looks only: a program that follows links in mails uses nothing up."""
    return _find_open(db.session(), token, now)


def use_link(runtime: Runtime, token: str, name: str, password: str) -> StaffMember:
    """Choose a password by a link, and a name where they are new here. Commits; one of many at once has it.

    It signs nobody in, so that codes are asked for as ever.

    Raises:
        StaffRefused: without a field where the link opens nothing any more; else what to type differently.
    """
    now = runtime.clock.now()
    opened = _find_open(db.session(), token, now)
    end_read()  # hashing takes long on purpose
    if opened is None:
        raise StaffRefused
    is_new = opened.purpose is StaffLinkPurpose.INVITATION
    called = checked_name(name) if is_new else opened.name
    hashed = hash_password(password, opened.email, called)
    with transaction() as session:
        used = update(StaffLink).where(StaffLink.token_hash == hash_of(token), StaffLink.used_at.is_(None))
        if session.execute(used.values(used_at=now).returning(StaffLink.id)).first() is None:
            raise StaffRefused
        _take_back_links(session, opened.staff_id, now)
        store(session, opened.staff_id, password_hash=hashed, name=called, is_active=True)
        action = "people.joined" if is_new else "staff.password_reset"
        audit.record(session, opened.email, action, f"staff {opened.email}", now)
    logger.info("staff_password_chosen", extra={"staff_id": opened.staff_id})
    member = find_by_id(opened.staff_id)
    assert member is not None
    return member


def write_facts(
    runtime: Runtime, session: Session, mail: str, staff_id: int, by: str, now: datetime
) -> dict[str, object] | str:
    """What a letter with a link says, and to whom it goes; why there must be none, where nobody waits for it any more.

    Joins the caller's transaction, which keeps the link's hash.
    """
    purpose = next(purpose for purpose, name in MAIL.items() if name == mail)
    row = session.get(Staff, staff_id)
    is_invitation = purpose is StaffLinkPurpose.INVITATION
    if row is None or row.is_active is is_invitation:
        return "not sent: the account has changed since"
    link = address_of(runtime, mint_link(session, staff_id, purpose, now))
    names = {"person_name": row.name, "role": row.role.replace("_", " "), "by": by}
    return {"to": row.email, "reply_to": "", "link": link, "note": "", **names}


def _tell(session: Session, row: Staff, purpose: StaffLinkPurpose, by: str, now: datetime, action: str) -> None:
    _take_back_links(session, row.id, now)
    _mail_link(session, row.id, purpose, by, now)
    audit.record(session, by, action, f"staff {row.email}", now)


def _mail_link(session: Session, staff_id: int, purpose: StaffLinkPurpose, by: str, now: datetime) -> None:
    """The letter's link is made when it is written: a secret does not wait in the outbox."""
    payload: dict[str, Any] = {"mail": MAIL[purpose], "booking_id": None, "staff_id": staff_id, "by": by, "facts": {}}
    key = f"mail:{MAIL[purpose]}:{staff_id}:{now:%Y%m%d%H%M%S}"
    outbox.enqueue(session, OutboxKind.MAIL, key, payload, now)


def _take_back_links(session: Session, staff_id: int, now: datetime) -> None:
    unused = update(StaffLink).where(StaffLink.staff_id == staff_id, StaffLink.used_at.is_(None))
    session.execute(unused.values(used_at=now))


def _find_open(session: Session, token: str, now: datetime) -> Opened | None:
    columns = (Staff.id, Staff.email, Staff.name, Staff.role, StaffLink.purpose)
    wanted = select(*columns).join(Staff, Staff.id == StaffLink.staff_id)
    unused = StaffLink.used_at.is_(None), StaffLink.expires_at > now
    row = session.execute(wanted.where(StaffLink.token_hash == hash_of(token[:100]), *unused)).first()
    return Opened(*row) if row else None


# --- accounts -------------------------------------------------------------------------------------------------------


def _get(session: Session, staff_id: int) -> Staff:
    row = session.get(Staff, staff_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise StaffRefused("There is no such account.")
    return row


def _hold_owners(session: Session) -> list[int]:
    """Everybody who can sign in as an owner, held until the commit: two owners cannot remove each other at once."""
    owners = select(Staff.id).where(Staff.role == Role.OWNER, Staff.is_active.is_(True)).order_by(Staff.id)
    return list(session.scalars(owners.with_for_update()))
