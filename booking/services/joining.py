"""Joining the club: one page of Stripe's for each wish, and the way to the customer portal afterwards."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.club import MEMBERSHIP_OVER, MemberStatus
from booking.domain.errors import AlreadyMember, PlanNotFound
from booking.domain.policy import session_expiry
from booking.extensions import db
from booking.gateways.billing import Bill, MembershipOrder, MemberTag, Params
from booking.gateways.payments import GatewayConflict, GatewayRefused, GatewayUnavailable, PaymentGatewayError
from booking.language import localised
from booking.models import CatalogEntry, ClubPlan, GuestAccount, Joining, Membership, PortalVisit
from booking.models.member import JoinStatus
from booking.runtime import Runtime
from booking.services import customers, memberships
from booking.services.guest_accounts import Member
from booking.services.instance import Identity, get_identity

PAGE_MINUTES = 35
# Frozen parameters name a moment at which the page ends; Stripe wants it half an hour away.
STALE_AFTER = timedelta(minutes=1)
SHOWN_BILLS = 12


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A wish to join as plain values."""

    joining_id: int
    plan_id: int
    params: Params
    key: str
    session_id: str | None
    url: str | None
    created_at: datetime


def join(runtime: Runtime, member: Member, plan_id: int, consent: str, language: str) -> str:
    """Write the wish down and open Stripe's page for it; the address of that page. Commits.

    The same wish again leads to the same page. A page for another plan is ended first.

    Raises:
        AlreadyMember: they have a membership that is not over.
        PlanNotFound: nobody can join this plan.
        GatewayUnavailable: Stripe did not answer; the next try goes on with the same wish. GatewayRefused: it said no.
    """
    identity = get_identity(runtime)
    _let_go_of_other(runtime, member, plan_id, identity)
    _make_known_to_stripe(runtime, member)
    ticket = _write_wish(runtime, member, plan_id, consent, language, identity)
    if ticket.url:
        return ticket.url
    return _open_page(runtime, ticket, identity)


def come_back(runtime: Runtime, session_id: str) -> bool:
    """Ask Stripe once about the page that somebody comes back from, and take the answer in; whether it answered.

    An id that no wish here has is asked of nobody. Commits.
    """
    if not _is_known(session_id):
        return True
    identity = get_identity(runtime)
    try:
        evidence = runtime.payments.look_up_checkout(session_id)
        memberships.ask_and_take_in(runtime, evidence, identity)
    except PaymentGatewayError:
        return False
    return True


def open_portal(runtime: Runtime, member: Member, language: str) -> str | None:
    """The address of Stripe's portal for this very member; None where they never joined. Commits.

    The customer comes from the account that is signed in, never from what a browser sends.

    Raises:
        GatewayUnavailable, GatewayRefused: no page was opened.
    """
    with transaction() as session:
        customer_id = session.get_one(GuestAccount, member.account_id).stripe_customer_id
        if customer_id is None:
            return None
        back = runtime.settings.base_url + localised("/club/account", language)
        visit = PortalVisit(
            account_id=member.account_id,
            idempotency_key=f"portal:{uuid.uuid4().hex}",
            params=runtime.payments.portal_params(customer_id, back, language),
            asked_at=runtime.clock.now(),
        )
        session.add(visit)
        params, key = dict(visit.params), visit.idempotency_key
    return runtime.payments.open_portal(params, key)


def list_bills(runtime: Runtime, member: Member) -> list[Bill] | None:
    """What this member was billed, newest first, as Stripe has it now; None where it does not answer."""
    customer_id = _customer_of(member)
    if customer_id is None:
        return []
    try:
        return runtime.payments.list_bills(customer_id, SHOWN_BILLS)
    except PaymentGatewayError:
        return None


def _make_known_to_stripe(runtime: Runtime, member: Member) -> None:
    """One customer for the account, made under a key of ours before anything is joined: the address is proven."""
    if _customer_of(member) is not None:
        return
    _, customer_id = customers.get_customer(runtime, member.email)
    with transaction() as session:
        account = session.get_one(GuestAccount, member.account_id, with_for_update=True)
        account.stripe_customer_id = account.stripe_customer_id or customer_id


def _customer_of(member: Member) -> str | None:
    wanted = select(GuestAccount.stripe_customer_id).where(GuestAccount.id == member.account_id)
    customer_id: str | None = db.session.scalar(wanted)
    end_read()
    return customer_id


# --- one wish -------------------------------------------------------------------------------------------------------


def _let_go_of_other(runtime: Runtime, member: Member, plan_id: int, identity: Identity) -> None:
    """End a page that is open for another plan: who has two open could pay on both."""
    with transaction() as session:
        ticket = _find_live(session, member.account_id)
    if ticket is None or (ticket.plan_id == plan_id and not _is_stale(ticket, runtime)):
        return
    if ticket.session_id is None:
        _mark_expired(ticket)
        return
    _end_page(runtime, ticket, ticket.session_id, identity)


def _end_page(runtime: Runtime, ticket: _Ticket, session_id: str, identity: Identity) -> None:
    minutes = (runtime.clock.now() - ticket.created_at) // timedelta(minutes=1)
    evidence = runtime.payments.expire_checkout(session_id, f"{ticket.key}:end:{minutes}")
    memberships.ask_and_take_in(runtime, evidence, identity)  # somebody may have paid in the meantime


def _write_wish(
    runtime: Runtime, member: Member, plan_id: int, consent: str, language: str, identity: Identity
) -> _Ticket:
    try:
        with transaction() as session:
            account = session.get_one(GuestAccount, member.account_id, with_for_update=True)
            _refuse_members(session, account.id)
            live = _find_live(session, account.id)
            if live is not None and live.plan_id == plan_id:
                return live
            return _plain(_write(session, runtime, account, plan_id, consent, language, identity))
    except IntegrityError:  # the other half of a double click was first
        with transaction() as session:
            live = _find_live(session, member.account_id)
        if live is None:
            raise
        return live


def _write(
    session: Session,
    runtime: Runtime,
    account: GuestAccount,
    plan_id: int,
    consent: str,
    language: str,
    identity: Identity,
) -> Joining:
    now, token = runtime.clock.now(), uuid.uuid4().hex
    plan, price_id = _get_plan(session, plan_id, identity)
    expires_at = session_expiry(now, PAGE_MINUTES)
    base = runtime.settings.base_url
    order = MembershipOrder(
        tag=MemberTag(identity.instance_id, str(account.id), str(plan_id), token),
        price_id=price_id,
        trial_days=0 if _was_member(session, account.id) else plan.trial_days,
        customer_id=account.stripe_customer_id or "",
        expires_at=expires_at,
        success_url=base + localised("/club/return?session_id={CHECKOUT_SESSION_ID}", language),
        cancel_url=base + localised("/club", language),
        language=language,
    )
    wish = Joining(account_id=account.id, plan_id=plan_id, status=JoinStatus.CREATING, token=token)
    wish.idempotency_key, wish.params = f"join:{token}", runtime.payments.membership_params(order)
    wish.consent, wish.agreed_at, wish.expires_at, wish.created_at = consent[:1000], now, expires_at, now
    session.add(wish)
    session.flush()  # for the id
    return wish


def _open_page(runtime: Runtime, ticket: _Ticket, identity: Identity) -> str:
    """The page, unless its wish was given up while Stripe made it: the guest may be at the next one's by now."""
    try:
        evidence = runtime.payments.open_checkout(ticket.params, ticket.key)
    except (GatewayRefused, GatewayConflict):
        _mark_expired(ticket)
        raise
    with transaction() as session:
        wish = session.get_one(Joining, ticket.joining_id, with_for_update=True)
        wish.session_id, wish.url = evidence.session_id, evidence.url
        if wish.status is JoinStatus.CREATING:
            wish.status = JoinStatus.OPEN
        is_given_up = wish.status is JoinStatus.EXPIRED
    if is_given_up and evidence.session_id:
        _end_page(runtime, ticket, evidence.session_id, identity)
        raise GatewayUnavailable("the wish was given up while its page was made")
    return evidence.url or ""


def _mark_expired(ticket: _Ticket) -> None:
    with transaction() as session:
        wish = session.get_one(Joining, ticket.joining_id, with_for_update=True)
        if wish.status is JoinStatus.CREATING:
            wish.status = JoinStatus.EXPIRED


def _find_live(session: Session, account_id: int) -> _Ticket | None:
    live = Joining.status.in_((JoinStatus.CREATING, JoinStatus.OPEN))
    wish = session.scalar(select(Joining).where(Joining.account_id == account_id, live))
    return _plain(wish) if wish else None


def _is_stale(ticket: _Ticket, runtime: Runtime) -> bool:
    """Whether its page is over, or its parameters are too old to be sent once more."""
    age = runtime.clock.now() - ticket.created_at
    most = timedelta(minutes=PAGE_MINUTES) if ticket.session_id else STALE_AFTER
    return age >= most


def _plain(wish: Joining) -> _Ticket:
    return _Ticket(
        wish.id, wish.plan_id, dict(wish.params), wish.idempotency_key, wish.session_id, wish.url, wish.created_at
    )


def _get_plan(session: Session, plan_id: int, identity: Identity) -> tuple[ClubPlan, str]:
    plan = session.get(ClubPlan, plan_id)
    entry = session.get(CatalogEntry, (plan_id, identity.livemode))
    if plan is None or not plan.is_active or entry is None or entry.price_id is None:
        raise PlanNotFound
    return plan, entry.price_id


def _refuse_members(session: Session, account_id: int) -> None:
    # What was never paid for is no membership yet; Stripe drops it after a day.
    never = (*MEMBERSHIP_OVER, MemberStatus.INCOMPLETE)
    alive = select(Membership.id).where(Membership.account_id == account_id, Membership.status.not_in(never))
    if session.scalar(alive.limit(1)) is not None:
        raise AlreadyMember


def _was_member(session: Session, account_id: int) -> bool:
    """Whether they had a trial already, or paid: nobody gets a second trial."""
    was = select(Membership.id).where(Membership.account_id == account_id, Membership.joined_at.is_not(None))
    return session.scalar(was.limit(1)) is not None


def _is_known(session_id: str) -> bool:
    known = db.session.scalar(select(Joining.id).where(Joining.session_id == session_id[:255]))
    end_read()
    return known is not None
