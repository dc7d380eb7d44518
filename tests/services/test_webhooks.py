"""The inbox, one delivery at a time: what is written, what is answered, and what is asked of Stripe before."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from booking.domain.club import Interval, MemberStatus
from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.states import BookingStatus, Source
from booking.gateways.billing import MemberTag, SubscriptionEvidence, SubscriptionNews
from booking.gateways.payments import (
    BadSignature,
    FraudWarning,
    GatewayEvent,
    GatewayRefused,
    GatewayUnavailable,
    PaymentEvidence,
    Tag,
)
from booking.models import Dispute, Membership, Payment, Refund, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.services import webhooks
from booking.services.webhooks import Receipt, ReceiptStatus
from tests.simulation.house import INSTANCE
from tests.support.memory_shop import ADA, MemoryShop, charge_evidence, dispute_evidence, refund_evidence

HANDLED, IGNORED, UNMATCHED = ReceiptStatus.HANDLED, ReceiptStatus.IGNORED, ReceiptStatus.UNMATCHED
LONG = "o" * 300


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Each event that was counted: its type, and what became of it."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(webhooks.metrics, "count_webhook", lambda *pair: found.append(pair))
    return found


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, dict[str, Any]]]:
    """Level, text and fields of each line of this service."""
    names = ("event", "stripe_event", "type", "why")
    return [
        (line.levelname, line.getMessage(), {name: getattr(line, name) for name in names if hasattr(line, name)})
        for line in caplog.records
        if line.name == webhooks.logger.name
    ]


def _row(desk: MemoryShop, event_id: str = "evt_1") -> WebhookEvent:
    (row,) = desk.rows(WebhookEvent, id=event_id)
    return row


def _unheard(desk: MemoryShop) -> tuple[int, PaymentEvidence, Payment]:
    """A booking paid at Stripe, of which nothing here knows: its evidence, and a stand-in for the payment's row."""
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)
    assert evidence.payment_intent_id is not None
    assert evidence.amount is not None
    desk.stripe.payments[evidence.payment_intent_id] = evidence
    payment = Payment(
        payment_intent_id=evidence.payment_intent_id,
        charge_id=evidence.charge_id,
        amount_minor=evidence.amount.minor,
        currency=evidence.amount.currency,
    )
    return booking_id, evidence, payment


def _asked(desk: MemoryShop) -> list[str]:
    return [question[0] for question in desk.stripe.asked]


# --- taken in -------------------------------------------------------------------------------------------------------


def test_an_event_is_filed_with_its_effect_and_answered(desk: MemoryShop, counted: list[tuple[str, str]]) -> None:
    booking_id = desk.place()

    receipt = desk.receive(
        desk.evidence(booking_id), type="checkout.session.completed", payload={"id": "evt_1", "x": 1}
    )

    row = _row(desk)
    assert receipt == Receipt(HANDLED, "confirmed")
    assert (row.type, row.object_id, row.payload) == ("checkout.session.completed", "obj_1", {"id": "evt_1", "x": 1})
    assert (row.outcome, row.note, row.booking_id) == (InboxOutcome.HANDLED, "confirmed", booking_id)
    assert (row.deliveries, row.received_at) == (1, desk.now)
    assert desk.booking(booking_id).status is BookingStatus.CONFIRMED
    (step,) = desk.steps(booking_id, "confirmed")
    assert (step.source, step.actor, step.stripe_event_id, step.at) == (Source.WEBHOOK, "", "evt_1", desk.now)
    assert desk.stripe.asked == [("read_event", b"body", "signature")]
    assert desk.woken == ["woken"]
    assert counted == [("checkout.session.completed", "handled")]


def test_a_delivery_is_logged_by_its_type_and_id(desk: MemoryShop, caplog: pytest.LogCaptureFixture) -> None:
    evidence = desk.evidence(desk.place())
    caplog.set_level("INFO")

    desk.receive(evidence, type="checkout.session.completed")

    fields = {"event": "webhook_received", "stripe_event": "evt_1"}
    assert _said(caplog) == [("INFO", "Processing webhook event: checkout.session.completed", fields)]


def test_the_same_event_again_is_answered_and_has_no_effect(
    desk: MemoryShop, counted: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    evidence = desk.evidence(desk.place())
    desk.receive(evidence)
    before = desk.all_rows()
    caplog.set_level("INFO")

    assert desk.receive(evidence) == Receipt(IGNORED, "handled before")

    assert desk.all_rows() == before
    assert counted == [("some.event", "handled"), ("some.event", "ignored")]
    assert _said(caplog)[-1] == ("INFO", "webhook_ignored", {"stripe_event": "evt_1", "why": "handled before"})


def test_a_very_long_id_is_cut_to_what_its_column_takes(desk: MemoryShop) -> None:
    desk.receive(desk.evidence(desk.place()), object_id=LONG)

    assert _row(desk).object_id == LONG[:255]


def test_what_nobody_signed_is_not_looked_at(desk: MemoryShop, counted: list[tuple[str, str]]) -> None:
    desk.stripe.event = BadSignature("no")
    before = desk.all_rows()

    with pytest.raises(BadSignature):
        webhooks.receive_event(desk.runtime, b"body", None)

    assert (desk.all_rows(), counted) == (before, [])


def test_an_event_of_another_kind_is_none_of_our_business(
    desk: MemoryShop, counted: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before = desk.all_rows()

    receipt = desk.receive(None, type="invoice.paid")

    why = "not a type that concerns this shop"
    assert receipt == Receipt(IGNORED, why)
    assert counted == [("other", "ignored")]
    assert _said(caplog)[-1] == ("INFO", "webhook_ignored", {"stripe_event": "evt_1", "why": why})
    assert (desk.all_rows(), desk.woken) == (before, [])


def test_an_event_of_the_other_mode_is_ignored_and_logged(
    desk: MemoryShop, counted: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    evidence = desk.evidence(desk.place())
    before = desk.all_rows()

    assert desk.receive(evidence, livemode=True) == Receipt(IGNORED, "of the other mode (test or live)")

    assert desk.all_rows() == before
    assert counted == [("some.event", "ignored")]
    assert _said(caplog)[-1] == ("WARNING", "webhook_of_other_mode", {"stripe_event": "evt_1"})


def test_an_event_in_another_version_is_fetched_in_ours(desk: MemoryShop, caplog: pytest.LogCaptureFixture) -> None:
    booking_id = desk.place()
    told = {"event_id": "evt_1", "type": "some.event", "livemode": False, "object_id": "obj_1", "payload": {}}
    desk.stripe.fetched = GatewayEvent(**told, evidence=desk.evidence(booking_id))

    receipt = desk.receive(None, must_be_fetched=True)

    assert receipt == Receipt(HANDLED, "confirmed")
    assert desk.stripe.asked[1:] == [("fetch_evidence", desk.stripe.event)]
    fields = {"stripe_event": "evt_1", "type": "some.event"}
    assert _said(caplog)[-1] == ("WARNING", "webhook_of_other_version", fields)


def test_an_event_that_says_too_little_is_fetched_and_nothing_is_wrong_with_it(
    desk: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    desk.stripe.fetched = _event(desk.evidence(desk.place()))

    assert desk.receive(None, must_be_fetched=True, says_too_little=True) == Receipt(HANDLED, "confirmed")

    assert _asked(desk) == ["read_event", "fetch_evidence"]
    assert [level for level, _, _ in _said(caplog) if level != "INFO"] == []


def test_an_event_that_cannot_be_fetched_is_left_to_stripes_retry(
    desk: MemoryShop, counted: list[tuple[str, str]]
) -> None:
    desk.stripe.fetched = GatewayUnavailable("silence")
    before = desk.all_rows()

    with pytest.raises(GatewayUnavailable):
        desk.receive(None, must_be_fetched=True)

    assert (desk.all_rows(), counted) == (before, [("some.event", "failed")])


@pytest.mark.parametrize("is_tagged", [True, False])
def test_an_event_of_another_program_on_the_account_leaves_no_trace(desk: MemoryShop, is_tagged: bool) -> None:
    evidence = replace(desk.evidence(desk.place()), tag=Tag(app="another-shop") if is_tagged else Tag())
    before = desk.all_rows()

    assert desk.receive(evidence) == Receipt(IGNORED, "not ours")
    assert (desk.all_rows(), desk.woken) == (before, [])


# --- ours, and not here ---------------------------------------------------------------------------------------------


def test_an_event_for_a_booking_that_is_not_here_is_kept_and_told_to_staff(
    desk: MemoryShop, counted: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    evidence = replace(desk.evidence(desk.place()), tag=Tag(app=INSTANCE, attempt="f" * 32))

    receipt = desk.receive(evidence)

    row = _row(desk)
    assert receipt == Receipt(UNMATCHED, "no such booking here")
    assert (row.outcome, row.note, row.booking_id) == (InboxOutcome.UNMATCHED, "no such booking here", None)
    note = "Stripe told of some.event for a booking that is not in this database. Was a backup restored?"
    payload = {"mail": "unmatched", "booking_id": None, "note": note, "facts": {}}
    assert desk.mails() == [("mail:unmatched:-:obj_1", payload)]
    assert _said(caplog)[-1] == ("ERROR", "webhook_unmatched", {"stripe_event": "evt_1", "type": "some.event"})
    assert (desk.woken, counted) == (["woken"], [("some.event", "unmatched")])


def test_an_event_that_found_no_booking_is_tried_again_when_it_comes_again(desk: MemoryShop) -> None:
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)
    desk.receive(replace(evidence, tag=Tag(app=INSTANCE, attempt="f" * 32)))

    assert desk.receive(evidence) == Receipt(HANDLED, "confirmed")

    row = _row(desk)
    assert (row.outcome, row.deliveries, row.booking_id) == (InboxOutcome.HANDLED, 2, booking_id)


# --- failures -------------------------------------------------------------------------------------------------------


def _fails(error: Exception) -> Any:
    def settle(*_args: object) -> None:
        raise error

    return settle


def test_a_failure_undoes_everything_and_leaves_its_name(
    desk: MemoryShop, counted: list[tuple[str, str]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "settle", _fails(ZeroDivisionError()))
        with pytest.raises(ZeroDivisionError):
            desk.receive(evidence, object_id=LONG, payload={"id": "evt_1", "x": 1})

    row = _row(desk)
    assert (row.type, row.object_id, row.payload) == ("some.event", LONG[:255], {"id": "evt_1", "x": 1})
    assert (row.outcome, row.note, row.received_at) == (InboxOutcome.FAILED, "ZeroDivisionError", desk.now)
    assert (desk.woken, counted) == ([], [("some.event", "failed")])
    assert _said(caplog)[-1] == ("ERROR", "webhook_failed", {"stripe_event": "evt_1", "type": "some.event"})
    assert desk.receive(evidence) == Receipt(HANDLED, "confirmed")
    assert (_row(desk).outcome, _row(desk).deliveries) == (InboxOutcome.HANDLED, 2)


def test_a_second_failure_leaves_its_own_name(desk: MemoryShop, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = desk.evidence(desk.place())

    for error in (ZeroDivisionError(), KeyError("x")):
        monkeypatch.setattr(webhooks, "settle", _fails(error))
        with pytest.raises(type(error)):
            desk.receive(evidence)

    assert (_row(desk).note, _row(desk).outcome) == ("KeyError", InboxOutcome.FAILED)


def test_a_database_that_is_down_is_not_asked_to_note_it(desk: MemoryShop, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = desk.evidence(desk.place())
    monkeypatch.setattr(webhooks, "settle", _fails(OperationalError("", {}, Exception())))
    before = desk.all_rows()

    with pytest.raises(OperationalError):
        desk.receive(evidence)

    assert desk.all_rows() == before


def test_a_failure_that_cannot_be_noted_is_still_the_one_that_is_answered(
    desk: MemoryShop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    evidence = desk.evidence(desk.place())
    monkeypatch.setattr(webhooks, "settle", _fails(ZeroDivisionError()))
    monkeypatch.setattr(webhooks, "WebhookEvent", _Unwritable)

    with pytest.raises(ZeroDivisionError):
        webhooks._note_failure(_event(evidence), ZeroDivisionError(), desk.now) or _fails(ZeroDivisionError())()

    assert _said(caplog)[-1] == ("WARNING", "webhook_failure_not_noted", {"stripe_event": "evt_1"})


class _Unwritable:
    """A table that takes no row."""

    def __init__(self, **_values: object) -> None:
        raise IntegrityError("", {}, Exception())


def _event(evidence: PaymentEvidence) -> GatewayEvent:
    return GatewayEvent("evt_1", "some.event", False, "obj_1", evidence, {"id": "evt_1"})


# --- once more, at the wish of staff --------------------------------------------------------------------------------


def test_staff_has_an_event_taken_in_once_more(desk: MemoryShop, counted: list[tuple[str, str]]) -> None:
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)
    desk.receive(replace(evidence, tag=Tag(app=INSTANCE, attempt="f" * 32)), payload={"id": "evt_1", "x": 1})
    desk.stripe.event = replace(_event(evidence), payload={})
    del desk.stripe.asked[:]

    receipt = webhooks.replay_event(desk.runtime, "evt_1", ADA)

    assert receipt == Receipt(HANDLED, "confirmed")
    assert desk.stripe.asked == [("parse_event", {"id": "evt_1", "x": 1})]
    (step,) = desk.steps(booking_id, "confirmed")
    assert (step.source, step.actor, step.stripe_event_id) == (Source.STAFF, ADA, "evt_1")
    assert (_row(desk).outcome, _row(desk).deliveries) == (InboxOutcome.HANDLED, 1)
    assert len(counted) == 1  # what staff does is no delivery
    assert desk.audit() == [(ADA, "webhook.replayed", "event evt_1", desk.now, None)]


def test_an_event_that_was_handled_can_be_taken_in_once_more_at_any_time(desk: MemoryShop) -> None:
    desk.receive(desk.evidence(desk.place()))

    assert webhooks.replay_event(desk.runtime, "evt_1", ADA) == Receipt(HANDLED, "already")


def test_an_event_that_failed_once_more_keeps_the_word_it_had(
    desk: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.receive(desk.evidence(desk.place()))
    monkeypatch.setattr(webhooks, "settle", _fails(ZeroDivisionError()))

    with pytest.raises(ZeroDivisionError):
        webhooks.replay_event(desk.runtime, "evt_1", ADA)

    assert (_row(desk).outcome, _row(desk).note) == (InboxOutcome.HANDLED, "confirmed")


def test_an_event_that_was_never_filed_cannot_be_taken_in_once_more(desk: MemoryShop) -> None:
    with pytest.raises(BookingNotFound) as refusal:
        webhooks.replay_event(desk.runtime, "evt_unknown", ADA)

    assert refusal.value.user_message == "We cannot find that event."


# --- what each kind does --------------------------------------------------------------------------------------------


def test_news_of_a_refund_is_taken_in(desk: MemoryShop) -> None:
    payment = desk.paid()

    receipt = desk.receive(refund_evidence(payment, desk.request(payment)))

    assert receipt == Receipt(HANDLED, "refund succeeded")
    assert (_row(desk).booking_id, _row(desk).note) == (payment.booking_id, "refund succeeded")
    (step,) = desk.steps(payment.booking_id, "refund_succeeded")
    assert (step.source, step.stripe_event_id, step.at) == (Source.WEBHOOK, "evt_1", desk.now)
    assert _asked(desk) == ["read_event"]


def test_news_of_a_charge_counts_at_once_and_has_its_refunds_looked_up(desk: MemoryShop) -> None:
    payment = desk.paid()

    receipt = desk.receive(charge_evidence(payment, 700), event_id="evt_" + "1" * 150)

    key = "sync:evt_" + "1" * 111
    assert receipt == Receipt(HANDLED, "refunds are being looked up")
    assert _row(desk, "evt_" + "1" * 150).booking_id == payment.booking_id
    assert desk.errands() == [("sync_refunds", key, {"payment_id": payment.id}, payment.booking_id, desk.now)]
    assert desk.payment_of(payment.booking_id).reported_refunded_minor == 700


def test_news_of_a_dispute_is_taken_in(desk: MemoryShop) -> None:
    payment = desk.paid()

    receipt = desk.receive(dispute_evidence(payment))

    assert receipt == Receipt(HANDLED, "dispute needs_response")
    assert (_row(desk).booking_id, len(desk.rows(Dispute))) == (payment.booking_id, 1)
    (step,) = desk.steps(payment.booking_id, "dispute_opened")
    assert (step.source, step.stripe_event_id, step.at) == (Source.WEBHOOK, "evt_1", desk.now)


def test_a_word_of_stripes_that_is_too_long_is_cut_to_what_its_column_takes(desk: MemoryShop) -> None:
    payment = desk.paid()
    desk.receive(dispute_evidence(payment), event_id="evt_0")

    receipt = desk.receive(dispute_evidence(payment, status="w" * 300))

    assert receipt.note == "dispute " + "w" * 192


def test_a_warning_of_fraud_is_taken_in(desk: MemoryShop) -> None:
    payment = desk.paid()

    receipt = desk.receive(FraudWarning(payment.charge_id, payment.payment_intent_id))

    assert receipt == Receipt(HANDLED, "fraud warning")
    assert _row(desk).booking_id == payment.booking_id
    (step,) = desk.steps(payment.booking_id, "fraud_warning")
    assert (step.source, step.stripe_event_id, step.at) == (Source.WEBHOOK, "evt_1", desk.now)


@pytest.mark.parametrize("captured", [0, 1])
def test_a_charge_of_ours_without_a_payment_here_is_no_riddle_only_if_it_brought_no_money(
    desk: MemoryShop, captured: int
) -> None:
    """Stripe tells of a sum that was reserved and let go as of a charge that was refunded."""
    _, _, payment = _unheard(desk)
    desk.stripe.payments[payment.payment_intent_id] = GatewayRefused("no", reason="not_captured")

    receipt = desk.receive(charge_evidence(payment, 0, captured=Money(captured, payment.currency)))

    let_go = Receipt(HANDLED, "a sum that was only reserved was let go")
    assert receipt == (Receipt(UNMATCHED, "no such booking here") if captured else let_go)
    assert (_row(desk).note, _row(desk).booking_id) == (receipt.note, None)


def test_a_charge_of_another_program_that_brought_no_money_is_not_ours(desk: MemoryShop) -> None:
    _, _, payment = _unheard(desk)
    nothing = Money(0, payment.currency)

    receipt = desk.receive(charge_evidence(payment, 0, captured=nothing, tag=Tag(app="another-shop")))

    assert receipt == Receipt(IGNORED, "not ours")


# --- the club -------------------------------------------------------------------------------------------------------

OF_ACCOUNT_1 = MemberTag(app=INSTANCE, account="1", plan="1", attempt="f" * 32)


def _subscribe(desk: MemoryShop, **changes: Any) -> None:
    """Somebody is a member at Stripe, from today for a month."""
    values: dict[str, Any] = {
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "livemode": False,
        "tag": OF_ACCOUNT_1,
        "status": MemberStatus.ACTIVE,
        "price": Money(900, "eur"),
        "interval": Interval.MONTH,
        "period_start": desk.now,
        "period_end": desk.now + timedelta(days=30),
        "cancels_at": None,
        "trial_end": None,
        "ended_at": None,
        "bill": None,
    }
    desk.stripe.subscriptions["sub_1"] = SubscriptionEvidence(**{**values, **changes})


def test_of_a_membership_it_counts_what_stripe_answers_when_it_is_asked(club_desk: MemoryShop) -> None:
    desk = club_desk
    _subscribe(desk)

    receipt = desk.receive(SubscriptionNews("sub_1", OF_ACCOUNT_1))

    assert receipt == Receipt(HANDLED, "membership active")
    assert desk.stripe.asked[1:] == [("look_up_subscription", "sub_1")]
    (member,) = desk.rows(Membership)
    assert (member.subscription_id, member.account_id, member.status) == ("sub_1", 1, MemberStatus.ACTIVE)
    assert (member.joined_at, member.looked_at) == (desk.now, desk.now)
    assert (_row(desk).outcome, _row(desk).note, _row(desk).booking_id) == (InboxOutcome.HANDLED, receipt.note, None)
    assert desk.woken == ["woken"]


@pytest.mark.parametrize("missing", ["account", "plan", "mode"])
def test_our_own_membership_that_nobody_here_has_is_kept_and_told_to_staff(club_desk: MemoryShop, missing: str) -> None:
    desk = club_desk
    tag = replace(OF_ACCOUNT_1, **{missing: "99"}) if missing != "mode" else OF_ACCOUNT_1
    _subscribe(desk, tag=tag, livemode=missing == "mode")

    assert desk.receive(SubscriptionNews("sub_1", tag)) == Receipt(UNMATCHED, "no such booking here")

    assert (_row(desk).outcome, desk.rows(Membership)) == (InboxOutcome.UNMATCHED, [])
    assert len(desk.mails("unmatched")) == 1


def test_a_membership_of_another_program_leaves_no_trace_and_nobody_is_asked(
    club_desk: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    desk = club_desk
    before = desk.all_rows()
    caplog.set_level("INFO")

    assert desk.receive(SubscriptionNews("sub_1", MemberTag(app="another-shop"))) == Receipt(IGNORED, "not ours")

    assert (desk.all_rows(), _asked(desk), desk.woken) == (before, ["read_event"], [])
    assert _said(caplog)[-1] == ("INFO", "webhook_ignored", {"stripe_event": "evt_1", "why": "not ours"})


# --- news that overtakes its payment --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["refund", "charge", "dispute", "warning"])
def test_news_of_a_payment_that_is_not_known_yet_brings_the_payment_with_it(desk: MemoryShop, kind: str) -> None:
    booking_id, _, payment = _unheard(desk)
    news = {
        "refund": refund_evidence(payment),
        "charge": charge_evidence(payment, 0),
        "dispute": dispute_evidence(payment),
        "warning": FraudWarning(payment.charge_id, payment.payment_intent_id),
    }

    receipt = desk.receive(news[kind])

    assert receipt.status is HANDLED
    assert desk.stripe.asked[1:] == [("look_up_payment", payment.payment_intent_id)]
    (step,) = desk.steps(booking_id, "confirmed")
    assert (step.source, step.stripe_event_id) == (Source.RECONCILE, None)
    assert _row(desk).booking_id == booking_id


def test_a_payment_that_is_known_is_not_asked_about(desk: MemoryShop) -> None:
    payment = desk.paid()

    desk.receive(dispute_evidence(payment))

    assert _asked(desk) == ["read_event"]


@pytest.mark.parametrize("reason", ["resource_missing", "not_captured"])
def test_news_of_a_payment_that_stripe_does_not_show_us_is_not_ours(desk: MemoryShop, reason: str) -> None:
    _, _, payment = _unheard(desk)
    desk.stripe.payments[payment.payment_intent_id] = GatewayRefused("no", reason=reason)
    before = desk.all_rows()

    assert desk.receive(dispute_evidence(payment)) == Receipt(IGNORED, "not ours")
    assert desk.all_rows() == before


@pytest.mark.parametrize("error", [GatewayRefused("no", reason="api_key_expired"), GatewayUnavailable("silence")])
def test_news_of_a_payment_that_cannot_be_asked_about_now_is_left_to_stripes_retry(
    desk: MemoryShop, error: Exception
) -> None:
    _, _, payment = _unheard(desk)
    desk.stripe.payments[payment.payment_intent_id] = error
    before = desk.all_rows()

    with pytest.raises(type(error)):
        desk.receive(dispute_evidence(payment))
    assert desk.all_rows() == before


def test_news_of_a_payment_of_another_program_is_not_ours(desk: MemoryShop) -> None:
    _, evidence, payment = _unheard(desk)
    desk.stripe.payments[payment.payment_intent_id] = replace(evidence, tag=replace(evidence.tag, app="another-shop"))
    before = desk.all_rows()

    assert desk.receive(dispute_evidence(payment)) == Receipt(IGNORED, "not ours")
    assert desk.all_rows() == before


@pytest.mark.parametrize("kind", ["refund of another program", "charge without a tag"])
def test_news_that_says_it_is_of_somebody_else_asks_nobody(desk: MemoryShop, kind: str) -> None:
    _, _, payment = _unheard(desk)
    news = {
        "refund of another program": refund_evidence(payment, tag=Tag(app="another-shop")),
        "charge without a tag": charge_evidence(payment, 0, tag=Tag()),
    }

    assert desk.receive(news[kind]) == Receipt(IGNORED, "not ours")
    assert _asked(desk) == ["read_event"]


def test_news_of_our_own_refund_of_a_payment_that_nobody_knows_is_kept(desk: MemoryShop) -> None:
    _, _, payment = _unheard(desk)
    desk.stripe.payments[payment.payment_intent_id] = GatewayRefused("no", reason="resource_missing")

    receipt = desk.receive(refund_evidence(payment, tag=Tag(app=INSTANCE, refund_id="f" * 32)))

    assert (receipt.status, _row(desk).outcome) == (UNMATCHED, InboxOutcome.UNMATCHED)
    assert desk.rows(Refund) == []


def test_news_that_names_no_payment_asks_nobody_and_is_known_by_its_charge(desk: MemoryShop) -> None:
    payment = desk.paid()

    receipt = desk.receive(dispute_evidence(payment, payment_intent_id=None))

    assert receipt.status is HANDLED
    assert _asked(desk) == ["read_event"]


def test_a_payment_whose_booking_is_not_here_is_asked_about_and_its_news_kept(desk: MemoryShop) -> None:
    _, evidence, payment = _unheard(desk)
    elsewhere = replace(evidence, session_id=None, tag=Tag(app=INSTANCE, attempt="f" * 32))
    desk.stripe.payments[payment.payment_intent_id] = elsewhere

    assert desk.receive(dispute_evidence(payment)) == Receipt(UNMATCHED, "no such booking here")
