"""What a change of a stay costs more: the new nights for the whole difference, or all of it back."""

from datetime import timedelta
from typing import Any

import pytest

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import (
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    ChangeStatus,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.gateways.payments import EvidenceState, GatewayUnavailable
from booking.models import Attempt, Booking, Refund, StayChange
from booking.services import attempts, reservations, settlement
from booking.services.cases import Outcome
from booking.services.settlement import Settled
from booking.services.timeline import Cause
from tests.support.memory_shop import ADA, IDENTITY, WEBHOOK, MemoryShop, mail

S, B, A, C = EvidenceState, BookingStatus, AttemptStatus, ChangeStatus
STAFF = Cause(Source.STAFF, ADA)
MORE = Money(17100, "eur")  # the night of a Saturday, and the tax of two guests


@pytest.fixture
def offered(desk: MemoryShop) -> MemoryShop:
    """Booking 1, 31 March to 3 April, is offered one more night, which attempt 2 can be paid in."""
    _offer(desk, desk.paid().booking_id)
    return desk


def _offer(desk: MemoryShop, booking_id: int) -> None:
    """Staff offers one more night, and Stripe is silent: the guest's click asks it again."""
    desk.stripe.sessions = [GatewayUnavailable("no answer")]
    stay = desk.booking(booking_id).stay
    desk.change_stay(booking_id, Stay(stay.arrive, stay.leave + timedelta(days=1)))


def _ask_again(desk: MemoryShop, number: int = 3) -> None:
    """The guest asks for another session: the one before is given up."""
    with desk.open() as session:
        session.get_one(Attempt, number - 1).status = A.SUPERSEDED
        session.flush()
        booking, change = session.get_one(Booking, 1), session.get_one(StayChange, 1)
        attempts.write_difference(session, desk.runtime, booking, change, number, desk.now, IDENTITY)


def _change(desk: MemoryShop) -> StayChange:
    (change,) = desk.rows(StayChange)
    return change


def _set_change(desk: MemoryShop, status: ChangeStatus) -> None:
    with desk.open() as session:
        change = session.get_one(StayChange, 1)
        change.status, change.hold_until = status, None


def _take_the_night(desk: MemoryShop) -> int:
    """The time to pay is over, and somebody else has taken the night."""
    hold_until = _change(desk).hold_until
    assert hold_until is not None
    desk.clock.at = hold_until
    new = _change(desk).stay
    return desk.place(Stay(new.leave - timedelta(days=1), new.leave), browser="linus")


def _ends(desk: MemoryShop) -> list[Any]:
    """Until when each night of booking 1 is held."""
    return [end for _, end in desk.nights(1)]


NEW_STAY = {"arrive": "2027-03-31", "leave": "2027-04-04"}
BACK = {"minor": MORE.minor, "currency": "eur"}
STAY_NOW = "The guest has paid the difference: the stay is 2027-03-31 to 2027-04-04 now."
TOO_LATE = "The difference for a change came when the change could not be made any more. It is being refunded in full."


# --- it is paid -----------------------------------------------------------------------------------------------------


def test_paid_in_time_the_stay_is_the_new_one_and_both_sides_hear_of_it(offered: MemoryShop) -> None:
    attempt = offered.attempt(1, 2)
    assert (attempt.purpose, attempt.change_id, attempt.amount_minor) == (AttemptPurpose.DIFFERENCE, 1, MORE.minor)

    settled = offered.settle(offered.evidence(1, number=2))

    assert settled == Settled(Outcome.CHANGED, 1)
    booking, change = offered.booking(1), _change(offered)
    assert (booking.status, booking.payment_status, booking.stay) == (B.CONFIRMED, PaymentStatus.PAID, change.stay)
    assert (booking.amount, change.status, change.hold_until) == (Money(61200, "eur"), C.DONE, None)
    assert _ends(offered) == [None] * 4
    assert offered.attempt(1, 2).status is A.PAID
    words = "change 1: 2027-03-31 to 2027-04-03 for 2 to 2027-03-31 to 2027-04-04 for 2"
    assert offered.story(1, "change_offered") == [("payment_received", "payment 2"), ("stay_changed", words)]
    (step,) = offered.steps(1, "stay_changed")
    assert (step.at, step.source, step.stripe_event_id) == (offered.now, Source.WEBHOOK, "evt_1")
    (key, told), (_, staff) = offered.mails()[-2:]
    assert (key, told) == ("mail:stay_changed:1:change-1", mail(1, "stay_changed", difference=BACK))
    assert staff == mail(1, "staff_stay_changed", note=STAY_NOW)


def test_told_twice_it_is_changed_once(offered: MemoryShop) -> None:
    offered.settle(offered.evidence(1, number=2))
    before = offered.all_rows()

    assert offered.settle(offered.evidence(1, number=2)).outcome is Outcome.ALREADY
    assert offered.all_rows() == before


def test_paid_after_its_time_the_stay_is_changed_where_the_night_is_still_free(offered: MemoryShop) -> None:
    hold_until = _change(offered).hold_until
    assert hold_until is not None
    offered.clock.at = hold_until
    offered.settle(offered.evidence(1, S.EXPIRED, number=2))

    assert offered.settle(offered.evidence(1, number=2)).outcome is Outcome.CHANGED
    assert (_change(offered).status, _ends(offered)) == (C.DONE, [None] * 4)


def test_a_second_payment_of_the_difference_goes_back(offered: MemoryShop) -> None:
    _ask_again(offered)
    offered.settle(offered.evidence(1, number=2))

    assert offered.settle(offered.evidence(1, number=3)).outcome is Outcome.DUPLICATE

    assert (offered.refund().amount, offered.refund().reason) == (MORE, RefundReason.DUPLICATE)
    assert offered.booking(1).stay == _change(offered).stay


def test_paid_when_the_booking_was_cancelled_all_of_the_difference_goes_back(offered: MemoryShop) -> None:
    reservations.cancel_booking(offered.runtime, 1, CancelReason.STAFF, STAFF, None, "form-2")

    assert offered.settle(offered.evidence(1, number=2)).outcome is Outcome.LATE

    assert (offered.refund().amount, offered.refund().reason) == (MORE, RefundReason.ALREADY_CANCELLED)
    assert (_change(offered).status, offered.nights(1)) == (C.WITHDRAWN, [])


def test_paid_when_the_night_is_gone_all_of_it_goes_back_and_the_stay_is_as_it_was(offered: MemoryShop) -> None:
    rival = _take_the_night(offered)

    assert offered.settle(offered.evidence(1, number=2)) == Settled(Outcome.CHANGE_OFF, 1)

    booking, change, (refund,) = offered.booking(1), _change(offered), offered.rows(Refund)
    assert (booking.status, booking.stay) == (B.CONFIRMED, change.old_stay)
    assert (refund.payment_id, refund.amount) == (2, MORE)
    assert (refund.reason, refund.status) == (RefundReason.DATES_UNAVAILABLE, RefundStatus.REQUESTED)
    assert (change.status, change.hold_until) == (C.LAPSED, None)
    assert (_ends(offered), len(offered.nights(rival))) == ([None] * 3, 1)
    assert offered.story(1, "payment_received")[-2:] == [
        ("refund_requested", "refund 1, reason dates_unavailable"),
        ("change_lapsed", "change 1"),
    ]
    (step,) = offered.steps(1, "change_lapsed")
    assert (step.at, step.source) == (offered.now, Source.WEBHOOK)
    assert offered.mails()[-2:] == [
        ("mail:change_off:1:1-back", mail(1, "change_off", new_stay=NEW_STAY, refund=BACK)),
        ("mail:staff_stay_changed:1:2", mail(1, "staff_stay_changed", note=TOO_LATE)),
    ]


@pytest.mark.parametrize("status", [C.WITHDRAWN, C.LAPSED])
def test_money_for_a_change_that_cannot_be_made_any_more_leaves_it_as_it_ended(
    offered: MemoryShop, status: ChangeStatus
) -> None:
    _take_the_night(offered)
    _set_change(offered, status)

    assert offered.settle(offered.evidence(1, number=2)).outcome is Outcome.CHANGE_OFF

    assert _change(offered).status is status
    assert offered.story(1, "change_offered")[-1] == ("refund_requested", "refund 1, reason dates_unavailable")


def test_what_became_of_the_change_while_this_transaction_waited_for_its_lock_counts(offered: MemoryShop) -> None:
    evidence = offered.evidence(1, number=2)

    with offered.open() as session:
        change = session.get_one(StayChange, 1)
        assert change.status is C.OPEN
        offered.house.raw.execute("UPDATE stay_change SET status = 'withdrawn'")
        assert settlement.settle(session, evidence, WEBHOOK, offered.now, IDENTITY).outcome is Outcome.CHANGE_OFF
        assert change.status is C.WITHDRAWN


# --- it is on its way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [False, True])
def test_a_difference_on_its_way_keeps_the_new_night_without_end(offered: MemoryShop, is_open: bool) -> None:
    if is_open:
        offered.settle(offered.evidence(1, S.OPEN, number=2))
    mails = offered.mails()

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)) == Settled(Outcome.PROCESSING, 1)

    booking, change = offered.booking(1), _change(offered)
    assert (booking.status, booking.stay) == (B.CONFIRMED, change.old_stay)
    assert (change.status, change.hold_until, _ends(offered)) == (C.OPEN, None, [None] * 4)
    assert offered.attempt(1, 2).status is A.PROCESSING
    assert offered.story(1, "change_offered") == [("difference_processing", "")]
    (step,) = offered.steps(1, "difference_processing")
    assert (step.at, step.source, step.stripe_event_id) == (offered.now, Source.WEBHOOK, "evt_1")
    assert offered.mails() == mails
    assert offered.settle(offered.evidence(1, number=2)).outcome is Outcome.CHANGED


@pytest.mark.parametrize("state", [S.PAID, S.PROCESSING, S.EXPIRED, S.FAILED])
def test_news_of_a_difference_on_its_way_comes_too_late_after_its_end(
    offered: MemoryShop, state: EvidenceState
) -> None:
    offered.settle(offered.evidence(1, state, number=2))
    before = offered.all_rows()

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.NOTHING
    assert offered.all_rows() == before


def test_a_page_that_was_given_up_while_its_guest_paid_counts_only_where_no_other_is_live(offered: MemoryShop) -> None:
    _ask_again(offered)

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.NOTHING
    offered.settle(offered.evidence(1, S.EXPIRED, number=3))
    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING

    assert offered.attempt(1, 2).status is A.PROCESSING


def test_a_difference_on_its_way_for_a_change_that_is_over_holds_no_night(offered: MemoryShop) -> None:
    _ask_again(offered)
    offered.settle(offered.evidence(1, S.EXPIRED, number=3))

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING

    assert (_change(offered).status, _ends(offered)) == (C.LAPSED, [None] * 3)


def test_a_difference_on_its_way_whose_night_is_gone_waits_without_it(offered: MemoryShop) -> None:
    rival = _take_the_night(offered)

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING

    assert (_change(offered).hold_until, _ends(offered), len(offered.nights(rival))) == (None, [None] * 3, 1)


def test_a_difference_on_its_way_gets_the_night_that_somebody_else_did_not_pay_for_in_time(offered: MemoryShop) -> None:
    offered.outlast(_take_the_night(offered))

    assert offered.settle(offered.evidence(1, S.PROCESSING, number=2)).outcome is Outcome.PROCESSING

    assert _ends(offered) == [None] * 4


# --- it is not paid -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "ended"), [(S.EXPIRED, A.EXPIRED), (S.FAILED, A.FAILED)])
@pytest.mark.parametrize("is_on_its_way", [False, True])
def test_not_paid_the_stay_is_as_it_was_and_the_guest_hears_of_it(
    offered: MemoryShop, state: EvidenceState, ended: AttemptStatus, is_on_its_way: bool
) -> None:
    if is_on_its_way:
        offered.settle(offered.evidence(1, S.PROCESSING, number=2))

    assert offered.settle(offered.evidence(1, state, number=2)) == Settled(Outcome.CLOSED, 1)

    booking, change = offered.booking(1), _change(offered)
    assert (booking.status, booking.payment_status, booking.stay) == (B.CONFIRMED, PaymentStatus.PAID, change.old_stay)
    assert (change.status, change.hold_until, _ends(offered)) == (C.LAPSED, None, [None] * 3)
    assert offered.attempt(1, 2).status is ended
    assert offered.story(1)[-1] == ("change_lapsed", "change 1")
    (step,) = offered.steps(1, "change_lapsed")
    assert (step.at, step.source) == (offered.now, Source.WEBHOOK)
    assert offered.mails()[-1] == ("mail:change_off:1:1", mail(1, "change_off", new_stay=NEW_STAY, refund=None))


@pytest.mark.parametrize("first", [S.PAID, S.EXPIRED, S.FAILED])
@pytest.mark.parametrize("then", [S.EXPIRED, S.FAILED])
def test_a_session_for_a_difference_ends_once(offered: MemoryShop, first: EvidenceState, then: EvidenceState) -> None:
    offered.settle(offered.evidence(1, first, number=2))
    before = offered.all_rows()

    assert offered.settle(offered.evidence(1, then, number=2)).outcome is Outcome.NOTHING
    assert offered.all_rows() == before


@pytest.mark.parametrize("end", [S.EXPIRED, S.FAILED])
def test_a_page_that_was_given_up_may_end_while_the_difference_can_be_paid_on_another(
    offered: MemoryShop, end: EvidenceState
) -> None:
    _ask_again(offered)

    assert offered.settle(offered.evidence(1, end, number=2)).outcome is Outcome.CLOSED

    assert (_change(offered).status, len(_ends(offered))) == (C.OPEN, 4)
    assert offered.attempt(1, 2).status is A(str(end))


def test_a_page_that_ends_after_the_stay_was_changed_takes_nothing_back(offered: MemoryShop) -> None:
    _ask_again(offered)
    offered.settle(offered.evidence(1, number=3))

    assert offered.settle(offered.evidence(1, S.EXPIRED, number=2)).outcome is Outcome.CLOSED

    assert (_change(offered).status, offered.booking(1).stay) == (C.DONE, _change(offered).stay)


def test_a_declined_card_changes_nothing_of_a_difference(offered: MemoryShop) -> None:
    before = offered.story(1)

    assert offered.settle(offered.evidence(1, S.DECLINED, number=2)).outcome is Outcome.NOTHING
    assert (_change(offered).status, offered.story(1)) == (C.OPEN, before)
