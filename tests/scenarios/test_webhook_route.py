"""Scenarios 20, 22, 23, 29: what the route answers to what Stripe, other programs and strangers send."""

import hashlib
import hmac
import json
import threading
import time
from typing import Any

import pytest
import requests

from booking.extensions import db
from booking.models import WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.services.webhooks import ReceiptStatus, replay_event
from tests.support.servers import wait_until
from tests.support.shop import SECRET, Shop


def sign(body: bytes, secret: str = SECRET, age: float = 0) -> str:
    """A Stripe-Signature header: https://docs.stripe.com/webhooks/signature"""
    stamp = int(time.time() - age)
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"


def deliver(shop: Shop, body: bytes | dict, signature: str | bytes | None = "", path: str = "/webhooks/stripe/"):
    """Post to the route; signed properly unless told otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    header = sign(raw) if signature == "" else signature
    headers = {"Content-Type": "application/json", **({"Stripe-Signature": header} if header else {})}
    return requests.post(shop.url + path, data=raw, headers=headers, timeout=30, allow_redirects=False)


def paid_event(shop: Shop, booking_id: int, **changes: Any) -> dict[str, Any]:
    """A completed session's event as Stripe would send it."""
    (attempt,) = shop.attempts(booking_id)
    session = {
        "id": attempt.session_id or "cs_test_unknown",
        "object": "checkout.session",
        "livemode": False,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_made_up",
        "amount_total": attempt.amount_minor,
        "currency": attempt.currency,
        "metadata": attempt.params["metadata"],
        **changes,
    }
    return event_of("checkout.session.completed", session)


def event_of(event_type: str, data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An envelope with a fresh id."""
    return {
        "id": f"evt_{time.time_ns()}",
        "object": "event",
        "type": event_type,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": data},
        **changes,
    }


def untouched(shop: Shop, booking_id: int) -> bool:
    """Whether nothing was written and Stripe was not asked."""
    asked = shop.stripe.get("requests", method="GET", path="/v1/")
    return shop.state(booking_id) == ("pending", "unpaid") and shop.count(WebhookEvent) == 0 and not asked


@pytest.fixture
def grace(shop: Shop) -> int:
    """A booking that waits for its payment."""
    return shop.book(shop.stay())


def test_scenario_20_whatever_is_not_signed_by_stripe_is_400_and_touches_nothing(shop: Shop, grace: int) -> None:
    good = json.dumps(paid_event(shop, grace)).encode()
    spaced = json.dumps(json.loads(good), indent=1).encode()
    hostile = {
        "no header": (good, None),
        "garbled header": (good, "t=1,v1=zz"),
        "no time": (good, sign(good).split(",")[1]),
        "other secret": (good, sign(good, "whsec_of_somebody_else")),
        "changed body": (good.replace(b"paid", b"PAID"), sign(good)),
        "encoded anew": (spaced, sign(good)),
        "six minutes old": (good, sign(good, age=360)),
        "not ascii": (good, sign(good).encode() + b"\xe9"),
        "too long a header": (good, sign(good) + ",v1=" + "0" * 3000),
        "not utf-8": (b"\xff\xfe{}", ""),
        "array": (b"[]", ""),
        "string": (b'"x"', ""),
        "null": (b"null", ""),
        "no json": (b"{", ""),
        "nan": (b'{"id": NaN}', ""),
        "no id": (b"{}", ""),
        "deep": (b"[" * 100_000 + b"]" * 100_000, ""),
        "no data": (json.dumps({**paid_event(shop, grace), "data": 1}).encode(), ""),
        "empty": (b"", ""),
    }

    answers = {name: deliver(shop, *parts) for name, parts in hostile.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(hostile, 400)
    assert all(set(answer.json()) == {"error"} for answer in answers.values())
    assert untouched(shop, grace)


def test_scenario_20_too_large_and_from_the_future(shop: Shop, grace: int) -> None:
    large = deliver(shop, b" " * 1_000_001)
    assert (large.status_code, set(large.json())) == (413, {"error"})
    assert untouched(shop, grace)
    event = json.dumps(paid_event(shop, grace)).encode()

    early = deliver(shop, event, sign(event, age=-3600))

    assert early.json() == {"status": "success"}


def test_scenario_20_a_body_without_a_length_is_411(shop: Shop, grace: int) -> None:
    def chunks():
        yield json.dumps(paid_event(shop, grace)).encode()

    answer = requests.post(shop.url + "/webhooks/stripe/", data=chunks(), timeout=10)

    assert (answer.status_code, set(answer.json())) == (411, {"error"})
    assert untouched(shop, grace)


def test_scenario_29_both_spellings_of_the_address_answer_and_set_no_cookie(shop: Shop, grace: int) -> None:
    body = json.dumps(paid_event(shop, grace)).encode()
    headers = {"Host": "proxy.internal", "Stripe-Signature": sign(body)}

    first = requests.post(shop.url + "/webhooks/stripe", data=body, headers=headers, allow_redirects=False, timeout=10)
    second = requests.post(
        shop.url + "/webhooks/stripe/", data=body, headers=headers, allow_redirects=False, timeout=10
    )

    assert (first.status_code, first.json()) == (200, {"status": "success"})
    assert (second.status_code, second.json()) == (200, {"status": "ignored"})
    assert "Set-Cookie" not in {**first.headers, **second.headers}


def test_scenario_29_only_post_is_answered(shop: Shop) -> None:
    codes = [
        requests.request(verb, shop.url + "/webhooks/stripe/", timeout=10).status_code
        for verb in ("GET", "PUT", "DELETE")
    ]

    assert codes == [405] * 3


def test_scenario_22_events_of_others_are_ignored_without_a_trace(shop: Shop, grace: int) -> None:
    others = {
        "another shop": paid_event(
            shop, grace, id="cs_test_other", metadata={"app": "another", "booking_id": str(grace)}
        ),
        "no metadata": paid_event(shop, grace, id="cs_test_other", metadata={}),
        "other mode": {**paid_event(shop, grace), "livemode": True},
        "connected account": {**paid_event(shop, grace), "account": "acct_1"},
        "unknown type": event_of("customer.created", {"id": "cus_1", "object": "customer"}),
        "thin event": {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.no_meter_found"},
        "foreign refund": event_of(
            "refund.created", {"id": "re_1", "amount": 5, "currency": "eur", "status": "succeeded"}
        ),
        "foreign charge": event_of("charge.refunded", {"id": "ch_1", "amount_refunded": 5, "currency": "eur"}),
        "foreign dispute": event_of("charge.dispute.created", {"id": "du_1", "amount": 5, "currency": "eur"}),
        "foreign warning": event_of("radar.early_fraud_warning.created", {"id": "issfr_1", "charge": "ch_1"}),
    }

    answers = {name: deliver(shop, event) for name, event in others.items()}

    assert {name: (a.status_code, a.json().get("status")) for name, a in answers.items()} == dict.fromkeys(
        others, (200, "ignored")
    )
    assert untouched(shop, grace)
    assert shop.mails(grace) == []


def test_our_own_id_with_no_such_booking_is_404_kept_and_told_and_can_be_replayed(shop: Shop, grace: int) -> None:
    (attempt,) = shop.attempts(grace)
    lost = {**attempt.params["metadata"], "attempt": "f" * 32, "booking_id": "999"}
    event = paid_event(shop, grace, id="cs_test_lost", metadata=lost)

    first, second = deliver(shop, event), deliver(shop, event)

    assert [(a.status_code, a.json()) for a in (first, second)] == [(404, {"error": "booking not found"})] * 2
    row = shop._read(db.select(WebhookEvent))[0]
    assert (row.outcome, row.deliveries) == (InboxOutcome.UNMATCHED, 2)
    assert [letter for letter in shop.work() if "unmatched" in letter]


def test_wrong_currency_amount_mode_or_booking_is_a_decision_answered_with_success(shop: Shop) -> None:
    wrong = (
        {"currency": "usd"},
        {"amount_total": 1},
        {"mode": "setup"},
        {"payment_status": "no_payment_required", "payment_intent": None},
    )
    for number, changes in enumerate(wrong):
        booking_id = shop.book(shop.stay(ahead=30 + 5 * number), browser=f"grace-{number}")
        changes = {"payment_intent": f"pi_{number}", **changes}

        answer = deliver(shop, paid_event(shop, booking_id, **changes))

        assert answer.json() == {"status": "success"}
        assert shop.booking(booking_id).needs_review
        assert shop.booking(booking_id).status == "pending"
        assert len(shop.nights(booking_id)) == 3


def test_money_in_a_session_that_the_attempt_does_not_know_needs_review(shop: Shop, grace: int) -> None:
    event = paid_event(shop, grace, id="cs_test_forged")

    first, second = deliver(shop, event), deliver(shop, {**event, "id": "evt_second"})

    assert first.json() == second.json() == {"status": "success"}
    assert shop.booking(grace).needs_review
    assert len(shop.payments(grace)) == 1
    assert deliver(shop, paid_event(shop, grace, id="cs_test_forged", payment_status="unpaid")).status_code == 200


def test_old_and_new_secret_are_both_good_while_they_rotate(shop: Shop, grace: int) -> None:
    gateway = shop.runtime.payments._inner
    gateway._webhook_secrets = ("whsec_the_new_one_1234", SECRET)
    body = json.dumps(paid_event(shop, grace)).encode()

    assert deliver(shop, body, sign(body, "whsec_the_new_one_1234")).status_code == 200
    assert deliver(shop, body, sign(body, SECRET)).status_code == 200
    gateway._webhook_secrets = ("whsec_the_new_one_1234",)
    assert deliver(shop, body, sign(body, SECRET)).status_code == 400


def test_scenario_23_database_locked_during_delivery_is_503_in_time_and_the_retry_confirms(
    shop: Shop, grace: int
) -> None:
    body = json.dumps(paid_event(shop, grace)).encode()
    with WriteLock(shop):
        began = time.monotonic()
        locked = deliver(shop, body)
        took = time.monotonic() - began

    again = deliver(shop, body)

    assert (locked.status_code, set(locked.json())) == (503, {"error"})
    assert took < 5
    assert again.json() == {"status": "success"}
    assert shop.state(grace) == ("confirmed", "paid")


class WriteLock:
    """Another program holds what every write needs."""

    def __init__(self, shop: Shop) -> None:
        self._engine = None
        with shop.app.app_context():
            self._engine = db.engine

    def __enter__(self) -> None:
        self._connection = self._engine.raw_connection()
        cursor = self._connection.cursor()
        if self._engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
        else:
            cursor.execute("LOCK TABLE booking, webhook_event IN ACCESS EXCLUSIVE MODE")

    def __exit__(self, *_: object) -> None:
        self._connection.rollback()
        self._connection.close()


def test_scenario_23_mail_server_down_confirms_now_and_mails_once_later(shop: Shop, grace: int) -> None:
    shop.mailer.is_down = True
    shop.pay(grace)
    shop.work()
    assert shop.state(grace) == ("confirmed", "paid")
    assert shop.mailer.letters == []

    shop.mailer.is_down = False
    shop.pass_time(minutes=1)
    shop.work()
    shop.work()

    assert len(shop.mailer.subjects_to("grace@example.org")) == 1


def test_a_handler_that_fails_leaves_a_note_and_the_same_event_works_later(shop: Shop, grace: int, monkeypatch) -> None:
    event = paid_event(shop, grace)
    with monkeypatch.context() as patch:
        patch.setattr("booking.services.webhooks.settle", _fail)
        failed = deliver(shop, event)
    row = shop._read(db.select(WebhookEvent))[0]

    again = deliver(shop, event)

    assert (failed.status_code, failed.json()) == (500, {"error": "internal error"})
    assert (row.outcome, row.note) == (InboxOutcome.FAILED, "RuntimeError")
    assert again.json() == {"status": "success"}
    assert shop._read(db.select(WebhookEvent))[0].outcome is InboxOutcome.HANDLED


def _fail(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError("sk_test_secret in a message that nobody may see")


def test_staff_can_replay_an_event_at_any_time_without_a_second_effect(shop: Shop, grace: int) -> None:
    event = paid_event(shop, grace)
    deliver(shop, event)

    with shop.app.app_context():
        receipt = replay_event(shop.runtime, event["id"], "ada@example.org")

    assert (receipt.status, receipt.note) == (ReceiptStatus.HANDLED, "already")
    assert len(shop.payments(grace)) == 1
    with shop.app.app_context(), pytest.raises(Exception, match="booking_not_found"):
        replay_event(shop.runtime, "evt_nobody_knows", "ada@example.org")


def test_fraud_warning_is_told_and_moves_nothing(shop: Shop, grace: int) -> None:
    shop.pay(grace)
    (payment,) = shop.payments(grace)
    warning = {"id": "issfr_1", "charge": payment.charge_id, "payment_intent": payment.payment_intent_id}

    answer = deliver(shop, event_of("radar.early_fraud_warning.created", warning))

    assert answer.json() == {"status": "success"}
    assert "fraud_warning" in shop.mails(grace)
    assert shop.state(grace) == ("confirmed", "paid")


def test_stripes_signed_deliveries_at_once_are_all_answered(shop: Shop, grace: int) -> None:
    event = paid_event(shop, grace)
    answers: list[int] = []
    jobs = [threading.Thread(target=lambda: answers.append(deliver(shop, event).status_code)) for _ in range(8)]

    for job in jobs:
        job.start()
    wait_until(lambda: len(answers) == 8, what="eight answers")

    assert answers == [200] * 8
    assert len(shop.causes(grace, "confirmed")) == 1
