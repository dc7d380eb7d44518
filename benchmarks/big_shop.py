"""A shop of any size for measurements: one house with listings of ten units each, and two years of bookings.

The same seed makes the same shop. Rows are loaded as the databases load them fastest, past the shop's own code: what
is measured is how the shop reads them. `python -m benchmarks.big_shop --units 1000` fills the database of DATABASE_URL.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Connection, text

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.occupancy import bits_of
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms
from booking.extensions import db

UNITS_OF_A_LISTING = 10
SOLO = "solo"  # a listing of one unit, besides, which nobody has booked
DAYS = 730
# Of all nights; stays are one to seven nights long, four in the middle, with empty nights between them.
OCCUPIED = 0.6
SEASONS = 10
_WORDS = ("Harbour", "Garden", "Orchard", "Lighthouse", "Mill", "Meadow", "Chapel", "Cliff", "Island", "Forest")
_KINDS = ("Loft", "Cottage", "Room", "Studio", "House", "Barn", "Suite", "Cabin", "Flat", "Tower")
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class BigShop:
    """What to make. `first` is the first of its nights; half of them lie behind the day on which it is looked at."""

    units: int
    first: date
    seed: int = 7

    @property
    def listings(self) -> int:
        return max(1, self.units // UNITS_OF_A_LISTING)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=DAYS)


def fill(app: Flask, shop: BigShop) -> None:
    """Load the shop into an empty, migrated database, and let that look at what it has."""
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.executescript("PRAGMA cache_size=-400000; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF")
        connection.execution_options(holdfast_writes=True)
        for table, columns, rows in _tables(shop):
            _load(connection, table, columns, rows)
        _settle(connection)
        connection.commit()
    with app.app_context():
        _analyse()


def load_bare(connection: Connection, shop: BigShop) -> None:
    """The house, its listings and their units, in the caller's transaction: no seasons and no bookings."""
    for table, columns, rows in _tables(shop):
        if table in ("property", "listing", "unit"):
            _load(connection, table, columns, rows)
        if table == "unit":  # what follows is long
            return


def _tables(shop: BigShop) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """Each table with its columns (the two stamps of every row come of themselves) and rows."""
    chance, stamp = random.Random(shop.seed), _stamp(shop.first)
    house = ("Seal Harbour Stays", "Europe/Berlin", "eur", "ada@example.org", "1 Quay, Seal Harbour", stamp, stamp)
    yield "property", "name timezone currency contact_email address created_at updated_at", [house]
    yield from _prices(shop, chance, stamp)
    numbers = range(1, shop.units + 1)
    units = [(unit, _listing_of(unit, shop), f"Unit {unit}", unit, 1, stamp, stamp) for unit in numbers]
    units.append((shop.units + 1, shop.listings + 1, "The only one", 1, 1, stamp, stamp))
    yield "unit", "id listing_id name position is_active created_at updated_at", units
    stays = [(unit, stay) for unit in range(1, shop.units + 1) for stay in _stays(chance, shop)]
    yield "booking", _BOOKING, (_booking(n, unit, stay, shop) for n, (unit, stay) in enumerate(stays, 1))
    nights = ((unit, day.isoformat(), n, stamp, stamp) for n, (unit, stay) in enumerate(stays, 1) for day in stay)
    yield "night", "unit_id day booking_id created_at updated_at", nights
    yield "occupancy", "chunk unit_id bits", _occupancy(stays)


def _prices(shop: BigShop, chance: random.Random, stamp: str) -> Iterator[tuple[str, str, Iterable[Row]]]:
    numbers = range(1, shop.listings + 1)
    listings = [_listing(number, chance, stamp) for number in numbers]
    solo = _listing(shop.listings + 1, random.Random(0), stamp)
    yield "listing", _LISTING, [*listings, (*solo[:2], SOLO, *solo[3:])]
    length, seasons = DAYS // SEASONS, []
    for number in numbers:
        for part in range(SEASONS):
            first = shop.first + timedelta(days=part * length)
            price = 100 * chance.randrange(60, 400)
            days = (first.isoformat(), (first + timedelta(days=length - 1)).isoformat())
            seasons.append((number, f"Season {part}", *days, price, "{}", "{}", stamp, stamp))
    yield (
        "season",
        "listing_id name first_on last_on nightly_minor weekday_minor translations created_at updated_at",
        (seasons),
    )
    discounts = [(number, "A week", 700, 7, "{}", stamp, stamp) for number in numbers if number % 2]
    yield "discount", "listing_id name off min_nights translations created_at updated_at", discounts


_LISTING = (
    "id property_id slug name summary description bedrooms beds amenities area_m2 max_guests nightly_minor "
    "weekend_minor cleaning_minor tourist_tax_minor min_nights max_nights notice_days horizon_days position is_active "
    "created_at updated_at"
)


def _listing(number: int, chance: random.Random, stamp: str) -> Row:
    name = f"{chance.choice(_WORDS)} {chance.choice(_KINDS)} {number}"
    told = ("Quiet, with a view", "A long text about the stay. " * 20, chance.randint(1, 4), "one double")
    prices = (9000, 12000, 100 * chance.randrange(20, 80), 350)
    rules = (chance.choice((1, 1, 1, 2, 3)), 30, 0, DAYS, number, 1)
    place = (name.lower().replace(" ", "-"), name)
    return (number, 1, *place, *told, "[]", chance.randrange(20, 120), 2 + number % 7, *prices, *rules, stamp, stamp)


_BOOKING = (
    "id reference listing_id unit_id arrive leave guests status payment_status disputed refund_failed needs_review "
    "hold_key browser_key amount_minor currency quote terms guest_name guest_email guest_phone message confirmed_at "
    "created_at updated_at"
)
_TERMS = json.dumps(CancellationTerms().as_json())


def _booking(number: int, unit: int, stay: Stay, shop: BigShop) -> Row:
    stamp, total = _stamp(stay.arrive - timedelta(days=20)), Money(10_000 * stay.nights, "eur")
    line = QuoteLine(LineKind.NIGHT, stay.nights, Money(10_000, "eur"), total)
    price = json.dumps(Quote(stay.nights, 2, (line,), total).as_json())
    digits = "".join(_ALPHABET[number >> shift & 31] for shift in (30, 25, 20, 15, 10, 5, 0))
    states = ("confirmed", "paid", 0, 0, 0)
    guest = (f"Guest {number}", f"guest-{number % 50_000}@example.org", "", "")
    days = (stay.arrive.isoformat(), stay.leave.isoformat())
    keys = (f"hold-{number}", f"browser-{number}")
    place = (_listing_of(unit, shop), unit, *days, 2)
    return (number, "B" + digits, *place, *states, *keys, total.minor, "eur", price, _TERMS, *guest, *[stamp] * 3)


def _stays(chance: random.Random, shop: BigShop) -> Iterator[Stay]:
    day = shop.first + timedelta(days=chance.randint(0, 5))
    while day < shop.last:
        stay = Stay(day, day + timedelta(days=chance.choice((1, 2, 3, 4, 4, 5, 6, 7))))
        yield stay
        # On average so many empty nights behind a stay of four that the wanted share is taken.
        day = stay.leave + timedelta(days=chance.choice((0, 0, 1, 2, 3, 4, 9)))


def _occupancy(stays: Iterable[tuple[int, Stay]]) -> list[Row]:
    rows: dict[tuple[int, int], int] = defaultdict(int)
    for unit, stay in stays:
        for chunk, bits in bits_of(stay).items():
            rows[chunk, unit] |= bits
    return [(chunk, unit, rows[chunk, unit]) for chunk, unit in sorted(rows)]


def _listing_of(unit: int, shop: BigShop) -> int:
    return min(shop.listings, (unit - 1) // UNITS_OF_A_LISTING + 1)


def _stamp(day: date) -> str:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


# --- loading --------------------------------------------------------------------------------------------------------


def _load(connection: Connection, table: str, columns: str, rows: Iterable[Row]) -> None:
    usual = _usual(table, columns.split())
    names = ", ".join((*columns.split(), *usual))
    complete = ((*row, *usual.values()) for row in rows)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * (names.count(",") + 1))
        driver.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", complete)  # noqa: S608 (our own names)
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in complete:
            copy.write_row(row)


def _usual(table: str, given: Sequence[str]) -> dict[str, Any]:
    """What the shop's own code would write into the other columns."""
    others = [column for column in db.metadata.tables[table].columns if column.name not in given]
    values = {column.name: column.default.arg for column in others if column.default and column.default.is_scalar}
    return {name: getattr(value, "value", value) for name, value in values.items()}


def _settle(connection: Connection) -> None:
    """Rows with ids of their own were loaded: the next one must come after them."""
    if connection.dialect.name == "postgresql":
        for table in ("listing", "unit", "booking"):
            last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
            connection.execute(text(last))


def _analyse() -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if connection.dialect.name == "sqlite" else "VACUUM ANALYZE"))


def main(arguments: Sequence[str] | None = None) -> None:
    from booking import create_app

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=1000)
    today = datetime.now(UTC).date()
    shop = BigShop(parser.parse_args(arguments).units, today - timedelta(days=DAYS // 2))
    fill(create_app(), shop)


if __name__ == "__main__":
    main()
