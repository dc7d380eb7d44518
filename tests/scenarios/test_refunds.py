"""Scenarios 9, 10, 24: a refund is sent once, and our rows end as Stripe's list does."""

import pytest
import requests

from booking.domain.errors import RefundRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, CancelReason, RefundReason, RefundStatus, Source
from booking.gateways.payments import GatewayRefused, GatewayUnavailable
from booking.services import reconciliation, refunds, reservations
from booking.services.timeline import Cause
from booking.services.webhooks import replay_event
from tests.support.shop import Shop

ADA = "ada@example.org"


def _paid(shop: Shop, card: str = "4242424242424242") -> int:
    booking_id = shop.book(shop.stay())
    shop.pay(booking_id, card)
    return booking_id


def _order(shop: Shop, booking_id: int, minor: int, token: str = "form-1") -> int:
    with shop.app.app_context():
        return refunds.order_refund(shop.runtime, booking_id, Money(minor, "eur"), ADA, token)


def _at_stripe(shop: Shop) -> list[dict]:
    return shop.stripe.created("/v1/refunds")


def test_part_of_the_money_goes_back_and_the_stay_stays(shop: Shop) -> None:
    booking_id = _paid(shop)

    _order(shop, booking_id, 5000)
    assert shop.state(booking_id) == ("confirmed", "refund_pending")
    shop.work()
    shop.stripe.settle_down()

    assert shop.state(booking_id) == ("confirmed", "partially_refunded")
    assert len(shop.nights(booking_id)) == 3
    (call,) = _at_stripe(shop)
    assert call["idempotency_key"] == shop.refunds(booking_id)[0].idempotency_key
    assert call["params"]["metadata"]["refund_id"] == shop.refunds(booking_id)[0].token
    assert ADA not in str(call["params"])
    assert "refund_sent" in shop.mails(booking_id)


def test_scenario_24_a_double_click_is_one_refund_and_two_equal_forms_are_two(shop: Shop) -> None:
    booking_id = _paid(shop)

    first = _order(shop, booking_id, 5000, "form-1")
    again = _order(shop, booking_id, 5000, "form-1")
    other = _order(shop, booking_id, 5000, "form-2")
    shop.work()

    assert first == again != other
    assert len(_at_stripe(shop)) == 2


def test_scenario_24_never_more_than_is_left(shop: Shop) -> None:
    booking_id = _paid(shop)
    total = shop.booking(booking_id).amount_minor
    _order(shop, booking_id, total - 100)

    for minor in (101, total, 0, -5, 10**18):
        with pytest.raises(RefundRefused):
            _order(shop, booking_id, minor, f"form-{minor}")
    with shop.app.app_context(), pytest.raises(RefundRefused, match="another currency"):
        refunds.order_refund(shop.runtime, booking_id, Money(50, "usd"), ADA, "form-usd")

    assert sum(row.amount_minor for row in shop.refunds(booking_id)) == total - 100


def test_scenario_24_a_refund_made_in_the_dashboard_appears_and_moves_nothing(shop: Shop) -> None:
    booking_id = _paid(shop)
    (payment,) = shop.payments(booking_id)

    requests.post(
        f"{shop.stripe.url}/v1/refunds",
        data={"payment_intent": payment.payment_intent_id, "amount": "700"},
        auth=("sk_test_0123456789abcdef", ""),
        timeout=10,
    ).raise_for_status()
    shop.stripe.settle_down()
    shop.work()

    (refund,) = shop.refunds(booking_id)
    assert (refund.reason, refund.status) == (RefundReason.EXTERNAL, RefundStatus.SUCCEEDED)
    assert shop.state(booking_id) == ("confirmed", "partially_refunded")
    assert shop.payments(booking_id)[0].reported_refunded_minor == 0
    assert "external_refund" in shop.mails(booking_id)


def test_scenario_24_charge_refunded_before_any_refund_is_known(shop: Shop) -> None:
    booking_id = _paid(shop)
    shop.stripe.hold_webhooks()
    _order(shop, booking_id, 5000)
    shop.work()
    refunded = [event["id"] for event in shop.stripe.events("charge.refunded")]
    rest = [event["id"] for event in shop.stripe.events() if event["type"].startswith("refund.")]

    shop.stripe.release([*refunded, *rest[::-1]])
    shop.work()

    assert shop.state(booking_id) == ("confirmed", "partially_refunded")
    assert len(shop.refunds(booking_id)) == 1


def test_scenario_24_a_refund_that_fails_after_it_succeeded_opens_the_amount_again(shop: Shop) -> None:
    booking_id = _paid(shop, "4000000000005126")
    total = shop.booking(booking_id).amount_minor
    _order(shop, booking_id, total)
    shop.work()
    assert shop.state(booking_id) == ("confirmed", "refunded")

    shop.pass_time(minutes=2)

    booking = shop.booking(booking_id)
    assert (booking.status, booking.payment_status, booking.refund_failed) == ("confirmed", "paid", True)
    assert "refund_failed" in shop.mails(booking_id)
    assert _order(shop, booking_id, total, "form-2")


def test_scenario_24_a_pending_refund_is_neither_done_nor_failed(shop: Shop) -> None:
    booking_id = _paid(shop, "4000000000007726")
    _order(shop, booking_id, 4000)
    shop.work()
    shop.stripe.settle_down()
    assert shop.state(booking_id) == ("confirmed", "refund_pending")

    shop.pass_time(minutes=2)

    assert shop.state(booking_id) == ("confirmed", "partially_refunded")


def test_late_news_of_a_refund_never_moves_it_backwards(shop: Shop) -> None:
    booking_id = _paid(shop, "4000000000007726")
    shop.stripe.hold_webhooks()
    _order(shop, booking_id, 4000)
    shop.work()
    shop.pass_time(minutes=2)
    kinds = ("refund.updated", "refund.created")
    newest_first = [shop.stripe.events(kind)[0]["id"] for kind in kinds]

    for event_id in newest_first:
        shop.stripe.release([event_id])
        assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED


def test_scenario_09_answer_lost_and_the_worker_asks_again_with_the_same_key(shop: Shop) -> None:
    booking_id = _paid(shop)
    _order(shop, booking_id, 5000)
    shop.stripe.hold_webhooks()
    shop.stripe.post("faults", [{"kind": "status_500_after_effect", "path_prefix": "/v1/refunds", "times": 1}])
    shop.work()
    assert shop.refunds(booking_id)[0].status is RefundStatus.REQUESTED

    shop.pass_time(minutes=10)
    with shop.app.app_context():
        reconciliation.reconcile(shop.runtime)
    for _ in range(4):
        shop.pass_time(hours=1)
        shop.work()

    (refund,) = shop.refunds(booking_id)
    assert refund.status is RefundStatus.SUCCEEDED
    assert _refunds_at_stripe(shop, booking_id) == [5000]


def test_scenario_09_the_event_comes_before_our_own_answer(shop: Shop, monkeypatch) -> None:
    booking_id = _paid(shop)
    _order(shop, booking_id, 5000)
    # The process dies between Stripe's answer and our second transaction.
    with monkeypatch.context() as patch:
        patch.setattr(refunds, "_apply_in_transaction", lambda *_: None)
        shop.work()
    shop.stripe.settle_down()

    (refund,) = shop.refunds(booking_id)
    assert (refund.status, bool(refund.stripe_refund_id)) == (RefundStatus.SUCCEEDED, True)


def test_scenario_10_stripe_refunded_but_replays_500_the_refund_is_adopted_by_looking(shop: Shop) -> None:
    booking_id = _paid(shop)
    shop.stripe.drop_webhooks()
    refund_id = _order(shop, booking_id, 5000)
    shop.stripe.post("faults", [{"kind": "status_500_after_effect", "path_prefix": "/v1/refunds", "times": 1}])
    with shop.app.app_context():
        for tries in (1, 2):
            with pytest.raises(GatewayUnavailable):
                refunds.send_refund(shop.runtime, refund_id, tries=tries)

        refunds.send_refund(shop.runtime, refund_id, tries=3)

    (refund,) = shop.refunds(booking_id)
    assert refund.status is RefundStatus.SUCCEEDED
    assert _refunds_at_stripe(shop, booking_id) == [5000]


def test_a_key_that_only_replays_errors_is_replaced_once_looking_found_nothing(shop: Shop) -> None:
    booking_id = _paid(shop)
    shop.stripe.drop_webhooks()
    refund_id = _order(shop, booking_id, 5000)
    fault = {"kind": "status_500", "stored": True, "path_prefix": "/v1/refunds", "times": 1}
    shop.stripe.post("faults", [fault])
    with shop.app.app_context():
        for tries in (1, 2, 3, 4):
            with pytest.raises(GatewayUnavailable):
                refunds.send_refund(shop.runtime, refund_id, tries=tries)

        refunds.send_refund(shop.runtime, refund_id, tries=5)

    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED
    assert _refunds_at_stripe(shop, booking_id) == [5000]


def test_a_refund_older_than_its_key_is_looked_for_before_it_is_sent_again(shop: Shop) -> None:
    booking_id = _paid(shop)
    shop.stripe.drop_webhooks()
    refund_id = _order(shop, booking_id, 5000)
    shop.stripe.post("faults", [{"kind": "status_500_after_effect", "path_prefix": "/v1/refunds", "times": 1}])
    with shop.app.app_context(), pytest.raises(GatewayUnavailable):
        refunds.send_refund(shop.runtime, refund_id)
    shop.pass_time(hours=30)

    with shop.app.app_context():
        refunds.send_refund(shop.runtime, refund_id)

    assert _refunds_at_stripe(shop, booking_id) == [5000]
    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED


def test_a_refund_that_stripe_refuses_is_given_to_a_person(shop: Shop) -> None:
    booking_id = _paid(shop)
    total = shop.booking(booking_id).amount_minor
    shop.stripe.drop_webhooks()
    _refund_at_stripe(shop, booking_id, total)

    _order(shop, booking_id, total)
    shop.work()
    shop.work()

    ours, theirs = shop.refunds(booking_id)
    assert (ours.status, ours.failure_reason) == (RefundStatus.FAILED, "charge_already_refunded")
    assert (theirs.reason, theirs.status) == (RefundReason.EXTERNAL, RefundStatus.SUCCEEDED)
    assert shop.state(booking_id) == ("confirmed", "refunded")
    assert not shop.booking(booking_id).refund_failed


def test_a_request_that_was_given_up_and_arrives_after_all_counts(shop: Shop, monkeypatch) -> None:
    booking_id = _paid(shop)
    refund_id = _order(shop, booking_id, 5000)
    _refuse(monkeypatch, shop)
    with shop.app.app_context():
        refunds.send_refund(shop.runtime, refund_id)
    (row,) = shop.refunds(booking_id)
    assert (row.status, row.stripe_refund_id) == (RefundStatus.FAILED, None)

    shop.stripe_client().refunds.create(row.params, options={"idempotency_key": row.idempotency_key})
    shop.stripe.settle_down()

    assert [refund.status for refund in shop.refunds(booking_id)] == [RefundStatus.SUCCEEDED]
    assert (shop.state(booking_id)[1], shop.booking(booking_id).refund_failed) == ("partially_refunded", False)


def test_a_refusal_is_not_believed_where_another_try_has_brought_an_answer(shop: Shop, monkeypatch) -> None:
    booking_id = _paid(shop)
    shop.stripe.drop_webhooks()
    refund_id = _order(shop, booking_id, 5000)
    send = shop.runtime.payments.send_refund
    monkeypatch.setattr(refunds, "_look", lambda *_: None)  # Stripe's list lags behind
    _refuse(monkeypatch, shop, first=lambda *order: refunds._apply_in_transaction(shop.runtime, send(*order)))

    with shop.app.app_context():
        refunds.send_refund(shop.runtime, refund_id)

    assert shop.refunds(booking_id)[0].status is RefundStatus.SUCCEEDED
    assert "refund_failed" not in shop.mails(booking_id)


def _refuse(monkeypatch, shop: Shop, first=lambda *_: None) -> None:
    """Stripe says no to the next refund; what else happens just before is `first`."""

    def refuse(*order: object) -> None:
        first(*order)
        raise GatewayRefused("no", reason="account_invalid")

    monkeypatch.setattr(shop.runtime.payments, "send_refund", refuse, raising=False)


def _refund_at_stripe(shop: Shop, booking_id: int, minor: int) -> None:
    (payment,) = shop.payments(booking_id)
    requests.post(
        f"{shop.stripe.url}/v1/refunds",
        data={"payment_intent": payment.payment_intent_id, "amount": str(minor)},
        auth=("sk_test_0123456789abcdef", ""),
        timeout=10,
    ).raise_for_status()


def _refunds_at_stripe(shop: Shop, booking_id: int) -> list[int]:
    (payment,) = shop.payments(booking_id)
    with shop.app.app_context():
        found = shop.runtime.payments.list_refunds(payment.payment_intent_id)
    return [refund.amount.minor for refund in found]


def test_a_booking_paid_twice_is_refunded_over_both_payments(shop: Shop, monkeypatch) -> None:
    booking_id = shop.book(shop.stay())
    first = shop.session_of(booking_id)
    shop.pass_time(minutes=32)
    monkeypatch.setattr("booking.services.attempts.end_given_up", lambda *_: False)
    shop.check_out(booking_id)
    shop.stripe.pay(shop.session_of(booking_id))
    shop.stripe.pay(first)
    shop.stripe.settle_down()
    total = shop.booking(booking_id).amount

    with shop.app.app_context():
        cause = Cause(Source.STAFF, ADA)
        reservations.cancel_booking(shop.runtime, booking_id, CancelReason.STAFF, cause, total, "form-1")
    shop.work()

    assert shop.state(booking_id) == ("cancelled", "refunded")
    assert [refund.amount_minor for refund in shop.refunds(booking_id)] == [total.minor, total.minor]


def test_a_dispute_is_recorded_told_and_blocks_refunds_but_moves_nothing(shop: Shop) -> None:
    booking_id = _paid(shop, "4000000000000259")
    shop.pass_time(minutes=2)

    booking = shop.booking(booking_id)
    assert (booking.status, booking.payment_status, booking.disputed) == (BookingStatus.CONFIRMED, "paid", True)
    assert shop.mails(booking_id).count("dispute") == 1
    assert len(shop.nights(booking_id)) == 3
    with pytest.raises(RefundRefused, match="dispute"):
        _order(shop, booking_id, 100)


def test_a_dispute_that_is_won_is_no_longer_shown_and_old_news_of_it_changes_nothing(shop: Shop) -> None:
    booking_id = _paid(shop, "4000000000000259")
    shop.pass_time(minutes=2)
    created = shop.stripe.events("charge.dispute.created")[0]
    shop.stripe.post(f"disputes/{created['data']['object']['id']}", {"status": "won"})
    shop.stripe.settle_down()

    shop.stripe.resend(created["id"])
    with shop.app.app_context():
        replay_event(shop.runtime, created["id"], ADA)

    assert not shop.booking(booking_id).disputed
    assert shop.booking(booking_id).status is BookingStatus.CONFIRMED
