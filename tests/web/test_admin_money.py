"""web/admin: cancelling and refunding. What is shown first is exactly what happens, once."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from booking.domain.errors import RefundRefused
from booking.gateways.payments import GatewayUnavailable
from booking.models import Booking, Night, OutboxRow, Refund
from booking.models.outbox import OutboxKind
from booking.web.admin import bookings, money
from tests.web.admin_house import ADA, NOW, House, value_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


def order_of(page: str) -> dict[str, str]:
    return {name: value_of(page, name) for name in ("amount", "form_token")}


def cancel(client: FlaskClient, booking_id: int, **query: str) -> int:
    page = client.get(f"/admin/bookings/{booking_id}/cancel/check", query_string=query)
    assert page.status_code == 200
    return client.post(f"/admin/bookings/{booking_id}/cancel", data=order_of(page.text)).status_code


def refunded(house: House, booking_id: int) -> list[int]:
    with house.rows() as session:
        rows = session.query(Refund).filter_by(booking_id=booking_id).order_by(Refund.id)
        return [row.amount_minor for row in rows]


# --- cancelling -----------------------------------------------------------------------------------------------------


def test_asking_shows_every_choice_with_its_amount(house: House) -> None:
    booking_id = house.book()

    page = words_of(house.ada().get(f"/admin/bookings/{booking_id}/cancel").text)

    assert "Nothing" in page
    assert "Everything: €612.00" in page
    assert "What the terms give today: €612.00" in page
    assert "Another amount" in page


@pytest.mark.parametrize(("days_before", "due"), [(7, "€612.00"), (6, "€306.00"), (2, "€306.00")])
def test_terms_are_those_frozen_with_the_booking_on_the_propertys_day(house: House, days_before: int, due: str) -> None:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=11 - days_before)

    page = house.ada().get(f"/admin/bookings/{booking_id}/cancel/check?refund=terms").text

    assert f"Cancel and refund {due}" in words_of(page)


def test_terms_are_not_offered_when_they_give_nothing(house: House) -> None:
    booking_id = house.book()
    house.clock.time = NOW + timedelta(days=10)

    page = words_of(house.ada().get(f"/admin/bookings/{booking_id}/cancel").text)

    assert "What the terms give" not in page
    assert "Everything: €612.00" in page


def test_money_sent_back_before_counts_towards_what_the_terms_give(house: House) -> None:
    booking_id = house.book()
    house.refund(booking_id, 10000)
    house.clock.time = NOW + timedelta(days=6)

    page = house.ada().get(f"/admin/bookings/{booking_id}/cancel/check?refund=terms").text

    assert "Cancel and refund €206.00" in words_of(page)


@pytest.mark.parametrize(
    ("query", "minor"),
    [
        ({"refund": "none"}, []),
        ({"refund": "full"}, [61200]),
        ({"refund": "terms"}, [61200]),
        ({"refund": "other", "amount": "140,50"}, [14050]),
        ({"refund": "other", "amount": " 612 "}, [61200]),
        ({"refund": "none", "amount": "12"}, []),
    ],
)
def test_cancelling_frees_the_nights_and_sends_back_what_was_shown(
    house: House, query: dict[str, str], minor: list[int]
) -> None:
    booking_id = house.book()

    assert cancel(house.ada(), booking_id, **query) == 303

    after = house.read(booking_id)
    assert (after.status, after.cancel_reason) == ("cancelled", "staff")
    assert refunded(house, booking_id) == minor
    assert house.count(Night) == 0
    assert house.count(OutboxRow, kind=OutboxKind.REFUND) == len(minor)


def test_asking_and_checking_change_nothing(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    client.get(f"/admin/bookings/{booking_id}/cancel")
    client.get(f"/admin/bookings/{booking_id}/cancel/check?refund=full")

    assert house.read(booking_id).status == "confirmed"
    assert refunded(house, booking_id) == []


def test_timeline_names_who_cancelled(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    cancel(client, booking_id, refund="full")

    assert f"by {ADA} (staff)" in words_of(client.get(f"/admin/bookings/{booking_id}").text)


def test_double_click_on_cancel_is_one_refund(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/cancel/check?refund=other&amount=100").text)

    codes = [client.post(f"/admin/bookings/{booking_id}/cancel", data=order).status_code for _ in range(2)]

    assert codes == [303, 303]
    assert refunded(house, booking_id) == [10000]


def test_consequence_says_that_stripe_keeps_its_fee(house: House) -> None:
    page = house.ada().get(f"/admin/bookings/{house.book()}/cancel/check?refund=full").text

    assert "Stripe keeps the fee" in page
    assert "cannot be undone" in page


@pytest.mark.parametrize("query", ["", "?refund=", "?refund=everything", "?amount=12"])
def test_a_choice_must_be_made(house: House, query: str) -> None:
    answer = house.ada().get(f"/admin/bookings/{house.book()}/cancel/check{query}")

    assert answer.status_code == 422
    assert "Choose what goes back." in answer.text


def test_cancelled_booking_has_nothing_to_cancel(house: House) -> None:
    booking_id, client = house.book(status="cancelled"), house.ada()

    assert client.get(f"/admin/bookings/{booking_id}/cancel").status_code == 404
    assert "Cancel booking" not in client.get(f"/admin/bookings/{booking_id}").text


def test_disputed_payment_warns_before_money_goes_twice(house: House) -> None:
    booking_id = house.book()
    house.dispute(booking_id)
    client = house.ada()

    for path in ("cancel", "cancel/check?refund=full", "refund", "refund/check?amount=10"):
        assert "could pay the guest twice" in client.get(f"/admin/bookings/{booking_id}/{path}").text


def test_unanswered_stripe_leaves_the_booking_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    booking_id, client = house.book(), house.ada()

    def no_answer(*_args: object) -> None:
        raise GatewayUnavailable("no answer")

    monkeypatch.setattr(money.reservations, "cancel_booking", no_answer)

    assert cancel(client, booking_id, refund="none") == 303
    assert "Stripe did not answer, so nothing was cancelled." in client.get(f"/admin/bookings/{booking_id}").text


# --- refunding part -------------------------------------------------------------------------------------------------


def test_part_goes_back_and_the_booking_stays(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    page = client.get(f"/admin/bookings/{booking_id}/refund/check?amount=140.50").text

    answer = client.post(f"/admin/bookings/{booking_id}/refund", data=order_of(page))

    assert "Refund €140.50" in words_of(page)
    assert "€471.50 could still go back" in words_of(page)
    assert answer.status_code == 303
    assert refunded(house, booking_id) == [14050]
    assert house.read(booking_id).status == "confirmed"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Type an amount."),
        ("abc", "Type a plain number such as 140.00."),
        ("1e3", "Type a plain number"),
        ("٣", "Type a plain number"),
        ("0", "Type more than 0."),
        ("0.00", "Type more than 0."),
        ("-5", "cannot be negative"),
        ("−5", "cannot be negative"),
        ("12.345", "EUR has 2 decimals"),
        ("1,200", "leave out separators of thousands"),
        ("1.200,00", "separators of thousands"),
        ("612.01", "At most €612.00 can go back."),
        ("9" * 20, "Type a plain number"),
        ("9" * 21, "longer than 20"),
    ],
)
def test_bad_amounts_are_refused_in_words_and_kept(house: House, amount: str, words: str) -> None:
    booking_id, client = house.book(), house.ada()

    for path in ("refund/check", "cancel/check"):
        query = {"refund": "other", "amount": amount}
        answer = client.get(f"/admin/bookings/{booking_id}/{path}", query_string=query)
        assert answer.status_code == 422, path
        assert words in answer.text, path
        assert 'aria-invalid="true"' in answer.text
        assert f'value="{amount}"' in answer.text


def test_most_is_what_was_not_sent_back_yet(house: House) -> None:
    booking_id = house.book()
    house.refund(booking_id, 10000)
    house.refund(booking_id, 1200, "pending")
    house.refund(booking_id, 50000, "failed")

    page = words_of(house.ada().get(f"/admin/bookings/{booking_id}/refund").text)

    assert "At most €500.00." in page
    assert "€100.00 went back, €12.00 is on its way back" in page


def test_double_click_is_one_refund(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=100").text)

    codes = [client.post(f"/admin/bookings/{booking_id}/refund", data=order).status_code for _ in range(3)]

    assert codes == [303] * 3
    assert refunded(house, booking_id) == [10000]


def test_two_forms_are_two_refunds(house: House) -> None:
    booking_id, client = house.book(), house.ada()

    for _ in range(2):
        order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=100").text)
        client.post(f"/admin/bookings/{booking_id}/refund", data=order)

    assert refunded(house, booking_id) == [10000, 10000]


def test_money_that_went_meanwhile_is_told_with_the_amount_kept(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=600").text)
    house.refund(booking_id, 50000)

    answer = client.post(f"/admin/bookings/{booking_id}/refund", data=order)

    assert answer.status_code == 422
    assert 'value="600.00"' in answer.text
    assert "At most €112.00." in words_of(answer.text)
    assert refunded(house, booking_id) == [50000]


def test_cancelling_with_money_that_went_meanwhile_cancels_nothing(house: House) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/cancel/check?refund=full").text)
    house.refund(booking_id, 50000)

    answer = client.post(f"/admin/bookings/{booking_id}/cancel", data=order)

    assert answer.status_code == 422
    assert house.read(booking_id).status == "confirmed"


@pytest.mark.parametrize("action", ["cancel", "refund"])
@pytest.mark.parametrize(
    "changes", [{"form_token": ""}, {"form_token": "x" * 32}, {"form_token": "a" * 33}, {"amount": ""}, {"amount": "x"}]
)
def test_orders_that_were_tampered_with_do_nothing(house: House, action: str, changes: dict[str, str]) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=100").text)

    answer = client.post(f"/admin/bookings/{booking_id}/{action}", data={**order, **changes})

    assert answer.status_code == 400
    assert house.read(booking_id).status == "confirmed"
    assert refunded(house, booking_id) == []


@pytest.mark.parametrize("amount", ["0.00", "-5.00", "99999.00"])
def test_service_has_the_last_word_on_the_amount(house: House, amount: str) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=100").text)

    answer = client.post(f"/admin/bookings/{booking_id}/refund", data={**order, "amount": amount})

    assert answer.status_code in (400, 422)
    assert refunded(house, booking_id) == []


def test_nothing_paid_is_nothing_to_refund(house: House) -> None:
    booking_id, client = house.book(status="expired", paid=False), house.ada()

    assert "Refund part or all" not in client.get(f"/admin/bookings/{booking_id}").text
    assert client.get(f"/admin/bookings/{booking_id}/refund/check?amount=1").status_code == 422


# --- letting unpaid nights go ---------------------------------------------------------------------------------------


def test_unpaid_hold_is_let_go_after_a_second_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    booking_id, client = house.book(status="pending", paid=False), house.ada()

    page = client.get(f"/admin/bookings/{booking_id}/let-go").text
    answer = client.post(f"/admin/bookings/{booking_id}/let-go", data={"submit": ""})

    assert "payment page at Stripe is ended first" in page
    assert answer.status_code == 303
    assert house.read(booking_id).status in ("cancelled", "expired")
    assert house.count(Night) == 0


def test_hold_stays_when_stripe_does_not_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    booking_id, client = house.book(status="pending", paid=False), house.ada()

    def no_answer(*_args: object) -> Booking:
        raise GatewayUnavailable("no answer")

    monkeypatch.setattr(bookings.checkout, "abandon_checkout", no_answer)
    answer = client.post(f"/admin/bookings/{booking_id}/let-go", data={"submit": ""}, follow_redirects=True)

    assert "Stripe did not answer, so the nights stay held." in answer.text


def test_refusals_of_the_service_are_shown_as_they_are(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    booking_id, client = house.book(), house.ada()
    order = order_of(client.get(f"/admin/bookings/{booking_id}/refund/check?amount=100").text)

    def refuse(*_args: object, **_more: object) -> int:
        raise RefundRefused("Only €5.00 is left.")

    monkeypatch.setattr(money.refunds, "order_refund", refuse)
    answer = client.post(f"/admin/bookings/{booking_id}/refund", data=order)

    assert answer.status_code == 422
    assert "Only €5.00 is left." in answer.text


def test_a_second_person_who_had_the_same_page_open_is_told_that_the_money_has_changed(house: House) -> None:
    booking_id, ada, bea = house.book(), house.ada(), house.ada()
    pages = [each.get(f"/admin/bookings/{booking_id}/refund/check?amount=20").text for each in (ada, bea)]
    forms = [{name: value_of(page, name) for name in ("amount", "left", "form_token")} for page in pages]

    first = ada.post(f"/admin/bookings/{booking_id}/refund", data=forms[0])
    second = bea.post(f"/admin/bookings/{booking_id}/refund", data=forms[1])

    assert (first.status_code, second.status_code) == (303, 422)
    assert "has changed since that page was made" in second.text
    assert house.count(Refund) == 1
