"""Changing a listing's stay rules: those of the whole year, and ranges of days with rules of their own."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.domain.stay_rules import RuleRange
from booking.domain.words import Weekdays
from booking.models import Listing, StayRule
from booking.models.rules import write_weekdays
from booking.runtime import Runtime
from booking.services import audit

logger = logging.getLogger(__name__)

NO_ROOM = "No stay could be both: the shortest has {least} nights, the longest {most}."


@dataclass(frozen=True, slots=True)
class PlainRules:
    """What holds all year, where no range says otherwise."""

    min_nights: int
    max_nights: int
    notice_days: int
    horizon_days: int
    arrive_on: Weekdays
    leave_on: Weekdays
    avoid_gaps: bool
    turnover_days: int


def change_rules(runtime: Runtime, listing_id: int, rules: PlainRules, staff_email: str) -> None:
    """Write the rules of the whole year. Commits. Bookings made before stay as they are.

    Raises:
        ListingNotFound: no such listing. StayRuleBroken: no stay could be long and short enough; names the field.
    """
    now = runtime.clock.now()
    with transaction() as session:
        listing = _get_listing(session, listing_id)
        _refuse_impossible(rules.min_nights, rules.max_nights)
        changed = _write(listing, _columns(rules))
        if changed:
            _note(session, staff_email, "rules.changed", listing, now, *changed)


def add_range(runtime: Runtime, listing_id: int, wanted: RuleRange, staff_email: str) -> int:
    """Give some days rules of their own; the id of the range. Commits.

    Raises:
        ListingNotFound: no such listing. StayRuleBroken: the range can be met by no stay; names the field.
    """
    now = runtime.clock.now()
    with transaction() as session:
        listing = _get_listing(session, listing_id)
        _refuse_impossible_range(listing, wanted)
        row = StayRule(listing_id=listing_id, **_range_columns(wanted))
        session.add(row)
        session.flush()  # for the id
        _note(session, staff_email, "rules.range_added", listing, now, None, _told(_range_columns(wanted)))
        return row.id


def change_range(runtime: Runtime, range_id: int, wanted: RuleRange, staff_email: str) -> None:
    """Write a range anew. Commits. Raises as `add_range` does; ListingNotFound also where it is gone."""
    now = runtime.clock.now()
    with transaction() as session:
        row = session.get(StayRule, range_id)
        if row is None:
            raise ListingNotFound
        listing = _get_listing(session, row.listing_id)
        _refuse_impossible_range(listing, wanted)
        changed = _write(row, _range_columns(wanted))
        if changed:
            _note(session, staff_email, "rules.range_changed", listing, now, *changed)


def remove_range(runtime: Runtime, range_id: int, staff_email: str) -> None:
    """Let the rules of the whole year hold again. Commits. One that is gone already is no error: twice is once."""
    now = runtime.clock.now()
    with transaction() as session:
        row = session.get(StayRule, range_id)
        if row is None:
            return
        told = {"name": row.name, "first_on": row.first_on, "last_on": row.last_on}
        _note(session, staff_email, "rules.range_removed", _get_listing(session, row.listing_id), now, told, None)
        session.delete(row)


def _get_listing(session: Session, listing_id: int) -> Listing:
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise ListingNotFound
    return listing


def _refuse_impossible(least: int, most: int) -> None:
    if least > most:
        raise StayRuleBroken(NO_ROOM.format(least=least, most=most), field="max_nights")


def _refuse_impossible_range(listing: Listing, wanted: RuleRange) -> None:
    if wanted.last < wanted.first:
        raise StayRuleBroken("The last day comes before the first.", field="last_on")
    _refuse_impossible(wanted.min_nights or listing.min_nights, wanted.max_nights or listing.max_nights)


def _columns(rules: PlainRules | RuleRange) -> dict[str, object]:
    """What a row keeps of rules: days of the week as text."""
    values = {field.name: getattr(rules, field.name) for field in fields(rules)}
    return {name: write_weekdays(value) if isinstance(value, frozenset) else value for name, value in values.items()}


def _range_columns(wanted: RuleRange) -> dict[str, object]:
    columns = _columns(wanted)
    ends = {"first_on": columns.pop("first"), "last_on": columns.pop("last")}
    return {**columns, **ends}


def _write(row: Listing | StayRule, values: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]] | None:
    """Set what differs; what it was and what it is now, or None where nothing does."""
    old = {name: getattr(row, name) for name, value in values.items() if getattr(row, name) != value}
    new = {name: values[name] for name in old}
    for name, value in new.items():
        setattr(row, name, value)
    return (old, new) if old else None


def _told(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _note(
    session: Session,
    who: str,
    action: str,
    listing: Listing,
    now: datetime,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    audit.record(session, who, action, f"listing {listing.id}", now, before=before, after=after)
    logger.info("stay_rules_changed", extra={"listing": listing.id, "action": action})
