"""Cancellation policies: making, changing and removing them, and which listing has which. Bookings keep their copy."""

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import ListingNotFound, PolicyRefused
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms, terms_in_words
from booking.models import CancellationPolicy, CancellationTier, Listing, Property
from booking.runtime import Runtime
from booking.services import audit

logger = logging.getLogger(__name__)


def add_policy(runtime: Runtime, property_id: int, name: str, terms: CancellationTerms, staff_email: str) -> int:
    """Make a policy that the listings of a property may choose; its id. Commits.

    Raises:
        PolicyRefused: the name is taken, or there is no such property; names the field.
    """
    now = runtime.clock.now()
    with transaction() as session:
        if session.get(Property, property_id) is None:
            raise PolicyRefused("Choose a property.", field="property_id")
        policy = CancellationPolicy(property_id=property_id, name=name)
        _refuse_taken_name(session, policy, name)
        _write_terms(policy, terms)
        session.add(policy)
        session.flush()  # for the id
        audit.record(session, staff_email, "policy.added", _subject(policy), now, after=_told(policy))
        return policy.id


def change_policy(runtime: Runtime, policy_id: int, name: str, terms: CancellationTerms, staff_email: str) -> None:
    """Write a policy anew, for bookings made from now on. Commits.

    Raises:
        ListingNotFound: no such policy. PolicyRefused: the name is taken; names the field.
    """
    now = runtime.clock.now()
    with transaction() as session:
        policy = _get_policy(session, policy_id)
        _refuse_taken_name(session, policy, name)
        before = _told(policy)
        policy.name = name
        _write_terms(policy, terms)
        session.flush()  # so that rows that were replaced are gone
        if before != _told(policy):
            audit.record(
                session, staff_email, "policy.changed", _subject(policy), now, before=before, after=_told(policy)
            )


def remove_policy(runtime: Runtime, policy_id: int, staff_email: str) -> None:
    """Remove a policy that no listing has. Commits. One that is gone already is no error: twice is once.

    Raises:
        PolicyRefused: a listing has it.
    """
    now = runtime.clock.now()
    with transaction() as session:
        policy = session.get(CancellationPolicy, policy_id)
        if policy is None:
            return
        if session.scalar(select(Listing.id).where(Listing.policy_id == policy_id).limit(1)) is not None:
            raise PolicyRefused("A listing still has this policy. Choose another one for it first.")
        audit.record(session, staff_email, "policy.removed", _subject(policy), now, before=_told(policy))
        session.delete(policy)


def choose_policy(runtime: Runtime, listing_id: int, policy_id: int | None, staff_email: str) -> None:
    """Give a listing a policy of its property, or the property's plain terms, for bookings from now on. Commits.

    Raises:
        ListingNotFound: no such listing, or no such policy in its property.
    """
    now = runtime.clock.now()
    with transaction() as session:
        listing = session.get(Listing, listing_id)
        policy = _get_policy(session, policy_id) if policy_id is not None else None
        if listing is None or (policy and policy.property_id != listing.property_id):
            raise ListingNotFound
        if listing.policy_id == policy_id:
            return
        before, after = ({"policy": one.name if one else "plain terms"} for one in (listing.policy, policy))
        listing.policy_id = policy_id
        audit.record(session, staff_email, "policy.chosen", f"listing {listing_id}", now, before=before, after=after)


def _get_policy(session: Session, policy_id: int) -> CancellationPolicy:
    policy = session.get(CancellationPolicy, policy_id)
    if policy is None:
        raise ListingNotFound
    return policy


def _refuse_taken_name(session: Session, policy: CancellationPolicy, name: str) -> None:
    same = select(CancellationPolicy.id).where(
        CancellationPolicy.property_id == policy.property_id, CancellationPolicy.name == name
    )
    if policy.id is not None:
        same = same.where(CancellationPolicy.id != policy.id)
    if session.scalar(same) is not None:
        raise PolicyRefused("There is a policy of this name already.", field="name")


def _write_terms(policy: CancellationPolicy, terms: CancellationTerms) -> None:
    policy.grace_hours = terms.grace.hours if terms.grace else 0
    policy.grace_least_days = terms.grace.least_days if terms.grace else 0
    policy.returns_tourist_tax = LineKind.TOURIST_TAX in terms.given_back
    policy.returns_cleaning = LineKind.CLEANING in terms.given_back
    kept = {tier.days_before: tier for tier in policy.tiers}
    rows = [kept.get(tier.days) or CancellationTier(days_before=tier.days) for tier in terms.steps]
    for row, tier in zip(rows, terms.steps, strict=True):
        row.percent = tier.percent
    policy.tiers = rows


def _subject(policy: CancellationPolicy) -> str:
    return f"policy {policy.id}"


def _told(policy: CancellationPolicy) -> dict[str, object]:
    """For the audit log: the name, and the terms as a guest reads them."""
    return {"name": policy.name, "terms": " ".join(str(said) for said in terms_in_words(policy.terms))}
