"""queries/chart on both databases: what is sold is what the nights say."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, update

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.states import BookingStatus
from booking.extensions import db
from booking.models import Booking, Listing, Night, Unit
from booking.queries.chart import Chart, ChartRow, draw_chart
from tests.support.full_house import MADE, add_bookings, close
from tests.support.shop import add_listing, dispose, make_settings

FIRST = date(2027, 3, 1)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(database_url))
    add_listing(app, units=3)
    yield app
    dispose(app)


def stay(first: int, last: int) -> Stay:
    """From one day of March on, counted from the first, to another."""
    return Stay(FIRST + timedelta(days=first), FIRST + timedelta(days=last))


def draw(app: Flask) -> Chart:
    with app.app_context():
        return draw_chart(db.session(), FIRST, 14, MADE)


def rows(chart: Chart) -> dict[str, ChartRow]:
    return {row.unit: row for group in chart.groups for row in group.rows}


def told(row: ChartRow) -> str:
    """A letter for each night: of a booking, a closure, or a free one."""
    letters = ["." if bar.is_free else "b" if bar.booking else "c" for bar in row.bars]
    return "".join(letter * bar.strip.nights for letter, bar in zip(letters, row.bars, strict=True))


def test_each_unit_has_its_own_bookings_and_closures(app: Flask) -> None:
    add_bookings(app, 1, [1], [stay(-2, 2), stay(2, 5), stay(12, 20)])
    close(app, 2, stay(3, 6))

    drawn = rows(draw(app))

    assert told(drawn["Unit 1"]) == "bbbbb.......bb"
    assert told(drawn["Unit 2"]) == "...ccc........"
    assert told(drawn["Unit 3"]) == ".............."
    first, second, _free, last = drawn["Unit 1"].bars
    assert (first.strip.began_before, first.strip.goes_on) == (True, False)
    assert (second.strip.began_before, second.strip.goes_on) == (False, False)
    assert (last.strip.began_before, last.strip.goes_on) == (False, True)


def test_a_hold_that_has_run_out_takes_nothing(app: Flask) -> None:
    pending = {"status": BookingStatus.PENDING, "confirmed_at": None, "confirmed_via": None}
    add_bookings(app, 1, [1], [stay(0, 3)], hold_until=MADE - timedelta(seconds=1), **pending)
    held = add_bookings(app, 1, [2], [stay(0, 3)], reference="HELD0000", hold_key="other",
                        hold_until=MADE + timedelta(minutes=5), **pending)  # fmt: skip

    drawn = rows(draw(app))

    assert told(drawn["Unit 1"]) == ".............."
    assert told(drawn["Unit 2"]) == "bbb..........."
    assert drawn["Unit 2"].bars[0].booking.id == held[0]
    assert drawn["Unit 2"].bars[0].booking.is_hold


def test_the_nights_are_believed_and_not_the_booking(app: Flask) -> None:
    """A booking whose nights lie in another unit, or are gone, stands where they are, and is told of."""
    moved, short = add_bookings(app, 1, [1], [stay(0, 3), stay(5, 8)])
    with app.app_context():
        db.session.execute(update(Night).where(Night.booking_id == moved).values(unit_id=2))
        db.session.execute(delete(Night).where(Night.booking_id == short, Night.day == stay(6, 7).arrive))
        db.session.commit()

    chart = draw(app)

    assert told(rows(chart)["Unit 1"]) == ".....b.b......"
    assert told(rows(chart)["Unit 2"]) == "bbb..........."
    assert [(booking.id, booking.nights_kept) for booking in chart.conflicts] == [(short, 2)]


def test_a_confirmed_booking_without_any_night_is_a_conflict_and_a_cancelled_one_is_none(app: Flask) -> None:
    lost, _cancelled = add_bookings(app, 1, [1], [stay(0, 3), stay(5, 8)])
    with app.app_context():
        db.session.execute(delete(Night))
        db.session.execute(
            update(Booking).where(Booking.id != lost).values(status=BookingStatus.CANCELLED, cancel_reason="guest")
        )
        db.session.commit()

    assert [booking.id for booking in draw(app).conflicts] == [lost]


def test_a_unit_off_sale_is_shown_while_somebody_is_in_it(app: Flask) -> None:
    add_bookings(app, 1, [1], [stay(0, 3)])
    with app.app_context():
        db.session.execute(update(Unit).where(Unit.id.in_([1, 2])).values(is_active=False))
        db.session.commit()

    assert set(rows(draw(app))) == {"Unit 1", "Unit 3"}


def test_listings_of_one_name_are_two_groups(app: Flask) -> None:
    with app.app_context():
        twin = Listing(property_id=1, slug="twin", name="Harbour Loft", max_guests=2, nightly_minor=1, weekend_minor=1)
        db.session.add(Unit(listing=twin, name="Unit 9"))
        db.session.commit()

    assert [len(group.rows) for group in draw(app).groups] == [3, 1]


def test_the_agenda_has_each_strip_once_on_the_day_it_begins(app: Flask) -> None:
    add_bookings(app, 1, [1], [stay(-2, 2), stay(4, 6)])
    close(app, 2, stay(4, 5))

    agenda = [(day, len(bars)) for day, bars in draw(app).agenda]

    assert agenda == [(FIRST, 1), (stay(4, 5).arrive, 2)]
