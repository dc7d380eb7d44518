"""Scenario 19, and what a guest who comes back is told: the truth, and nothing of anybody else's."""

from datetime import timedelta

import pytest

from booking.domain.states import AttemptStatus
from booking.extensions import db
from booking.models import Attempt
from booking.services.checkout import ReturnState, finish_return
from tests.support.shop import LINUS, Shop, Visitor

HOSTILE = (
    "cs_test_nobody",
    "{CHECKOUT_SESSION_ID}",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "",
    "cs_test_" + "x" * 3000,
    "cs_test_\u00e9",
)


@pytest.mark.parametrize("session_id", HOSTILE)
def test_scenario_19_unknown_ids_are_404_and_ask_stripe_nothing(small_shop: Shop, session_id: str) -> None:
    answer = small_shop.come_back(session_id)

    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert small_shop.stripe.get("requests", method="GET", path="/v1/") == []


def test_scenario_19_a_paid_session_of_another_booking_changes_and_shows_nothing_of_mine(shop: Shop) -> None:
    visitor = Visitor(shop.url)
    assert visitor.book_and_pay("harbour-loft", shop.stay(ahead=30)).status_code == 303
    (mine,) = shop.bookings()
    theirs = shop.book(shop.stay(ahead=60), LINUS, "linus")
    shop.pay(theirs)

    answer = visitor.get("/pay/return", session_id=shop.session_of(theirs))

    assert shop.state(mine.id) == ("pending", "unpaid")
    assert answer.status_code == 200
    for secret in (LINUS.email, "Example", shop.booking(theirs).guest_phone or "no phone"):
        assert secret not in answer.text
    assert visitor.get(f"/b/{shop.booking(theirs).reference}").status_code == 404


def _view(shop: Shop, booking_id: int):
    with shop.app.app_context():
        return finish_return(shop.runtime, shop.session_of(booking_id))


def test_return_tells_each_state_as_it_is(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    assert _view(shop, booking_id).state is ReturnState.OPEN

    shop.pay(booking_id)

    view = _view(shop, booking_id)
    assert (view.state, view.first_name) == (ReturnState.BOOKED, "Grace")


def test_return_says_that_a_bank_debit_takes_days(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), method="sepa_debit", wait=False)

    assert _view(shop, booking_id).state is ReturnState.PROCESSING


def test_return_while_stripe_does_not_answer_promises_nothing(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    shop.stripe.post("faults", [{"kind": "status_500", "method": "GET", "path_prefix": "/v1/checkout", "times": 9}])

    assert _view(shop, booking_id).state is ReturnState.CONFIRMING
    assert shop.state(booking_id) == ("pending", "unpaid")
    assert "confirm" in shop.come_back(shop.session_of(booking_id)).text.lower()


def test_return_after_the_session_ended_says_that_nothing_was_charged(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pass_time(minutes=36)

    assert _view(shop, booking_id).state is ReturnState.OVER
    assert "charged" in shop.come_back(shop.session_of(booking_id)).text


def test_return_for_money_that_does_not_fit_says_that_a_person_looks(shop: Shop) -> None:
    shop.breaks = ("I9",)  # the row is changed by hand, so that the payment does not fit it
    booking_id = shop.book(shop.stay())
    with shop.app.app_context():
        db.session.get_one(Attempt, shop.attempts(booking_id)[0].id).amount_minor += 1
        db.session.commit()
    shop.pay(booking_id)

    assert _view(shop, booking_id).state is ReturnState.REVIEW


def test_return_of_a_guest_whose_nights_are_gone_tells_of_the_refund(shop: Shop) -> None:
    stay = shop.stay()
    grace = shop.book(stay, browser="grace")
    shop.clock.offset += timedelta(minutes=50)
    linus = shop.book(stay, LINUS, "linus")
    shop.pay(linus)
    shop.pay(grace)

    assert _view(shop, grace).state is ReturnState.REFUNDED
    assert "is on its way back to you" in shop.come_back(shop.session_of(grace)).text


def test_return_from_a_session_that_was_given_up_still_asks_whether_it_was_paid(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    session_id = shop.session_of(booking_id)
    shop.stripe.pay(session_id, wait=False)
    # The process dies after the session was given up and before Stripe was asked to end it.
    with shop.app.app_context():
        db.session.get_one(Attempt, shop.attempts(booking_id)[0].id).status = AttemptStatus.SUPERSEDED
        db.session.commit()

    assert _view(shop, booking_id).state is ReturnState.BOOKED
    assert shop.causes(booking_id, "confirmed") == ["redirect"]
