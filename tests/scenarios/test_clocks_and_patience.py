"""Scenarios 27, 28: clocks that are wrong by a minute and a half, parameters that grew old, and a Stripe that hangs."""

import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import requests

from booking.domain.states import AttemptStatus
from booking.gateways import stripe_gateway
from booking.gateways.payments import GatewayUnavailable
from booking.services import reconciliation
from booking.services.checkout import HandoffOutcome
from tests.support import hostile
from tests.support.shop import LINUS, Shop, Visitor

REVIEW = "/stays/harbour-loft/review"


# --- 27: clocks -----------------------------------------------------------------------------------------------------


def _hold_for(shop: Shop, minutes: int) -> None:
    settings = replace(shop.runtime.settings, hold_minutes=minutes)
    shop.app.extensions["holdfast"] = replace(shop.runtime, settings=settings)


@pytest.mark.parametrize("minutes", [31, 35, 1435])
@pytest.mark.parametrize("seconds", [-90, 90])
def test_scenario_27_a_clock_wrong_by_90_seconds_keeps_nobody_from_paying(
    shop: Shop, minutes: int, seconds: int
) -> None:
    _hold_for(shop, minutes)
    shop.clock.offset = timedelta(seconds=seconds)
    placed = shop.place(shop.stay())

    handoff = shop.check_out(placed.booking_id)
    shop.pay(placed.booking_id)

    assert handoff.outcome is HandoffOutcome.PAY
    assert len(shop.attempts(placed.booking_id)) == len(shop.stripe.sessions()) == 1
    assert shop.state(placed.booking_id) == ("confirmed", "paid")


def test_scenario_27_parameters_that_grew_ten_minutes_old_unsent_make_way_for_the_next_attempt(
    shop: Shop, monkeypatch
) -> None:
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("harbour-loft", stay)
    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "open_checkout", _unreachable)
        assert grace.post(REVIEW, form).status_code == 503
    shop.pass_time(minutes=10)

    answer = grace.post(REVIEW, form)

    (booking,) = shop.bookings()
    first, second = shop.attempts(booking.id)
    assert answer.status_code == 303
    assert answer.headers["Location"] == second.url
    assert (first.status, second.status) == (AttemptStatus.EXPIRED, AttemptStatus.OPEN)
    assert second.expires_at - first.expires_at >= timedelta(minutes=10)
    assert len(shop.stripe.sessions()) == 1
    assert shop.mails(booking.id) == []
    assert {night.hold_until for night in shop.nights(booking.id)} == {booking.hold_until}


def _unreachable(*_args: Any) -> None:
    raise GatewayUnavailable("no answer")


def test_scenario_27_parameters_that_stripe_took_bring_the_same_session_ten_minutes_later(shop: Shop) -> None:
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("harbour-loft", stay)
    _hang(shop, "timeout_after_effect")
    assert grace.post(REVIEW, form).status_code == 503
    shop.stripe.post("faults", [])
    shop.pass_time(minutes=10)

    answer = grace.post(REVIEW, form)

    (booking,) = shop.bookings()
    (attempt,) = shop.attempts(booking.id)
    assert answer.headers["Location"] == attempt.url
    assert shop.stripe.sessions() == [attempt.session_id]


# --- 28: a Stripe that hangs ----------------------------------------------------------------------------------------


def _hang(shop: Shop, kind: str = "timeout_before") -> None:
    """From now on Stripe takes requests and does not answer for a minute; the shop waits for less long than in life."""
    shop.runtime.payments._inner._patience = (0.3, stripe_gateway.WEB_RETRIES)
    shop.runtime.payments._inner.__dict__.pop("_client", None)
    shop.stripe.post("faults", [{"kind": kind, "method": "*", "path_prefix": "/v1/", "times": 99, "seconds": 60}])


def _words(page: requests.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def _calls(shop: Shop) -> int:
    return len(shop.stripe.get("requests", path="/v1/"))


def test_scenario_28_a_page_that_waits_in_vain_answers_within_ten_seconds() -> None:
    tries, pause = stripe_gateway.WEB_RETRIES + 1, 0.5  # the SDK's first pause is half a second

    assert tries * stripe_gateway.WEB_READ_SECONDS + pause * stripe_gateway.WEB_RETRIES < 10
    assert tries * stripe_gateway.CONNECT_SECONDS + pause * stripe_gateway.WEB_RETRIES < 10


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after_effect"])
def test_scenario_28_a_click_while_stripe_hangs_is_told_the_truth_and_makes_one_session(shop: Shop, kind: str) -> None:
    grace, stay = Visitor(shop.url), shop.stay()
    form = grace.review_form("harbour-loft", stay)
    _hang(shop, kind)

    for minutes in (0, 1):
        shop.pass_time(minutes=minutes)
        calls, began = _calls(shop), time.monotonic()
        page = grace.post(REVIEW, form)

        assert time.monotonic() - began < 5
        assert page.status_code == 503
        assert "does not answer just now." in _words(page)
        assert "Nothing was charged." in _words(page)
        assert "Your nights are held until" in _words(page)
        # One question, asked twice: whatever is asked next would keep the guest waiting as long once more.
        assert _calls(shop) - calls == 1 + stripe_gateway.WEB_RETRIES
    shop.stripe.post("faults", [])

    answer = grace.post(REVIEW, form)

    (booking,) = shop.bookings()
    (attempt,) = shop.attempts(booking.id)
    assert (answer.status_code, answer.headers["Location"]) == (303, attempt.url)
    assert shop.stripe.sessions() == [attempt.session_id]


def test_scenario_28_who_comes_back_paid_is_told_to_wait_and_a_webhook_is_answered_at_once(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    (completed,) = shop.stripe.events("checkout.session.completed")
    _hang(shop)

    began = time.monotonic()
    page = shop.come_back(shop.session_of(booking_id))
    waited = time.monotonic() - began
    before = shop.state(booking_id)
    body = json.dumps(completed).encode()
    calls, began = _calls(shop), time.monotonic()
    answer = hostile.post(shop.url, body, hostile.sign(body))

    assert waited < 5
    assert page.status_code == 200
    assert "We are confirming your payment" in _words(page)
    assert before == ("pending", "unpaid")
    assert answer.json == {"status": "success"}
    assert time.monotonic() - began < 2
    assert _calls(shop) == calls
    assert shop.state(booking_id) == ("confirmed", "paid")


def test_scenario_28_the_rest_of_the_shop_goes_on_while_stripe_hangs(shop: Shop) -> None:
    booking_id = shop.book(shop.stay(ahead=60))
    shop.pay(booking_id)
    _hang(shop)

    with pytest.raises(GatewayUnavailable):
        shop.check_out(shop.place(shop.stay(), LINUS, "linus").booking_id)
    with shop.app.app_context():
        findings = reconciliation.reconcile(shop.runtime)

    assert all(finding.is_problem for finding in findings)
    assert Visitor(shop.url).get("/stays").status_code == 200
    assert shop.work()
    assert "new_booking" in shop.mails(booking_id)
    assert len(shop.mailer.letters) == 2
