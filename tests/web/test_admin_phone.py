"""web/admin/phone.py: a booking by telephone, page by page."""

from pathlib import Path

import pytest

from booking.domain.roles import Role
from booking.models import Booking, BookingEvent, OutboxRow, Payment
from tests.web.admin_changes import TOKEN, phone_form
from tests.web.admin_house import ADA, FIRST, House, value_of

STAY = {"listing": "1", "arrive": "2027-03-12", "leave": "2027-03-16", "guests": "2"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_price_is_that_of_the_rates_and_the_form_remembers_the_stay(house: House) -> None:
    client = house.ada()
    assert "See the price" in client.get("/admin/bookings/new").text

    page = client.get("/admin/bookings/new", query_string=STAY).text

    assert "€612.00" in page
    assert (value_of(page, "shown_minor"), value_of(page, "arrive")) == ("61200", "2027-03-12")


@pytest.mark.parametrize(
    "wrong", [{"arrive": ""}, {"leave": "2027-03-12"}, {"guests": "0"}, {"guests": "9"}, {"arrive": "2027-02-01"}]
)
def test_a_stay_that_cannot_be_is_told_on_its_field(house: House, wrong: dict[str, str]) -> None:
    answer = house.ada().get("/admin/bookings/new", query_string={**STAY, **wrong})

    assert answer.status_code == 422
    assert 'class="wrong"' in answer.text


def test_taken_nights_come_with_what_could_be_had(house: House) -> None:
    house.book()
    house.book(FIRST, unit_id=house.other_unit_id)

    answer = house.ada().get("/admin/bookings/new", query_string=STAY)

    assert answer.status_code == 422
    assert "What could be had" in answer.text


def test_the_consequence_is_told_before_and_a_double_click_books_once(house: House) -> None:
    client = house.ada()
    check = client.post("/admin/bookings/new/check", data=phone_form(method="stripe"))
    assert check.status_code == 200
    assert "gets a mail with the exact sum" in check.text
    assert house.count(Booking) == 0
    back = client.post("/admin/bookings/new/change", data=phone_form(method="stripe", message="A cot, please."))
    assert "A cot, please." in back.text

    answers = [client.post("/admin/bookings/new", data=phone_form(method="cash")) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/admin/bookings/1")] * 2
    assert (house.count(Booking), house.count(Payment)) == (1, 1)
    page = client.get("/admin/bookings/1").text
    assert "not through Stripe: cash" in page
    assert "payment 1, cash" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"email": "nobody"}, {"agreed": "free"}, {"agreed": "0"}, {"agreed": "-5"}, {"agreed": "1,200"},
        {"agreed": "500"}, {"method": "barter"}, {"phone": "<script>"},
    ],
)  # fmt: skip
def test_what_is_missing_is_asked_for_with_all_that_was_typed(house: House, wrong: dict[str, str]) -> None:
    form = {**phone_form(method="cash", message="A cot, please."), **wrong}

    answer = house.ada().post("/admin/bookings/new/check", data=form)

    assert answer.status_code == 422
    assert "A cot, please." in answer.text
    assert house.count(Booking) == 0


def test_another_price_is_shown_with_its_reason_and_kept(house: House) -> None:
    client, form = house.ada(), phone_form(method="bank_transfer", agreed="500", reason="regular <guest>")

    check = client.post("/admin/bookings/new/check", data=form).text
    client.post("/admin/bookings/new", data=form)

    assert "€500.00 instead of €612.00" in check
    assert "regular &lt;guest&gt;" in check
    assert house.read(1).amount_minor == 50000
    assert house.count(BookingEvent, kind="price_agreed", actor=ADA) == 1


def test_a_price_that_changed_meanwhile_is_shown_before_anything_is_booked(house: House) -> None:
    answer = house.ada().post("/admin/bookings/new", data=phone_form(method="cash", shown_minor="60000"))

    assert answer.status_code == 409
    assert value_of(answer.text, "shown_minor") == "61200"
    assert house.count(Booking) == 0


def test_nights_that_went_meanwhile_lead_back_to_the_first_page(house: House) -> None:
    house.book()
    house.book(FIRST, unit_id=house.other_unit_id)

    for path in ("/admin/bookings/new", "/admin/bookings/new/check"):
        answer = house.ada().post(path, data=phone_form(method="cash"))
        assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/admin/bookings/new")
    assert house.count(Booking) == 2


def test_the_desk_mails_links_and_records_no_money(house: House) -> None:
    client = house.member(Role.DESK)

    assert "Paid to the house already" not in client.get("/admin/bookings/new", query_string=STAY).text
    for form in (phone_form(method="cash"), phone_form(method="stripe", agreed="5", reason="friend")):
        assert client.post("/admin/bookings/new", data=form).status_code == 403
        assert client.post("/admin/bookings/new/check", data=form).status_code == 403
    assert house.count(Booking) == 0


@pytest.mark.parametrize("wrong", [{"listing": "x"}, {"listing": "99"}, {"arrive": "soon"}, {"form_token": "made up"}])
def test_a_form_that_somebody_changed_is_400(house: House, wrong: dict[str, str]) -> None:
    assert house.ada().post("/admin/bookings/new", data={**phone_form(method="cash"), **wrong}).status_code == 400


def test_cash_that_is_owed_stands_on_today_until_it_is_handed_over(house: House) -> None:
    client = house.ada()
    client.post("/admin/bookings/new", data=phone_form(method="cash"))
    assert "you hand back yourself" in client.get("/admin/bookings/1/refund/check?amount=20").text
    assert "you hand back yourself" in client.get("/admin/bookings/1/cancel/check?refund=full").text
    mails = house.count(OutboxRow)
    client.post("/admin/bookings/1/refund", data={"amount": "20.00", "form_token": TOKEN})
    assert "is owed money that the house took itself" in client.get("/admin/").text

    assert "I have handed it over" in client.get("/admin/bookings/1").text
    client.post("/admin/refunds/1/handed-over", data={"submit": ""})

    assert "is owed money" not in client.get("/admin/").text
    assert "handed back by the house" in client.get("/admin/bookings/1").text
    assert house.count(OutboxRow) == mails
    assert client.post("/admin/refunds/99/handed-over", data={"submit": ""}).status_code == 404
