"""Looks at the club: the members' rate has a membership behind it, nobody pays for two, and none is forgotten."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.club import MEMBERSHIP_OVER, UNHEARD_GRACE, MemberStatus
from booking.domain.pricing import Quote
from booking.domain.rates import LineKind
from booking.models import Booking, CatalogErrand, GuestAccount, Joining, Membership, PortalVisit
from booking.models.member import JoinStatus
from booking.queries.invariants.given import Given

# Days in which the worker asks about a membership whose period is over, and some more.
_FORGOTTEN = UNHEARD_GRACE + timedelta(days=1)


def find_unfounded_rates(session: Session, given: Given) -> Iterator[str]:
    """A price with the members' rate in it and no membership, or another percentage than was noted."""
    noted = select(Booking).where(Booking.member_off > 0)
    for booking in session.scalars(noted):
        if booking.membership_id is None and booking.erased_at is None:
            yield f"booking {booking.id} has the members' rate and no membership"
        told = [line.name for line in Quote.from_json(booking.quote).lines if line.kind is LineKind.MEMBER]
        if told and told != [f"{booking.member_off / 100:g}"]:
            yield f"booking {booking.id} has {told[0]} % off, but {booking.member_off / 100:g} % was noted"
    free = select(Booking.id).where(Booking.member_off == 0, Booking.membership_id.is_not(None))
    yield from (
        f"booking {booking_id} names a membership that took nothing off" for booking_id in session.scalars(free)
    )


def find_double_members(session: Session, given: Given) -> Iterator[str]:
    """An account that pays for two memberships."""
    alive = Membership.status.not_in((*MEMBERSHIP_OVER, MemberStatus.INCOMPLETE))
    rows = select(Membership.account_id, func.count()).where(alive).group_by(Membership.account_id)
    for account_id, count in session.execute(rows.having(func.count() > 1)):
        yield f"account {account_id} has {count} memberships that run: cancel all but one at Stripe"


def find_unfounded_members(session: Session, given: Given) -> Iterator[str]:
    """A membership with nothing at Stripe behind it, or whose end does not fit its state."""
    of_stripe = Membership.subscription_id.startswith("sub_", autoescape=True)
    rows = select(Membership.id).join(GuestAccount, GuestAccount.id == Membership.account_id)
    for membership_id in session.scalars(rows.where(or_(~of_stripe, GuestAccount.stripe_customer_id.is_(None)))):
        yield f"membership {membership_id} gives the members' rate with no subscription or no customer behind it"
    is_over = Membership.status.in_(MEMBERSHIP_OVER)
    unfit = select(Membership.id, Membership.status).where(is_over != Membership.ended_at.is_not(None))
    for membership_id, status in session.execute(unfit):
        yield f"membership {membership_id} is {status}, and its end says something else"


def find_lost_joinings(session: Session, given: Given) -> Iterator[str]:
    """Somebody joined at Stripe and is no member here."""
    none = ~exists().where(Membership.account_id == Joining.account_id)
    for joining_id in session.scalars(select(Joining.id).where(Joining.status == JoinStatus.DONE, none)):
        yield f"joining {joining_id} is done, and its account has no membership"


def find_forgotten_members(session: Session, given: Given) -> Iterator[str]:
    """A membership whose period is long over and of which Stripe was not asked since."""
    old = select(Membership.id).where(
        Membership.status.not_in(MEMBERSHIP_OVER),
        Membership.period_end <= given.now - _FORGOTTEN,
        Membership.looked_at <= Membership.period_end,
    )
    for membership_id in session.scalars(old):
        yield f"membership {membership_id} is over by the calendar and nobody asked Stripe: is the worker running?"


def find_unkeyed(session: Session, given: Given) -> Iterator[str]:
    """Something asked of Stripe's billing without a key or without the parameters it was asked with."""
    for model, name in ((CatalogErrand, "catalogue errand"), (Joining, "joining"), (PortalVisit, "portal visit")):
        for row_id, key, params in session.execute(select(model.id, model.idempotency_key, model.params)):
            if not key or not params:
                yield f"{name} {row_id} has no key or no frozen parameters"
