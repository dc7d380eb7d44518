"""Refunds, one step at a time: what is written before Stripe is asked, what is asked, and what its answer changes."""

import re
from datetime import timedelta
from typing import Any

import pytest

from booking.domain.errors import BookingNotFound, RefundRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, PaymentStatus, RefundReason, RefundStatus, Source
from booking.extensions import db
from booking.gateways.payments import GatewayConflict, GatewayRefused, GatewayUnavailable
from booking.models import Booking, Payment, Refund
from booking.models.payment import CALLED_OFF
from booking.services import refund_news, refunds
from booking.services.refunds import KEY_LIFE
from tests.simulation.house import INSTANCE
from tests.support.memory_shop import ADA, IDENTITY, NOT_ARRIVED, WEBHOOK, MemoryShop, refund_evidence

R, P = RefundStatus, PaymentStatus
EUR = "eur"


def _order(desk: MemoryShop, payment: Payment, minor: int, token: str = "form-1") -> int:
    return refunds.order_refund(desk.runtime, payment.booking_id, Money(minor, payment.currency), ADA, token)


def _send(desk: MemoryShop, refund: Refund, tries: int = 1) -> list[str]:
    """Let the worker send a refund; what it asked Stripe."""
    del desk.stripe.asked[:]
    refunds.send_refund(desk.runtime, refund.id, tries=tries)
    return [question[0] for question in desk.stripe.asked]


def _sent_without_answer(desk: MemoryShop) -> tuple[Payment, Refund]:
    """A payment, and a refund of it that was sent into silence."""
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayUnavailable("silence")]
    with pytest.raises(GatewayUnavailable):
        _send(desk, refund)
    return payment, refund


# --- written first --------------------------------------------------------------------------------------------------


def test_a_refund_is_written_with_its_key_before_anything_is_sent(desk: MemoryShop) -> None:
    payment = desk.paid()

    refund = desk.refund(desk.request(payment).id)

    assert (refund.booking_id, refund.payment_id, refund.amount) == (payment.booking_id, payment.id, Money(1000, EUR))
    assert (refund.status, refund.reason, refund.requested_by) == (R.REQUESTED, RefundReason.GOODWILL, ADA)
    assert (refund.idempotency_key, len(refund.token)) == (f"refund:{refund.token}", 32)
    assert (refund.form_token, refund.params, refund.first_sent_at, refund.stripe_refund_id) == (None,) * 4
    assert desk.booking(payment.booking_id).payment_status is P.REFUND_PENDING
    assert desk.stripe.asked == []


def test_a_refund_that_is_written_is_the_workers_next_errand_and_part_of_the_story(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.refund(desk.request(payment, reason=RefundReason.CANCELLATION).id)

    errand = ("refund", f"refund:{refund.id}", {"refund_id": refund.id}, payment.booking_id, desk.now)
    assert desk.errands()[-1] == errand
    assert desk.story(payment.booking_id)[-1] == ("refund_requested", f"refund {refund.id}, reason cancellation")
    step = desk.steps(payment.booking_id, "refund_requested")[-1]
    assert (step.at, step.source, step.actor) == (desk.now, Source.STAFF, ADA)


@pytest.mark.parametrize("what", ["request", "apply"])
def test_refunds_are_neither_written_nor_heard_of_outside_a_transaction(desk: MemoryShop, what: str) -> None:
    payment = desk.paid()

    with pytest.raises(RuntimeError, match="transaction"):
        if what == "request":
            refunds.request_refund(db.session(), payment, Money(1, EUR), RefundReason.GOODWILL, WEBHOOK, desk.now)
        else:
            refund_news.apply_refund(db.session(), refund_evidence(payment), WEBHOOK, desk.now, IDENTITY)


def test_staff_sends_part_of_the_money_back(desk: MemoryShop) -> None:
    payment = desk.paid()

    refund_id = _order(desk, payment, 5000)

    refund = desk.refund(refund_id)
    assert (refund.amount, refund.reason, refund.requested_by) == (Money(5000, EUR), RefundReason.GOODWILL, ADA)
    assert refund.form_token == "form-1"
    (step,) = desk.steps(payment.booking_id, "refund_requested")
    assert (step.source, step.actor, step.at) == (Source.STAFF, ADA, desk.now)
    subject, sent = f"booking {desk.booking(payment.booking_id).reference}", {"amount_minor": 5000, "currency": EUR}
    assert desk.audit() == [(ADA, "refund.ordered", subject, desk.now, sent)]
    assert desk.woken == ["woken"]


def test_the_same_form_twice_is_one_refund_and_another_form_is_another(desk: MemoryShop) -> None:
    payment = desk.paid()

    first, again, other = (_order(desk, payment, 5000, token) for token in ("form-1", "form-1", "form-2"))

    assert first == again != other
    assert [refund.form_token for refund in desk.rows(Refund)] == ["form-1", "form-2"]


def test_the_same_form_twice_is_one_refund_even_where_it_took_all_that_was_left(desk: MemoryShop) -> None:
    payment = desk.paid()

    first, again = (_order(desk, payment, payment.amount_minor) for _ in range(2))

    assert first == again


def test_the_other_half_of_a_double_click_gets_the_refund_of_the_first(
    desk: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = desk.paid()
    _order(desk, payment, 300, "form-0")
    first = _order(desk, payment, 5000)
    monkeypatch.setattr(refunds, "_find_by_token", lambda *_: None)  # both looked before either wrote

    assert _order(desk, payment, 5000) == first
    assert len(desk.rows(Refund)) == 2
    assert len(desk.woken) == 3


def test_no_refund_without_a_booking(desk: MemoryShop) -> None:
    with pytest.raises(BookingNotFound):
        refunds.order_refund(desk.runtime, 999, Money(1, EUR), ADA, "form-1")
    assert desk.woken == []


# --- what the house took itself -------------------------------------------------------------------------------------


def test_what_the_house_took_it_hands_back_itself_so_that_nothing_is_ever_sent(desk: MemoryShop) -> None:
    payment = desk.paid_in_cash()

    refund = desk.refund(desk.request(payment).id)

    assert (refund.status, refund.idempotency_key, desk.errands()) == (R.REQUESTED, None, [])
    assert desk.booking(payment.booking_id).payment_status is P.REFUND_PENDING
    assert _send(desk, refund, tries=9) == []
    assert (desk.refund(refund.id).status, desk.refund(refund.id).params) == (R.REQUESTED, None)


def test_it_has_gone_back_once_staff_says_so_and_saying_it_twice_is_saying_it_once(desk: MemoryShop) -> None:
    payment = desk.paid_in_cash()
    refund = desk.request(payment)

    assert refunds.note_handed_over(desk.runtime, refund.id, ADA) == payment.booking_id

    booking = desk.booking(payment.booking_id)
    assert (desk.refund(refund.id).status, booking.payment_status) == (R.SUCCEEDED, P.PARTIALLY_REFUNDED)
    note = f"refund {refund.id}, handed over by the house"
    steps = desk.steps(booking.id, "refund_succeeded")
    assert [(step.note, step.at, step.source, step.actor) for step in steps] == [(note, desk.now, Source.STAFF, ADA)]
    given = {"refund": refund.id, "minor": 1000, "currency": EUR}
    assert desk.audit()[-1] == (ADA, "refund.handed_over", f"booking {booking.reference}", desk.now, given)
    before = desk.all_rows()
    assert refunds.note_handed_over(desk.runtime, refund.id, ADA) == booking.id
    assert desk.all_rows() == before


@pytest.mark.parametrize("what", ["one that Stripe sends", "none that there is"])
def test_nobody_hands_over_what_stripe_sends_or_what_nobody_asked_for(desk: MemoryShop, what: str) -> None:
    refund = desk.request(desk.paid())
    before = desk.all_rows()

    with pytest.raises(RefundRefused):
        refunds.note_handed_over(desk.runtime, refund.id if what == "one that Stripe sends" else 999, ADA)

    assert desk.all_rows() == before


# --- how much, and from which payment -------------------------------------------------------------------------------


def test_an_amount_is_taken_from_the_oldest_payment_first(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()

    refund_id = _order(desk, second, 5000)

    parts = [(row.payment_id, row.amount_minor, row.form_token) for row in desk.rows(Refund)]
    assert parts == [(first.id, 100, "form-1"), (second.id, 4900, f"form-1:{second.id}")]
    assert desk.refund(refund_id).payment_id == first.id
    assert {row.currency for row in desk.rows(Refund)} == {EUR}


def test_a_payment_of_which_nothing_is_left_or_needed_gets_no_refund(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    _order(desk, first, 100)

    _order(desk, second, 1, "form-2")

    parts = [(row.payment_id, row.amount_minor, row.form_token) for row in desk.rows(Refund)]
    assert parts == [(first.id, 100, "form-1"), (second.id, 1, "form-2")]


def test_all_that_is_left_can_go_back_and_not_a_cent_more(desk: MemoryShop) -> None:
    payment = desk.paid()
    _order(desk, payment, 100)
    left = payment.amount_minor - 100

    with pytest.raises(RefundRefused) as refusal:
        _order(desk, payment, left + 1, "form-2")
    assert refusal.value.user_message == "That is more than is left to refund."
    assert refusal.value.details == {"left": Money(left, EUR)}
    _order(desk, payment, left, "form-3")

    assert [row.amount_minor for row in desk.rows(Refund)] == [100, left]


def _order_of_page(desk: MemoryShop, payment: Payment, left: int) -> int:
    """Staff orders a refund of one euro on a page that said that so much could go back."""
    amount, said = Money(100, EUR), Money(left, EUR)
    return refunds.order_refund(desk.runtime, payment.booking_id, amount, ADA, "form-1", left=said)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_page_that_said_something_else_of_what_is_left_sends_nothing(desk: MemoryShop, off: int) -> None:
    payment = desk.paid()
    _order(desk, payment, 500, "form-0")

    with pytest.raises(RefundRefused) as refusal:
        _order_of_page(desk, payment, payment.amount_minor - 500 + off)

    words = "The money of this booking has changed since that page was made. Look at it again."
    assert refusal.value.user_message == words
    assert [row.form_token for row in desk.rows(Refund)] == ["form-0"]


def test_a_page_that_said_what_is_left_sends_it_whatever_a_bank_has_taken_back(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    desk.dispute(second)

    assert desk.refund(_order_of_page(desk, first, left=100)).payment_id == first.id


def test_the_same_form_twice_is_one_refund_though_less_is_left_than_its_page_said(desk: MemoryShop) -> None:
    payment = desk.paid()

    first, again = (_order_of_page(desk, payment, payment.amount_minor) for _ in range(2))

    assert first == again


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (Money(0, EUR), "Give an amount above zero."),
        (Money(-1, EUR), "Give an amount above zero."),
        (Money(1, "usd"), "This booking was paid in another currency."),
    ],
)
def test_what_is_no_amount_of_this_booking_is_refused_and_nothing_written(
    desk: MemoryShop, amount: Money, words: str
) -> None:
    payment = desk.paid()

    with pytest.raises(RefundRefused) as refusal:
        refunds.order_refund(desk.runtime, payment.booking_id, amount, ADA, "form-1")

    assert refusal.value.user_message == words
    assert desk.rows(Refund) == []


def test_a_payment_that_came_in_another_currency_is_not_refunded_in_ours(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, amount=Money(500, "usd")))

    for currency in ("usd", EUR):
        with pytest.raises(RefundRefused) as refusal:
            refunds.order_refund(desk.runtime, booking_id, Money(100, currency), ADA, "form-1")
        assert refusal.value.user_message == "This booking was paid in another currency."


def test_an_amount_that_no_coin_can_pay_is_refused_with_the_smallest_step(desk: MemoryShop) -> None:
    payment = desk.paid()
    with desk.open() as session:
        session.get_one(Booking, payment.booking_id).currency = "kwd"
        session.get_one(Payment, payment.id).currency = "kwd"

    with pytest.raises(RefundRefused) as refusal:
        _order(desk, desk.payment_of(payment.booking_id), 1005)

    assert refusal.value.user_message == "KWD can only be sent in steps of 0.010."


def test_money_that_a_bank_has_taken_back_is_left_out_and_told_of(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    desk.dispute(second)

    with pytest.raises(RefundRefused) as refusal:
        _order(desk, first, 101)
    assert refusal.value.user_message == (
        "The bank has taken this payment back in a dispute, so it cannot be refunded now."
    )
    assert refusal.value.details == {"left": Money(100, EUR)}
    _order(desk, first, 100, "form-2")

    assert [row.payment_id for row in desk.rows(Refund)] == [first.id]


def test_an_inquiry_leaves_its_payment_refundable(desk: MemoryShop) -> None:
    payment = desk.paid()
    desk.dispute(payment, status="warning_needs_response", is_charge_refundable=True)

    assert desk.refund(_order(desk, payment, 100)).payment_id == payment.id


# --- sending --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_by_staff", "who"), [(True, "staff"), (False, "system")])
def test_a_refund_is_sent_with_its_stored_key_and_our_tag_and_without_names(
    desk: MemoryShop, is_by_staff: bool, who: str
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    if not is_by_staff:
        with desk.open() as session:
            session.get_one(Refund, refund.id).requested_by = ""
    desk.stripe.answers = [refund_evidence(payment, refund)]

    _send(desk, refund)

    tag = {"app": INSTANCE, "purpose": "booking", "booking_id": str(payment.booking_id), "refund_id": refund.token}
    params = {
        "payment_intent": payment.payment_intent_id,
        "amount": 1000,
        "metadata": {**tag, "refunded_by": who},
    }
    assert desk.stripe.asked == [("send_refund", params, refund.idempotency_key)]
    assert (desk.refund(refund.id).params, desk.refund(refund.id).first_sent_at) == (params, desk.now)


def test_a_refund_that_succeeded_is_told_to_the_guest_and_counted(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [refund_evidence(payment, refund)]

    _send(desk, refund)

    done = desk.refund(refund.id)
    assert (done.status, done.stripe_refund_id, done.failure_reason) == (R.SUCCEEDED, f"re_{refund.id}", None)
    assert desk.booking(payment.booking_id).payment_status is P.PARTIALLY_REFUNDED
    assert desk.booking(payment.booking_id).status is BookingStatus.CONFIRMED
    assert desk.story(payment.booking_id)[-1] == ("refund_succeeded", f"refund {refund.id}")
    (step,) = desk.steps(payment.booking_id, "refund_succeeded")
    assert (step.at, step.source) == (desk.now, Source.WORKER)
    key = f"mail:refund_sent:{payment.booking_id}:{refund.id}"
    back = {"minor": 1000, "currency": EUR}
    payload = {"mail": "refund_sent", "booking_id": payment.booking_id, "facts": {"refund": back}}
    assert desk.mails()[-1] == (key, payload)


def test_a_refund_that_stripe_knows_is_not_sent_again(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [refund_evidence(payment, refund, status=R.PENDING)]
    _send(desk, refund)

    assert _send(desk, refund, tries=9) == []
    with desk.open() as session:
        session.get_one(Refund, refund.id).status = R.REQUESTED  # as in a row that only has Stripe's id
    assert _send(desk, refund, tries=9) == []


def test_a_refund_without_an_answer_is_sent_again_with_the_same_words(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayUnavailable("silence"), GatewayUnavailable("silence")]
    asked, began = [], desk.now

    for tries in (1, 2):
        with pytest.raises(GatewayUnavailable):
            _send(desk, refund, tries)
        asked += desk.stripe.asked
        desk.clock.at += timedelta(minutes=5)

    assert asked[0] == asked[1]
    assert (desk.refund(refund.id).status, desk.refund(refund.id).first_sent_at) == (R.REQUESTED, began)
    assert desk.mails("refund_failed") == []


@pytest.mark.parametrize(
    ("tries", "asked"),
    [(1, ["send_refund"]), (2, ["send_refund"]), (3, ["list_refunds", "send_refund"])],
)
def test_from_the_third_try_on_stripes_own_list_is_looked_at_first(
    desk: MemoryShop, tries: int, asked: list[str]
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [refund_evidence(payment, refund)]

    assert _send(desk, refund, tries) == asked


def test_a_refund_found_in_stripes_list_by_our_token_is_not_sent(desk: MemoryShop) -> None:
    payment = desk.paid()
    other, refund = desk.request(payment), desk.request(payment)
    desk.stripe.refunds[payment.payment_intent_id] = [
        refund_evidence(payment),
        refund_evidence(payment, other),
        refund_evidence(payment, refund),
    ]

    assert _send(desk, refund, tries=3) == ["list_refunds"]

    assert [row.stripe_refund_id for row in desk.rows(Refund)] == [None, f"re_{refund.id}"]
    assert desk.stripe.asked == [("list_refunds", payment.payment_intent_id)]


@pytest.mark.parametrize(("tries", "is_new"), [(4, False), (5, True), (6, True)])
def test_after_four_tries_that_did_nothing_a_new_key_is_stored_and_used(
    desk: MemoryShop, tries: int, is_new: bool
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayUnavailable("500"), GatewayUnavailable("500")]
    with pytest.raises(GatewayUnavailable):
        _send(desk, refund)
    began = desk.now
    desk.clock.at += timedelta(minutes=5)

    with pytest.raises(GatewayUnavailable):
        _send(desk, refund, tries)

    key = desk.refund(refund.id).idempotency_key
    assert desk.stripe.asked[-1][2] == key
    assert re.fullmatch(f"refund:{refund.token}" + (":[0-9a-f]{8}" if is_new else ""), key or "")
    assert desk.refund(refund.id).first_sent_at == (desk.now if is_new else began)


@pytest.mark.parametrize("had", ["an answer", "no answer"])
def test_of_two_workers_who_found_nothing_the_second_uses_the_key_that_the_first_has_stored(
    desk: MemoryShop, monkeypatch: pytest.MonkeyPatch, had: str
) -> None:
    """Two keys would be two refunds. Control: with a key for each of them, Stripe is asked under two."""
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayUnavailable("500")] * 2 + [refund_evidence(payment, refund)] * 2
    with pytest.raises(GatewayUnavailable):
        _send(desk, refund)
    desk.clock.at += KEY_LIFE + timedelta(seconds=1)
    look, keys = refunds._look, []

    def look_and_be_overtaken(runtime: Any, order: Any) -> Any:
        monkeypatch.setattr(refunds, "_look", look)
        found = look(runtime, order)
        if had == "no answer":
            with pytest.raises(GatewayUnavailable):
                refunds.send_refund(desk.runtime, refund.id)
        else:
            del desk.stripe.answers[0]
            refunds.send_refund(desk.runtime, refund.id)
        keys.append(desk.stripe.asked[-1][2])
        return found

    monkeypatch.setattr(refunds, "_look", look_and_be_overtaken)
    refunds.send_refund(desk.runtime, refund.id)

    keys.append(desk.stripe.asked[-1][2])
    assert len(set(keys)) == 1
    assert keys[0] != f"refund:{refund.token}"


@pytest.mark.parametrize(("age", "is_new"), [(KEY_LIFE, False), (KEY_LIFE + timedelta(seconds=1), True)])
def test_a_key_that_stripe_may_only_replay_or_have_forgotten_is_replaced_after_a_look(
    desk: MemoryShop, age: timedelta, is_new: bool
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayUnavailable("silence"), refund_evidence(payment, refund)]
    with pytest.raises(GatewayUnavailable):
        _send(desk, refund)
    desk.clock.at += age

    asked = _send(desk, refund, tries=2)

    assert asked == (["list_refunds", "send_refund"] if is_new else ["send_refund"])
    assert (desk.stripe.asked[-1][2] != f"refund:{refund.token}") is is_new


# --- a definite no --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (GatewayRefused("no", reason="insufficient_funds"), "insufficient_funds"),
        (GatewayRefused("no", reason="x" * 90), "x" * 80),
        (GatewayRefused("no"), "gateway_refused"),
        (GatewayConflict("no"), "gateway_conflict"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_refund_that_stripe_refuses_is_given_up_and_told_to_staff(
    desk: MemoryShop, error: Exception, why: str
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [error]

    assert _send(desk, refund) == ["send_refund", "list_refunds"]

    booking_id, done = payment.booking_id, desk.refund(refund.id)
    assert (done.status, done.failure_reason) == (R.FAILED, why)
    assert (desk.booking(booking_id).payment_status, desk.booking(booking_id).refund_failed) == (P.PAID, True)
    assert desk.story(booking_id)[-1] == ("refund_failed", f"refund {refund.id} {why}")
    (step,) = desk.steps(booking_id, "refund_failed")
    assert (step.at, step.source) == (desk.now, Source.WORKER)
    payload = {"mail": "refund_failed", "booking_id": booking_id, "facts": {}, "note": NOT_ARRIVED}
    assert desk.mails()[-2] == (f"mail:refund_failed:{booking_id}:{refund.id}", payload)
    assert desk.mails()[-1][0] == f"mail:refund_delayed:{booking_id}:{refund.id}"
    key = f"sync:{payment.id}:{refund.token}"
    assert desk.errands()[-1] == ("sync_refunds", key, {"payment_id": payment.id}, booking_id, desk.now)


def test_a_refused_refund_that_stripe_has_after_all_counts(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayRefused("no", reason="charge_already_refunded")]
    desk.stripe.refunds[payment.payment_intent_id] = [refund_evidence(payment, refund)]

    _send(desk, refund)

    assert desk.refund(refund.id).status is R.SUCCEEDED
    assert len(desk.errands()) == 1


def test_an_answer_that_another_worker_had_meanwhile_is_not_given_up(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    success = refund_evidence(payment, refund)
    desk.stripe.answers = [GatewayRefused("no", reason="charge_already_refunded")]
    desk.stripe.meanwhile = {"list_refunds": lambda: desk.hear(success)}

    _send(desk, refund)

    assert desk.refund(refund.id).status is R.SUCCEEDED
    assert desk.mails("refund_failed") == []


def test_a_refund_refused_for_a_dispute_that_is_not_known_yet_waits(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.answers = [GatewayRefused("no", reason="charge_disputed")]
    before = desk.story(payment.booking_id)

    _send(desk, refund)

    assert desk.refund(refund.id).status is R.REQUESTED
    assert desk.story(payment.booking_id) == before


# --- disputes -------------------------------------------------------------------------------------------------------


def test_a_refund_of_a_disputed_payment_is_not_sent_and_says_so_once(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.dispute(payment)

    assert _send(desk, refund) == _send(desk, refund, tries=2) == []

    note = f"refund {refund.id} waits: the charge is disputed and cannot be refunded now"
    waits = desk.steps(payment.booking_id, "refund_waits")
    assert [(step.note, step.at, step.source) for step in waits] == [(note, desk.now, Source.WORKER)]
    waiting = desk.refund(refund.id)
    assert (waiting.status, waiting.params, waiting.first_sent_at) == (R.REQUESTED, None, None)


def test_each_refund_that_waits_says_so_itself(two_units: MemoryShop) -> None:
    desk = two_units
    payment = desk.paid()
    refunds_of_it = [desk.request(payment), desk.request(payment)]
    desk.dispute(payment)

    for refund in refunds_of_it:
        _send(desk, refund)

    assert len(desk.steps(payment.booking_id, "refund_waits")) == 2


def test_the_dispute_of_one_payment_keeps_no_other_from_being_refunded(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    refund = desk.request(second)
    desk.dispute(first)
    desk.stripe.answers = [refund_evidence(second, refund)]

    assert _send(desk, refund) == ["send_refund"]


def test_a_refund_goes_out_once_its_dispute_is_won(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.dispute(payment)
    _send(desk, refund)
    desk.dispute(payment, status="won", is_charge_refundable=True)
    desk.stripe.answers = [refund_evidence(payment, refund)]

    assert _send(desk, refund) == ["send_refund"]
    assert desk.stripe.asked[0][2] == f"refund:{refund.token}"


def test_a_refund_is_called_off_once_the_bank_has_given_the_guest_the_money(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.dispute(payment, status="lost")

    assert _send(desk, refund) == []

    done = desk.refund(refund.id)
    assert (done.status, done.failure_reason) == (R.CANCELED, CALLED_OFF)
    booking = desk.booking(payment.booking_id)
    assert (booking.payment_status, booking.refund_failed) == (P.PAID, False)
    note = f"refund {refund.id}: the bank has given the guest this money already"
    assert desk.story(booking.id)[-1] == ("refund_called_off", note)
    (step,) = desk.steps(booking.id, "refund_called_off")
    assert (step.at, step.source) == (desk.now, Source.WORKER)
    assert desk.mails("refund_failed") == []


def test_a_dispute_that_another_payment_lost_calls_nothing_off(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    refund = desk.request(second)
    desk.dispute(first, dispute_id="dp_first", status="lost")
    desk.dispute(second, dispute_id="dp_second")

    _send(desk, refund)

    assert desk.refund(refund.id).status is R.REQUESTED


def test_a_blocked_refund_that_was_sent_before_is_looked_for_and_counts(desk: MemoryShop) -> None:
    payment, refund = _sent_without_answer(desk)
    desk.dispute(payment)

    assert _send(desk, refund) == ["list_refunds"]
    assert desk.refund(refund.id).status is R.REQUESTED
    desk.stripe.refunds[payment.payment_intent_id] = [refund_evidence(payment, refund)]
    assert _send(desk, refund) == ["list_refunds"]

    assert desk.refund(refund.id).status is R.SUCCEEDED


def test_a_blocked_refund_that_another_worker_heard_of_meanwhile_is_left_as_it_is(desk: MemoryShop) -> None:
    payment, refund = _sent_without_answer(desk)
    desk.dispute(payment, status="lost")
    desk.stripe.meanwhile = {"list_refunds": lambda: desk.hear(refund_evidence(payment, refund))}

    _send(desk, refund)

    assert desk.refund(refund.id).status is R.SUCCEEDED
    assert desk.steps(payment.booking_id, "refund_called_off") == []


@pytest.mark.parametrize(("over", "status"), [(0, R.REQUESTED), (1, R.FAILED)])
def test_a_waiting_refund_of_more_than_is_left_by_now_is_given_up(
    desk: MemoryShop, over: int, status: RefundStatus
) -> None:
    payment = desk.paid()
    refund = desk.request(payment, minor=1000)
    desk.dispute(payment)
    desk.hear(refund_evidence(payment, amount=Money(payment.amount_minor - 1000 + over, EUR)))

    _send(desk, refund)

    assert desk.refund(refund.id).status is status
    assert desk.refund(refund.id).failure_reason == ("more_than_is_left" if over else None)
