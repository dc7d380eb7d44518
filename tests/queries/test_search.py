"""Offers, reasons against, and what near the wanted nights does fit, on a real database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from booking import create_app
from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, StayRuleBroken
from booking.extensions import db
from booking.models import Closure, Listing, Night
from booking.queries.nearby import Declined, find_nearby
from booking.queries.search import (
    PAGE_SIZE,
    Offer,
    Order,
    Pager,
    find_page,
    find_shelf,
    find_stay,
    find_stays,
    get_listing,
)
from tests.support.noting import noting, selects
from tests.support.shop import MemoryMailer, ShiftedClock, add_listing, dispose, make_settings, outfit

NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
# Seasons, days, discounts, fees, taxes, extras and stay rules: one statement for each.
TERMS = 7
STAY = Stay(date(2027, 3, 12), date(2027, 3, 16))


@pytest.fixture
def app(database_url):
    """The app on each of the two databases."""
    app = create_app(make_settings(database_url, stripe_api_base="http://127.0.0.1:1"))
    outfit(app, ShiftedClock(), MemoryMailer())
    yield app
    dispose(app)


@pytest.fixture
def house(app):
    add_listing(app)
    add_listing(app, "dune-house", name="Dune House", max_guests=6, min_nights=5, position=1)
    with app.app_context():
        yield db.session()


def close(session, slug, stay):
    unit = session.scalars(select(Listing).where(Listing.slug == slug)).one().units[0]
    closure = Closure(unit_id=unit.id, arrive=stay.arrive, leave=stay.leave)
    session.add(closure)
    session.flush()
    session.add_all(Night(unit_id=unit.id, day=night, closure_id=closure.id) for night in stay)
    session.commit()


def march(arrive, leave):
    return Stay(date(2027, 3, arrive), date(2027, 3, leave))


# --- one stay -------------------------------------------------------------------------------------------------------


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


def test_a_taken_stay_comes_with_the_nearest_that_really_are_free_and_their_prices(house):
    listing = get_listing(house, "harbour-loft")
    close(house, "harbour-loft", march(13, 15))

    answer = find_stay(house, listing, STAY, 2, NOW)

    assert isinstance(answer, Declined)
    assert answer.field is None
    assert [near.stay for near in answer.near] == [STAY.shifted(3), STAY.shifted(-3), STAY.shifted(4)]
    for near in answer.near:
        offer = find_stay(house, listing, near.stay, 2, NOW)
        assert isinstance(offer, Offer)
        assert offer.total == near.total


def test_a_taken_stay_comes_with_the_longest_part_of_it_that_is_free(house):
    close(house, "harbour-loft", march(13, 14))

    answer = find_stay(house, get_listing(house, "harbour-loft"), STAY, 2, NOW)

    assert isinstance(answer, Declined)
    assert answer.shorter is not None
    assert answer.shorter.stay == march(14, 16)
    assert answer.shorter.total.minor == 2 * 12800 + 2 * 2 * 350


def test_a_part_that_is_shorter_than_the_rules_allow_is_not_offered(house):
    close(house, "dune-house", march(13, 14))

    answer = find_stay(house, get_listing(house, "dune-house"), march(12, 18), 2, NOW)

    assert isinstance(answer, Declined)
    assert answer.shorter is None


def test_a_stay_that_is_too_short_comes_with_one_from_the_same_day_that_is_long_enough(house):
    answer = find_stay(house, get_listing(house, "dune-house"), STAY, 2, NOW)

    assert isinstance(answer, Declined)
    assert str(answer.reason) == "The shortest stay here is 5 nights."
    assert answer.field == "leave"
    assert answer.near[0].stay == march(12, 17)


def test_a_longer_stay_is_checked_on_the_nights_that_were_not_asked_for_too(house):
    close(house, "dune-house", march(16, 17))

    answer = find_stay(house, get_listing(house, "dune-house"), STAY, 2, NOW)

    assert isinstance(answer, Declined)
    assert answer.near[0].stay == march(11, 16)


def test_nothing_nearby_is_offered_to_more_guests_than_sleep_there(house):
    answer = find_stay(house, get_listing(house, "harbour-loft"), STAY, 5, NOW)

    assert isinstance(answer, Declined)
    assert (answer.field, answer.near, answer.shorter) == ("guests", (), None)


@pytest.mark.parametrize("stay", [Stay(date(1, 1, 1), date(1, 1, 3)), Stay(date(9999, 12, 29), date(9999, 12, 31))])
def test_the_ends_of_the_calendar_have_nothing_nearby_and_break_nothing(house, stay):
    assert find_nearby(house, get_listing(house, "dune-house"), stay, 2, NOW) == ()


def test_a_listing_with_two_units_is_free_until_the_last_is_taken(house, app):
    add_listing(app, "boathouse", units=2, name="Boathouse", position=2)
    close(house, "boathouse", STAY)

    answer = find_stay(house, get_listing(house, "boathouse"), STAY, 2, NOW)

    assert isinstance(answer, Offer)


# --- all stays ------------------------------------------------------------------------------------------------------


def test_each_listing_is_an_offer_or_says_why_not(house):
    result = find_stays(house, STAY, 2, NOW)

    assert [offer.listing.slug for offer in result.offers] == ["harbour-loft"]
    assert [str(declined.reason) for declined in result.declined] == ["The shortest stay here is 5 nights."]


@pytest.mark.parametrize(
    ("stay", "guests", "field", "words"),
    [
        (STAY, 7, "guests", "Our largest stay sleeps 6."),
        (Stay(date(2027, 1, 8), date(2027, 1, 12)), 2, "arrive", "The day of arrival has passed."),
        (Stay(date(2027, 3, 1), date(2027, 4, 10)), 2, "leave", "The longest stay here is 30 nights."),
        (Stay(date(2028, 7, 1), date(2028, 7, 5)), 2, "leave", "Stays can be booked until Mon 3 July 2028."),
    ],
)
def test_what_no_listing_can_take_is_said_once(house, stay, guests, field, words):
    with pytest.raises(StayRuleBroken) as refusal:
        find_page(house, stay, guests, NOW)

    assert refusal.value.details["field"] == field
    assert refusal.value.user_message == words


def test_where_nothing_is_free_the_nearest_over_all_listings_and_the_longest_part_are_found(house, app):
    add_listing(app, "cabin", name="Cabin", nightly_minor=5000, weekend_minor=5000, position=2)
    close(house, "harbour-loft", march(10, 20))
    close(house, "cabin", march(12, 13))

    page = find_page(house, STAY, 2, NOW)

    assert page.free == 0
    assert [(near.listing.slug, near.stay) for near in page.nearest] == [
        ("dune-house", march(12, 17)),
        ("dune-house", march(11, 16)),
        ("cabin", march(13, 17)),
    ]
    assert page.shorter is not None
    assert (page.shorter.listing.slug, page.shorter.stay) == ("cabin", march(13, 16))
    assert [str(reason) for reason in page.reasons] == [
        "Not free on all of these nights.",
        "The shortest stay here is 5 nights.",
    ]


def test_where_something_is_free_the_nearest_stands_with_each_stay_that_is_not(house):
    page = find_page(house, STAY, 2, NOW)

    assert (page.free, page.nearest, page.shorter) == (1, (), None)
    assert page.declined[0].near[0].stay == march(12, 17)


def test_stays_can_be_put_in_order_of_price_and_of_size(house, app):
    add_listing(app, "cabin", name="Cabin", nightly_minor=5000, weekend_minor=5000, max_guests=2, position=2)
    week = march(12, 19)

    orders = {order: [offer.listing.slug for offer in find_page(house, week, 2, NOW, order).offers] for order in Order}
    shelves = {order: [listing.slug for listing in find_shelf(house, NOW, order).listings] for order in Order}

    expected = {
        Order.HOUSE: ["harbour-loft", "dune-house", "cabin"],
        Order.PRICE: ["cabin", "harbour-loft", "dune-house"],
        Order.SIZE: ["dune-house", "harbour-loft", "cabin"],
    }
    assert orders == expected
    assert shelves == expected


def test_a_long_list_comes_in_pages_and_what_is_free_comes_first(house, app):
    for number in range(PAGE_SIZE):
        add_listing(app, f"room-{number}", name=f"Room {number}", position=2 + number)
    close(house, "harbour-loft", STAY)

    first, second, beyond = (find_page(house, STAY, 2, NOW, number=number) for number in (1, 2, 99))

    assert (len(first.offers), len(first.declined)) == (PAGE_SIZE, 0)
    assert [declined.listing.slug for declined in second.declined] == ["harbour-loft", "dune-house"]
    assert (first.pager, second.pager) == (Pager(1, 2), Pager(2, 2))
    assert beyond == second
    assert [find_shelf(house, NOW, number=number).pager.next for number in (1, 2)] == [2, None]


@pytest.mark.parametrize("taken", [False, True])
def test_a_page_of_many_stays_takes_no_more_statements_than_one_of_few(house, app, taken):
    for number in range(12):
        add_listing(app, f"room-{number}", name=f"Room {number}", min_nights=7 if taken else 1, position=2 + number)
    if taken:
        close(house, "harbour-loft", STAY)
    house.expunge_all()
    with noting(db.engine) as asked:
        page = find_page(house, STAY, 2, NOW)

    assert [listing.cover for listing in (entry.listing for entry in (*page.offers, *page.declined))] == [None] * 14
    assert len(selects(asked)) <= 7 + 7  # the last: all that prices and rules are made of


@pytest.mark.parametrize("slug", ["nowhere", "", "harbour\0loft-", "x" * 5000])
def test_an_unknown_listing_is_not_found(house, slug):
    with pytest.raises(ListingNotFound):
        get_listing(house, slug)


def test_a_listing_off_sale_is_not_found(house):
    house.get_one(Listing, get_listing(house, "dune-house").id).is_active = False
    house.commit()

    with pytest.raises(ListingNotFound):
        get_listing(house, "dune-house")


def test_an_empty_house_has_an_empty_page(app):
    with app.app_context():
        page = find_page(db.session(), STAY, 2, NOW)
        shelf = find_shelf(db.session(), NOW)

    assert (page.offers, page.declined, page.sold, shelf.listings, shelf.sold) == ((), (), None, (), None)


def test_a_search_can_be_about_today_up_to_the_last_day_that_any_stay_is_sold(house, app):
    add_listing(app, "cabin", name="Cabin", horizon_days=600, position=2)

    sold = find_shelf(house, NOW).sold

    assert sold is not None
    assert (sold.first, sold.last) == (NOW.date(), NOW.date() + timedelta(days=600))
