"""Payment plans: what a property and its listings ask for when. Bookings keep what their guests agreed to."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import ListingNotFound, PolicyRefused
from booking.domain.payment_plans import (
    LEAST_PERCENT,
    MOST_DAYS,
    MOST_PERCENT,
    PAY_IN_FULL,
    PaymentPlan,
    PlanKind,
    plan_in_words,
)
from booking.models import Listing, PlanChoice, Property
from booking.runtime import Runtime
from booking.services import audit


def choose_for_property(runtime: Runtime, property_id: int, plan: PaymentPlan, staff_email: str) -> None:
    """How guests of a property pay from now on, unless their listing has a plan of its own. Commits.

    Raises:
        ListingNotFound: no such property. PolicyRefused: no such plan can be chosen; names the field.
    """
    _refuse_impossible(plan)
    now = runtime.clock.now()
    with transaction() as session:
        place = session.get(Property, property_id)
        if place is None:
            raise ListingNotFound
        before, row = _told(place.payment_plan), _find(session, property_id, None)
        _write(session, row, plan, property_id, None)
        if before != _told(plan):
            subject = f"property {property_id}"
            audit.record(session, staff_email, "plan.chosen", subject, now, before=before, after=_told(plan))


def choose_for_listing(runtime: Runtime, listing_id: int, plan: PaymentPlan | None, staff_email: str) -> None:
    """How guests of one listing pay from now on; None: as its property asks. Commits.

    Raises:
        ListingNotFound: no such listing. PolicyRefused: no such plan can be chosen; names the field.
    """
    _refuse_impossible(plan or PAY_IN_FULL)
    now = runtime.clock.now()
    with transaction() as session:
        listing = session.get(Listing, listing_id)
        if listing is None:
            raise ListingNotFound
        row = _find(session, listing.property_id, listing_id)
        before, after = _told(row.plan if row else None), _told(plan)
        if plan is not None:
            _write(session, row, plan, listing.property_id, listing_id)
        elif row is not None:
            session.delete(row)
        if before != after:
            subject = f"listing {listing_id}"
            audit.record(session, staff_email, "plan.chosen", subject, now, before=before, after=after)


def _refuse_impossible(plan: PaymentPlan) -> None:
    if plan.kind is PlanKind.PAY_IN_FULL:
        return
    if plan.kind is PlanKind.DEPOSIT and not LEAST_PERCENT <= plan.percent <= MOST_PERCENT:
        raise PolicyRefused(f"Type a number from {LEAST_PERCENT} to {MOST_PERCENT}.", field="percent")
    if not 0 <= plan.days_before <= MOST_DAYS:
        raise PolicyRefused(f"Type a number from 0 to {MOST_DAYS}.", field="days_before")


def _find(session: Session, property_id: int, listing_id: int | None) -> PlanChoice | None:
    own = PlanChoice.listing_id == listing_id if listing_id is not None else PlanChoice.listing_id.is_(None)
    return session.scalar(select(PlanChoice).where(PlanChoice.property_id == property_id, own))


def _write(
    session: Session, row: PlanChoice | None, plan: PaymentPlan, property_id: int, listing_id: int | None
) -> None:
    if row is None:
        row = PlanChoice(property_id=property_id, listing_id=listing_id)
        session.add(row)
    row.kind, row.percent, row.days_before = plan.kind, plan.percent, plan.days_before


def _told(plan: PaymentPlan | None) -> dict[str, object]:
    """For the audit log: the plan as a guest reads it."""
    return {"plan": str(plan_in_words(plan)[0]) if plan else "as the property asks"}
