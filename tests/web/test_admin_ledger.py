"""web/admin: payments and refunds of the whole house."""

import dataclasses
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from booking.domain.dates import Stay
from booking.domain.states import PaymentMethod
from booking.models import Payment, Refund
from booking.models.payment import CALLED_OFF
from tests.support.noting import engine_of, noting
from tests.web.admin_house import FIRST, NOW, House

HOSTILE = "<b onclick=alert(1)>=1+1"
APRIL, MAY = Stay(date(2027, 4, 1), date(2027, 4, 3)), Stay(date(2027, 5, 1), date(2027, 5, 3))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def look(house: House, path: str) -> str:
    answer = house.ada().get(path)
    assert answer.status_code == 200
    return answer.text


def rows(page: str) -> list[str]:
    return re.findall(r'<tr><th scope="row"[^>]*>.*?</tr>', page, re.DOTALL)


def bookings_of(page: str) -> list[int]:
    return [int(re.search(r'href="/admin/bookings/(\d+)"', row)[1]) for row in rows(page)]


def test_payments_are_listed_newest_first_with_what_went_back(house: House) -> None:
    first, second = house.book(), house.book(APRIL)
    house.refund(first, 1000)
    house.refund(first, 500, "failed")
    with house.rows() as session:
        session.query(Payment).filter_by(booking_id=second).one().captured_at = NOW + timedelta(hours=1)

    page = look(house, "/admin/payments")

    assert bookings_of(page) == [second, first]
    assert "−€10.00" in rows(page)[1]
    assert "nothing" in rows(page)[0]
    assert "2 payments, newest first" in page


def test_payments_are_narrowed_to_those_that_were_refunded_or_disputed(house: House) -> None:
    house.book()
    refunded, disputed = house.book(APRIL), house.book(MAY)
    house.refund(refunded, 1000)
    house.dispute(disputed)

    assert bookings_of(look(house, "/admin/payments?show=refunded")) == [refunded]
    assert bookings_of(look(house, "/admin/payments?show=disputed")) == [disputed]
    assert len(bookings_of(look(house, "/admin/payments?show=nonsense&page=-1"))) == 3


def test_refunds_that_failed_stand_first_then_those_whose_end_is_not_known(house: House) -> None:
    for number, status in enumerate(["requested", "succeeded", "failed", "pending", "canceled", "succeeded"]):
        house.refund(
            house.book(Stay(FIRST.arrive + timedelta(20 * number), FIRST.leave + timedelta(20 * number))), 100, status
        )

    assert bookings_of(look(house, "/admin/refunds")) == [5, 3, 4, 1, 6, 2]
    assert bookings_of(look(house, "/admin/refunds?show=failed")) == [5, 3]
    assert bookings_of(look(house, "/admin/refunds?show=unknown")) == [4, 1]
    assert bookings_of(look(house, "/admin/refunds?show=arrived")) == [6, 2]


def test_a_refund_that_a_lost_dispute_made_needless_has_not_failed(house: House) -> None:
    house.refund(house.book(), 100, "canceled")
    with house.rows() as session:
        session.query(Refund).one().failure_reason = CALLED_OFF

    assert "did not arrive" not in look(house, "/admin/refunds")
    assert bookings_of(look(house, "/admin/refunds?show=failed")) == []


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://dashboard.stripe.com/test/payments/pi_test"),
        ({"stripe_secret_key": "sk_live_0123456789abcdef"}, "https://dashboard.stripe.com/payments/pi_test"),
        ({"stripe_api_base": "http://127.0.0.1:12111"}, "http://127.0.0.1:12111/dashboard/object/pi_test"),
    ],
)
def test_each_payment_leads_to_stripes_dashboard_of_the_same_mode(
    house: House, settings: dict[str, str], address: str
) -> None:
    house.refund(house.book(), 100)
    changed = dataclasses.replace(house.runtime.settings, **settings)
    house.app.extensions["holdfast"] = dataclasses.replace(house.runtime, settings=changed)

    for path in ("/admin/payments", "/admin/refunds"):
        assert f'<a href="{address}' in look(house, path)


def test_money_that_the_house_took_leads_to_no_stripe_and_is_handed_back_by_the_house(house: House) -> None:
    house.refund(house.book(), 100, "requested")
    with house.rows() as session:
        payment = session.query(Payment).one()
        payment.method, payment.payment_intent_id = PaymentMethod.BANK_TRANSFER, None
        session.query(Refund).one().stripe_refund_id = None

    listed, back = look(house, "/admin/payments?show=without_stripe"), look(house, "/admin/refunds")

    assert "bank transfer" in rows(listed)[0]
    assert "taken by the house" in rows(listed)[0]
    assert "the house hands it back" in rows(back)[0]


def test_what_stripe_did_not_make_leads_nowhere(house: House) -> None:
    house.book()
    with house.rows() as session:
        session.query(Payment).one().payment_intent_id = "javascript:alert(1)"

    page = look(house, "/admin/payments")

    assert 'href="javascript' not in page
    assert "javascript:alert(1)" in page


def test_hostile_names_are_only_text(house: House) -> None:
    house.refund(house.book(guest_name=HOSTILE), 100)

    for path in ("/admin/payments", "/admin/refunds"):
        assert "<b onclick" not in look(house, path)


def test_lists_ask_as_often_for_many_as_for_one(house: House) -> None:
    house.refund(house.book(), 100)
    client = house.ada()
    client.get("/admin/payments")
    with noting(engine_of(house.app)) as few:
        client.get("/admin/payments"), client.get("/admin/refunds")
    for number in range(1, 8):
        stay = Stay(FIRST.arrive + timedelta(20 * number), FIRST.leave + timedelta(20 * number))
        house.refund(house.book(stay), 100)
    with noting(engine_of(house.app)) as many:
        client.get("/admin/payments"), client.get("/admin/refunds")

    assert len(many) == len(few)
