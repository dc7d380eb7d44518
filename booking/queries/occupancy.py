"""Where the occupancy of units is not what their nights say. It is derived from them, and can always be made anew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from booking.domain.occupancy import WINDOW, first_day
from booking.models import Unit

# So many units at once: what is read and what is remembered stay small, and nobody waits long.
UNITS_AT_ONCE = 1000
# A day's number as Python's date.toordinal() counts it.
_NUMBER = {
    "postgresql": "night.day - DATE '0001-01-01' + 1",
    "sqlite": "CAST(julianday(night.day) - 1721424.5 AS INTEGER)",
}
# One statement, so that both sides are of one moment. A night lies in two windows, the lower half of one and the upper
# half of the one before.
_DIFFERENCES = """
WITH numbered AS (
    SELECT unit_id, {number} AS number FROM night WHERE hold_until IS NULL AND unit_id IN :units
), half AS MATERIALIZED (
    SELECT unit_id, number / 31 AS chunk, CAST(sum(CAST(1 AS BIGINT) << (number % 31)) AS BIGINT) AS bits
    FROM numbered GROUP BY unit_id, number / 31
), both_sides AS (
    SELECT unit_id, chunk, bits AS due, 0 AS told FROM half
    UNION ALL SELECT unit_id, chunk - 1, bits << 31, 0 FROM half
    UNION ALL SELECT unit_id, chunk, 0, bits FROM occupancy WHERE unit_id IN :units
)
SELECT chunk, unit_id, CAST(sum(due) AS BIGINT) AS due, CAST(sum(told) AS BIGINT) AS told
FROM both_sides GROUP BY chunk, unit_id HAVING sum(due) <> sum(told) ORDER BY unit_id, chunk
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """A window of a unit whose bits are not those of its nights."""

    chunk: int
    unit_id: int
    due: int
    told: int

    @property
    def hidden(self) -> list[date]:
        """Nights that are told to be taken and are not: searches hide them."""
        return _days(self.chunk, self.told & ~self.due)

    @property
    def offered(self) -> list[date]:
        """Nights that are taken and told to be free: searches offer them, and the booking is refused."""
        return _days(self.chunk, self.due & ~self.told)


def find_drift(session: Session, unit_ids: Sequence[int]) -> list[Drift]:
    """Every window of these units that is wrong, by unit and window."""
    statement = text(_DIFFERENCES.format(number=_NUMBER[session.get_bind().dialect.name]))
    wanted = statement.bindparams(bindparam("units", expanding=True))
    return [Drift(*row) for row in session.execute(wanted, {"units": list(unit_ids)})]


def all_units(session: Session) -> Iterator[list[int]]:
    """The ids of all units, some at a time."""
    ids = list(session.scalars(select(Unit.id).order_by(Unit.id)))
    for first in range(0, len(ids), UNITS_AT_ONCE):
        yield ids[first : first + UNITS_AT_ONCE]


def _days(chunk: int, bits: int) -> list[date]:
    return [first_day(chunk) + timedelta(days=place) for place in range(WINDOW) if bits >> place & 1]
