"""Steps about the guest club and its catalogue, each safe to take again."""

from contextlib import suppress
from typing import Any

from sqlalchemy import func, select, update

from booking.domain.club import PlanTerms
from booking.domain.errors import AlreadyMember
from booking.domain.money import Money
from booking.extensions import db
from booking.gateways.payments import PaymentGatewayError
from booking.models import ClubPlan, Joining, Membership, OutboxRow, Property
from booking.services import catalog_sync, club_plans, guest_accounts, joining, memberships
from booking.services.guest_accounts import Member
from tests.crash.teller import STAFF, Step, Teller
from tests.support.club import GRACE, TERMS

DEARER = PlanTerms("Harbour Friends", Money(1100, "eur"), TERMS.interval, 0, TERMS.off_share)
WITH_TRIAL = PlanTerms(TERMS.name, TERMS.price, TERMS.interval, 14, TERMS.off_share)


def open_plan(terms: PlanTerms = TERMS) -> Step:
    """The house takes part in a club with one plan. Its catalogue is brought to Stripe by another step."""

    def step(teller: Teller) -> None:
        if db.session.scalar(select(func.count(ClubPlan.id))) == 0:
            db.session.rollback()
            club_plans.add_plan(teller.runtime, terms, STAFF)
        db.session.rollback()
        with db.engine.begin() as connection:  # not a boundary of the shop's
            connection.execute(update(Property).values(in_club=True))

    return step


def change_plan(terms: PlanTerms) -> Step:
    """Staff changes what the plan costs and is called. Told again, it is the same."""
    return lambda teller: club_plans.change_plan(teller.runtime, _plan_id(), terms, STAFF)


def sync_catalog(*, may_fail: bool = False) -> Step:
    def step(teller: Teller) -> None:
        lines = catalog_sync.sync_catalog(teller.runtime)
        assert may_fail or not any(line.is_problem for line in lines), lines

    return step


def sign_in() -> Step:
    """Grace asks for a link, and opens it. She asks once: the mail is on its way, whoever died."""

    def step(teller: Teller) -> None:
        asked = db.session.scalar(select(OutboxRow.id).where(OutboxRow.dedupe_key.like("mail:club_link:%")))
        db.session.rollback()
        if asked is None:
            guest_accounts.request_link(teller.runtime, GRACE, "en")
        with guest_accounts.transaction() as session:
            token = guest_accounts.mint_link(session, GRACE, "en", teller.runtime.clock.now())
        secret = guest_accounts.open_link(teller.runtime, token)
        assert secret is not None
        member = guest_accounts.find_member(teller.runtime, secret)
        db.session.rollback()
        assert member is not None
        teller.memory.data["member"] = [member.account_id, member.email, member.language]

    return step


def join(*, may_fail: bool = False) -> Step:
    """Press the button that leads to Stripe."""

    def step(teller: Teller) -> None:
        with suppress(AlreadyMember, *([PaymentGatewayError] if may_fail else [])):
            joining.join(teller.runtime, _member(teller), _plan_id(), "I join.", "en")

    return step


def pay_to_join(card: str = "4242424242424242") -> Step:
    def step(teller: Teller) -> None:
        session_id = _newest_session()
        if teller.shop.stripe_client().checkout.sessions.retrieve(session_id).status == "open":
            teller.shop.stripe.post(f"sessions/{session_id}/pay", {"card": card, "wait": False})

    return step


def come_back_to_club() -> Step:
    def step(teller: Teller) -> None:
        assert joining.come_back(teller.runtime, _newest_session())

    return step


def open_portal() -> Step:
    """A page of its own each time it is pressed."""

    def step(teller: Teller) -> None:
        assert joining.open_portal(teller.runtime, _member(teller), "en")

    return step


def leave_in_portal() -> Step:
    """The member cancels at Stripe: it ends with the period that is paid for."""

    def step(teller: Teller) -> None:
        params: Any = {"cancel_at_period_end": True}
        teller.shop.stripe_client().subscriptions.update(_subscription_id(), params=params)

    return step


def end_membership() -> Step:
    """It is cancelled at Stripe, at once."""

    def step(teller: Teller) -> None:
        api, subscription_id = teller.shop.stripe_client(), _subscription_id()
        if api.subscriptions.retrieve(subscription_id).status != "canceled":
            api.subscriptions.cancel(subscription_id)

    return step


def warn_of_trials() -> Step:
    def step(teller: Teller) -> None:
        memberships.write_before_trials_end(teller.runtime)

    return step


def _plan_id() -> int:
    """Of the one plan: PostgreSQL never gives a number again that a dead process had drawn."""
    plan_id = db.session.scalars(select(ClubPlan.id)).one()
    db.session.rollback()
    return plan_id


def _member(teller: Teller) -> Member:
    return Member(*teller.memory.data["member"])


def _newest_session() -> str:
    session_id = db.session.scalar(select(Joining.session_id).order_by(Joining.id.desc()).limit(1))
    db.session.rollback()
    assert session_id is not None
    return session_id


def _subscription_id() -> str:
    found = db.session.scalars(select(Membership.subscription_id)).one()
    db.session.rollback()
    return found
