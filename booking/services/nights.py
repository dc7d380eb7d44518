"""Taking and freeing nights: the one mechanism behind holds, confirmations, moves and closures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from booking.database import insert_of, is_postgresql, require_transaction, run
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, StayRuleBroken
from booking.domain.neighbours import broken_turnover, judge_units
from booking.models import Booking, Listing, Night, Unit
from booking.models.occupancy import note_nights
from booking.queries.nights import (
    find_turnover_listing,
    find_unhurried_unit,
    free_unit_ids,
    is_taken,
    keeps_nights,
    slept_beside,
)
from booking.queries.search import read_around
from booking.services.locks import lock_listing


def claim_nights(
    session: Session,
    unit_id: int,
    stay: Stay,
    now: datetime,
    *,
    booking_id: int | None = None,
    closure_id: int | None = None,
    hold_until: datetime | None = None,
    is_judged: bool = False,
) -> bool:
    """Take every night of a stay in one unit, or none of them; whether it worked.

    For a booking that does not have its nights yet, those that must stay empty beside it are looked at too, unless
    this transaction has judged them before (`is_judged`). One statement inserts the nights in date order (the same
    order everywhere, or two guests would deadlock). A row that is there already is taken over only if it is this
    owner's own or its hold has run out; so this is also the atomic recheck at confirmation, `hold_until` None meaning
    for good. What a booking has for good only `retake_nights` puts on hold. Joins the caller's transaction.
    """
    require_transaction(session)
    if booking_id is not None and not is_judged and not _leaves_turnover(session, unit_id, stay, now, booking_id):
        return False
    session.flush()
    savepoint = session.connection().begin_nested()  # of statements alone: no object is changed in it
    if _insert_nights(session, unit_id, stay, now, booking_id, closure_id, hold_until) == stay.nights:
        savepoint.commit()
        if hold_until is None:
            note_nights(session, unit_id, stay, are_taken=True)
        return True
    savepoint.rollback()
    return False


def find_units(
    session: Session, listing: Listing, stay: Stay, now: datetime, *, without_booking: int | None = None
) -> tuple[int, ...]:
    """The units that a stay may have by free nights and by what lies beside it; whether rules allow it is asked before.

    Where a rule looks at neighbours the listing is locked until the transaction ends, so that of two guests who come
    at once the second is judged by what the first has taken. A booking that is to be moved is no neighbour of its own.

    Raises:
        DatesUnavailable: no unit is free. StayRuleBroken: one is, but what lies beside the stay forbids it.
    """
    if not listing.rules.looks_around:
        return _or_unavailable(tuple(free_unit_ids(session, listing.id, stay, now)))
    lock_listing(session, listing.id)
    taken = read_around(session, [listing], stay, now, without_booking)[listing.id]
    verdict = judge_units(listing.rules, stay, taken, listing.property.today(now))
    if verdict.problem:
        raise StayRuleBroken(verdict.problem, field="arrive")
    return _or_unavailable(verdict.units)


class Overtaken(Exception):
    """Somebody took nights between the look at them and their claim. A new transaction sees what is left."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Where a booking is to go: one unit first, and if somebody is faster there, `among` these; None: any other."""

    first: int
    among: tuple[int, ...] | None


# How to take it: claim_picked or claim_swiftly.
Claim = Callable[..., int | None]


def pick_unit(session: Session, listing: Listing, stay: Stay, now: datetime, seen: int | None = None) -> Picked:
    """A free unit for a new booking of a listing. Raises as `find_units` does, and locks as it does.

    `seen` is what `find_unhurried_unit` would say, where this transaction has asked for it with something else.
    """
    require_transaction(session)
    if not listing.rules.looks_around:
        session.flush()  # what was changed before counts
        first = seen or find_unhurried_unit(session, listing.id, stay, now)
        if first is not None:
            return Picked(first, None)
    units = find_units(session, listing, stay, now)
    return Picked(units[0], units if listing.rules.looks_around else None)


def claim_picked(
    session: Session, booking: Booking, picked: Picked, now: datetime, *, hold_until: datetime | None
) -> int | None:
    """Take the nights of a new booking in the unit that was picked in this transaction, else in another free one.

    The unit's id, or None where all are taken. What lies beside the nights was judged when the unit was picked.
    """
    stay, owner = booking.stay, booking.id
    if claim_nights(session, picked.first, stay, now, booking_id=owner, hold_until=hold_until, is_judged=True):
        return picked.first
    return claim_any_unit(
        session, booking.listing_id, stay, now, booking_id=owner, hold_until=hold_until, among=picked.among
    )


def claim_swiftly(session: Session, booking: Booking, picked: Picked, now: datetime, *, hold_until: datetime) -> int:
    """The same for a hold, without a savepoint: whoever calls it begins anew where somebody was faster.

    Raises:
        Overtaken: somebody was, and some of the nights may be taken now. The transaction must be rolled back.
    """
    require_transaction(session)
    session.flush()
    if _insert_nights(session, picked.first, booking.stay, now, booking.id, None, hold_until) != booking.stay.nights:
        raise Overtaken
    return picked.first


def claim_any_unit(
    session: Session,
    listing_id: int,
    stay: Stay,
    now: datetime,
    *,
    booking_id: int,
    hold_until: datetime | None,
    among: Sequence[int] | None = None,
) -> int | None:
    """Take the nights in any free unit of a listing; its id, or None where all are taken. Joins the transaction.

    `among` are the units that may be given; None: all.
    """
    free = [unit_id for unit_id in free_unit_ids(session, listing_id, stay, now) if among is None or unit_id in among]
    for unit_id in _unhurried_first(session, free):
        if claim_nights(session, unit_id, stay, now, booking_id=booking_id, hold_until=hold_until):
            return unit_id
    return None


def retake_nights(session: Session, booking: Booking, now: datetime, *, hold_until: datetime | None) -> int | None:
    """Take a booking's nights anew in its own unit, else in an equal one of its listing; None where all are taken.

    The id of the unit comes back; nights that the booking still had in another one are freed. Joins the transaction.
    Where None comes back from keeping them for good, the caller frees what the booking still has, or rolls back: some
    of its nights may be kept then, and others lost.
    """
    stay = booking.stay
    if hold_until is None and _keep_for_good(session, booking, now):
        note_nights(session, booking.unit_id, stay, are_taken=True)
        return booking.unit_id
    if claim_nights(session, booking.unit_id, stay, now, booking_id=booking.id, hold_until=hold_until):
        if hold_until is not None:  # it may have had them for good, and has them on hold now
            note_nights(session, booking.unit_id, stay, are_taken=False)
        return booking.unit_id
    unit_id = claim_any_unit(session, booking.listing_id, stay, now, booking_id=booking.id, hold_until=hold_until)
    if unit_id is not None:
        free_nights(session, booking_id=booking.id, except_unit_id=unit_id)
    return unit_id


def claim_beside(
    session: Session, booking: Booking, unit_id: int, stay: Stay, now: datetime, *, hold_until: datetime | None
) -> bool:
    """Take the nights of another stay for a booking that keeps the nights it has; all of them or none.

    Those that it has for good in that unit already are left as they are. Joins the caller's transaction.
    """
    require_transaction(session)
    own = select(Night.day).where(Night.booking_id == booking.id, Night.unit_id == unit_id, Night.hold_until.is_(None))
    has = set(session.scalars(own.where(Night.day >= booking.arrive, Night.day < booking.leave)))
    missing = [day for day in stay if day not in has]
    if missing and not _leaves_turnover(session, unit_id, stay, now, booking.id):
        return False
    savepoint = session.begin_nested()
    taken = _insert_nights(session, unit_id, missing, now, booking.id, None, hold_until) if missing else 0
    if taken == len(missing):
        savepoint.commit()
        note_nights(session, unit_id, missing, are_taken=hold_until is None)
        return True
    savepoint.rollback()
    return False


def free_outside(session: Session, booking: Booking) -> None:
    """Give back every night that a booking has outside its own stay and unit. Joins the caller's transaction."""
    require_transaction(session)
    outside = or_(Night.unit_id != booking.unit_id, Night.day < booking.arrive, Night.day >= booking.leave)
    drop_nights(session, Night.booking_id == booking.id, outside)


def free_nights(session: Session, *, booking_id: int, except_unit_id: int | None = None) -> None:
    """Give back every night a booking has (in other units than the one named). Joins the caller's transaction."""
    require_transaction(session)
    drop_nights(session, Night.booking_id == booking_id, *([Night.unit_id != except_unit_id] if except_unit_id else []))


def drop_nights(session: Session, *which: ColumnElement[bool]) -> None:
    """Give back nights, whoever has them. Joins the caller's transaction."""
    require_transaction(session)
    dropped = delete(Night).where(*which).returning(Night.unit_id, Night.day, Night.hold_until)
    for unit_id, day, hold_until in session.execute(dropped):
        if hold_until is None:
            note_nights(session, unit_id, [day], are_taken=False)


def _or_unavailable(units: tuple[int, ...]) -> tuple[int, ...]:
    if not units:
        raise DatesUnavailable
    return units


def _leaves_turnover(session: Session, unit_id: int, stay: Stay, now: datetime, booking_id: int) -> bool:
    """Whether enough nights stay empty beside a booking that does not have its nights yet.

    The listing's lock makes those who come at once wait for each other: no constraint of the database can say this.
    """
    listing_id = find_turnover_listing(session, unit_id)
    if listing_id is None or keeps_nights(session, booking_id, stay, unit_id=unit_id, now=now):
        return True
    lock_listing(session, listing_id)
    rules = session.get_one(Listing, listing_id).rules
    slept = slept_beside(session, unit_id, stay, rules.most_turnover, now, without_booking=booking_id)
    return broken_turnover(rules, stay, slept) is None


def _keep_for_good(session: Session, booking: Booking, now: datetime) -> bool:
    """Keep the nights that a booking has, with no end; whether these are all of its stay. None is taken from others.

    The usual end of a hold: nobody could have any of them meanwhile, so nothing beside them can have changed either.
    """
    stay = booking.stay
    own = {"of_booking": booking.id, "in_unit": booking.unit_id, "arrives": stay.arrive, "leaves": stay.leave}
    session.flush()
    return bool(run(session, _KEEPING, {**own, "at": now}).rowcount == stay.nights)


_NIGHT: Any = Night.__table__
_KEEPING = (
    update(_NIGHT)
    .where(
        _NIGHT.c.booking_id == bindparam("of_booking"),
        _NIGHT.c.unit_id == bindparam("in_unit"),
        _NIGHT.c.day >= bindparam("arrives"),
        _NIGHT.c.day < bindparam("leaves"),
        is_taken(bindparam("at")),
    )
    .values(hold_until=None)
)


def _insert_nights(
    session: Session,
    unit_id: int,
    days: Iterable[date],
    now: datetime,
    booking_id: int | None,
    closure_id: int | None,
    hold_until: datetime | None,
) -> int:
    owner = {"of_booking": booking_id, "of_closure": closure_id, "until": hold_until, "at": now}
    rows = [{"in_unit": unit_id, "on_day": day, **owner} for day in days]
    return int(run(session, _taking(insert_of(session)), rows).rowcount)


@cache
def _taking(insert: Callable[[Any], Any]) -> Any:
    """The claim, put together once for each database and run for each night; the driver adds up what was taken."""
    values: dict[Any, Any] = {
        "unit_id": bindparam("in_unit"),
        "day": bindparam("on_day"),
        "booking_id": bindparam("of_booking"),
        "closure_id": bindparam("of_closure"),
        "hold_until": bindparam("until"),
    }
    statement = insert(_NIGHT).values(values)
    fresh, old = statement.excluded, _NIGHT.c
    statement = statement.on_conflict_do_update(
        index_elements=[old.unit_id, old.day],
        set_={name: fresh[name] for name in ("booking_id", "closure_id", "hold_until", "updated_at")},
        where=or_(
            old.booking_id == fresh.booking_id, old.closure_id == fresh.closure_id, old.hold_until <= bindparam("at")
        ),
    )
    return statement.execution_options(preserve_rowcount=True)


def _unhurried_first(session: Session, unit_ids: list[int]) -> list[int]:
    """On PostgreSQL, begin with a unit that no other guest is just being given, instead of waiting for theirs."""
    if len(unit_ids) < 2 or not is_postgresql(session):
        return unit_ids
    unlocked = (
        select(Unit.id)
        .where(Unit.id.in_(unit_ids))
        .order_by(Unit.position, Unit.id)
        .limit(1)
        .with_for_update(skip_locked=True, key_share=True)
    )
    first = session.scalar(unlocked)
    return unit_ids if first is None else [first, *(unit_id for unit_id in unit_ids if unit_id != first)]
