"""How often pages ask the database: as often for a house of fifteen stays as for one of two."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask

from booking.domain.dates import Stay
from booking.domain.rates import Per
from booking.extensions import db
from booking.models import Booking, Fee, Photo
from tests.support.noting import engine_of, noting, selects
from tests.support.shop import ShiftedClock, Shop, Visitor, add_listing
from tests.web.admin_house import House

FEW, MANY = 2, 15
# How often each page asks, so that nothing creeps up for every house alike. What is on sale has been read before, as it
# has when somebody looked at any page since its last change: then one statement asks whether it still holds.
ASKED = {
    "/": 1,
    "/stays": 1,
    "/stays?sort=price": 1,
    "/stays?{dates}": 2,
    "/stays/stay-1": 2,
    "/stays/stay-1?arrive={arrive}": 2,
    "/stays/stay-1?{dates}": 4,
    "/stays/stay-1?{dates}0": 3,  # twenty guests: what lies near is looked for
    "/stays/stay-1/book?{dates}": 3,
    "/sitemap.xml": 1,
}
REVIEW, RETURN, TODAY_PAGE, CHART = 3, 22, 17, 6
TODAY = date(2027, 3, 1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


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


def asked_by(app: Flask, path: str) -> list[str]:
    """What one look at a page asks, when the shop has been looked at before, but this page is not kept."""
    app.extensions["holdfast_kept_pages"].most = 0
    arrive = ShiftedClock().today() + timedelta(days=60)
    dates = f"arrive={arrive}&leave={arrive + timedelta(days=3)}&guests=2"
    client, address = app.test_client(), path.format(dates=dates, arrive=arrive)
    client.get(address)
    with noting(engine_of(app)) as asked:
        answer = client.get(address)
    assert answer.status_code in (200, 422)
    return selects(asked)


@pytest.mark.parametrize("path", ASKED)
def test_a_page_of_a_large_house_asks_no_more_than_one_of_a_small_house(app: Flask, path: str) -> None:
    furnish(app, 1, FEW)
    few = asked_by(app, path)
    furnish(app, FEW + 1, MANY)
    many = asked_by(app, path)

    assert len(many) == len(few), "\n".join(many)
    assert len(many) == ASKED[path], "\n".join(many)


def test_review_and_return_ask_as_often_whatever_else_is_booked(small_shop: Shop) -> None:
    def asked() -> tuple[int, int]:
        stay = small_shop.stay(ahead=30 + 4 * small_shop.count(Booking))
        visitor = Visitor(small_shop.url)
        visitor.review_form("harbour-loft", stay)
        dates = {"arrive": stay.arrive.isoformat(), "leave": stay.leave.isoformat(), "guests": "2"}
        review = count(lambda: visitor.get("/stays/harbour-loft/review", **dates))
        booking_id = small_shop.book(stay, browser=f"browser {stay.arrive}")
        session_id = small_shop.session_of(booking_id)
        small_shop.pay(booking_id)
        small_shop.come_back(session_id)
        return review, count(lambda: small_shop.come_back(session_id))

    def count(look: Callable[[], requests.Response]) -> int:
        with noting(engine_of(small_shop.app)) as statements:
            assert look().status_code == 200
        return len(selects(statements))

    few = asked()
    for _ in range(3):
        asked()

    assert asked() == few == (REVIEW, RETURN)


def test_today_and_the_tape_chart_ask_as_often_whatever_they_show(house: House) -> None:
    client = house.ada()

    def asked(path: str) -> int:
        client.get(path)
        with noting(engine_of(house.app)) as statements:
            assert client.get(path).status_code == 200
        return len(selects(statements))

    def fill(days: range) -> tuple[int, int]:
        for ahead in days:
            house.book(Stay(TODAY + timedelta(days=ahead), TODAY + timedelta(days=ahead + 1)))
        return asked("/admin/"), asked("/admin/calendar")

    few = fill(range(3))

    assert fill(range(3, 15)) == few == (TODAY_PAGE, CHART)
