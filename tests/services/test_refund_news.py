"""What Stripe says of refunds, one word at a time: which row it is about, what it changes, and who is told."""

from typing import Any

import pytest

from booking.domain.money import Money
from booking.domain.states import PaymentStatus, RefundReason, RefundStatus, Source
from booking.extensions import db
from booking.gateways.payments import Tag
from booking.models import OutboxRow, Payment, Refund
from booking.services import refund_news, refunds
from booking.services.instance import Identity
from tests.simulation.house import INSTANCE
from tests.support.memory_shop import NOT_ARRIVED, MemoryShop, charge_evidence, refund_evidence

R, P = RefundStatus, PaymentStatus
EUR = "eur"


# --- what Stripe says -----------------------------------------------------------------------------------------------


def test_a_refund_is_known_by_stripes_id_and_by_our_token(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)

    by_token = desk.hear(refund_evidence(payment, refund, status=R.PENDING))
    by_id = desk.hear(refund_evidence(payment, refund, tag=Tag()))

    assert by_token is not None
    assert by_id is not None
    assert (by_token.id, by_id.id, len(desk.rows(Refund))) == (refund.id, refund.id, 1)
    assert desk.refund(refund.id).status is R.SUCCEEDED


@pytest.mark.parametrize("tag", [{"app": "another-shop"}, {"refund_id": ""}], ids=str)
def test_a_refund_with_anybody_elses_tag_is_not_ours_to_know_by_it(desk: MemoryShop, tag: dict[str, str]) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    told = Tag(**{"app": INSTANCE, "refund_id": refund.token, **tag})

    found = desk.hear(refund_evidence(payment, refund, tag=told))

    assert found is not None
    assert found.reason is RefundReason.EXTERNAL
    assert desk.refund(refund.id).status is R.REQUESTED


def test_a_refund_made_by_hand_becomes_a_row_and_is_told_to_both_sides(desk: MemoryShop) -> None:
    payment = desk.paid()

    desk.hear(refund_evidence(payment, status=R.PENDING))

    (refund,), booking_id = desk.rows(Refund), payment.booking_id
    assert (refund.booking_id, refund.payment_id, refund.amount) == (booking_id, payment.id, Money(500, EUR))
    assert (refund.status, refund.reason) == (R.PENDING, RefundReason.EXTERNAL)
    assert (refund.stripe_refund_id, refund.requested_by, refund.idempotency_key) == ("re_by_hand", "", None)
    assert len(refund.token) == 32
    assert desk.story(booking_id)[-2:] == [
        ("refund_found", f"refund {refund.id}, made at Stripe"),
        ("refund_pending", f"refund {refund.id}"),
    ]
    (step,) = desk.steps(booking_id, "refund_found")
    assert (step.at, step.source, step.stripe_event_id) == (desk.now, Source.WEBHOOK, "evt_1")
    note = "A refund of this booking was made in Stripe's dashboard. The booking itself is unchanged."
    staff = {"mail": "external_refund", "booking_id": booking_id, "facts": {}, "note": note}
    assert desk.mails("external_refund") == [(f"mail:external_refund:{booking_id}:{refund.id}", staff)]
    assert len(desk.mails("refund_sent")) == 1
    assert desk.booking(booking_id).payment_status is P.REFUND_PENDING


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_intent_id": "pi_unknown", "charge_id": None},
        {"payment_intent_id": None, "charge_id": "ch_unknown"},
        {"payment_intent_id": None, "charge_id": None},
        {"amount": Money(0, EUR)},
        {"amount": Money(-1, EUR)},
    ],
    ids=str,
)
def test_a_refund_of_no_payment_of_ours_or_of_nothing_leaves_no_trace(
    desk: MemoryShop, changes: dict[str, Any]
) -> None:
    payment = desk.paid()
    evidence = refund_evidence(payment, **changes)
    before = desk.all_rows()

    assert desk.hear(evidence) is None
    assert desk.all_rows() == before


def test_a_payment_whose_charge_is_not_known_yet_is_not_taken_for_one_that_is_not_named(desk: MemoryShop) -> None:
    payment = desk.paid(charge_id=None)

    assert desk.hear(refund_evidence(payment, payment_intent_id="pi_unknown")) is None


@pytest.mark.parametrize("charge_id", ["ch_unknown", None])
def test_a_refund_that_names_no_payment_is_none_of_what_the_house_took_itself(
    desk: MemoryShop, charge_id: str | None
) -> None:
    cash = desk.paid_in_cash()

    assert desk.hear(refund_evidence(cash, payment_intent_id=None, charge_id=charge_id)) is None
    assert desk.rows(Refund) == []


@pytest.mark.parametrize(
    "changes", [{"payment_intent_id": None}, {"charge_id": None}, {"amount": Money(1, EUR)}], ids=str
)
def test_a_refund_made_by_hand_is_known_by_either_id_of_its_payment(desk: MemoryShop, changes: dict[str, Any]) -> None:
    payment = desk.paid()

    found = desk.hear(refund_evidence(payment, **changes))

    assert found is not None
    assert found.payment_id == payment.id


@pytest.mark.parametrize(
    ("intent_id", "charge_id", "is_known"),
    [
        ("pi_1", None, True),
        (None, "ch_1", True),
        ("pi_unknown", "ch_1", True),
        ("pi_unknown", "ch_unknown", False),
        ("pi_unknown", None, False),
        (None, None, False),
    ],
)
def test_a_payment_is_known_by_either_of_its_ids_and_no_read_is_left_open(
    desk: MemoryShop, intent_id: str | None, charge_id: str | None, is_known: bool
) -> None:
    desk.paid(payment_intent_id="pi_1", charge_id="ch_1")

    assert refund_news.is_known_payment(intent_id, charge_id) is is_known
    assert not db.session().in_transaction()


@pytest.mark.parametrize(
    ("first", "then", "end"),
    [
        (R.PENDING, R.SUCCEEDED, R.SUCCEEDED),
        (R.PENDING, R.REQUIRES_ACTION, R.REQUIRES_ACTION),
        (R.SUCCEEDED, R.PENDING, R.SUCCEEDED),
        (R.SUCCEEDED, R.FAILED, R.FAILED),
        (R.FAILED, R.SUCCEEDED, R.FAILED),
        (R.FAILED, R.CANCELED, R.FAILED),
    ],
)
def test_a_later_word_counts_only_if_it_ranks_higher(
    desk: MemoryShop, first: RefundStatus, then: RefundStatus, end: RefundStatus
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.hear(refund_evidence(payment, refund, status=first, failure_reason="first"))
    heard = len(desk.story(payment.booking_id))

    desk.hear(refund_evidence(payment, refund, status=then, failure_reason="then"))

    done = desk.refund(refund.id)
    assert (done.status, done.failure_reason) == (end, "then" if end is then else "first")
    assert len(desk.story(payment.booking_id)) - heard == (end is then)


def test_stripes_first_word_counts_even_for_a_refund_that_was_called_off(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.dispute(payment, status="lost")
    refunds.send_refund(desk.runtime, refund.id)

    desk.hear(refund_evidence(payment, refund, status=R.PENDING))

    done = desk.refund(refund.id)
    assert (done.status, done.failure_reason) == (R.PENDING, None)
    assert desk.booking(payment.booking_id).payment_status is P.REFUND_PENDING


@pytest.mark.parametrize(
    ("status", "mails"),
    [
        (R.PENDING, ["refund_sent"]),
        (R.SUCCEEDED, ["refund_sent"]),
        (R.REQUIRES_ACTION, []),
        (R.FAILED, ["refund_failed", "refund_delayed"]),
        (R.CANCELED, ["refund_failed", "refund_delayed"]),
    ],
)
def test_each_end_of_a_refund_is_told_to_whom_it_concerns(
    desk: MemoryShop, status: RefundStatus, mails: list[str]
) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    before = len(desk.mails())

    desk.hear(refund_evidence(payment, refund, status=status, failure_reason="expired_card"))

    told = [_letter(mail, refund) for mail in mails]
    assert desk.mails()[before:] == told
    assert desk.story(payment.booking_id)[-1] == (f"refund_{status}", f"refund {refund.id} expired_card")


def _letter(mail: str, refund: Refund) -> tuple[str, dict[str, Any]]:
    """What is mailed of a refund of 10 euros: what comes back to the guest, what went wrong to staff."""
    facts: dict[str, Any] = {"facts": {"refund": {"minor": 1000, "currency": EUR}}}
    words = {"note": NOT_ARRIVED, "facts": {}} if mail == "refund_failed" else facts
    return f"mail:{mail}:{refund.booking_id}:{refund.id}", {"mail": mail, "booking_id": refund.booking_id, **words}


def test_guest_whose_bank_gave_the_money_back_is_not_told_that_it_is_owed(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.dispute(payment, status="lost")

    desk.hear(refund_evidence(payment, refund, status=R.FAILED, failure_reason="charge_for_pending_refund_disputed"))

    assert (len(desk.mails("refund_failed")), desk.mails("refund_delayed")) == (1, [])


@pytest.mark.parametrize("dispute", ["of it, still open", "of another payment, lost"])
def test_guest_whose_bank_has_not_given_this_money_back_is_told_that_it_is_owed(desk: MemoryShop, dispute: str) -> None:
    first, second = desk.twice_paid()
    refund = desk.request(second)
    if dispute == "of it, still open":
        desk.dispute(second)
    else:
        desk.dispute(first, status="lost")

    desk.hear(refund_evidence(second, refund, status=R.FAILED))

    assert len(desk.mails("refund_delayed")) == 1


@pytest.mark.parametrize(("over", "is_asked"), [(0, False), (1, True)])
def test_more_that_went_back_than_came_has_stripes_list_looked_at(desk: MemoryShop, over: int, is_asked: bool) -> None:
    """Stripe never sends too much back, so another refund must have failed of which nobody has told."""
    payment = desk.paid()
    desk.hear(refund_evidence(payment, refund_id="re_first", amount=Money(500, EUR)))

    last = desk.hear(refund_evidence(payment, amount=Money(payment.amount_minor - 500 + over, EUR)))

    assert last is not None
    key = f"sync:{payment.id}:{last.token}"
    errand = ("sync_refunds", key, {"payment_id": payment.id}, payment.booking_id, desk.now)
    assert desk.errands() == ([errand] if is_asked else [])


# --- the charge's own count -----------------------------------------------------------------------------------------


def test_what_the_charge_reports_counts_at_once_and_is_set_not_added(desk: MemoryShop) -> None:
    payment = desk.paid()

    for refunded in (700, 700, 900):
        heard = desk.hear_of_charge(charge_evidence(payment, refunded))
        assert heard is not None
        assert heard.id == payment.id
        assert desk.payment_of(payment.booking_id).reported_refunded_minor == refunded

    assert desk.booking(payment.booking_id).payment_status is P.PARTIALLY_REFUNDED
    assert desk.story(payment.booking_id) == desk.story(payment.booking_id)[:2]


def test_a_charge_of_no_payment_of_ours_leaves_no_trace(desk: MemoryShop) -> None:
    payment = desk.paid()
    evidence = charge_evidence(payment, 700, payment_intent_id="pi_unknown", charge_id="ch_unknown")
    before = desk.all_rows()

    assert desk.hear_of_charge(evidence) is None
    assert desk.all_rows() == before


def test_a_charge_is_known_by_either_id_and_keeps_the_first_one_heard_of(desk: MemoryShop) -> None:
    payment = desk.paid(charge_id=None)

    desk.hear_of_charge(charge_evidence(payment, 0, charge_id="ch_first"))
    desk.hear_of_charge(charge_evidence(payment, 0, charge_id="ch_other"))
    desk.hear_of_charge(charge_evidence(payment, 5, charge_id="ch_first", payment_intent_id=None))

    known = desk.payment_of(payment.booking_id)
    assert (known.charge_id, known.reported_refunded_minor) == ("ch_first", 5)


@pytest.mark.parametrize(("reported", "kept"), [(999, 0), (1000, 0), (1001, 1001)])
def test_what_our_rows_explain_is_not_counted_twice(desk: MemoryShop, reported: int, kept: int) -> None:
    payment = desk.paid()
    refund = desk.request(payment, minor=1000)
    desk.hear(refund_evidence(payment, refund))

    desk.hear_of_charge(charge_evidence(payment, reported))

    assert desk.payment_of(payment.booking_id).reported_refunded_minor == kept


def test_a_row_heard_of_after_the_charge_explains_it(two_units: MemoryShop) -> None:
    desk = two_units
    payment = desk.paid()
    desk.hear_of_charge(charge_evidence(payment, 500))

    desk.hear(refund_evidence(payment))

    assert desk.payment_of(payment.booking_id).reported_refunded_minor == 0


def test_the_refunds_of_another_payment_explain_nothing(desk: MemoryShop) -> None:
    first, second = desk.twice_paid()
    desk.hear(refund_evidence(second))

    desk.hear_of_charge(charge_evidence(first, 100))

    assert desk.rows(Payment)[0].reported_refunded_minor == 100


def test_syncing_takes_in_stripes_whole_list_and_its_own_count(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    intent_id = payment.payment_intent_id
    desk.stripe.refunds[intent_id] = [refund_evidence(payment, refund), refund_evidence(payment)]
    desk.stripe.charges[intent_id] = charge_evidence(payment, 2000)

    refund_news.sync_refunds(desk.runtime, payment.id)

    assert desk.stripe.asked == [("list_refunds", intent_id), ("look_up_refunded", intent_id)]
    assert [row.status for row in desk.rows(Refund)] == [R.SUCCEEDED, R.SUCCEEDED]
    assert desk.payment_of(payment.booking_id).reported_refunded_minor == 2000
    steps = desk.steps(payment.booking_id, "refund_succeeded")
    assert {(step.at, step.source) for step in steps} == {(desk.now, Source.WORKER)}


def test_syncing_a_payment_that_stripe_never_charged_takes_in_the_list_alone(desk: MemoryShop) -> None:
    payment = desk.paid()
    desk.stripe.refunds[payment.payment_intent_id] = [refund_evidence(payment)]

    refund_news.sync_refunds(desk.runtime, payment.id)

    assert len(desk.rows(Refund)) == 1


def test_syncing_knows_our_refunds_by_our_token(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)
    desk.stripe.refunds[payment.payment_intent_id] = [refund_evidence(payment, refund, refund_id="re_new")]

    refund_news.sync_refunds(desk.runtime, payment.id)

    assert [row.stripe_refund_id for row in desk.rows(Refund)] == ["re_new"]


def test_another_installation_does_not_take_our_refund_for_its_own(desk: MemoryShop) -> None:
    payment = desk.paid()
    refund = desk.request(payment)

    desk.hear(refund_evidence(payment, refund), identity=Identity("another-shop", livemode=False))

    assert [row.reason for row in desk.rows(Refund)] == [RefundReason.GOODWILL, RefundReason.EXTERNAL]
    assert desk.rows(OutboxRow)[-1].payload["booking_id"] == payment.booking_id
