"""Search by occupancy says what the plain look at every night says, whatever was taken, held, moved and given back."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from booking import create_app
from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.occupancy import STEP, chunk_of, first_day
from booking.extensions import db
from booking.models import Closure, Night, Occupancy, Unit
from booking.queries.nights import free_listings
from booking.queries.occupancy import all_units, find_drift
from booking.services.nights import claim_nights, drop_nights, free_nights
from tests.support.free_units import free_units_by_listing
from tests.support.full_house import add_bookings
from tests.support.noting import noting
from tests.support.shop import add_listing, dispose, make_settings

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
FIRST = first_day(chunk_of(NOW.date()) + 1)
OWNERS = 4
# Mostly short ones, and some that no single window holds; many begin or end where a window does.
DAYS = st.one_of(
    st.integers(0, 5 * STEP), st.builds(lambda n, by: n * STEP + by, st.integers(1, 4), st.integers(-2, 2))
)
NIGHTS = st.one_of(st.integers(1, 9), st.sampled_from((30, 31, 32, 33, 61, 62, 63, 95)))
STAYS = st.builds(lambda ahead, nights: Stay(FIRST + timedelta(ahead), FIRST + timedelta(ahead + nights)), DAYS, NIGHTS)
STEPS = st.tuples(
    st.sampled_from(("confirm", "hold", "lapsed", "close", "cancel", "reopen", "move", "leave")),
    st.integers(0, 3),
    STAYS,
)


@pytest.fixture
def house(database_url: str) -> Iterator[Flask]:
    """Three listings with two, one and no active unit, and a few bookings that own nothing yet."""
    app = create_app(make_settings(database_url))
    for number, slug in enumerate(("loft", "mill", "barn")):
        add_listing(app, slug, name=slug.title(), position=number)
    with app.app_context():
        db.session.add(Unit(listing_id=1, name="Another", position=2))
        db.session.execute(update(Unit).where(Unit.listing_id == 3).values(is_active=False))
        db.session.commit()
        units = list(db.session.scalars(select(Unit.id).order_by(Unit.id)))
    far = [Stay(date(2040, 1, day), date(2040, 1, day + 1)) for day in range(1, OWNERS + 1)]
    add_bookings(app, 1, units[:1], far)
    with app.app_context():
        yield app
    dispose(app)


def do(step: str, number: int, stay: Stay) -> None:
    with transaction() as session:
        units = list(session.scalars(select(Unit.id).order_by(Unit.id)))
        WAYS[step](session, units[number], number % OWNERS + 1, stay)


def hold(session: Session, unit_id: int, booking_id: int, stay: Stay, minutes: int = 35) -> None:
    own = select(Night.day).where(Night.booking_id == booking_id, Night.hold_until.is_(None))
    if session.scalars(own).first() is None:  # what a booking has for good is not held anew
        until = NOW + timedelta(minutes=minutes)
        claim_nights(session, unit_id, stay, NOW, booking_id=booking_id, hold_until=until)


def lapsed(session: Session, unit_id: int, booking_id: int, stay: Stay) -> None:
    hold(session, unit_id, booking_id, stay, minutes=-1)


def confirm(session: Session, unit_id: int, booking_id: int, stay: Stay) -> None:
    claim_nights(session, unit_id, stay, NOW, booking_id=booking_id)


def close(session: Session, unit_id: int, _: int, stay: Stay) -> None:
    closure = Closure(unit_id=unit_id, arrive=stay.arrive, leave=stay.leave)
    session.add(closure)
    session.flush()
    claim_nights(session, unit_id, stay, NOW, closure_id=closure.id)


def cancel(session: Session, _unit: int, booking_id: int, _stay: Stay) -> None:
    free_nights(session, booking_id=booking_id)


def move(session: Session, unit_id: int, booking_id: int, stay: Stay) -> None:
    if claim_nights(session, unit_id, stay, NOW, booking_id=booking_id):
        free_nights(session, booking_id=booking_id, except_unit_id=unit_id)


def leave(session: Session, _: int, booking_id: int, stay: Stay) -> None:
    drop_nights(session, Night.booking_id == booking_id, Night.day >= stay.arrive)


def reopen(session: Session, unit_id: int, _booking: int, _stay: Stay) -> None:
    drop_nights(session, Night.closure_id.is_not(None), Night.unit_id == unit_id)


WAYS: dict[str, Callable[[Session, int, int, Stay], None]] = {
    way.__name__: way for way in (hold, lapsed, confirm, close, cancel, move, leave, reopen)
}


def clear() -> None:
    with transaction() as session:
        for table in (Night, Occupancy, Closure):
            session.execute(delete(table))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=8), asked=st.lists(STAYS, min_size=1, max_size=6))
def test_search_says_what_the_nights_say(house: Flask, steps: list[tuple[str, int, Stay]], asked: list[Stay]) -> None:
    clear()
    for step in steps:
        do(*step)

    session = db.session()
    for stay in (*asked, *(stay for _, _, stay in steps)):
        for now in (NOW, NOW + timedelta(hours=2)):  # when every hold has run out
            assert free_listings(session, stay, now) == set(free_units_by_listing(session, stay, now)), (stay, now)
    assert [drift for units in all_units(session) for drift in find_drift(session, units)] == []
    db.session.remove()


def test_control_bits_that_are_wrong_would_be_noticed(house: Flask) -> None:
    stay = Stay(FIRST, FIRST + timedelta(days=3))
    clear()
    do("confirm", 1, stay)
    with transaction() as session:
        session.execute(update(Occupancy).values(bits=0))

    assert 2 in free_listings(db.session(), stay, NOW)
    assert 2 not in free_units_by_listing(db.session(), stay, NOW)


def test_a_unit_that_comes_or_goes_is_seen_by_the_next_search(house: Flask) -> None:
    stay = Stay(FIRST, FIRST + timedelta(days=3))
    before = free_listings(db.session(), stay, NOW)
    with transaction() as session:
        session.scalars(select(Unit).where(Unit.listing_id == 3)).one().is_active = True
        session.scalars(select(Unit).where(Unit.listing_id == 2)).one().is_active = False

    assert (before, free_listings(db.session(), stay, NOW)) == ({1, 2}, {1, 3})


@pytest.mark.parametrize("nights", [3, 200])
def test_it_takes_one_statement_however_long_the_stay(house: Flask, nights: int) -> None:
    stay = Stay(FIRST, FIRST + timedelta(days=nights))
    free_listings(db.session(), stay, NOW)
    with noting(db.engine) as asked:
        free_listings(db.session(), stay, NOW)

    assert len([statement for statement, _ in asked if "occupancy" in statement]) == 1
    assert len([statement for statement, _ in asked if "FROM unit" in statement]) == 0
