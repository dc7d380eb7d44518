"""web/admin/letters.py: mail that staff sends once more, and receipts."""

import re
from pathlib import Path

import pytest

from booking.models import OutboxRow
from tests.web.admin_house import House

TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_each_guest_mail_on_a_bookings_page_can_be_sent_again(house: House) -> None:
    booking_id = house.book()
    row_id = house.errand(booking_id, "done")
    client = house.ada()
    page = client.get(f"/admin/bookings/{booking_id}").text
    token = re.findall(r'name="form_token" value="([0-9a-f]{32})"', page)[0]

    answers = [
        client.post(f"/admin/bookings/{booking_id}/mails/{row_id}/again", data={"form_token": token}) for _ in range(2)
    ]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, f"/admin/bookings/{booking_id}")] * 2
    assert house.count(OutboxRow) == 2
    assert "It goes out within a minute" in client.get(f"/admin/bookings/{booking_id}").text


def test_mail_on_its_way_has_no_button(house: House) -> None:
    booking_id = house.book()
    row_id = house.errand(booking_id, "due")

    assert f"/mails/{row_id}/again" not in house.ada().get(f"/admin/bookings/{booking_id}").text


def test_mail_of_nobody_is_404_and_a_form_without_its_token_is_400(house: House) -> None:
    booking_id = house.book()
    row_id = house.errand(booking_id, "done")
    client = house.ada()

    assert client.post(f"/admin/bookings/{booking_id}/mails/999/again", data={"form_token": TOKEN}).status_code == 404
    assert client.post(f"/admin/bookings/999/mails/{row_id}/again", data={"form_token": TOKEN}).status_code == 404
    assert client.post("/admin/bookings/999/receipt", data={"form_token": TOKEN}).status_code == 404
    for form in ({"form_token": ""}, {"form_token": "made up"}):
        assert client.post(f"/admin/bookings/{booking_id}/mails/{row_id}/again", data=form).status_code == 400
        assert client.post(f"/admin/bookings/{booking_id}/receipt", data=form).status_code == 400
    assert house.count(OutboxRow) == 1


def test_receipt_is_offered_where_something_was_paid(house: House) -> None:
    booking_id = house.book()
    client = house.ada()

    answer = client.post(f"/admin/bookings/{booking_id}/receipt", data={"form_token": TOKEN})

    assert answer.status_code == 303
    assert "Mail the guest a receipt" in client.get(f"/admin/bookings/{booking_id}").text
    assert house.count(OutboxRow) == 1


def test_staff_hears_why_nothing_was_sent(house: House) -> None:
    booking_id = house.book(status="pending", paid=False)
    client = house.ada()

    client.post(f"/admin/bookings/{booking_id}/receipt", data={"form_token": TOKEN})

    page = client.get(f"/admin/bookings/{booking_id}").text
    assert "Nothing was paid, so there is nothing to give a receipt for." in page
    assert "Mail the guest a receipt" not in page
