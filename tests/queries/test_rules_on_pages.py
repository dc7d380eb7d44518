"""Stay rules as rows: what search, calendar and nearest stays make of them, on a real database."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from time import perf_counter

import pytest
from sqlalchemy import select

from booking import create_app
from booking.domain.dates import Stay
from booking.extensions import db
from booking.models import Closure, Listing, Night, StayRule
from booking.queries.calendar import Choice, draw_months
from booking.queries.nearby import Declined, find_nearby
from booking.queries.search import Offer, find_page, find_stay
from tests.support.shop import add_listing, make_settings

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
FIRST = date(2027, 2, 1)
SATURDAY = "5"


@pytest.fixture
def house(database_url):
    app = create_app(make_settings(database_url))
    add_listing(app, units=2)
    with app.app_context():
        yield db.session()
        db.session.remove()
        db.engine.dispose()


def loft(session) -> Listing:
    return session.scalars(select(Listing).where(Listing.slug == "harbour-loft")).one()


def add_range(session, first, last, **rules):
    session.add(StayRule(listing_id=loft(session).id, name="Own", first_on=first, last_on=last, **rules))
    session.commit()
    session.expire_all()


def change(session, **columns):
    for name, value in columns.items():
        setattr(loft(session), name, value)
    session.commit()


def close(session, unit, first, nights):
    stay = Stay(first, first + timedelta(days=nights))
    closure = Closure(unit_id=loft(session).units[unit].id, arrive=stay.arrive, leave=stay.leave)
    session.add(closure)
    session.flush()
    session.add_all(Night(unit_id=closure.unit_id, day=night, closure_id=closure.id) for night in stay)
    session.commit()


def test_who_asks_for_a_weekday_in_summer_is_shown_the_weeks_around_it(house):
    add_range(house, date(2027, 7, 1), date(2027, 8, 31), min_nights=7, arrive_on=SATURDAY, leave_on=SATURDAY)

    answer = find_stay(house, loft(house), Stay(date(2027, 7, 6), date(2027, 7, 9)), 2, NOW)

    assert isinstance(answer, Declined)
    assert (answer.field, str(answer.reason).endswith("stays begin only on Saturday.")) == ("arrive", True)
    assert [(near.arrive.isoformat(), near.nights) for near in answer.near] == [
        ("2027-07-03", 7), ("2027-07-10", 7), ("2027-06-30", 3),
    ]  # fmt: skip


def test_the_calendar_tells_no_arrival_and_longer_stays_and_where_one_may_leave(house):
    add_range(house, date(2027, 7, 1), date(2027, 7, 31), min_nights=7, arrive_on=SATURDAY, leave_on=SATURDAY)

    view = draw_months(house, loft(house), date(2027, 7, 1), Choice(arrive=date(2027, 7, 3)), NOW)

    days = {cell.day.day: cell for week in view.months[0].weeks for cell in week if cell}
    assert [days[number].state.value for number in (2, 3, 4)] == ["no_arrival", "free", "no_arrival"]
    assert days[3].shortest == 7
    assert [number for number, cell in days.items() if cell.would_be] == [10, 17, 24, 31]
    assert (view.leave_days.has_holes, view.min_nights, view.has_no_arrival) == (True, None, True)


def test_where_a_rule_looks_at_neighbours_search_and_stay_page_say_the_same(house):
    change(house, avoid_gaps=True, min_nights=3)
    close(house, 0, date(2027, 3, 10), 1)
    close(house, 1, date(2027, 3, 10), 1)
    stay = Stay(date(2027, 3, 12), date(2027, 3, 15))

    one, page = find_stay(house, loft(house), stay, 2, NOW), find_page(house, stay, 2, NOW)

    assert isinstance(one, Declined)
    assert str(one.reason) == "These dates would leave a gap of 1 night that is too short for another stay."
    assert [entry.reason for entry in page.declined] == [one.reason]
    assert [near.stay.arrive.day for near in one.near] == [11, 14, 15]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_rules_every_nearest_stay_can_be_booked(house, seed):
    dice = Random(seed)
    change(
        house, min_nights=dice.randint(1, 4), avoid_gaps=dice.random() < 0.5, turnover_days=dice.randint(0, 2),
        leave_on="".join(sorted(dice.sample("0123456", dice.randint(2, 7)))),
    )  # fmt: skip
    for _ in range(dice.randint(0, 3)):
        first = FIRST + timedelta(days=dice.randint(0, 50))
        weekdays = dice.choice([None, "".join(sorted(dice.sample("0123456", dice.randint(1, 5))))])
        add_range(
            house, first, first + timedelta(days=dice.randint(3, 30)), min_nights=dice.choice([None, 2, 5]),
            arrive_on=weekdays, turnover_days=dice.choice([None, 0, 3]), every_night=dice.random() < 0.5,
        )  # fmt: skip
    close(house, 0, FIRST + timedelta(days=dice.randint(5, 20)), dice.randint(1, 9))
    close(house, 1, FIRST + timedelta(days=dice.randint(5, 20)), dice.randint(1, 9))

    for _ in range(4):
        arrive = FIRST + timedelta(days=dice.randint(0, 40))
        wanted = Stay(arrive, arrive + timedelta(days=dice.randint(1, 8)))
        for near in find_nearby(house, loft(house), wanted, 2, NOW):
            answer = find_stay(house, loft(house), near.stay, 2, NOW)
            assert isinstance(answer, Offer), (wanted, near.stay, str(getattr(answer, "reason", "")))
            assert answer.total == near.total


def test_a_calendar_with_the_hardest_rules_is_drawn_in_time(house):
    change(house, avoid_gaps=True, turnover_days=2, max_nights=90, leave_on="0")
    for number in range(6):
        first = FIRST + timedelta(days=20 * number)
        add_range(house, first, first + timedelta(days=40), min_nights=30, arrive_on="1", every_night=True)
    listing = loft(house)
    draw_months(house, listing, FIRST, Choice(), NOW)

    began = perf_counter()
    draw_months(house, listing, FIRST, Choice(arrive=FIRST + timedelta(days=1)), NOW)

    assert perf_counter() - began < 2  # a bound against what grows without end, not a measurement
