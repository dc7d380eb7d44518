"""How often pages ask the database: as often for a house of fifteen stays as for one of two."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from booking.domain.rates import Per
from booking.extensions import db
from booking.models import Fee, Photo
from tests.support.shop import ShiftedClock, add_listing

FEW, MANY = 2, 15
# Seasons, days, discounts, fees, taxes, extras and stay rules: one statement for each.
TERMS = 7
# The most that each page may ask, so that none creeps up for every house alike.
MOST = {
    "/": 4 + TERMS,
    "/stays": 3 + TERMS,
    "/stays?sort=price": 3 + TERMS,
    "/stays?{dates}": 4 + TERMS,
    "/stays/stay-1": 5 + TERMS,
    "/stays/stay-1?arrive={arrive}": 5 + TERMS,
    "/stays/stay-1?{dates}": 9 + 2 * TERMS,
    "/stays/stay-1?{dates}0": 10 + 2 * TERMS,  # twenty guests: what lies near is looked for
    "/stays/stay-1/book?{dates}": 5 + TERMS,
    "/sitemap.xml": 2 + TERMS,
}


def furnish(app: Flask, first: int, last: int) -> None:
    """Stays with two units, three pictures and a fee each."""
    for number in range(first, last + 1):
        listing_id = add_listing(app, f"stay-{number}", units=2, name=f"Stay {number}")
        with app.app_context():
            db.session.add(Fee(listing_id=listing_id, name="Dog", amount_minor=500, per=Per.STAY))
            for digit in "abc":
                seen = {"digest": digit * 64, "width": 1600, "height": 1000, "colour": "#aabbcc"}
                db.session.add(Photo(listing_id=listing_id, **seen))
            db.session.commit()


@contextmanager
def noting(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def selects(app: Flask, path: str) -> list[str]:
    """What one look at a page asks, when the shop has been looked at before."""
    arrive = ShiftedClock().today() + timedelta(days=60)
    dates = f"arrive={arrive}&leave={arrive + timedelta(days=3)}&guests=2"
    client = app.test_client()
    with noting(app) as asked:
        answer = client.get(path.format(dates=dates, arrive=arrive))
    assert answer.status_code in (200, 422)
    return [statement for statement in asked if statement.startswith("SELECT")]


@pytest.mark.parametrize("path", MOST)
def test_a_page_of_a_large_house_asks_no_more_than_one_of_a_small_house(app: Flask, path: str) -> None:
    furnish(app, 1, FEW)
    few = selects(app, path)
    furnish(app, FEW + 1, MANY)
    many = selects(app, path)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST[path], "\n".join(many)
