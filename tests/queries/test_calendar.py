"""The months of one listing on a real database: runs of nights, days to begin and to end, rules in words."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.days import DayState
from booking.extensions import db
from booking.models import Closure, Listing, Night
from booking.queries.calendar import Choice, draw_months
from booking.queries.search import get_listing
from tests.support.shop import add_listing, make_settings

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
MARCH = date(2027, 3, 1)


@pytest.fixture
def house(database_url):
    app = create_app(make_settings(database_url))
    add_listing(app)
    add_listing(app, "dune-house", name="Dune House", min_nights=3, max_nights=14, notice_days=2, position=1)
    add_listing(app, "boathouse", units=2, name="Boathouse", position=2)
    with app.app_context():
        yield db.session()
        db.session.remove()
        db.engine.dispose()


def close(session, slug, first, last, unit=0):
    """Take nights of March off sale, `last` included."""
    stay = Stay(date(2027, 3, first), date(2027, 3, last + 1))
    chosen = session.scalars(select(Listing).where(Listing.slug == slug)).one().units[unit]
    closure = Closure(unit_id=chosen.id, arrive=stay.arrive, leave=stay.leave)
    session.add(closure)
    session.flush()
    session.add_all(Night(unit_id=chosen.id, day=night, closure_id=closure.id) for night in stay)
    session.commit()


def draw(session, slug="harbour-loft", choice=None, month=MARCH):
    return draw_months(session, get_listing(session, slug), month, choice or Choice(), NOW)


def cells(view, month=0):
    return {cell.day.day: cell for week in view.months[month].weeks for cell in week if cell}


def march(arrive, leave):
    return Stay(date(2027, 3, arrive), date(2027, 3, leave))


def test_taken_nights_their_edges_prices_and_the_months_around(house):
    close(house, "harbour-loft", 13, 14)

    view = draw(house)

    days = cells(view)
    assert [days[day].state.value for day in (12, 13, 14, 15)] == ["free", "leave_only", "taken", "free"]
    assert (days[13].starts, days[13].ends, days[14].starts, days[14].ends) == (True, False, False, True)
    assert (days[12].price.minor, days[15].price.minor) == (16400, 12800)
    assert (view.before, view.after) == (date(2027, 2, 1), date(2027, 5, 1))
    assert (view.has_leave_only, view.has_too_short) == (True, False)


def test_after_the_first_click_only_days_that_one_unit_reaches_can_end_the_stay_each_with_its_total(house):
    close(house, "harbour-loft", 13, 14)

    view = draw(house, choice=Choice(arrive=date(2027, 3, 10), guests=2))

    ends = {number: cell.would_be for number, cell in cells(view).items() if cell.would_be}
    assert list(ends) == [11, 12, 13]
    assert ends[13] == (march(10, 13), ends[13][1])
    assert ends[13][1].minor == 2 * 12800 + 16400 + 2 * 3 * 350
    assert (view.leave_days.first.day, view.leave_days.last.day) == (11, 13)
    assert view.arrival_problem is None


def test_no_day_of_arrival_is_offered_from_which_the_shortest_stay_does_not_fit(house):
    close(house, "dune-house", 13, 14)
    close(house, "dune-house", 17, 18)

    view = draw(house, "dune-house")

    days = cells(view)
    assert [days[number].state.value for number in (10, 11, 12, 13, 15, 16, 17, 19)] == [
        "free", "too_short", "too_short", "leave_only", "too_short", "too_short", "taken", "free",
    ]  # fmt: skip
    assert view.has_too_short
    assert [str(rule) for rule in view.rules] == [
        "The shortest stay here is 3 nights.",
        "The longest stay here is 14 nights.",
        "The earliest day of arrival is Tue 12 January 2027.",
        "Stays can be booked until Mon 3 July 2028.",
    ]


def test_an_arrival_that_cannot_be_is_answered_with_the_reason(house):
    close(house, "dune-house", 13, 14)

    view = draw(house, "dune-house", Choice(arrive=date(2027, 3, 11)))

    assert str(view.arrival_problem) == (
        "The shortest stay here is 3 nights, and fewer are free from Thu 11 March 2027."
    )
    assert view.leave_days is None
    assert not any(cell.would_be for cell in cells(view).values())


def test_the_last_day_to_leave_is_known_beyond_the_months_shown(house):
    view = draw(house, "dune-house", Choice(arrive=date(2027, 4, 28)), date(2027, 3, 1))

    assert view.leave_days.last == date(2027, 5, 12)


def test_a_chosen_stay_is_one_ribbon_over_the_weeks_with_a_day_to_leave_behind_it(house):
    close(house, "harbour-loft", 16, 20)

    days = cells(draw(house, choice=Choice(date(2027, 3, 12), march(12, 16))))

    assert [number for number, cell in days.items() if cell.in_stay] == [12, 13, 14, 15]
    assert [number for number, cell in days.items() if cell.in_stay and cell.starts] == [12]
    assert [number for number, cell in days.items() if cell.in_stay and cell.ends] == [15]
    assert [number for number, cell in days.items() if cell.is_leave] == [16]
    assert days[16].state is DayState.LEAVE_ONLY


def test_nights_that_are_taken_are_never_drawn_as_the_guests_own(house):
    close(house, "harbour-loft", 14, 15)

    days = cells(draw(house, choice=Choice(date(2027, 3, 12), march(12, 17))))

    assert (days[12].starts, days[13].ends) == (True, True)
    assert (days[14].starts, days[15].ends, days[16].starts, days[16].ends) == (True, True, True, True)


def test_a_listing_of_two_units_is_taken_when_both_are(house):
    close(house, "boathouse", 12, 15)
    close(house, "boathouse", 14, 16, unit=1)

    days = cells(draw(house, "boathouse"))

    assert [days[number].state.value for number in (12, 13, 14, 15, 16)] == [
        "free", "free", "leave_only", "taken", "free",
    ]  # fmt: skip


@pytest.mark.parametrize("month", [date(1, 1, 1), date(9999, 12, 1)])
def test_the_calendar_stays_where_nights_are_sold(house, month):
    view = draw(house, month=month)

    assert date(2027, 1, 1) <= view.months[0].first <= date(2028, 7, 1)


@pytest.mark.parametrize("arrive", [date(1, 1, 1), date(9999, 12, 31)])
def test_an_arrival_far_outside_of_what_is_sold_is_only_refused(house, arrive):
    view = draw(house, choice=Choice(arrive=arrive), month=None)

    assert view.arrival_problem
    assert view.leave_days is None
