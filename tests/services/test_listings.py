"""services/listings.py: closing nights never takes one that somebody has."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, ListingNotFound, StayRuleBroken
from booking.models import Closure, Night
from booking.services.listings import close_nights, reopen_nights
from tests.web.admin_house import ADA, FIRST, NOW, House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with house.app.app_context():
        yield house


def test_closing_takes_every_night_but_the_last_morning(house: House) -> None:
    closure_id = close_nights(house.runtime, house.unit_id, FIRST, "Painting", ADA)

    with house.rows() as session:
        nights = session.query(Night).filter_by(closure_id=closure_id).order_by(Night.day).all()
        taken = [(night.day, night.hold_until) for night in nights]
    assert taken == [(day, None) for day in FIRST]


def test_closing_refuses_when_one_night_is_booked_and_says_whose(house: House) -> None:
    booking_id = house.book(Stay(date(2027, 3, 14), date(2027, 3, 18)))

    with pytest.raises(DatesUnavailable) as refused:
        close_nights(house.runtime, house.unit_id, FIRST, "Painting", ADA)

    reference = house.read(booking_id).reference
    assert refused.value.details["clashes"] == [f"Booking {reference}, Sun 14 March 2027 to Tue 16 March 2027"]
    assert house.count(Closure) == 0
    assert house.count(Night, booking_id=None) == 0


def test_clashes_tell_bookings_holds_and_closures_apart(house: House) -> None:
    day = FIRST.arrive
    house.book(Stay(day, day + timedelta(days=1)))
    house.book(Stay(day + timedelta(days=1), day + timedelta(days=2)), status="pending", paid=False)
    close_nights(house.runtime, house.unit_id, Stay(day + timedelta(days=2), day + timedelta(days=3)), "Roof", ADA)

    with pytest.raises(DatesUnavailable) as refused:
        close_nights(house.runtime, house.unit_id, FIRST, "Painting", ADA)

    first_words = [text.split()[0] for text in refused.value.details["clashes"]]
    assert first_words == ["Booking", "Unpaid", "Closed"]
    assert [clash.booking_id is None for clash in refused.value.details["found"]] == [False, False, True]


def test_a_hold_that_has_run_out_is_taken_over(house: House) -> None:
    house.book(FIRST, status="pending", paid=False, hold_until=NOW - timedelta(minutes=1))

    closure_id = close_nights(house.runtime, house.unit_id, FIRST, "", ADA)

    assert house.count(Night, closure_id=closure_id) == FIRST.nights


def test_arriving_on_the_morning_a_closure_ends_is_no_clash(house: House) -> None:
    house.book(Stay(FIRST.leave, FIRST.leave + timedelta(days=2)))

    assert close_nights(house.runtime, house.unit_id, FIRST, "", ADA)


def test_other_units_stay_on_sale(house: House) -> None:
    close_nights(house.runtime, house.unit_id, FIRST, "", ADA)

    assert close_nights(house.runtime, house.other_unit_id, FIRST, "", ADA)


def test_reopening_frees_the_nights_and_twice_is_once(house: House) -> None:
    closure_id = close_nights(house.runtime, house.unit_id, FIRST, "", ADA)

    reopen_nights(house.runtime, closure_id, ADA)
    reopen_nights(house.runtime, closure_id, ADA)

    assert house.count(Closure) == 0
    assert house.count(Night) == 0
    assert close_nights(house.runtime, house.unit_id, FIRST, "", ADA)


def test_an_unknown_unit_is_refused(house: House) -> None:
    with pytest.raises(ListingNotFound):
        close_nights(house.runtime, 999, FIRST, "", ADA)


def test_nights_that_have_passed_cannot_be_closed(house: House) -> None:
    with pytest.raises(StayRuleBroken):
        close_nights(house.runtime, house.unit_id, Stay(date(2027, 2, 20), date(2027, 3, 1)), "", ADA)
