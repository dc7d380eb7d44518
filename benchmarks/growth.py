"""How a search grows with the shop: the same question in shops of 100 to 100,000 units, in turn, and the curve of it.

These shops have two months of nights, six of ten taken, which the databases make themselves: of all other nights a
search reads nothing.
"""

import contextlib
import itertools
import math
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Connection, text

from benchmarks import big_shop
from benchmarks.big_shop import BigShop
from benchmarks.places import Place, empty_places, shop_in
from benchmarks.ratios import Measured
from booking.domain.dates import Stay
from booking.domain.occupancy import STEP, WINDOW, chunk_of, first_day
from booking.extensions import db
from booking.queries.nights import free_listings

SIZES = (100, 1_000, 10_000, 100_000)
SEARCHES = 20
# Four nights at a time, drawn by the number of the unit and of the four nights.
_IS_TAKEN = "(unit.id * 7919 + (days.number / 4) * 104729) % 1000 < 600"
Curve = Mapping[str, Mapping[int, float]]  # for each database, milliseconds by units


@dataclass(frozen=True, slots=True)
class Growth:
    """What was measured: the ratios for the table, and the points of the curve."""

    measured: tuple[Measured, ...]
    curve: Curve


def measure(databases: tuple[str, ...], sizes: tuple[int, ...], rounds: int) -> Growth:
    """Every size in turn, round after round. The ratio is that of the largest shop to the one before it."""
    first = first_day(chunk_of(datetime.now(UTC).date()) + 1)
    measured: list[Measured] = []
    curve: dict[str, dict[int, float]] = {}
    for database in databases:
        with empty_places((database,)) as make:
            shops = {units: fill_bare(make(database), units, first) for units in sizes}
            spent = _in_turn(shops, rounds, first)
        curve[database] = {units: statistics.median(spent[units]) for units in sizes}
        ratios = [large / less for less, large in zip(spent[sizes[-2]], spent[sizes[-1]], strict=True)]
        measured.append(Measured("growth", database, sizes[-1], ratios, curve[database][sizes[-1]]))
    return Growth(tuple(measured), curve)


def _in_turn(shops: Mapping[int, Place], rounds: int, first: date) -> dict[int, list[float]]:
    spent: dict[int, list[float]] = {units: [] for units in shops}
    with contextlib.ExitStack() as stack:
        apps: dict[int, Flask] = {units: stack.enter_context(shop_in(place)) for units, place in shops.items()}
        for each, (units, app) in itertools.product(range(rounds + 1), apps.items()):
            with app.app_context():
                took = statistics.median(_searched(stay) for stay in _stays(first))
            if each:  # the first round reads what is on sale
                spent[units].append(1000 * took)
    return spent


def _stays(first: date) -> Iterator[Stay]:
    for number in range(SEARCHES):
        arrive = first + timedelta(days=number % STEP)
        yield Stay(arrive, arrive + timedelta(days=2 + number % 6))


def _searched(stay: Stay) -> float:
    began = time.perf_counter()
    free_listings(db.session(), stay, datetime.now(UTC))
    took = time.perf_counter() - began
    db.session.remove()
    return took


# --- the shops ------------------------------------------------------------------------------------------------------


def fill_bare(place: Place, units: int, first: date) -> Place:
    """Units of a house without prices and bookings, and nights behind a day that are closed."""
    with shop_in(place), db.engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        connection.execution_options(holdfast_writes=True)
        if is_sqlite:
            driver: Any = connection.connection.driver_connection
            driver.executescript("PRAGMA cache_size=-400000; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF")
        else:  # every row refers to one that was just made
            connection.execute(text("SET session_replication_role = replica"))
        big_shop.load_bare(connection, BigShop(units, first))
        _make_nights(connection, first)
        connection.commit()
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return place


def _make_nights(connection: Connection, first: date) -> None:
    days = ", ".join(f"({number}, '{first + timedelta(days=number)}')" for number in range(WINDOW))
    stamps = {"now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")}
    connection.execute(text("CREATE TEMPORARY TABLE days (number INTEGER, day DATE)"))
    connection.execute(text(f"INSERT INTO days VALUES {days}"))  # noqa: S608 (our own numbers and days)
    whole = {**stamps, "first": first.isoformat(), "last": (first + timedelta(days=WINDOW)).isoformat()}
    connection.execute(text(_CLOSURES), whole)
    connection.execute(text(_NIGHTS), stamps)
    for chunk, behind in ((chunk_of(first) - 1, STEP), (chunk_of(first), 0), (chunk_of(first) + 1, -STEP)):
        connection.execute(text(_BITS), {"chunk": chunk, "behind": behind})


_CLOSURES = """
INSERT INTO closure (id, unit_id, arrive, leave, reason, created_by, created_at, updated_at)
SELECT id, id, :first, :last, '', '', :now, :now FROM unit
"""
_NIGHTS = f"""
INSERT INTO night (unit_id, day, closure_id, created_at, updated_at)
SELECT unit.id, days.day, unit.id, :now, :now FROM unit CROSS JOIN days WHERE {_IS_TAKEN} ORDER BY unit.id, days.day
"""  # noqa: S608 (our own words)
_BITS = """
INSERT INTO occupancy (chunk, unit_id, bits)
SELECT :chunk, night.unit_id, CAST(sum(CAST(1 AS BIGINT) << (days.number + :behind)) AS BIGINT)
FROM night JOIN days ON days.day = night.day
WHERE days.number + :behind BETWEEN 0 AND 61 GROUP BY night.unit_id ORDER BY night.unit_id
"""


# --- the curve ------------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 360, 70, 50, 40, 110
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333 } .axis { stroke: #767676 } .grid { stroke: #767676; opacity: .25 }
.line { fill: none; stroke-width: 2.5 } .sqlite { stroke: #0b6e99; fill: #0b6e99 }
.postgresql { stroke: #b3470f; fill: #b3470f } text.sqlite, text.postgresql { stroke: none }
path.line { fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .sqlite { stroke: #6cc4ee; fill: #6cc4ee } .postgresql { stroke: #ff9d66; fill: #ff9d66 }
}
"""


def drawing(curve: Curve) -> str:
    """The curve as an SVG, both axes in steps of ten times, readable on light and on dark ground."""
    sizes = sorted({units for points in curve.values() for units in points})
    times = [spent for points in curve.values() for spent in points.values()]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    high = max(high, low + 1)
    across = _WIDTH - _LEFT - _RIGHT
    up = _HEIGHT - _BOTTOM - _TOP

    def place(units: int, spent: float) -> tuple[float, float]:
        share = math.log10(units / sizes[0]) / (math.log10(sizes[-1] / sizes[0]) or 1)
        return _LEFT + across * share, _HEIGHT - _BOTTOM - up * (math.log10(spent) - low) / (high - low)

    parts = [_text(_LEFT, 22, "Milliseconds of one search, by units of the shop", "title")]
    for power in range(low, high + 1):
        _, y = place(sizes[0], 10.0**power)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 8, y + 4, f"{10.0**power:g} ms", anchor="end"))
    for units in sizes:
        x, _ = place(units, 10.0**low)
        parts.append(_text(x, _HEIGHT - _BOTTOM + 20, f"{units:,}", anchor="middle"))
    for database, points in sorted(curve.items()):
        parts += _line(database, [(*place(units, spent), spent) for units, spent in sorted(points.items())])
    parts.append(_text(_LEFT + across / 2, _HEIGHT - 10, "units", anchor="middle"))
    foot = _HEIGHT - _BOTTOM
    parts.append(f'<line class="axis" x1="{_LEFT}" y1="{foot}" x2="{_WIDTH - _RIGHT}" y2="{foot}"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>", ""])


def _line(database: str, points: Sequence[tuple[float, float, float]]) -> Iterator[str]:
    way = " L ".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
    yield f'<path class="line {database}" d="M {way}"/>'
    for x, y, spent in points:
        yield f'<circle class="{database}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{spent:.3g} ms</title></circle>'
    x, y, spent = points[-1]
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
    yield _text(x + 10, y + 4, f"{name} {spent:.2g}", database)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
