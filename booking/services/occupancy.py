"""Putting the occupancy of units right where it is not what their nights say: after an older version, or by hand."""

import logging
from collections.abc import Sequence

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from booking.database import after_commit, end_read, insert_into, transaction
from booking.extensions import db
from booking.models import Occupancy
from booking.queries.occupancy import Drift, all_units, find_drift

logger = logging.getLogger(__name__)

# In one transaction: whoever confirms a booking in one of these units waits as long.
MENDED_AT_ONCE = 500
_TABLE = Occupancy.__table__
_CORRECT = (
    update(Occupancy)
    .where(Occupancy.chunk == bindparam("in_chunk"), Occupancy.unit_id == bindparam("of_unit"))
    .values(bits=bindparam("due"))
)


def check() -> list[Drift]:
    """Every window of a unit that is wrong. Writes nothing."""
    found = [drift for unit_ids in all_units(db.session()) for drift in find_drift(db.session(), unit_ids)]
    end_read()
    return found


def rebuild() -> list[Drift]:
    """Make what is wrong anew from the nights, some at a time, each time committed; what it was before."""
    suspects, mended = check(), []
    for first in range(0, len(suspects), MENDED_AT_ONCE):
        mended += _mend(suspects[first : first + MENDED_AT_ONCE])
    return mended


def _mend(suspects: Sequence[Drift]) -> list[Drift]:
    places = {(drift.chunk, drift.unit_id) for drift in suspects}
    with transaction() as session:
        _hold(session, sorted(places))
        # Looked at once more. Whoever has taken nights that are not seen yet waits for these rows, and writes after.
        found = find_drift(session, sorted({unit_id for _, unit_id in places}))
        wrong = [drift for drift in found if (drift.chunk, drift.unit_id) in places]
        if wrong:
            rows = [{"in_chunk": drift.chunk, "of_unit": drift.unit_id, "due": drift.due} for drift in wrong]
            session.connection().execute(_CORRECT, rows)
        after_commit(session, lambda: _tell(wrong))
    return wrong


def _hold(session: Session, places: Sequence[tuple[int, int]]) -> None:
    """Lock these rows, in the order in which all lock them; those that are not there are made, with nothing taken."""
    rows = [{"chunk": chunk, "unit_id": unit_id, "bits": 0} for chunk, unit_id in places]
    made = insert_into(session, _TABLE)
    as_it_is = made.on_conflict_do_update(index_elements=["chunk", "unit_id"], set_={"bits": Occupancy.bits})
    session.connection().execute(as_it_is, rows)


def _tell(wrong: Sequence[Drift]) -> None:
    for drift in wrong:
        told = {"unit_id": drift.unit_id, "hidden": len(drift.hidden), "offered": len(drift.offered)}
        logger.warning("occupancy_mended", extra=told)
