"""Memberships as Stripe shows them when asked: events only say that it is time to ask, in whatever order they come."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.club import MEMBERSHIP_OVER, MemberStatus
from booking.extensions import db
from booking.gateways.billing import Bill, MemberTag, SubscriptionEvidence, SubscriptionNews
from booking.gateways.payments import (
    Evidence,
    EvidenceState,
    GatewayRefused,
    PaymentEvidence,
    PaymentGatewayError,
)
from booking.models import ClubPlan, GuestAccount, Joining, Membership
from booking.models.member import JoinStatus
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import letter_facts, outbox
from booking.services.club_letters import ClubMail
from booking.services.instance import Identity, get_identity
from booking.services.stripes_lists import MEMBERSHIP, Finding, no_answer

logger = logging.getLogger(__name__)

# Stripe's words for why an invoice was made: https://docs.stripe.com/api/invoices/object#invoice_object-billing_reason
OF_RENEWAL = "subscription_cycle"
TRIAL_WARNING = timedelta(days=3)
# Looked at this long ago, a membership is asked about again even if nobody told of it.
LOOK_AGAIN = timedelta(days=1)
UNTOUCHED_FOR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class MemberNews:
    """What Stripe answered when it was asked because of an event or a way back: to be taken in by `take_in`."""

    checkout: PaymentEvidence | None
    subscription: SubscriptionEvidence | None
    looked_at: datetime


def is_of_club(evidence: Evidence | None) -> bool:
    """Whether an event or an answer is about memberships, and so none of settlement's business."""
    return isinstance(evidence, SubscriptionNews) or _is_joining(evidence)


def ask(runtime: Runtime, evidence: Evidence, identity: Identity) -> MemberNews | None:
    """Ask Stripe about what an event of the club names; None where it is not ours. No transaction may be open.

    Raises:
        GatewayUnavailable, GatewayRefused: as look_up_subscription.
    """
    if isinstance(evidence, SubscriptionNews):
        is_ours = evidence.tag.app == identity.instance_id or _is_known(evidence.subscription_id)
        return _look(runtime, None, evidence.subscription_id) if is_ours and evidence.subscription_id else None
    if not isinstance(evidence, PaymentEvidence) or evidence.tag.app != identity.instance_id:
        return None
    return _look(runtime, evidence, evidence.subscription_id)


def take_in(session: Session, news: MemberNews, identity: Identity, now: datetime) -> str | None:
    """Write down what Stripe answered; a word for the inbox, None where no account here has it. Joins the transaction.

    An answer that is older than the one the row was written from changes nothing: two may have been asked for at once.
    Nor does one of before the end where the end is known: https://docs.stripe.com/billing/subscriptions/overview says
    that a canceled subscription never comes back.
    """
    require_transaction(session)
    joining = _close_joining(session, news.checkout) if news.checkout else None
    if news.subscription is None:
        return f"joining {joining.status}" if joining else None
    if news.subscription.livemode != identity.livemode:
        return None
    membership = _find_or_make(session, news.subscription, news.looked_at)
    if membership is None:
        return None
    if not _is_older(news.subscription, news.looked_at, membership):
        _write(membership, news.subscription, news.looked_at, now)
        _tell(session, membership, news.subscription.bill, now)
    return f"membership {membership.status}"


def ask_and_take_in(runtime: Runtime, evidence: Evidence, identity: Identity) -> str | None:
    """Both of these, in a transaction of its own. Commits."""
    news = ask(runtime, evidence, identity)
    if news is None:
        return None
    with transaction() as session:
        outcome = take_in(session, news, identity, runtime.clock.now())
    runtime.wake_worker()
    return outcome


def _is_joining(evidence: Evidence | None) -> bool:
    return isinstance(evidence, PaymentEvidence) and evidence.tag.purpose == MEMBERSHIP


def _is_known(subscription_id: str) -> bool:
    known = db.session.scalar(select(Membership.id).where(Membership.subscription_id == subscription_id))
    end_read()
    return known is not None


def _look(runtime: Runtime, checkout: PaymentEvidence | None, subscription_id: str | None) -> MemberNews:
    end_read()
    looked_at = runtime.clock.now()
    found = runtime.payments.look_up_subscription(subscription_id) if subscription_id else None
    return MemberNews(checkout, found, looked_at)


# --- what Stripe's answer changes -----------------------------------------------------------------------------------


def _close_joining(session: Session, checkout: PaymentEvidence) -> Joining | None:
    joining = session.scalar(select(Joining).where(Joining.token == checkout.tag.attempt).with_for_update())
    if joining is None or joining.status is JoinStatus.DONE:
        return joining
    if checkout.subscription_id:
        joining.status = JoinStatus.DONE
    elif checkout.state is EvidenceState.EXPIRED:
        joining.status = JoinStatus.EXPIRED
    joining.session_id = joining.session_id or checkout.session_id
    joining.url = None if joining.status in (JoinStatus.DONE, JoinStatus.EXPIRED) else joining.url
    return joining


def _find_or_make(session: Session, seen: SubscriptionEvidence, looked_at: datetime) -> Membership | None:
    """The row of a subscription. Its account is locked first: two pieces of news at once make one row."""
    known = select(Membership).where(Membership.subscription_id == seen.subscription_id)
    row = session.scalar(known)
    account = _lock_account(session, row.account_id if row else None, seen.tag)
    if account is None:
        return None
    row = session.scalar(known.with_for_update().execution_options(populate_existing=True))
    return row or _make(session, account, seen, looked_at)


def _lock_account(session: Session, account_id: int | None, tag: MemberTag) -> GuestAccount | None:
    wanted = account_id or (int(tag.account) if tag.account.isascii() and tag.account.isdigit() else 0)
    return session.get(GuestAccount, wanted, with_for_update=True)


def _make(
    session: Session, account: GuestAccount, seen: SubscriptionEvidence, looked_at: datetime
) -> Membership | None:
    plan = session.get(ClubPlan, int(seen.tag.plan)) if seen.tag.plan.isascii() and seen.tag.plan.isdigit() else None
    if plan is None:
        return None
    account.stripe_customer_id = account.stripe_customer_id or seen.customer_id
    row = Membership(account=account, plan=plan, subscription_id=seen.subscription_id, off_share=plan.off_share)
    row.livemode, row.looked_at = seen.livemode, looked_at
    _write_facts(row, seen)
    session.add(row)
    session.flush()  # mails name its id
    return row


def _is_older(seen: SubscriptionEvidence, looked_at: datetime, row: Membership) -> bool:
    is_before_the_end = row.status in MEMBERSHIP_OVER and seen.status not in MEMBERSHIP_OVER
    return looked_at < row.looked_at or is_before_the_end


def _write(row: Membership, seen: SubscriptionEvidence, looked_at: datetime, now: datetime) -> None:
    _write_facts(row, seen)
    row.looked_at = looked_at
    if row.joined_at is None and row.standing.is_entitled(now):
        row.joined_at = now
    if row.status in MEMBERSHIP_OVER:
        row.ended_at = row.ended_at or seen.ended_at or now


def _write_facts(row: Membership, seen: SubscriptionEvidence) -> None:
    row.status, row.price_minor, row.currency = seen.status, seen.price.minor, seen.price.currency
    row.period_start, row.period_end = seen.period_start, seen.period_end
    row.cancels_at, row.trial_end = seen.cancels_at, seen.trial_end


# --- mails ----------------------------------------------------------------------------------------------------------


def _tell(session: Session, row: Membership, bill: Bill | None, now: datetime) -> None:
    """Ask for the mails that this state calls for; each once, however often the state is seen."""
    if row.joined_at is None:
        return  # nobody was ever told to be a member
    _mail(session, row, ClubMail.WELCOME, now)
    if bill and bill.reason == OF_RENEWAL and bill.status == "paid" and bill.amount.minor:
        _mail(session, row, ClubMail.RENEWED, now, bill)
    if bill and row.status is MemberStatus.PAST_DUE and bill.status == "open":
        _mail(session, row, ClubMail.PAYMENT_FAILED, now, bill)
    if row.status in (*MEMBERSHIP_OVER, MemberStatus.UNPAID):
        _mail(session, row, ClubMail.ENDED, now)


def _mail(session: Session, row: Membership, kind: ClubMail, now: datetime, bill: Bill | None = None) -> None:
    fact = f":{bill.invoice_id}" if bill else ""
    facts = {"amount": letter_facts.frozen(bill.amount), "number": bill.number} if bill else {}
    payload = {"mail": kind.value, "booking_id": None, "membership_id": row.id, "facts": facts}
    outbox.enqueue(session, OutboxKind.MAIL, f"mail:{kind}:{row.id}{fact}"[:120], payload, now)


def write_before_trials_end(runtime: Runtime) -> list[str]:
    """Write to members whose trial is over soon and who will be charged then; a line for each. Commits."""
    now = runtime.clock.now()
    with transaction() as session:
        soon = select(Membership).where(
            Membership.status == MemberStatus.TRIALING,
            Membership.cancels_at.is_(None),
            Membership.trial_end > now,
            Membership.trial_end <= now + TRIAL_WARNING,
        )
        rows = list(session.scalars(soon.order_by(Membership.id)))
        for row in rows:
            _mail(session, row, ClubMail.TRIAL_ENDS, now)
    return [f"membership {row_id}: its trial ends soon" for row_id in [row.id for row in rows]]


# --- with webhooks off ----------------------------------------------------------------------------------------------


def look_again(runtime: Runtime, since: timedelta, dry_run: bool, *, at_once: bool) -> Iterator[Finding]:
    """Ask about wishes to join that are open and memberships that may have moved; a line for what changed.

    `at_once` asks about all of them and walks Stripe's own list too. Commits one by one. A shop that never had a plan
    asks nothing: its key need not be allowed to.
    """
    if not _had_plans():
        return
    identity = get_identity(runtime)
    try:
        yield from _ask_about_joinings(runtime, identity, at_once, dry_run)
        yield from _ask_about_memberships(runtime, identity, at_once, dry_run)
        if at_once:
            yield from _walk_list(runtime, identity, since, dry_run)
    except PaymentGatewayError as error:
        yield no_answer("membership", "memberships", error)


def _had_plans() -> bool:
    had = db.session.scalar(select(ClubPlan.id).limit(1)) is not None
    end_read()
    return had


def _ask_about_joinings(runtime: Runtime, identity: Identity, at_once: bool, dry_run: bool) -> Iterator[Finding]:
    now = runtime.clock.now()
    open_ones = select(Joining.id, Joining.session_id, Joining.expires_at).where(
        Joining.status.in_((JoinStatus.CREATING, JoinStatus.OPEN)),
        Joining.created_at <= now - (timedelta(0) if at_once else UNTOUCHED_FOR),
    )
    rows = db.session.execute(open_ones.order_by(Joining.id)).all()
    end_read()
    for joining_id, session_id, expires_at in rows:
        if dry_run:
            yield Finding("membership", f"joining {joining_id} would be asked about")
        elif session_id is None:
            # Nobody was ever sent to its page, so nobody can have paid there.
            if expires_at <= now:
                _expire_joining(joining_id)
                yield Finding("membership", f"joining {joining_id}: no page was opened for it")
        else:
            evidence = runtime.payments.look_up_checkout(session_id)
            outcome = ask_and_take_in(runtime, evidence, identity)
            yield Finding("membership", f"joining {joining_id}: {outcome or 'not known at Stripe'}")


def _expire_joining(joining_id: int) -> None:
    with transaction() as session:
        still = update(Joining).where(Joining.id == joining_id, Joining.session_id.is_(None))
        session.execute(still.where(Joining.status == JoinStatus.CREATING).values(status=JoinStatus.EXPIRED))


def _ask_about_memberships(runtime: Runtime, identity: Identity, at_once: bool, dry_run: bool) -> Iterator[Finding]:
    for membership_id, subscription_id, before in _list_alive(runtime.clock.now(), at_once):
        if dry_run:
            yield Finding("membership", f"membership {membership_id} would be asked about")
            continue
        try:
            after = ask_and_take_in(runtime, SubscriptionNews(subscription_id, MemberTag()), identity)
        except GatewayRefused as refusal:
            text = f"membership {membership_id}: Stripe does not know its subscription ({refusal.reason})"
            yield Finding("membership", text, is_problem=True)
            continue
        if after != before:
            yield Finding("membership", f"membership {membership_id}: {after}")


def _list_alive(now: datetime, at_once: bool) -> list[tuple[int, str, str]]:
    """Memberships that can still change: all, or those of which something must have happened by now."""
    alive = select(Membership.id, Membership.subscription_id, Membership.status).where(
        Membership.status.not_in(MEMBERSHIP_OVER)
    )
    if not at_once:
        alive = alive.where(
            or_(
                Membership.period_end <= now - UNTOUCHED_FOR,
                Membership.cancels_at <= now - UNTOUCHED_FOR,
                Membership.looked_at <= now - LOOK_AGAIN,
            ),
            Membership.looked_at <= now - UNTOUCHED_FOR,
        )
    rows = [(row.id, row.subscription_id, f"membership {row.status}") for row in db.session.execute(alive)]
    end_read()
    return rows


def _walk_list(runtime: Runtime, identity: Identity, since: timedelta, dry_run: bool) -> Iterator[Finding]:
    """Subscriptions that carry our id and are not known here: lost events, or a restored backup."""
    for seen in runtime.payments.list_subscriptions(runtime.clock.now() - since):
        if seen.tag.app != identity.instance_id or _is_known(seen.subscription_id):
            continue
        text = f"subscription {seen.subscription_id} carries our id"
        if dry_run:
            yield Finding("membership", f"{text} and is not known here, would be taken in")
            continue
        outcome = ask_and_take_in(runtime, SubscriptionNews(seen.subscription_id, seen.tag), identity)
        told = f"{text}: {outcome}" if outcome else f"{text}, but no account here has it"
        yield Finding("membership", told, is_problem=outcome is None)
