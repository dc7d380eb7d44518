"""Which units are free and which nights are taken. A hold that has run out takes nothing, worker or not."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from booking.domain.dates import Stay
from booking.domain.occupancy import questions_of
from booking.models import Listing, Night, Occupancy, StayRule, Unit
from booking.queries.kinds import units_on_sale
from booking.queries.witness import Answer, Question, ask

# Every page asks of these, and of tables statements are made in less time than of models.
_UNIT, _NIGHT, _OCCUPANCY = Unit.__table__.c, Night.__table__.c, Occupancy.__table__.c


class _Worded(FunctionElement[Any]):
    """What PostgreSQL has to be told in words of its own, and SQLite as it is."""

    inherit_cache = True
    words: str


@compiles(_Worded)
def _as_it_is(element: _Worded, compiler: SQLCompiler, **more: Any) -> str:
    return compiler.process(element.clauses, **more)


@compiles(_Worded, "postgresql")
def _in_its_words(element: _Worded, compiler: SQLCompiler, **more: Any) -> str:
    return element.words.format(compiler.process(element.clauses, **more))


class _Iso(_Worded):
    """A day as 2027-03-01, whatever way of writing days the server is set to."""

    words = "to_char({}, 'YYYY-MM-DD')"
    inherit_cache = True
    type = Text()


class _Unseen(_Worded):
    """A given value that PostgreSQL does not look at when it plans a statement, where the plan is the same for all.

    What is run often it plans once and for all, unless looking at the values promises a better plan. Of days it seems
    to, each time anew: to plan whether a listing has a unit free took longer than to find out. Not for what reads
    nights of all units: there the values decide on the plan.
    https://www.postgresql.org/docs/current/sql-prepare.html#SQL-PREPARE-NOTES
    """

    words = "(SELECT {})"
    inherit_cache = True

    def __init__(self, value: BindParameter[Any]) -> None:
        self.type = value.type
        super().__init__(value)


def _times_asked(mark: str = "") -> tuple[_Unseen, _Unseen, _Unseen]:
    """The days of arrival and of departure, and the time of asking."""
    day, moment = _NIGHT.day.type, _NIGHT.hold_until.type
    return (
        _Unseen(bindparam(f"arrives{mark}", type_=day)),
        _Unseen(bindparam(f"leaves{mark}", type_=day)),
        _Unseen(bindparam(f"at{mark}", type_=moment)),
    )


def is_taken(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """The condition for a night's row to count: held for good, or for some time to come."""
    return or_(Night.hold_until.is_(None), Night.hold_until > now)


def free_unit_ids(session: Session, listing_id: int, stay: Stay, now: datetime) -> list[int]:
    """The listing's active units that are free for all nights, in the order in which they are given out."""
    given = {"of_listing": listing_id, "arrives": stay.arrive, "leaves": stay.leave}
    (told,) = ask(session, _FREE, now, given)
    units = sorted(tuple(map(int, unit.split(":"))) for unit in told.split(",")) if told else []
    return [unit_id for _, unit_id in units]


def find_unhurried_unit(session: Session, listing_id: int, stay: Stay, now: datetime) -> int | None:
    """The first of them that, on PostgreSQL, nobody else is just being given, locked for whoever asks.

    None where none is free, or each is on its way to another guest, who may yet fail.
    """
    return session.connection().scalar(FIRST_UNHURRIED, asked_of(listing_id, stay, now))


def free_unit_ids_of_house(session: Session, property_id: int, stay: Stay, now: datetime) -> list[int]:
    """The same for all listings of a house, on sale or not."""
    wanted = _free_units(stay.arrive, stay.leave, now).join(Listing, Unit.listing_id == Listing.id)
    return list(session.scalars(wanted.where(Listing.property_id == property_id)))


def free_listings(session: Session, stay: Stay, now: datetime) -> set[int]:
    """The listings on sale that have a unit free for all nights, in one statement.

    Those taken for good are read from the occupancy, those on hold from the nights: a hold ends with nobody to write
    it down. It says the same as asking each unit's nights would, in a small part of the time.
    """
    units = units_on_sale(session)
    free = units.ids.difference(*(_numbers_in(told) for told in _taken_units(session, stay, now) if told))
    return {units.listing_of[unit_id] for unit_id in free}


def _taken_units(session: Session, stay: Stay, now: datetime) -> Answer:
    """Texts of the ids of units that are taken: those on hold, then those taken for good, window by window."""
    given: dict[str, Any] = {"arrives": stay.arrive, "leaves": stay.leave}
    questions = list(questions_of(stay))
    for number, (chunk, bits) in enumerate(questions):
        given |= {f"chunk_{number}": chunk, f"bits_{number}": bits}
    return ask(session, _taken_in(len(questions)), now, given)


def _numbers_in(told: str) -> list[int]:
    # Read as JSON: of a hundred thousand units there are many, and to split them would take longer than to find them.
    numbers: list[int] = json.loads(f"[{told}]")
    return numbers


@cache
def _taken_in(windows: int) -> Question:
    """The question of a stay that lies in so many windows: one, but for stays of more than a month."""

    def texts(mark: str) -> list[ColumnElement[str]]:
        in_stay = _NIGHT.day >= bindparam(f"arrives{mark}"), _NIGHT.day < bindparam(f"leaves{mark}")
        parts = [select(_NIGHT.unit_id).where(_NIGHT.hold_until > bindparam(f"at{mark}"), *in_stay)]
        for number in range(windows):
            bits = bindparam(f"bits_{number}{mark}", type_=BigInteger)
            in_window = select(_OCCUPANCY.unit_id).where(_OCCUPANCY.chunk == bindparam(f"chunk_{number}{mark}"))
            parts.append(in_window.where(_OCCUPANCY.bits.bitwise_and(bits) != 0))
        return [_in_one_text(cast(part.subquery().c.unit_id, Text)) for part in parts]

    return Question(texts)


def _in_one_text(told: ColumnElement[str], separator: str = ",") -> ColumnElement[str]:
    return select(func.aggregate_strings(told, separator)).scalar_subquery()


def taken_days(
    session: Session, listing_id: int, first: date, last: date, now: datetime
) -> dict[int, dict[date, bool]]:
    """For each active unit of the listing, its taken nights in `[first, last)`, and whether a guest has them."""
    return taken_days_by_listing(session, [listing_id], first, last, now)[listing_id]


def taken_days_by_listing(
    session: Session,
    listing_ids: Sequence[int],
    first: date,
    last: date,
    now: datetime,
    *,
    without_booking: int | None = None,
) -> dict[int, dict[int, dict[date, bool]]]:
    """The same for several listings, in one statement however many there are.

    The nights of `without_booking` count as free: a booking that is to be moved does not stand in its own way.
    """
    taken: dict[int, dict[int, dict[date, bool]]] = {listing_id: {} for listing_id in listing_ids}
    for listing_id, unit_id, told in _taken_nights(session, listing_ids, first, last, without_booking, now):
        taken[listing_id][unit_id] = dict(_nights_in(told)) if told else {}
    return taken


def _taken_nights(
    session: Session, listing_ids: Sequence[int], first: date, last: date, without_booking: int | None, now: datetime
) -> list[tuple[int, int, str]]:
    """For each active unit its listing, itself, and a text of its nights: hundreds of rows would take their time."""
    given = {"listing_ids": list(listing_ids), "first": first, "last": last, "without": without_booking or 0}
    (told,) = ask(session, _TAKEN, now, given)
    units = sorted(_parts_of(unit) for unit in told.split(";")) if told else []
    return [(listing_id, unit_id, nights) for _, unit_id, listing_id, nights in units]


def _parts_of(unit: str) -> tuple[int, int, int, str]:
    """Its position, itself, its listing, and its nights."""
    position, unit_id, listing_id, nights = unit.split(":")
    return int(position), int(unit_id), int(listing_id), nights


def _nights_in(told: str) -> Iterator[tuple[date, bool]]:
    return ((date.fromisoformat(night[:10]), night[10:] == _GUEST) for night in told.split(","))


def keeps_nights(
    session: Session, booking_id: int, stay: Stay, *, unit_id: int | None = None, now: datetime | None = None
) -> bool:
    """Whether each night of a booking is kept with no end. News of a payment that came late may find them taken.

    With `unit_id`, whether it is these nights of that unit; with `now`, a hold that has not run out counts too. Nights
    of a change that is not made yet may lie beside them, in the same unit or in another one.
    """
    kept = select(func.count(Night.day.distinct())).where(
        Night.booking_id == booking_id,
        Night.day >= stay.arrive,
        Night.day < stay.leave,
        Night.hold_until.is_(None) if now is None else is_taken(now),
    )
    if unit_id is not None:
        kept = kept.where(Night.unit_id == unit_id)
    return session.scalar(kept) == stay.nights


def find_turnover_listing(session: Session, unit_id: int) -> int | None:
    """The listing of a unit, where its rules keep nights empty between two stays; None where none are."""
    own = select(func.max(StayRule.turnover_days)).where(StayRule.listing_id == Listing.id).scalar_subquery()
    listing = select(Listing.id).join(Unit, Unit.listing_id == Listing.id).where(Unit.id == unit_id)
    return session.scalar(listing.where(or_(Listing.turnover_days > 0, own > 0)))


def slept_beside(
    session: Session, unit_id: int, stay: Stay, within: int, now: datetime, *, without_booking: int
) -> dict[date, bool]:
    """The nights that other bookings have in a unit, so many before and behind a stay."""
    reach = timedelta(days=within)
    nights = select(Night.day).where(
        Night.unit_id == unit_id,
        Night.day >= stay.arrive - reach,
        Night.day < stay.leave + reach,
        Night.booking_id != without_booking,  # closures have none: nobody sleeps in them
        is_taken(now),
    )
    return dict.fromkeys(session.scalars(nights), True)


def _free_in_listing(mark: str) -> list[ColumnElement[str]]:
    free = _free_units(*_times_asked(mark)).where(Unit.listing_id == bindparam(f"of_listing{mark}")).order_by(None)
    units = free.with_only_columns(Unit.position, Unit.id).subquery().c
    return [_in_one_text(cast(units.position, Text) + ":" + cast(units.id, Text))]


def _free_units(
    arrive: date | ColumnElement[date], leave: date | ColumnElement[date], now: datetime | ColumnElement[datetime]
) -> Select[Any]:
    clash = exists().where(Night.unit_id == Unit.id, Night.day >= arrive, Night.day < leave, is_taken(now))
    return select(Unit.id).where(Unit.is_active, ~clash).order_by(Unit.position, Unit.id)


def asked_of(listing_id: int, stay: Stay, now: datetime) -> dict[str, Any]:
    """What FREE_UNITS and FIRST_UNHURRIED are given."""
    return {"of_listing": listing_id, "arrives": stay.arrive, "leaves": stay.leave, "at": now}


# Put together once: every hold and every refusal asks them.
FREE_UNITS = _free_units(*_times_asked()).where(Unit.listing_id == bindparam("of_listing"))
FIRST_UNHURRIED = FREE_UNITS.limit(1).with_for_update(skip_locked=True, key_share=True)

_GUEST, _CLOSED = "+", "-"
_TOLD = _Iso(_NIGHT.day) + case((_NIGHT.booking_id.is_(None), _CLOSED), else_=_GUEST)


def _taken_of_units(mark: str) -> list[ColumnElement[str]]:
    nights = select(func.aggregate_strings(_TOLD, ",")).where(
        _NIGHT.unit_id == _UNIT.id,
        _NIGHT.day >= bindparam(f"first{mark}"),
        _NIGHT.day < bindparam(f"last{mark}"),
        is_taken(bindparam(f"at{mark}")),
        or_(_NIGHT.booking_id.is_(None), _NIGHT.booking_id != bindparam(f"without{mark}")),
    )
    numbers = (_UNIT.position, _UNIT.id, _UNIT.listing_id)
    wanted = _UNIT.listing_id.in_(bindparam(f"listing_ids{mark}", expanding=True)), _UNIT.is_active
    units = select(*numbers, nights.scalar_subquery().label("nights")).where(*wanted).subquery().c
    position, unit_id, listing_id = (cast(units[number.name], Text) + ":" for number in numbers)
    return [_in_one_text(position + unit_id + listing_id + func.coalesce(units.nights, ""), ";")]


_FREE, _TAKEN = Question(_free_in_listing), Question(_taken_of_units)
