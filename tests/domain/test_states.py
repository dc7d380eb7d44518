"""The table of transitions, whole."""

import itertools

import pytest

from booking.domain.errors import TransitionRefused
from booking.domain.states import REFUND_RANK, TRANSITIONS, BookingStatus, RefundStatus, check_transition

B = BookingStatus
ALLOWED = {
    (None, B.PENDING),
    (B.PENDING, B.CONFIRMED),
    (B.PENDING, B.CANCELLED),
    (B.PENDING, B.EXPIRED),
    (B.EXPIRED, B.CONFIRMED),
    (B.EXPIRED, B.CANCELLED),
    (B.CONFIRMED, B.CANCELLED),
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product([None, *B], B)))
def test_exactly_the_steps_of_the_contract_are_allowed(old: BookingStatus | None, new: BookingStatus) -> None:
    if (old, new) in ALLOWED:
        check_transition(old, new)
    else:
        with pytest.raises(TransitionRefused) as refusal:
            check_transition(old, new)
        assert refusal.value.details == {"old": old, "new": new}


def test_every_status_has_a_row_and_every_refund_a_rank() -> None:
    assert set(TRANSITIONS) == {None, *B}
    assert set(REFUND_RANK) == set(RefundStatus)


def test_nothing_leads_out_of_cancelled() -> None:
    assert TRANSITIONS[B.CANCELLED] == frozenset()
