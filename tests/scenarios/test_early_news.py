"""News that overtakes the payment it is about: Stripe promises no order, and a dispute does not say whose it is."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from booking.models import WebhookEvent
from booking.models.webhook import InboxOutcome
from tests.scenarios.test_webhook_route import deliver, event_of
from tests.support import backup
from tests.support.shop import Shop

DISPUTED, INQUIRY, GOOD = "4000000000000259", "4000000000001976", "4242424242424242"


def _paid_unheard(shop: Shop, card: str = GOOD) -> tuple[int, str]:
    """A booking paid at Stripe that nothing here knows of yet, and its payment."""
    booking_id = shop.book(shop.stay())
    shop.stripe.drop_webhooks()
    shop.stripe.pay(shop.session_of(booking_id), card)
    return booking_id, shop.stripe.events("payment_intent.succeeded")[-1]["data"]["object"]["id"]


def _hear(shop: Shop, event_type: str) -> int:
    """Deliver the newest event of a type; the answer's status."""
    return int(shop.stripe.resend(shop.stripe.events(event_type)[-1]["id"])[0]["status"])


def _look_ups(shop: Shop) -> int:
    return len(shop.stripe.get("requests", method="GET", path="/v1/payment_intents"))


def _refund_by_hand(shop: Shop, intent_id: str) -> None:
    shop.stripe_client().refunds.create({"payment_intent": intent_id, "amount": 100})


def _dispute(shop: Shop, _intent_id: str) -> None:
    shop.pass_time(seconds=5)


@pytest.mark.parametrize(
    ("card", "cause", "event_type", "state"),
    [
        (INQUIRY, _dispute, "charge.dispute.created", ("confirmed", "paid")),
        (GOOD, _refund_by_hand, "refund.created", ("confirmed", "partially_refunded")),
        (GOOD, _refund_by_hand, "charge.refunded", ("confirmed", "partially_refunded")),
    ],
)
def test_news_that_overtakes_its_payment_brings_the_payment_with_it(
    shop: Shop, card: str, cause: Callable[[Shop, str], None], event_type: str, state: tuple[str, str]
) -> None:
    booking_id, intent_id = _paid_unheard(shop, card)
    cause(shop, intent_id)

    assert (_hear(shop, event_type), _look_ups(shop)) == (200, 1)
    shop.work()

    assert shop.state(booking_id) == state
    assert shop.causes(booking_id, "confirmed") == ["reconcile"]
    assert len(shop.disputes(booking_id)) == (card == INQUIRY)
    assert _hear(shop, "payment_intent.succeeded") == _hear(shop, "checkout.session.completed") == 200
    assert shop.mails(booking_id).count("confirmed") == 1


def test_a_fraud_warning_that_overtakes_its_payment_is_told_to_staff(shop: Shop) -> None:
    booking_id, intent_id = _paid_unheard(shop)
    warning = {"id": "issfr_1", "charge": None, "payment_intent": intent_id}

    answer = deliver(shop, event_of("radar.early_fraud_warning.created", warning))

    assert answer.json() == {"status": "success"}
    assert shop.state(booking_id) == ("confirmed", "paid")
    assert "fraud_warning" in shop.mails(booking_id)


def _pay_elsewhere(shop: Shop, card: str) -> None:
    """Another program on the same account sells something."""
    item = {"price_data": {"currency": "eur", "unit_amount": 500, "product_data": {"name": "Mug"}}, "quantity": 1}
    app: dict[str, str] = {"app": "mugs"}
    params: Any = {"mode": "payment", "line_items": [item], "success_url": "https://mugs.example/", "metadata": app}
    session = shop.stripe_client().checkout.sessions.create({**params, "payment_intent_data": {"metadata": app}})
    shop.stripe.pay(session.id, card)
    shop.pass_time(seconds=5)


def test_news_of_a_payment_of_another_program_is_asked_about_once_and_leaves_no_trace(shop: Shop) -> None:
    _pay_elsewhere(shop, DISPUTED)

    assert _look_ups(shop) == len(shop.stripe.events("charge.dispute.created")) + len(
        shop.stripe.events("charge.dispute.funds_withdrawn")
    )
    assert shop.count(WebhookEvent) == 0


def test_a_charge_that_carries_no_id_of_ours_is_not_asked_about(shop: Shop) -> None:
    _pay_elsewhere(shop, GOOD)
    intent_id = shop.stripe.events("payment_intent.succeeded")[-1]["data"]["object"]["id"]
    _refund_by_hand(shop, intent_id)
    shop.stripe.settle_down()
    shop.stripe.drop_webhooks()
    before = _look_ups(shop)

    assert _hear(shop, "charge.refunded") == 200
    assert _look_ups(shop) == before


def test_news_of_a_payment_that_stripe_does_not_know_is_ignored(shop: Shop) -> None:
    dispute = {"id": "du_1", "amount": 5, "currency": "eur", "payment_intent": "pi_of_another_account"}

    answer = deliver(shop, event_of("charge.dispute.created", dispute))

    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")


def test_while_stripe_does_not_answer_early_news_is_not_taken_in_and_stripes_retry_is(shop: Shop) -> None:
    booking_id, _ = _paid_unheard(shop, INQUIRY)
    shop.pass_time(seconds=5)
    shop.stripe.post("faults", [{"kind": "reset", "path_prefix": "/v1/payment_intents", "method": "GET", "times": 9}])
    assert _hear(shop, "charge.dispute.created") == 503
    assert (shop.state(booking_id), shop.count(WebhookEvent)) == (("pending", "unpaid"), 0)
    shop.stripe.post("faults", [])

    assert _hear(shop, "charge.dispute.created") == 200

    assert shop.state(booking_id) == ("confirmed", "paid")
    assert len(shop.disputes(booking_id)) == 1


def test_a_dispute_of_a_payment_that_a_restore_has_lost_is_kept_for_staff(shop: Shop) -> None:
    shop.book(shop.stay(ahead=60))
    restore = backup.take(shop)
    _paid_unheard(shop, INQUIRY)
    shop.pass_time(seconds=5)
    restore()

    assert _hear(shop, "charge.dispute.created") == 404

    (row,) = shop._read(select(WebhookEvent))
    assert (row.type, row.outcome) == ("charge.dispute.created", InboxOutcome.UNMATCHED)
    shop.work()
    assert any("Was a backup restored?" in letter.text for letter in shop.mailer.letters)
