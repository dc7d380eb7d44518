"""Scenarios 1, 2, 5, 6, 7, 8, 11, 15: however the news of a payment comes, there is one confirmation."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from booking.domain.states import AttemptStatus
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.services import reconciliation, settlement
from booking.services.checkout import HandoffOutcome
from tests.support.shop import Shop


class Died(BaseException):
    """Stands for the process being killed at this point: nothing catches it."""


def test_paid_session_is_confirmed_by_the_webhook(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    shop.pay(booking_id)

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.causes(booking_id, "confirmed") == ["webhook"]
    assert [night.hold_until for night in shop.nights(booking_id)] == [None] * 3
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]


@pytest.mark.usefixtures("patience")
def test_scenario_01_redirect_and_webhook_at_the_same_instant_confirm_once(shop: Shop) -> None:
    for repetition in range(20):
        booking_id = shop.book(shop.stay(ahead=30 + 3 * repetition), browser=f"grace-{repetition}")
        session_id = shop.session_of(booking_id)
        shop.stripe.hold_webhooks()
        shop.stripe.pay(session_id, wait=False)
        shop.stripe.post("delivery", {"mode": "normal"})

        answers = _at_once(shop, session_id)

        assert answers[0].status_code in (200, 303)
        assert answers[1]["status"] == 200
        assert shop.state(booking_id) == ("confirmed", "paid")
        assert len(shop.causes(booking_id, "confirmed")) == 1
        assert len(shop.payments(booking_id)) == 1
        assert shop.mails(booking_id).count("confirmed") == 1


def _at_once(shop: Shop, session_id: str) -> list:
    completed = next(e for e in shop.stripe.events("checkout.session.completed") if _object_id(e) == session_id)
    barrier = threading.Barrier(2)

    def redirect():
        barrier.wait()
        return shop.come_back(session_id)

    def webhook():
        barrier.wait()
        return shop.stripe.resend(completed["id"])[0]

    with ThreadPoolExecutor(2) as pool:
        return [job.result() for job in (pool.submit(redirect), pool.submit(webhook))]


def _object_id(event: dict) -> str:
    return event["data"]["object"]["id"]


def test_scenario_02_the_same_event_ten_times_and_a_second_event_have_one_effect(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id)
    (completed,) = shop.stripe.events("checkout.session.completed")
    (succeeded,) = shop.stripe.events("payment_intent.succeeded")

    answers = shop.stripe.resend(completed["id"], times=10, concurrency=5)
    answers += shop.stripe.resend(succeeded["id"])

    assert {answer["status"] for answer in answers} == {200}
    assert all('"ignored"' in answer["body"] for answer in answers)
    assert len(shop.causes(booking_id, "confirmed")) == 1
    assert len(shop.payments(booking_id)) == 1
    assert shop.mails(booking_id) == ["confirmed", "new_booking"]


def test_scenario_02_two_events_of_one_payment_in_either_order_confirm_once(shop: Shop) -> None:
    for number, order in enumerate((1, -1)):
        booking_id = shop.book(shop.stay(ahead=30 + 4 * number), browser=f"grace-{number}")
        shop.stripe.hold_webhooks()
        shop.stripe.pay(shop.session_of(booking_id), wait=False)
        ids = [e["id"] for e in shop.stripe.events() if e["type"] in _PAID][-2:]

        shop.stripe.release(ids[::order])

        assert shop.state(booking_id) == ("confirmed", "paid")
        assert len(shop.payments(booking_id)) == 1


_PAID = ("checkout.session.completed", "payment_intent.succeeded")


def test_scenario_05_crash_before_the_stripe_call_leads_to_one_session(shop: Shop, monkeypatch) -> None:
    placed = shop.place(shop.stay())
    with monkeypatch.context() as patch:
        patch.setattr(shop.runtime.payments._inner, "open_checkout", _die)
        with pytest.raises(Died):
            shop.check_out(placed.booking_id)
    (before,) = shop.attempts(placed.booking_id)

    handoff = shop.check_out(placed.booking_id)

    (after,) = shop.attempts(placed.booking_id)
    assert handoff.outcome is HandoffOutcome.PAY
    assert (after.id, after.idempotency_key) == (before.id, before.idempotency_key)
    assert [call["idempotency_key"] for call in shop.stripe.created()] == [before.idempotency_key]


def _die(*_args, **_kwargs):
    raise Died


def _crash_after_stripe_answered(shop: Shop, booking_id: int, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("booking.services.attempts.settle_now", _die)
        with pytest.raises(Died):
            shop.check_out(booking_id)


def test_scenario_06_crash_after_stripe_made_the_session_gives_the_same_one_later(shop: Shop, monkeypatch) -> None:
    placed = shop.place(shop.stay())
    _crash_after_stripe_answered(shop, placed.booking_id, monkeypatch)
    assert shop.attempts(placed.booking_id)[0].session_id is None
    shop.pass_time(minutes=5)

    handoff = shop.check_out(placed.booking_id)

    (call,) = shop.stripe.created()
    (attempt,) = shop.attempts(placed.booking_id)
    assert handoff.url == attempt.url
    assert call["idempotency_key"] == attempt.idempotency_key
    assert int(attempt.expires_at.timestamp()) == int(call["params"]["expires_at"])


def test_scenario_06_webhook_that_is_faster_than_our_own_row_is_matched_by_metadata(shop: Shop, monkeypatch) -> None:
    placed = shop.place(shop.stay())
    _crash_after_stripe_answered(shop, placed.booking_id, monkeypatch)
    (session_id,) = shop.stripe.sessions()

    shop.stripe.pay(session_id)
    shop.stripe.settle_down()

    assert shop.state(placed.booking_id) == ("confirmed", "paid")
    assert shop.session_of(placed.booking_id) == session_id


def test_scenario_07_crash_before_the_commit_leaves_nothing_and_the_retry_confirms(shop: Shop, monkeypatch) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    (completed,) = shop.stripe.events("checkout.session.completed")
    with monkeypatch.context() as patch:
        patch.setattr(settlement, "refresh_money", _fail)
        (first,) = shop.stripe.resend(completed["id"])
    half = (shop.state(booking_id), shop.payments(booking_id), shop.mails(booking_id))

    (second,) = shop.stripe.resend(completed["id"])

    assert first["status"] == 500
    assert half == (("pending", "unpaid"), [], [])
    assert second["status"] == 200
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.mails(booking_id).count("confirmed") == 1


def _fail(*_args, **_kwargs):
    raise RuntimeError("the process dies here")


def test_scenario_08_crash_after_the_commit_makes_the_retry_a_duplicate(shop: Shop, monkeypatch) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), wait=False)
    (completed,) = shop.stripe.events("checkout.session.completed")
    with monkeypatch.context() as patch:
        patch.setattr("booking.web.webhooks.views.receive_event", _commit_and_fail)
        (first,) = shop.stripe.resend(completed["id"])

    (second,) = shop.stripe.resend(completed["id"])

    assert first["status"] == 500
    assert (second["status"], "ignored" in second["body"]) == (200, True)
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.mails(booking_id).count("confirmed") == 1


def _commit_and_fail(*args):
    from booking.services.webhooks import receive_event

    receive_event(*args)
    raise RuntimeError("the process dies before it can answer")


def test_scenario_11_decline_then_success_then_the_old_news_stays_confirmed(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())
    shop.stripe.hold_webhooks()
    session_id = shop.session_of(booking_id)
    assert shop.stripe.pay(session_id, card="4000000000000002")["outcome"] == "declined"
    shop.stripe.pay(session_id, wait=False)
    (declined,) = shop.stripe.events("payment_intent.payment_failed")
    (completed,) = shop.stripe.events("checkout.session.completed")

    shop.stripe.release([completed["id"], declined["id"]])
    shop.pass_time(days=1)
    answers = shop.stripe.resend(declined["id"])

    assert {answer["status"] for answer in answers} == {200}
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.causes(booking_id, "card_declined") == []


def test_scenario_11_a_decline_alone_changes_nothing_but_a_note(shop: Shop) -> None:
    booking_id = shop.book(shop.stay())

    shop.pay(booking_id, card="4000000000009995")

    assert shop.state(booking_id) == ("pending", "unpaid")
    assert len(shop.nights(booking_id)) == 3
    assert shop.attempts(booking_id)[0].decline_code == "insufficient_funds"
    assert shop.mails(booking_id) == []


def test_scenario_15_with_webhooks_off_reconciling_confirms_the_paid_and_frees_the_unpaid(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    paid = shop.book(shop.stay(ahead=30), browser="grace")
    left = shop.book(shop.stay(ahead=60), browser="linus")
    shop.stripe.pay(shop.session_of(paid), wait=False)
    shop.pass_time(hours=24)

    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)

    assert shop.state(paid) == ("confirmed", "paid")
    assert shop.causes(paid, "confirmed") == ["reconcile"]
    assert shop.state(left) == ("expired", "unpaid")
    assert shop.nights(left) == []
    assert shop.attempts(left)[0].status is AttemptStatus.EXPIRED


def test_scenario_15_expired_event_lost_dates_are_free_at_the_right_time_without_any_worker(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    stay = shop.stay()
    shop.book(stay, browser="grace")
    shop.pass_time(minutes=44)
    with pytest.raises(Exception, match="dates_unavailable"):
        shop.place(stay, browser="linus")

    shop.pass_time(minutes=2)

    assert shop.place(stay, browser="linus").booking_id


def test_webhooks_off_for_good_end_in_the_same_state_as_webhooks_on(shop: Shop) -> None:
    heard = shop.book(shop.stay(ahead=30), browser="one")
    shop.pay(heard)
    shop.stripe.drop_webhooks()
    unheard = shop.book(shop.stay(ahead=60), browser="two")
    shop.stripe.pay(shop.session_of(unheard), wait=False)

    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)

    assert shop.state(heard) == shop.state(unheard)
    assert shop.mails(heard) == shop.mails(unheard)
    assert [p.amount == shop.booking(unheard).amount for p in shop.payments(unheard)] == [True]


def test_redirect_confirms_where_the_webhook_is_lost(shop: Shop) -> None:
    shop.stripe.drop_webhooks()
    booking_id = shop.book(shop.stay())
    shop.stripe.pay(shop.session_of(booking_id), wait=False)

    answer = shop.come_back(shop.session_of(booking_id))

    assert answer.status_code == 200
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert shop.causes(booking_id, "confirmed") == ["redirect"]


def test_stripe_made_the_session_but_goes_on_answering_500_the_session_is_found_by_looking(shop: Shop) -> None:
    placed = shop.place(shop.stay())
    _answer_500(shop, "status_500_after_effect")
    with pytest.raises(GatewayUnavailable):
        shop.check_out(placed.booking_id)
    assert shop.state(placed.booking_id) == ("pending", "unpaid")
    shop.stripe.post("faults", [])
    shop.pass_time(minutes=1)

    handoff = shop.check_out(placed.booking_id)

    (session_id,) = shop.stripe.sessions()
    assert handoff.outcome is HandoffOutcome.PAY
    assert shop.session_of(placed.booking_id) == session_id


def test_stripe_made_nothing_and_goes_on_answering_500_the_next_attempt_has_a_new_key(shop: Shop) -> None:
    placed = shop.place(shop.stay())
    _answer_500(shop, "status_500", stored=True)
    with pytest.raises(GatewayUnavailable):
        shop.check_out(placed.booking_id)
    shop.stripe.post("faults", [])
    shop.pass_time(minutes=1)

    handoff = shop.check_out(placed.booking_id)

    first, second = shop.attempts(placed.booking_id)
    assert handoff.url == second.url
    assert (first.status, second.status) == (AttemptStatus.EXPIRED, AttemptStatus.OPEN)
    assert first.idempotency_key != second.idempotency_key
    assert len(shop.stripe.sessions()) == 1


def _answer_500(shop: Shop, kind: str, **more) -> None:
    shop.stripe.post("faults", [{"kind": kind, "path_prefix": "/v1/checkout/sessions", "times": 9, **more}])


def test_reset_connection_at_the_click_is_retried_with_the_same_key(shop: Shop) -> None:
    placed = shop.place(shop.stay())
    shop.stripe.post("faults", [{"kind": "reset", "path_prefix": "/v1/checkout/sessions", "times": 1}])

    handoff = shop.check_out(placed.booking_id)

    assert handoff.outcome is HandoffOutcome.PAY
    assert len(shop.stripe.created()) == 1


def test_settling_outside_a_transaction_is_refused(small_shop: Shop) -> None:
    with small_shop.app.app_context(), pytest.raises(RuntimeError, match="inside transaction"):
        settlement.settle(db.session(), None, None, None, None)  # type: ignore[arg-type]


def test_the_log_says_which_path_confirmed(small_shop: Shop, caplog) -> None:
    caplog.set_level("INFO", logger="booking")
    booking_id = small_shop.book(small_shop.stay())

    small_shop.pay(booking_id)

    assert "Processing webhook event: checkout.session.completed" in caplog.messages
    assert f"Booking {booking_id} confirmed successfully via webhook" in caplog.messages
