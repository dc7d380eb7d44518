"""web/admin/payment_plans.py and owed.py: plans of properties and listings, and what guests still owe."""

import re
from pathlib import Path

import pytest

from booking.domain.payment_plans import PaymentPlan, PlanKind
from booking.domain.states import DueStatus
from booking.models import Booking, Due, Listing, PlanChoice
from tests.web.admin_changes import CHANGES, DEPOSIT, PRESS
from tests.web.admin_house import House, value_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split()).replace(" .", ".").replace(" ,", ",")


def plan_of(house: House, listing_id: int = 1) -> PaymentPlan:
    with house.rows() as session:
        return session.get_one(Listing, listing_id).payment_plan


def test_a_shop_that_never_chose_is_paid_in_full(house: House) -> None:
    assert plan_of(house) == PaymentPlan()
    assert "You pay the whole price when you book." in words_of(house.ada().get("/admin/payment-plans").text)


def test_a_plan_of_the_property_holds_for_each_listing(house: House) -> None:
    client = house.ada()

    assert client.post("/admin/payment-plans/property/1", data=DEPOSIT).status_code == 303

    assert plan_of(house) == PaymentPlan(PlanKind.DEPOSIT, 30, 14)
    page = words_of(client.get("/admin/payment-plans").text)
    assert "You pay 30 percent when you book, and the rest until 14 days before arrival." in page
    form = client.get("/admin/payment-plans/property/1").text
    assert value_of(form, "percent") == "30"
    assert "You pay €120.00 now, and the balance of €280.00 until" in words_of(form)


def test_a_listing_has_another_plan_and_gives_it_back(house: House) -> None:
    client = house.ada()
    client.post("/admin/payment-plans/property/1", data=DEPOSIT)

    client.post("/admin/payment-plans/listing/1", data={"kind": "pay_in_full"})
    assert plan_of(house) == PaymentPlan()

    client.post("/admin/payment-plans/listing/1", data={"kind": "property"})
    assert plan_of(house) == PaymentPlan(PlanKind.DEPOSIT, 30, 14)
    assert house.count(PlanChoice) == 1


def test_guests_leave_a_card_and_pay_later(house: House) -> None:
    client = house.ada()

    client.post("/admin/payment-plans/property/1", data={"kind": "reserve_now_pay_later", "days_before": "21"})

    assert plan_of(house) == PaymentPlan(PlanKind.RESERVE_NOW_PAY_LATER, 0, 21)
    page = words_of(client.get("/admin/payment-plans/property/1").text)
    assert "It is charged 21 days before arrival." in page
    assert "You pay nothing now. Your card is charged with €400.00 on" in page


def test_the_same_plan_again_is_no_change(house: House) -> None:
    client = house.ada()
    for _ in range(2):
        assert client.post("/admin/payment-plans/property/1", data=DEPOSIT).status_code == 303

    assert [action for _who, action, _what in house.audit()].count("plan.chosen") == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"percent": "0"}, "Type a number from 1 to 99."),
        ({"percent": "100"}, "Type a number from 1 to 99."),
        ({"percent": ""}, "Type a number."),
        ({"percent": "a third"}, "Type a whole number."),
        ({"days_before": "181"}, "Type a number from 0 to 180."),
        ({"days_before": ""}, "Type a number."),
        ({"kind": ""}, "Choose one."),
        ({"kind": "reserve_now_pay_later", "days_before": ""}, "Type a number."),
        ({"kind": "by_post"}, "Not a valid choice"),
    ],
)
def test_a_plan_that_cannot_be_is_asked_for_again(house: House, typed: dict[str, str], told: str) -> None:
    answer = house.ada().post("/admin/payment-plans/property/1", data={**DEPOSIT, **typed})

    assert answer.status_code == 422
    assert told in words_of(answer.text)
    assert house.count(PlanChoice) == 0


@pytest.mark.parametrize("path", ["property/9", "listing/9"])
def test_what_does_not_exist_has_no_plan(house: House, path: str) -> None:
    client = house.ada()

    assert client.get(f"/admin/payment-plans/{path}").status_code == 404
    assert client.post(f"/admin/payment-plans/{path}", data=DEPOSIT).status_code == 404


# --- what is owed ---------------------------------------------------------------------------------------------------


def owed_page(house: House) -> str:
    path, _data = CHANGES["admin.waive_due"].prepare(house)
    return path.removesuffix("/waived")


def test_the_page_of_a_balance_says_both_ways_to_be_done_with_it(house: House) -> None:
    path = owed_page(house)

    page = words_of(house.ada().get(path).text)

    assert "Balance of €50.00" in page
    assert "Note €50.00 as paid" in page
    assert "Give up €50.00" in page


def test_without_a_choice_nothing_is_noted(house: House) -> None:
    path = owed_page(house)

    answer = house.ada().post(f"{path}/taken", data={"amount": "50.00"})

    assert answer.status_code == 422
    assert house.count(Due, status=DueStatus.OPEN) == 1


def test_what_is_owed_is_told_on_the_booking_in_the_list_and_in_the_file(house: House) -> None:
    path, client = owed_page(house), house.ada()
    booking = path.partition("/owed/")[0]

    assert "Balance of €50.00 is owed until" in words_of(client.get(booking).text)
    assert "€50.00 owed" in words_of(client.get("/admin/bookings?status=owing").text)
    client.post(f"{path}/waived", data=PRESS)
    assert "€50.00 owed" not in words_of(client.get("/admin/bookings").text)
    assert "Grace" not in words_of(client.get("/admin/bookings?status=owing").text)


def test_a_balance_that_is_late_needs_somebody_today(house: House) -> None:
    path = owed_page(house)
    house.clock.move(days=30)
    with house.rows() as session:
        booking = session.get_one(Booking, int(path.split("/")[3]))
        assert booking.arrive < house.clock.now().date()

    page = words_of(house.ada().get("/admin/").text)

    assert "still owes €50.00" in page
    assert "nothing is cancelled by itself" in page


def test_a_due_of_another_booking_is_not_found_here(house: House) -> None:
    path = owed_page(house)

    assert house.ada().get(path.replace("/bookings/1/", "/bookings/99/")).status_code == 404
    assert house.ada().get(f"{path}9").status_code == 404
