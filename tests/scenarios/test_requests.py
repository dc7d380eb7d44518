"""Requests to book from the first click to their end: accepted, declined, lapsed, withdrawn, and what Stripe holds."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from booking.database import transaction
from booking.domain.errors import TransitionRefused
from booking.domain.states import Source
from booking.gateways.payments import GatewayUnavailable
from booking.models import Authorisation, Booking, Listing, Night, StayRequest
from booking.services import checkout, reconciliation, requests, reservations, verification
from booking.services.timeline import Cause
from booking.services.verification import Verdict
from tests.support.shop import LINUS, Shop, Visitor

ADA = "ada@example.org"


@pytest.fixture
def asking(shop: Shop) -> Iterator[Shop]:
    """A shop whose one stay can only be asked for."""
    with shop.app.app_context(), transaction() as session:
        session.execute(update(Listing).values(takes_requests=True, answer_hours=48))
    yield shop
    assert _verified_with_stripe(shop) == []


def _verified_with_stripe(shop: Shop) -> list[str]:
    """What `flask verify --stripe` finds, but for a worker that these tests do not run."""
    with shop.app.app_context():
        proofs = verification.verify(shop.runtime)
        compared = verification.compare_with_stripe(shop.runtime)
    lines = [line for proof in proofs if proof.verdict is Verdict.BROKEN for line in proof.problems]
    return [line for line in lines if not line.endswith("is the worker running?")] + list(compared.differences)


def _ask(shop: Shop, ahead: int = 30, browser: str = "grace") -> int:
    booking_id = shop.book(shop.stay(ahead=ahead), browser=browser)
    shop.pay(booking_id)
    return booking_id


def _stands(shop: Shop, booking_id: int) -> tuple[str, str, str, str]:
    with shop.app.app_context():
        request = shop._read(_of(StayRequest, booking_id))[0]
        reserved = shop._read(_of(Authorisation, booking_id))[0]
    return (*shop.state(booking_id), str(request.state), str(reserved.state))


def _of(model: Any, booking_id: int) -> Any:
    return select(model).where(model.booking_id == booking_id)


def _intent(shop: Shop, booking_id: int) -> Any:
    return shop.stripe_client().payment_intents.retrieve(shop.attempts(booking_id)[-1].payment_intent_id)


def test_a_guest_asks_and_the_host_accepts(asking: Shop) -> None:
    booking_id = _ask(asking)
    assert _stands(asking, booking_id) == ("pending", "authorized", "asked", "held")
    assert asking.payments(booking_id) == []
    assert _intent(asking, booking_id).status == "requires_capture"

    with asking.app.app_context():
        answer = requests.accept_request(asking.runtime, booking_id, ADA)
    asking.stripe.settle_down()
    asking.work()

    assert answer is requests.Answer.BOOKED
    assert _stands(asking, booking_id) == ("confirmed", "paid", "accepted", "captured")
    assert len(asking.payments(booking_id)) == 1
    assert {night.hold_until for night in asking.nights(booking_id)} == {None}
    assert asking.mails(booking_id) == ["request_received", "new_request", "confirmed", "new_booking"]


def test_the_deadline_is_that_of_the_charge_where_the_bank_is_less_patient(asking: Shop) -> None:
    with asking.app.app_context(), transaction() as session:
        session.execute(update(Listing).values(answer_hours=1000))

    booking_id = _ask(asking)

    with asking.app.app_context():
        request = asking._read(_of(StayRequest, booking_id))[0]
        reserved = asking._read(_of(Authorisation, booking_id))[0]
    assert reserved.capture_before is not None
    left = reserved.capture_before - request.answer_by
    assert timedelta(hours=12) <= left < timedelta(hours=12, minutes=1)


def test_the_host_declines_and_the_nights_can_be_asked_for_again(asking: Shop) -> None:
    booking_id = _ask(asking)

    with asking.app.app_context():
        requests.decline_request(asking.runtime, booking_id, "The roof is being mended.", ADA)
    asking.stripe.settle_down()
    asking.work()

    assert _stands(asking, booking_id) == ("cancelled", "unpaid", "declined", "released")
    assert _intent(asking, booking_id).status == "canceled"
    assert asking.nights(booking_id) == []
    assert "request_declined" in asking.mails(booking_id)
    assert any("The roof is being mended." in letter.text for letter in asking.mailer.letters)
    again = _ask(asking, browser="linus")
    assert asking.state(again) == ("pending", "authorized")


def test_nobody_answers_and_the_request_lapses(asking: Shop) -> None:
    booking_id = _ask(asking)
    asking.pass_time(hours=47)
    with asking.app.app_context():
        assert requests.lapse_overdue(asking.runtime) == []
    asking.pass_time(hours=1, minutes=1)

    with asking.app.app_context():
        lines = requests.lapse_overdue(asking.runtime)
    asking.stripe.settle_down()

    assert lines == [f"booking {booking_id}: request lapsed"]
    assert _stands(asking, booking_id) == ("cancelled", "unpaid", "lapsed", "released")
    assert _intent(asking, booking_id).status == "canceled"
    assert asking.mails(booking_id)[-2:] == ["request_declined", "request_trouble"]


def test_a_shop_that_slept_for_a_week_finds_the_sum_gone_and_says_so(asking: Shop) -> None:
    booking_id = _ask(asking)
    asking.stripe.post("delivery", {"mode": "drop"})  # and heard nothing meanwhile
    asking.pass_time(days=8)

    with asking.app.app_context():
        reconciliation.reconcile(asking.runtime)

    assert _stands(asking, booking_id) == ("cancelled", "failed", "card_failed", "gone")
    assert asking.nights(booking_id) == []


def test_a_guest_withdraws(asking: Shop) -> None:
    booking_id = _ask(asking)

    with asking.app.app_context():
        checkout.abandon_checkout(asking.runtime, booking_id, Cause(Source.WEB))
    asking.stripe.settle_down()

    assert _stands(asking, booking_id) == ("cancelled", "unpaid", "withdrawn", "released")
    assert _intent(asking, booking_id).status == "canceled"


def test_with_webhooks_off_the_end_is_the_same(asking: Shop) -> None:
    asking.stripe.post("delivery", {"mode": "drop"})
    booking_id = _ask(asking)
    assert asking.state(booking_id) == ("pending", "unpaid")

    with asking.app.app_context():
        reconciliation.reconcile(asking.runtime)
    assert _stands(asking, booking_id) == ("pending", "authorized", "asked", "held")
    with asking.app.app_context():
        requests.accept_request(asking.runtime, booking_id, ADA)

    assert _stands(asking, booking_id) == ("confirmed", "paid", "accepted", "captured")


def test_a_guest_who_comes_back_from_stripe_asks_without_any_webhook(asking: Shop) -> None:
    asking.stripe.post("delivery", {"mode": "drop"})
    booking_id = _ask(asking)

    page = asking.come_back(asking.session_of(booking_id)).text

    assert "Your request is with the house" in page
    assert "Nothing has been charged." in page
    assert asking.state(booking_id) == ("pending", "authorized")


class _DeafToCaptures:
    """Stripe takes the sum, and nobody hears it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def capture_payment(self, *asked: Any) -> None:
        self._real.capture_payment(*asked)
        raise GatewayUnavailable("the answer was lost")


def test_stripe_is_silent_while_a_sum_is_taken_and_the_worker_finishes_it(asking: Shop) -> None:
    booking_id = _ask(asking)
    deaf = replace(asking.runtime, payments=_DeafToCaptures(asking.runtime.payments))

    with asking.app.app_context():
        answer = requests.accept_request(deaf, booking_id, ADA)
        assert answer is requests.Answer.UNKNOWN
        reconciliation.reconcile(asking.runtime)
    asking.stripe.settle_down()

    assert _stands(asking, booking_id) == ("confirmed", "paid", "accepted", "captured")
    assert len(asking.payments(booking_id)) == 1


def test_nights_that_went_to_somebody_else_are_not_asked_for(asking: Shop) -> None:
    stay = asking.stay()
    first = asking.book(stay)
    session_id = asking.session_of(first)
    with asking.app.app_context(), transaction() as session:  # the hold is over here, and Stripe's page is still open
        past = asking.clock.now() - timedelta(minutes=1)
        session.execute(update(Night).where(Night.booking_id == first).values(hold_until=past))
        session.execute(update(Booking).where(Booking.id == first).values(hold_until=past))
    second = asking.book(stay, LINUS, "linus")
    asking.pay(second)

    asking.stripe.pay(session_id, "4242424242424242")
    asking.stripe.settle_down()
    with asking.app.app_context():
        list(requests.settle_open(asking.runtime))
    asking.stripe.settle_down()

    assert _stands(asking, first) == ("cancelled", "unpaid", "dates_gone", "released")
    assert asking.mails(first) == ["request_off"]
    assert asking.state(second) == ("pending", "authorized")


WAYS = {
    "accept": lambda shop, booking_id: requests.accept_request(shop.runtime, booking_id, ADA),
    "decline": lambda shop, booking_id: requests.decline_request(shop.runtime, booking_id, "no", ADA),
    "lapse": lambda shop, booking_id: requests.lapse_overdue(shop.runtime),
    "withdraw": lambda shop, booking_id: checkout.abandon_checkout(shop.runtime, booking_id, Cause(Source.WEB)),
    "expire": lambda shop, booking_id: reservations.expire_holds(shop.runtime),
}


@pytest.mark.parametrize("others", [("decline",), ("accept",), ("lapse",), ("withdraw",), tuple(WAYS)])
def test_answers_that_come_at_once_are_one_answer(asking: Shop, others: tuple[str, ...]) -> None:
    booking_id = _ask(asking)
    asking.clock.offset += timedelta(hours=47, minutes=59, seconds=58) if "lapse" in others else timedelta(0)
    start = threading.Barrier(len(others) + 1)
    unexpected: list[Exception] = []

    def answer(way: str) -> None:
        with asking.app.app_context():
            start.wait()
            try:
                WAYS[way](asking, booking_id)
            except (TransitionRefused, GatewayUnavailable):
                pass
            except Exception as error:  # told below, in the test's own thread
                unexpected.append(error)

    threads = [threading.Thread(target=answer, args=(way,)) for way in ("accept", *others)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asking.stripe.settle_down()
    with asking.app.app_context():
        reconciliation.reconcile(asking.runtime)

    assert unexpected == []
    status = asking.state(booking_id)[0]
    ends = {"confirmed": "succeeded", "cancelled": "canceled", "pending": "requires_capture"}
    assert _intent(asking, booking_id).status == ends[status]
    assert len(asking.payments(booking_id)) == int(status == "confirmed")
    assert bool(asking.nights(booking_id)) is (status != "cancelled")


def test_the_pages_say_what_holds(asking: Shop) -> None:
    visitor, stay = Visitor(asking.url), asking.stay()
    form = visitor.review_form("harbour-loft", stay)

    assert form["is_request"] == "1"
    answer = visitor.post("/stays/harbour-loft/review", form)

    assert answer.status_code == 303
    booking_id = asking.bookings()[-1].id
    asking.pay(booking_id)
    reference = asking.booking(booking_id).reference
    page = visitor.get(f"/b/{reference}").text
    assert "Your request is with the house" in page
    assert "Withdraw request" in page
