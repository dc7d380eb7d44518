"""Plans of the guest club: making, changing and retiring them. Stripe's catalogue follows in catalog_sync.py."""

import re

from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.club import PlanTerms, find_plan_problem
from booking.domain.errors import ListingNotFound, PlanNotFound, PlanRefused
from booking.models import ClubPlan, Property
from booking.queries.club import list_open_plans
from booking.runtime import Runtime
from booking.services import audit
from booking.services.instance import get_identity, get_instance_id

# So much of our INSTANCE_ID tells two shops on one account apart.
OF_INSTANCE = 8


def add_plan(runtime: Runtime, terms: PlanTerms, staff_email: str) -> int:
    """Write a plan down; its id. Nobody can join it before it has a price at Stripe. Commits.

    Raises:
        PlanRefused: it cannot be like this; names the field.
    """
    _check(terms)
    instance_id, now = get_instance_id(runtime), runtime.clock.now()
    with transaction() as session:
        plan = ClubPlan(
            lookup_key="", currency=terms.price.currency, interval=terms.interval, is_active=True, created_at=now
        )
        _write(plan, terms)
        session.add(plan)
        plan.lookup_key = f"new-{now.timestamp()}"
        session.flush()  # the name at Stripe is made of the id
        plan.lookup_key = _lookup_key(plan, instance_id)
        audit.record(session, staff_email, "plan.added", _subject(plan), now, after=_told(plan))
        return plan.id


def change_plan(runtime: Runtime, plan_id: int, terms: PlanTerms, staff_email: str) -> None:
    """Write a plan anew, for those who join from now on; members keep the price they joined at. Commits.

    Raises:
        PlanNotFound: no such plan, or a retired one.
        PlanRefused: it cannot be like this, or another currency or interval was wanted, which is another plan.
    """
    _check(terms)
    now = runtime.clock.now()
    with transaction() as session:
        plan = _get_active(session, plan_id)
        if (terms.price.currency, terms.interval) != (plan.currency, plan.interval):
            raise PlanRefused("Make another plan for another currency or interval.", field="interval")
        before = _told(plan)
        _write(plan, terms)
        if before != _told(plan):
            audit.record(session, staff_email, "plan.changed", _subject(plan), now, before=before, after=_told(plan))


def retire_plan(runtime: Runtime, plan_id: int, staff_email: str) -> None:
    """Nobody can join a plan any more; who has joined stays a member. Commits. Done twice is done once.

    Raises:
        PlanNotFound: no such plan.
    """
    with transaction() as session:
        plan = session.get(ClubPlan, plan_id)
        if plan is None:
            raise PlanNotFound
        if plan.is_active:
            plan.is_active = False
            audit.record(session, staff_email, "plan.retired", _subject(plan), runtime.clock.now(), before=_told(plan))


def switch_club(runtime: Runtime, property_id: int, is_on: bool, staff_email: str) -> None:
    """Have a property take part in the club, or not any more; bookings that were made keep their price. Commits.

    Raises:
        PlanRefused: no plan can be joined, so there is nothing to take part in.
        ListingNotFound: no such property.
    """
    identity, now = get_identity(runtime), runtime.clock.now()
    with transaction() as session:
        place = session.get(Property, property_id)
        if place is None:
            raise ListingNotFound
        if is_on and not list_open_plans(session, identity.livemode):
            raise PlanRefused("Make a plan and run `flask catalog-sync` first: now there is nothing to join.")
        if place.in_club is not is_on:
            place.in_club = is_on
            action = "club.joined" if is_on else "club.left"
            audit.record(session, staff_email, action, f"property {property_id}", now)


def _check(terms: PlanTerms) -> None:
    problem = find_plan_problem(terms)
    if problem:
        raise PlanRefused(problem[1], field=problem[0])


def _get_active(session: Session, plan_id: int) -> ClubPlan:
    plan = session.get(ClubPlan, plan_id, with_for_update=True)
    if plan is None or not plan.is_active:
        raise PlanNotFound
    return plan


def _write(plan: ClubPlan, terms: PlanTerms) -> None:
    plan.name, plan.price_minor = terms.name.strip(), terms.price.minor
    plan.trial_days, plan.off_share = terms.trial_days, terms.off_share


def _lookup_key(plan: ClubPlan, instance_id: str) -> str:
    """By which name the price is asked for at Stripe: "harbour-club-month-eur-7-1a2b3c4d"."""
    words = re.sub(r"[^a-z0-9]+", "-", plan.name.lower()).strip("-")[:40] or "plan"
    return f"{words}-{plan.interval}-{plan.currency}-{plan.id}-{instance_id[:OF_INSTANCE]}"


def _subject(plan: ClubPlan) -> str:
    return f"plan {plan.id}"


def _told(plan: ClubPlan) -> dict[str, object]:
    return {
        "name": plan.name,
        "price": f"{plan.price.major} {plan.currency.upper()} each {plan.interval}",
        "trial_days": plan.trial_days,
        "off_percent": f"{plan.off_share / 100:g}",
    }
