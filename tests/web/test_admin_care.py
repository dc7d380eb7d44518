"""web/admin/care.py and web/admin/moving.py: notes, links, more time, another unit."""

from datetime import timedelta
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.models import AccessLink, Booking, BookingEvent, Night
from tests.web.admin_house import ADA, FIRST, House, value_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_note_stands_in_the_timeline_and_on_no_page_of_the_guest(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    answer = client.post(f"/admin/bookings/{booking_id}/note", data={"text": "Allergic to <b>nuts</b>."})

    assert (answer.status_code, answer.location) == (303, f"/admin/bookings/{booking_id}")
    page = client.get(answer.location).text
    assert "Allergic to &lt;b&gt;nuts&lt;/b&gt;." in page
    reference = house.read(booking_id).reference
    assert "Allergic" not in client.get(f"/b/{reference}").text


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_a_note_of_nothing_or_too_much_is_asked_for_again(house: House, text: str) -> None:
    booking_id, client = house.book(), house.ada()

    answer = client.post(f"/admin/bookings/{booking_id}/note", data={"text": text})

    assert answer.status_code == 422
    assert house.count(BookingEvent, kind="note") == 0
    assert text.strip()[:20] in answer.text


def test_the_guests_link_is_shown_once_and_kept_by_no_program_on_the_way(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    answer = client.post(f"/admin/bookings/{booking_id}/link", data={"once": ""})

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    link = answer.text.partition('value="http://localhost/m/')[2].partition('"')[0]
    assert len(link) > 40
    assert house.count(AccessLink) == 1
    assert link not in client.get(f"/admin/bookings/{booking_id}").text
    assert house.stranger().get(f"/m/{link}").status_code == 200


def test_moving_shows_who_is_where_then_what_happens_and_then_does_it_once(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    choice = client.get(f"/admin/bookings/{booking_id}/move").text
    assert f'value="{house.other_unit_id}"' in choice
    check = client.get(f"/admin/bookings/{booking_id}/move/check?unit_id={house.other_unit_id}").text
    assert "Upper deck is free for others at once" in check
    assert "The guest is not told" in check
    for _ in range(2):
        answer = client.post(f"/admin/bookings/{booking_id}/move/{house.other_unit_id}", data={"once": ""})
        assert answer.status_code == 303

    assert house.read(booking_id).unit_id == house.other_unit_id
    assert house.count(Night, booking_id=booking_id, unit_id=house.other_unit_id) == 4
    assert house.count(Night, booking_id=booking_id) == 4
    assert house.count(BookingEvent, kind="moved", actor=ADA) == 1


def test_a_unit_that_was_taken_meanwhile_is_named_with_who_has_it(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    other = house.book(
        Stay(FIRST.arrive - timedelta(days=1), FIRST.arrive + timedelta(days=1)), unit_id=house.other_unit_id
    )

    answer = client.post(f"/admin/bookings/{booking_id}/move/{house.other_unit_id}", data={"once": ""})

    assert answer.status_code == 409
    assert "Nothing was moved" in answer.text
    assert f"Booking {house.read(other).reference}" in answer.text
    assert client.get(f"/admin/bookings/{booking_id}/move/check?unit_id={house.other_unit_id}").status_code == 422
    assert house.read(booking_id).unit_id == house.unit_id


@pytest.mark.parametrize("path", ["move", "move/check", "note", "link", "more-time"])
def test_strangers_and_numbers_of_nobody_get_nowhere(house: House, path: str) -> None:
    booking_id = house.book()

    assert house.stranger().get(f"/admin/bookings/{booking_id}/{path}").status_code == 302
    assert house.ada().get(f"/admin/bookings/999/{path}").status_code == 404


def test_what_is_over_cannot_be_moved(house: House) -> None:
    booking_id, client = house.book(status="cancelled"), house.ada()

    assert client.get(f"/admin/bookings/{booking_id}/move").status_code == 404
    client.post(f"/admin/bookings/{booking_id}/move/{house.other_unit_id}", data={"once": ""})
    assert house.read(booking_id).unit_id == house.unit_id
    assert client.post(f"/admin/bookings/{house.book()}/move/99", data={"once": ""}).status_code == 404


def test_more_time_is_for_those_who_have_not_paid(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    client.post(f"/admin/bookings/{booking_id}/more-time", data={"minutes": "180"})

    assert "Nothing was changed" in client.get(f"/admin/bookings/{booking_id}").text
    assert client.post(f"/admin/bookings/{booking_id}/more-time", data={"minutes": "7"}).status_code == 422
    assert house.count(Booking) == 1
    assert value_of(client.get(f"/admin/bookings/{booking_id}/more-time").text, "minutes") == "60"
