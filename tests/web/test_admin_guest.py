"""What staff see and correct of a guest: when they arrive, whether they want to be erased, where their mail goes."""

from datetime import timedelta
from pathlib import Path

import pytest

from booking.extensions import db
from booking.models import Booking
from tests.web.admin_house import NOW, House, csrf_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def change(house: House, booking_id: int, **values: object) -> None:
    with house.app.app_context():
        booking = db.session.get_one(Booking, booking_id)
        for name, value in values.items():
            setattr(booking, name, value)
        db.session.commit()


def correct(house: House, booking_id: int, email: str) -> str:
    client, path = house.ada(), f"/admin/bookings/{booking_id}"
    form = {"csrf_token": csrf_of(client.get(f"{path}/address").text), "email": email}
    answer = client.post(f"{path}/address", data=form, follow_redirects=True)
    return f"{answer.status_code} {answer.text}"


def test_staff_see_when_a_guest_arrives_and_that_they_want_to_be_erased(house: House) -> None:
    booking_id = house.book()
    change(house, booking_id, arrival_time="17:30", erase_asked_at=NOW)

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "17:30" in page
    assert "Asks to be erased" in page


def test_an_erased_guest_has_no_address_to_correct(house: House) -> None:
    booking_id = house.book()
    change(house, booking_id, erased_at=NOW + timedelta(0), guest_name="(erased)", guest_email="")

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "(erased)" in page
    assert "mailto:" not in page
    assert "Correct the e-mail address" not in page


def test_staff_correct_an_address_and_the_confirmation_goes_there(house: House) -> None:
    booking_id = house.book()

    answer = correct(house, booking_id, " Hopper@Example.ORG ")

    assert "The address is corrected." in answer
    booking = house.read(booking_id)
    assert booking.guest_email == "Hopper@example.org"


@pytest.mark.parametrize("junk", ["", "grace@", "x" * 300 + "@example.org", "a\0b@example.org"])
def test_what_is_no_address_is_refused_on_the_page_of_the_booking(house: House, junk: str) -> None:
    booking_id = house.book()
    before = house.read(booking_id).guest_email

    answer = correct(house, booking_id, junk)

    assert answer.startswith("422")
    assert house.read(booking_id).guest_email == before
