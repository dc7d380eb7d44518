"""What the benchmarks judge by: ratios with their noise, and a shop that is always the same."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from benchmarks.big_shop import DAYS, OCCUPIED, SOLO, BigShop, fill
from benchmarks.performance import GOALS, table
from benchmarks.ratios import Goal, Measured
from booking.extensions import db
from booking.models import Booking, Listing, Night, Unit

SHOP = BigShop(units=40, first=date(2026, 6, 1))
LEAST, MOST = Goal("hold", "a hold", 0.5), Goal("search", "a search", 20.0, is_least=False)


@pytest.mark.parametrize(
    ("goal", "ratios", "is_missed"),
    [
        (LEAST, [0.6, 0.6, 0.6, 0.6], False),
        (LEAST, [0.4, 0.4, 0.4, 0.4], True),
        (LEAST, [0.3, 0.45, 0.45, 0.7], False),  # by less than the noise
        (MOST, [10.0, 10.0, 10.0, 10.0], False),
        (MOST, [30.0, 30.0, 30.0, 30.0], True),
        (LEAST, [0.4], True),  # of one round nobody knows the noise
    ],
)
def test_a_goal_is_missed_by_more_than_the_noise(goal: Goal, ratios: list[float], is_missed: bool) -> None:
    assert goal.is_missed(Measured(goal.what, "sqlite", 100, ratios, 1.0)) is is_missed


def test_each_goal_has_a_row_for_each_shop_that_it_is_about() -> None:
    found = [
        Measured("results", database, units, [0.3] * 4, 2.0)
        for database in ("sqlite", "postgresql")
        for units in (100, 10_000)
    ]
    rows = [row for row in table(found).splitlines() if row.startswith("| results")]

    assert [row.split("|")[2].strip() for row in rows] == ["100 units", "100 units", "10,000 units", "10,000 units"]
    assert len({(goal.what, goal.database, goal.units) for goal in GOALS}) == len(GOALS)


def test_the_big_shop_is_as_full_as_it_says_and_the_same_each_time(app: Flask) -> None:
    fill(app, SHOP)

    with app.app_context():
        nights = db.session.scalars(select(func.count()).select_from(Night)).one()
        assert nights / SHOP.units / DAYS == pytest.approx(OCCUPIED, abs=0.03)
        assert db.session.scalars(select(func.count()).select_from(Listing)).one() == 4 + 1
        assert db.session.scalars(select(func.count()).select_from(Unit)).one() == 40 + 1
        first = db.session.scalars(select(Booking).order_by(Booking.id).limit(1)).one()
        assert (first.arrive, first.leave) == (date(2026, 6, 5), date(2026, 6, 12))


def test_pages_of_the_big_shop_can_be_looked_at(app: Flask) -> None:
    fill(app, SHOP)

    for path in ("/stays", f"/stays/{SOLO}"):
        assert app.test_client().get(path).status_code == 200
