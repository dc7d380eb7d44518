"""Offers, reasons against, and free dates nearby, on a real database."""

from datetime import UTC, date, datetime

import pytest

from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.extensions import db
from booking.models import Closure, Listing, Night
from booking.queries.calendar import Choice, draw_months
from booking.queries.search import Declined, Offer, find_stay, find_stays, get_listing
from tests.support.shop import add_listing

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
STAY = Stay(date(2027, 3, 12), date(2027, 3, 16))


@pytest.fixture
def house(app):
    add_listing(app)
    add_listing(app, "dune-house", name="Dune House", max_guests=6, min_nights=5, position=1)
    with app.app_context():
        yield db.session()


def close(session, slug, stay):
    listing = get_listing(session, slug)
    unit = listing.units[0]
    closure = Closure(unit_id=unit.id, arrive=stay.arrive, leave=stay.leave)
    session.add(closure)
    session.flush()
    session.add_all(Night(unit_id=unit.id, day=night, closure_id=closure.id) for night in stay)
    session.commit()


def test_a_free_stay_is_an_offer_with_the_total_and_dated_terms(house):
    offer = find_stay(house, get_listing(house, "harbour-loft"), STAY, 2, NOW)

    assert isinstance(offer, Offer)
    assert offer.total.minor == 2 * 16400 + 2 * 12800 + 2 * 4 * 350
    assert offer.free_until == date(2027, 3, 5)
    assert [step.refund.minor for step in offer.steps] == [61200, 30600]
    assert offer.per_night.minor == 15300


def test_steps_that_have_passed_are_not_promised(house):
    offer = find_stay(house, get_listing(house, "harbour-loft"), STAY, 2, datetime(2027, 3, 7, 12, tzinfo=UTC))

    assert isinstance(offer, Offer)
    assert offer.free_until is None
    assert [step.last_day for step in offer.steps] == [date(2027, 3, 10)]


def test_a_taken_stay_comes_with_the_nearest_that_really_are_free(house):
    close(house, "harbour-loft", Stay(date(2027, 3, 13), date(2027, 3, 15)))

    answer = find_stay(house, get_listing(house, "harbour-loft"), STAY, 2, NOW)

    assert isinstance(answer, Declined)
    assert answer.field is None
    assert answer.near[0] == STAY.shifted(3)
    assert answer.near[1] == STAY.shifted(-3)


def test_each_listing_is_an_offer_or_says_why_not(house):
    result = find_stays(house, STAY, 2, NOW)

    assert [offer.listing.slug for offer in result.offers] == ["harbour-loft"]
    assert [declined.reason for declined in result.declined] == ["The shortest stay here is 5 nights."]


@pytest.mark.parametrize(
    ("stay", "guests", "field"),
    [(STAY, 7, "guests"), (Stay(date(2027, 1, 8), date(2027, 1, 12)), 2, "arrive")],
)
def test_what_no_listing_can_take_is_said_once(house, stay, guests, field):
    with pytest.raises(StayRuleBroken) as refusal:
        find_stays(house, stay, guests, NOW)

    assert refusal.value.details["field"] == field


@pytest.mark.parametrize("slug", ["nowhere", "", "harbour\0loft-", "x" * 5000])
def test_an_unknown_listing_is_not_found(house, slug):
    with pytest.raises(ListingNotFound):
        get_listing(house, slug)


def test_a_listing_off_sale_is_not_found(house):
    house.get_one(Listing, get_listing(house, "dune-house").id).is_active = False
    house.commit()

    with pytest.raises(ListingNotFound):
        get_listing(house, "dune-house")


def test_the_calendar_shows_taken_nights_their_edges_and_the_day_to_leave(house):
    close(house, "harbour-loft", Stay(date(2027, 3, 13), date(2027, 3, 15)))

    view = draw_months(house, get_listing(house, "harbour-loft"), date(2027, 3, 1), Choice(), NOW)

    days = {cell.day.day: cell for week in view.months[0].weeks for cell in week if cell}
    assert [days[day].state.value for day in (12, 13, 14, 15)] == ["free", "leave_only", "taken", "free"]
    assert (days[13].starts, days[13].ends, days[14].starts, days[14].ends) == (True, False, False, True)
    assert (days[12].price.minor, days[15].price.minor) == (16400, 12800)
    assert (view.before, view.after) == (date(2027, 2, 1), date(2027, 5, 1))


def test_after_the_first_click_only_days_that_one_unit_reaches_can_end_the_stay(house):
    close(house, "harbour-loft", Stay(date(2027, 3, 13), date(2027, 3, 15)))

    view = draw_months(house, get_listing(house, "harbour-loft"), None, Choice(arrive=date(2027, 3, 10)), NOW)

    ends = [cell.day.day for week in view.months[0].weeks for cell in week if cell and cell.can_end]
    assert ends == [11, 12, 13]


@pytest.mark.parametrize("month", [date(1, 1, 1), date(9999, 12, 1)])
def test_the_calendar_stays_where_nights_are_sold(house, month):
    view = draw_months(house, get_listing(house, "harbour-loft"), month, Choice(), NOW)

    assert date(2027, 1, 1) <= view.months[0].first <= date(2028, 7, 1)


def test_a_listing_with_two_units_is_free_until_the_last_is_taken(house, app):
    add_listing(app, "boathouse", units=2, name="Boathouse", position=2)
    close(house, "boathouse", STAY)

    answer = find_stay(house, get_listing(house, "boathouse"), STAY, 2, NOW)

    assert isinstance(answer, Offer)
