"""web/admin/changing.py: other dates or guests, page by page; and what the guest sees of it."""

from pathlib import Path

import pytest

from booking.models import Refund, StayChange
from tests.web.admin_changes import PRESS, DeafStripe, _use, change_form
from tests.web.admin_house import House

ASK = {"arrive": "2027-03-12", "leave": "2027-03-16", "guests": "2", "price": "new"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    _use(house, DeafStripe(house.runtime.payments))
    house.book()
    return house


def test_the_difference_is_shown_before_anything_happens(house: House) -> None:
    client = house.ada()
    assert "€612.00" in client.get("/admin/bookings/1/change").text

    more = client.get("/admin/bookings/1/change/check", query_string={**ASK, "leave": "2027-03-17"}).text
    less = client.get("/admin/bookings/1/change/check", query_string={**ASK, "leave": "2027-03-15"}).text
    same = client.get(
        "/admin/bookings/1/change/check", query_string={**ASK, "leave": "2027-03-17", "price": "keep"}
    ).text

    assert "€135.00 more" in more
    assert "Hold the nights and mail the link for €135.00" in more
    assert "€135.00 less" in less
    assert "Change and refund €135.00" in less
    assert "No money moves" in same
    assert house.count(StayChange) == 0


@pytest.mark.parametrize(
    "wrong", [{}, {"leave": "2027-03-12"}, {"guests": "40"}, {"arrive": "soon"}, {"price": "free"}, {"guests": "0"}]
)
def test_a_wish_that_cannot_be_is_told_on_its_field(house: House, wrong: dict[str, str]) -> None:
    answer = house.ada().get("/admin/bookings/1/change/check", query_string={**ASK, **wrong})

    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text


def test_a_double_click_changes_once_and_refunds_once(house: House) -> None:
    client, form = house.ada(), change_form(arrive="2027-03-12", leave="2027-03-15", price="new", shown_minor="47700")

    for _ in range(2):
        assert client.post("/admin/bookings/1/change", data=form).status_code == 303

    assert house.read(1).amount_minor == 47700
    assert (house.count(StayChange), house.count(Refund, amount_minor=13500)) == (1, 1)


def test_an_offer_is_on_the_booking_with_the_way_back(house: House) -> None:
    client = house.ada()
    form = change_form(arrive="2027-03-12", price="new", shown_minor="74700")

    client.post("/admin/bookings/1/change", data=form)

    page = client.get("/admin/bookings/1").text
    assert "A change waits for €135.00" in page
    assert "Withdraw the change" in page
    assert client.get("/admin/bookings/1/change/check", query_string={**ASK, "leave": "2027-03-15"}).status_code == 422
    client.post("/admin/bookings/1/change/withdraw", data=PRESS)
    assert house.read(1).leave.isoformat() == "2027-03-16"


@pytest.mark.parametrize("wrong", [{"form_token": "x"}, {"price": "free"}, {"arrive": "soon"}, {"guests": "-1"}])
def test_a_form_that_somebody_changed_is_400(house: House, wrong: dict[str, str]) -> None:
    assert house.ada().post("/admin/bookings/1/change", data=change_form(**wrong)).status_code == 400
    assert house.count(StayChange) == 0


def test_a_price_that_changed_meanwhile_is_asked_about_again(house: House) -> None:
    answer = house.ada().post("/admin/bookings/1/change", data=change_form(price="new", shown_minor="1"))

    assert answer.status_code == 409
    assert house.count(StayChange) == 0


def test_what_is_over_cannot_be_changed(house: House) -> None:
    over = house.book(status="cancelled")

    assert house.ada().get(f"/admin/bookings/{over}/change").status_code == 404
    assert house.ada().post(f"/admin/bookings/{over}/change", data=change_form()).status_code == 404
