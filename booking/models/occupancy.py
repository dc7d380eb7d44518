"""Which nights each unit has taken for good, told by bits: what searches read in place of the nights themselves."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, bindparam, event
from sqlalchemy.orm import Mapped, Session, mapped_column

from booking.database import insert_of, write_at_commit
from booking.domain.occupancy import bits_of
from booking.extensions import Base
from booking.models.booking import Night

_CHANGED = "holdfast_nights_changed"


class Occupancy(Base):
    """The nights of one unit in one window of days that are taken for good, by confirmed bookings and closures.

    Nights on hold are in none: they end by themselves, with nobody to write it here. It is written in the transaction
    that takes or frees the nights, can be made anew from them, and judges no booking: that is the nights' own key.
    """

    __tablename__ = "occupancy"
    __table_args__ = {"sqlite_with_rowid": False}

    chunk: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    bits: Mapped[int] = mapped_column(BigInteger)


def note_nights(session: Session, unit_id: int, days: Iterable[date], *, are_taken: bool) -> None:
    """Have nights that the running transaction takes for good, or frees, written here when it is committed."""
    changed = session.info.setdefault(_CHANGED, {})
    changed.update(dict.fromkeys(((unit_id, day) for day in days), are_taken))


def _notice_rows(session: Session, _context: object, _instances: object) -> None:
    """Nights that are written as objects. Statements that write them are noted by those who send them."""
    for row in (*session.new, *session.dirty):
        if isinstance(row, Night):
            note_nights(session, row.unit_id, [row.day], are_taken=row.hold_until is None)
    for row in session.deleted:
        if isinstance(row, Night):
            note_nights(session, row.unit_id, [row.day], are_taken=False)


def _write(session: Session, changed: Mapping[tuple[int, date], bool]) -> None:
    # In one order, so that no two transactions can wait for each other at these rows.
    session.execute(_writing(insert_of(session)), _rows(changed))


@cache
def _writing(insert: Callable[[Any], Any]) -> Any:
    """Bits are put in and taken out, not written as a whole: another transaction may change others of the same row."""
    fresh = insert(Occupancy.__table__).values(
        chunk=bindparam("in_chunk"), unit_id=bindparam("of_unit"), bits=bindparam("taken")
    )
    kept = Occupancy.bits.bitwise_and(bindparam("kept", type_=BigInteger))
    return fresh.on_conflict_do_update(
        index_elements=["chunk", "unit_id"], set_={"bits": kept.bitwise_or(fresh.excluded.bits)}
    )


def _rows(changed: Mapping[tuple[int, date], bool]) -> list[dict[str, int]]:
    rows: dict[tuple[int, int], dict[str, int]] = {}
    for (unit_id, day), is_taken in changed.items():
        for chunk, bit in bits_of([day]).items():
            row = rows.setdefault((chunk, unit_id), {"in_chunk": chunk, "of_unit": unit_id, "taken": 0, "kept": -1})
            if is_taken:
                row["taken"] |= bit
            else:
                row["kept"] &= ~bit
    return [rows[place] for place in sorted(rows)]


event.listen(Session, "before_flush", _notice_rows)
write_at_commit(_CHANGED, _write)
