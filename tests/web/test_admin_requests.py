"""The desk's pages of requests to book: the list, the two answers, and the switch on the listing's page."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from booking.domain.requests import RequestState
from booking.domain.roles import Role
from booking.domain.states import BookingStatus
from booking.gateways.payments import EvidenceState, PaymentEvidence, Tag
from booking.models import Attempt, Booking, Listing, StayRequest
from tests.web.admin_changes import PRESS, DeafStripe
from tests.web.admin_house import FIRST, NOW, House


class TakingStripe(DeafStripe):
    """Takes every sum that it is asked to take."""

    def __init__(self, house: House) -> None:
        super().__init__(house.runtime.payments)
        self.house = house

    def capture_payment(self, payment_intent_id: str, params: dict, idempotency_key: str) -> PaymentEvidence:
        with self.house.rows() as session:
            attempt = session.query(Attempt).filter_by(payment_intent_id=payment_intent_id).one()
            amount, token, booking = attempt.booking.amount, attempt.token, attempt.booking_id
        tag = Tag(app="", purpose="request", booking_id=str(booking), attempt=token)
        return PaymentEvidence(
            EvidenceState.PAID, tag, livemode=False, payment_intent_id=payment_intent_id, amount=amount
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def _use(house: House, stripe: object) -> None:
    house.app.extensions["holdfast"] = dataclasses.replace(house.runtime, payments=stripe)


def _row(house: House, model: type, **wanted: object) -> object:
    with house.rows() as session:
        row = session.query(model).filter_by(**wanted).one()
        session.expunge(row)
        return row


def test_a_request_whose_money_did_not_fit_is_decided_on_the_page_of_its_booking(house: House) -> None:
    booking_id = house.ask()
    with house.rows() as session:
        session.get_one(Booking, booking_id).needs_review = True

    page = house.ada().get(f"/admin/requests/{booking_id}").text

    assert "Accept and charge" not in page
    assert "Money came for this booking that does not fit, so it cannot be answered" in page
    assert f"/admin/bookings/{booking_id}" in page
    today = house.ada().get("/admin/").text
    assert "Look at its money" in today
    assert "Answer by" not in today


def test_requests_stand_in_the_order_in_which_they_must_be_answered(house: House) -> None:
    later = house.ask()
    sooner = house.ask(dataclasses.replace(FIRST, arrive=FIRST.leave, leave=FIRST.leave + timedelta(days=2)),
                       answer_by=NOW + timedelta(hours=3))  # fmt: skip
    references = [_row(house, Booking, id=booking_id).reference for booking_id in (sooner, later)]

    page = house.ada().get("/admin/requests").text

    assert page.index(references[0]) < page.index(references[1])
    assert "Mon 1 March 2027" in page
    today = house.ada().get("/admin/").text
    assert "Answer by" in today
    assert references[0] in today


def test_a_yes_books_the_stay(house: House) -> None:
    booking_id = house.ask()
    _use(house, TakingStripe(house))

    answer = house.ada().post(f"/admin/requests/{booking_id}/accept", data=PRESS, follow_redirects=True)

    assert "Accepted: the payment has come" in answer.text
    assert _row(house, Booking, id=booking_id).status is BookingStatus.CONFIRMED
    assert "Accept and charge" not in answer.text


def test_a_yes_that_stripe_does_not_answer_says_so(house: House) -> None:
    booking_id = house.ask()
    _use(house, DeafStripe(house.runtime.payments))

    answer = house.ada().post(f"/admin/requests/{booking_id}/accept", data=PRESS, follow_redirects=True)

    assert "Stripe has not said yet" in answer.text
    assert _row(house, StayRequest, booking_id=booking_id).state is RequestState.ACCEPTING


def test_a_second_answer_changes_nothing_and_says_so(house: House) -> None:
    booking_id = house.ask()
    _use(house, DeafStripe(house.runtime.payments))
    ada = house.ada()
    ada.post(f"/admin/requests/{booking_id}/decline", data={"reason": "We are full."})

    answer = ada.post(f"/admin/requests/{booking_id}/accept", data=PRESS, follow_redirects=True)

    assert "Nothing was changed. This request was answered already" in answer.text
    assert _row(house, StayRequest, booking_id=booking_id).state is RequestState.DECLINED
    assert "We are full." in answer.text


def test_a_reason_that_is_too_long_comes_back_with_what_was_typed(house: House) -> None:
    booking_id = house.ask()

    answer = house.ada().post(f"/admin/requests/{booking_id}/decline", data={"reason": "x" * 501})

    assert answer.status_code == 422
    assert "Use at most 500 characters." in answer.text
    assert _row(house, StayRequest, booking_id=booking_id).state is RequestState.ASKED


@pytest.mark.parametrize("path", ["", "/accept", "/decline"])
def test_what_is_no_request_has_no_such_page(house: House, path: str) -> None:
    booking_id = house.book()
    browser = house.ada()

    answer = (
        browser.post(f"/admin/requests/{booking_id}{path}", data=PRESS)
        if path
        else browser.get(f"/admin/requests/{booking_id}")
    )

    assert answer.status_code == 404


def test_whoever_moves_no_money_sees_requests_and_no_buttons(house: House) -> None:
    booking_id = house.ask()
    desk = house.member(Role.DESK)

    page = desk.get(f"/admin/requests/{booking_id}").text

    assert "Accept and charge" not in page


def test_the_switch_is_off_until_somebody_turns_it_on(house: House) -> None:
    assert not _row(house, Listing, id=1).takes_requests

    house.ada().post("/admin/listings/1/requests", data={"takes_requests": "y", "answer_hours": "24"})

    listing = _row(house, Listing, id=1)
    assert (listing.takes_requests, listing.answer_hours) == (True, 24)


@pytest.mark.parametrize("hours", ["0", "97", "soon", ""])
def test_hours_that_no_bank_waits_are_refused(house: House, hours: str) -> None:
    answer = house.ada().post(
        "/admin/listings/1/requests", data={"takes_requests": "y", "answer_hours": hours}, follow_redirects=True
    )

    assert "notice--trouble" in answer.text
    assert not _row(house, Listing, id=1).takes_requests


def test_the_booking_says_that_it_is_a_request_and_where_to_answer_it(house: House) -> None:
    booking_id = house.ask()

    page = house.ada().get(f"/admin/bookings/{booking_id}").text

    assert "This is a request" in page
    assert f"/admin/requests/{booking_id}" in page
    assert "Give more time to pay" not in page
