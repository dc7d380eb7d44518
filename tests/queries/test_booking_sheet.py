"""queries/booking_sheet on both databases: every booking once, in order, and never all of them at a time."""

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from booking import create_app
from booking.extensions import db
from booking.queries.booking_list import BookingOrder, BookingSearch
from booking.queries.booking_sheet import BOOKING_HEAD, ROWS_READ_AT_ONCE, read_booking_sheet
from tests.support.full_house import add_bookings, back_to_back
from tests.support.shop import add_listing, dispose, make_settings

FROM = date(2027, 3, 1)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(database_url))
    stays = list(back_to_back(FROM, date(2027, 8, 1), nights=1))
    add_bookings(app, add_listing(app, units=8), list(range(1, 9)), stays)
    yield app
    dispose(app)


def test_every_booking_is_read_once_in_the_order_asked_for(app: Flask) -> None:
    with app.app_context(), Session(db.engine) as session:
        rows = list(read_booking_sheet(session, BookingSearch(order=BookingOrder.LAST_ARRIVAL)))

    arrivals = [row[BOOKING_HEAD.index("Arrive")] for row in rows]
    assert len({row[0] for row in rows}) == len(rows) == 8 * 153
    assert arrivals == sorted(arrivals, reverse=True)
    assert {len(row) for row in rows} == {len(BOOKING_HEAD)}


def test_rows_are_fetched_as_they_are_wanted(app: Flask) -> None:
    with app.app_context(), Session(db.engine) as session:
        rows = read_booking_sheet(session, BookingSearch())
        next(iter(rows))

        if session.get_bind().dialect.name == "postgresql":
            assert session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1
        loaded = [instance for instance in session.identity_map.values() if hasattr(instance, "guest_name")]
        assert len(loaded) <= ROWS_READ_AT_ONCE < len(list(rows))
