"""What somebody with an account may ask of their own data: a copy of it, and its erasure once no membership runs."""

import json
from typing import Any

from sqlalchemy import Text, cast, delete, select, update
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.club import MEMBERSHIP_OVER
from booking.domain.personal_data import OF_ACCOUNTS
from booking.extensions import db
from booking.models import (
    Customer,
    GuestAccount,
    GuestLink,
    GuestSession,
    Joining,
    Membership,
    OutboxRow,
    PortalVisit,
    WebhookEvent,
)
from booking.models.member import JoinStatus
from booking.queries.personal import told_of
from booking.runtime import Runtime
from booking.services import customers, guest_accounts
from booking.services.guest_accounts import Member
from booking.services.privacy import nothing_left

BY_ACCOUNT: tuple[Any, ...] = (GuestSession, Joining, Membership, PortalVisit)


def export_account(runtime: Runtime, member: Member) -> dict[str, object]:
    """Everything held about an account, ready to be written as JSON."""
    session = db.session()
    account = session.get_one(GuestAccount, member.account_id)
    held: dict[str, list[dict[str, object]]] = {"guest_account": [told_of(account, OF_ACCOUNTS)]}
    for model in BY_ACCOUNT:
        rows = session.scalars(select(model).where(model.account_id == account.id).order_by(model.id))
        held[model.__tablename__] = [told_of(row, OF_ACCOUNTS) for row in rows]
    links = session.scalars(select(GuestLink).where(GuestLink.email == account.email).order_by(GuestLink.id))
    persons = session.scalars(select(Customer).where(Customer.email == account.email))
    held["customer"] = [told_of(row, OF_ACCOUNTS) for row in persons]
    held["guest_link"] = [told_of(row, OF_ACCOUNTS) for row in links]
    end_read()
    return {"made_at": runtime.clock.now().isoformat(timespec="seconds"), "held": held}


def erase_account(runtime: Runtime, member: Member) -> bool:
    """Take a guest out of their account and sign them out everywhere; False while a membership runs or is being joined.

    Memberships and what was paid for them stay, and nobody can tell whose they were. Commits.
    """
    now = runtime.clock.now()
    with transaction() as session:
        account = session.get_one(GuestAccount, member.account_id, with_for_update=True)
        if account.email is None or _is_needed(session, account.id):
            return account.email is None
        _clean(session, account)
        account.email, account.erased_at = None, now
    return True


def _is_needed(session: Session, account_id: int) -> bool:
    alive = select(Membership.id).where(Membership.account_id == account_id, Membership.status.not_in(MEMBERSHIP_OVER))
    is_open = Joining.status.in_((JoinStatus.CREATING, JoinStatus.OPEN))
    joining = select(Joining.id).where(Joining.account_id == account_id, is_open)
    return session.scalar(alive.limit(1)) is not None or session.scalar(joining.limit(1)) is not None


def _clean(session: Session, account: GuestAccount) -> None:
    guest_accounts.sign_out_everywhere(session, account.id)
    customers.forget(session, account.email or "")
    session.execute(delete(GuestLink).where(GuestLink.email == account.email))
    for wish in session.scalars(select(Joining).where(Joining.account_id == account.id)):
        wish.params = {name: value for name, value in wish.params.items() if name != "customer_email"}
        wish.url = None
    told = json.dumps(account.email)[1:-1]
    news = cast(WebhookEvent.payload, Text).contains(told, autoescape=True)
    session.execute(
        update(WebhookEvent).where(WebhookEvent.booking_id.is_(None), news).values(payload=nothing_left()),
        execution_options={"synchronize_session": False},
    )
    errands = select(OutboxRow).where(
        OutboxRow.booking_id.is_(None), cast(OutboxRow.payload, Text).contains(told, autoescape=True)
    )
    for row in session.scalars(errands):
        row.payload = {name: row.payload[name] for name in ("mail", "booking_id") if name in row.payload}
