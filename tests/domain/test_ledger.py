"""The payment status is a function of the ledger's rows and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.domain.ledger import Ledger, PaymentEntry, RefundEntry, ended_declined, payment_status
from booking.domain.states import AttemptStatus, PaymentStatus, RefundStatus

A, R = AttemptStatus, RefundStatus


def _paid(*refunds: RefundEntry, reported: int = 0) -> Ledger:
    return Ledger((PaymentEntry(100, refunds, reported),), (A.PAID,))


@pytest.mark.parametrize(
    ("ledger", "status"),
    [
        (Ledger(), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.CREATING,)), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.OPEN,), declined=False), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.EXPIRED, A.OPEN), declined=True), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.EXPIRED,)), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.EXPIRED,), declined=True), PaymentStatus.FAILED),
        (Ledger(attempts=(A.FAILED,)), PaymentStatus.FAILED),
        (Ledger(attempts=(A.FAILED, A.OPEN)), PaymentStatus.UNPAID),
        (Ledger(attempts=(A.PROCESSING,)), PaymentStatus.PROCESSING),
        (Ledger(attempts=(A.PROCESSING,), is_authorised=True), PaymentStatus.AUTHORIZED),
        (Ledger(attempts=(A.CREATING,), declined=True), PaymentStatus.UNPAID),
        (_paid(), PaymentStatus.PAID),
        (_paid(RefundEntry(40, R.SUCCEEDED)), PaymentStatus.PARTIALLY_REFUNDED),
        (_paid(RefundEntry(40, R.SUCCEEDED), RefundEntry(60, R.SUCCEEDED)), PaymentStatus.REFUNDED),
        (_paid(RefundEntry(40, R.SUCCEEDED), RefundEntry(60, R.REQUESTED)), PaymentStatus.REFUND_PENDING),
        (_paid(RefundEntry(40, R.PENDING)), PaymentStatus.REFUND_PENDING),
        (_paid(RefundEntry(100, R.FAILED)), PaymentStatus.PAID),
        (_paid(reported=100), PaymentStatus.REFUNDED),
        (_paid(RefundEntry(40, R.SUCCEEDED), reported=100), PaymentStatus.REFUNDED),
    ],
)
def test_status_of_each_ledger(ledger: Ledger, status: PaymentStatus) -> None:
    assert payment_status(ledger) is status


REFUNDS = st.lists(st.builds(RefundEntry, st.integers(1, 60), st.sampled_from(list(RefundStatus))), max_size=6)


@given(REFUNDS, st.integers(0, 100))
def test_what_is_left_to_refund_never_allows_more_than_was_captured(refunds: list[RefundEntry], reported: int) -> None:
    payment = PaymentEntry(100, tuple(refunds), reported)

    gone = payment.refunded_minor + payment.in_flight_minor

    assert 0 <= payment.refundable_minor <= 100
    assert payment.refundable_minor == 0 or gone + payment.refundable_minor <= 100


@given(REFUNDS)
def test_the_order_of_refunds_does_not_matter(refunds: list[RefundEntry]) -> None:
    assert payment_status(_paid(*refunds)) is payment_status(_paid(*reversed(refunds)))


@pytest.mark.parametrize(
    ("refunds", "is_failed"),
    [
        ([], False),
        ([RefundEntry(100, R.FAILED)], True),
        ([RefundEntry(100, R.CANCELED)], True),
        ([RefundEntry(1, R.FAILED)], True),
        ([RefundEntry(100, R.FAILED), RefundEntry(100, R.SUCCEEDED)], False),
        ([RefundEntry(100, R.FAILED), RefundEntry(100, R.REQUESTED)], False),
        ([RefundEntry(40, R.FAILED), RefundEntry(20, R.SUCCEEDED)], True),
        ([RefundEntry(40, R.FAILED), RefundEntry(20, R.SUCCEEDED), RefundEntry(20, R.PENDING)], False),
        # What another change of the stay owes was meant for that.
        ([RefundEntry(40, R.FAILED), RefundEntry(40, R.SUCCEEDED, is_owed=True)], True),
        ([RefundEntry(40, R.FAILED, is_owed=True), RefundEntry(40, R.SUCCEEDED)], False),
        # There is nothing left that could lack.
        ([RefundEntry(40, R.FAILED), RefundEntry(100, R.SUCCEEDED, is_owed=True)], False),
    ],
)
def test_a_failed_refund_is_shown_until_the_money_went_back_in_another_way(refunds: list, is_failed: bool) -> None:
    assert _paid(*refunds).refund_failed is is_failed


@pytest.mark.parametrize(
    ("status", "code", "is_over"),
    [(A.EXPIRED, "card_declined", True), (A.FAILED, "expired_card", True), (A.SUPERSEDED, "card_declined", True),
     (A.OPEN, "card_declined", False), (A.CREATING, "card_declined", False), (A.PROCESSING, "card_declined", False),
     (A.EXPIRED, None, False)],
)  # fmt: skip
def test_a_declined_card_counts_once_no_other_can_be_tried(status: A, code: str | None, is_over: bool) -> None:
    assert ended_declined(status, code) is is_over
