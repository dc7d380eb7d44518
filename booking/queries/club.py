"""The guest club as its pages show it: what can be joined, where it counts, and what somebody has joined."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.club import MEMBERSHIP_OVER, Interval, MemberStatus
from booking.domain.errors import PlanNotFound
from booking.domain.money import Money
from booking.models import CatalogEntry, ClubPlan, Membership, Property


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A membership that can be joined. `off` is in hundredths of a percent."""

    plan_id: int
    name: str
    price: Money
    interval: Interval
    trial_days: int
    off: int

    @property
    def is_yearly(self) -> bool:
        """Whether it is paid for by the year."""
        return self.interval is Interval.YEAR


@dataclass(frozen=True, slots=True)
class MemberView:
    """What an account has joined, newest. `keeps_until` is until when it gives the rate as things are."""

    membership: Membership
    is_entitled: bool
    is_over: bool
    keeps_until: datetime | None

    @property
    def is_past_due(self) -> bool:
        """Whether the last payment failed and Stripe is still trying."""
        return self.membership.status is MemberStatus.PAST_DUE


@dataclass(frozen=True, slots=True)
class MemberRate:
    """What somebody who is signed in saves: of which membership, and how much in hundredths of a percent."""

    membership_id: int
    off: int


def list_club_houses(session: Session) -> Sequence[Property]:
    """The properties that take part, in their order. None: there is no club to be seen."""
    return session.scalars(select(Property).where(Property.in_club).order_by(Property.id)).all()


def list_places(session: Session) -> Sequence[Property]:
    """All properties, whether they take part or not."""
    return session.scalars(select(Property).order_by(Property.id)).all()


def list_open_plans(session: Session, livemode: bool) -> list[OpenPlan]:
    """What can be joined now: plans on sale that have a price at Stripe in this mode."""
    on_sale = select(ClubPlan).join(CatalogEntry, CatalogEntry.plan_id == ClubPlan.id)
    priced = CatalogEntry.livemode.is_(livemode), CatalogEntry.price_id.is_not(None)
    rows = session.scalars(on_sale.where(ClubPlan.is_active, *priced).order_by(ClubPlan.price_minor))
    return [OpenPlan(row.id, row.name, row.price, row.interval, row.trial_days, row.off_share) for row in rows]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan as staff see it. `is_at_stripe` once it can be joined in this mode at the price it has now."""

    plan: ClubPlan
    is_at_stripe: bool
    members: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member as staff see them; the address is empty once erased."""

    email: str
    view: MemberView


def list_plan_rows(session: Session, livemode: bool, now: datetime) -> list[PlanRow]:
    """Every plan, those on sale first."""
    priced = set(
        session.scalars(
            select(CatalogEntry.plan_id).where(CatalogEntry.livemode.is_(livemode), CatalogEntry.price_id.is_not(None))
        )
    )
    counts: Counter[int] = Counter(row.plan_id for row in session.scalars(select(Membership)) if _counts(row, now))
    plans = session.scalars(select(ClubPlan).order_by(ClubPlan.is_active.desc(), ClubPlan.id))
    return [PlanRow(plan, plan.id in priced, counts[plan.id]) for plan in plans]


def list_member_rows(session: Session, now: datetime, most: int = 200) -> list[MemberRow]:
    """Who has joined, newest first."""
    joined = select(Membership).where(Membership.joined_at.is_not(None)).order_by(Membership.id.desc()).limit(most)
    return [MemberRow(row.account.email or "", _view(row, now)) for row in session.scalars(joined)]


def get_plan(session: Session, plan_id: int) -> ClubPlan:
    """One plan. Raises PlanNotFound."""
    plan = session.get(ClubPlan, plan_id)
    if plan is None:
        raise PlanNotFound
    return plan


def _counts(row: Membership, now: datetime) -> bool:
    return row.standing.is_entitled(now)


def _view(row: Membership, now: datetime) -> MemberView:
    return MemberView(row, row.standing.is_entitled(now), row.status in MEMBERSHIP_OVER, row.standing.ends_by())


def find_membership(session: Session, account_id: int, now: datetime) -> MemberView | None:
    """The newest membership of an account that ever counted for anything; None where there is none."""
    never = (MemberStatus.INCOMPLETE, MemberStatus.INCOMPLETE_EXPIRED)
    mine = select(Membership).where(Membership.account_id == account_id, Membership.status.not_in(never))
    row = session.scalar(mine.order_by(Membership.id.desc()).limit(1))
    return _view(row, now) if row else None


def find_rate(session: Session, account_id: int, livemode: bool, now: datetime) -> MemberRate | None:
    """What an account saves at this moment, by the best of its memberships; None where it saves nothing."""
    mine = select(Membership).where(Membership.account_id == account_id, Membership.livemode.is_(livemode))
    good = [row for row in session.scalars(mine) if row.standing.is_entitled(now)]
    best = max(good, key=lambda row: (row.off_share, row.id), default=None)
    return MemberRate(best.id, best.off_share) if best else None
