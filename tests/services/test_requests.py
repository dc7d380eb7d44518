"""Requests to book: what each step writes, what is asked of Stripe for it, and what no answer of Stripe's can break."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from booking.domain.errors import TransitionRefused, WayChanged
from booking.domain.money import Money
from booking.domain.requests import AuthorisationState, RequestState
from booking.domain.states import AttemptPurpose, AttemptStatus, BookingStatus, CancelReason, PaymentStatus, Source
from booking.gateways.payments import EvidenceState, GatewayRefused, GatewayUnavailable, PaymentEvidence
from booking.models import AuditLine, Authorisation, Booking, Listing, Payment, StayRequest, Unit
from booking.services import checkout, requests, reservations
from booking.services.cases import Outcome
from booking.services.requests import Answer
from booking.services.timeline import Cause
from tests.support.memory_shop import ADA, MemoryShop, charge_evidence, open_memory_shop

B, R, S = BookingStatus, RequestState, AuthorisationState
AUTHORIZED, PAID, EXPIRED = EvidenceState.AUTHORIZED, EvidenceState.PAID, EvidenceState.EXPIRED
SILENCE = GatewayUnavailable("no answer")
NO = GatewayRefused("no", reason="payment_intent_unexpected_state")


@pytest.fixture
def asking() -> Iterator[MemoryShop]:
    """A shop whose one stay can only be asked for."""
    for shop in open_memory_shop():
        with shop.open() as session:
            session.execute(update(Listing).values(takes_requests=True, answer_hours=48))
        yield shop


def _evidence(shop: MemoryShop, booking_id: int, state: EvidenceState = AUTHORIZED, **changes: Any) -> PaymentEvidence:
    ends = {"capture_before": shop.now + timedelta(days=7)} if state is AUTHORIZED else {}
    return shop.evidence(booking_id, state, **{**ends, **changes})


def _asked(shop: MemoryShop, **changes: Any) -> int:
    """A request whose guest has given a card."""
    booking_id = shop.place(**changes)
    shop.settle(_evidence(shop, booking_id))
    return booking_id


def _request(shop: MemoryShop, booking_id: int) -> StayRequest:
    (row,) = shop.rows(StayRequest, booking_id=booking_id)
    return row


def _sum(shop: MemoryShop, booking_id: int) -> Authorisation:
    (row,) = shop.rows(Authorisation, booking_id=booking_id)
    return row


def _stands(shop: MemoryShop, booking_id: int) -> tuple[Any, ...]:
    """Booking, its money, the request, and the sum."""
    booking = shop.booking(booking_id)
    reserved = shop.rows(Authorisation, booking_id=booking_id)
    states = [row.state for row in reserved]
    return booking.status, booking.payment_status, _request(shop, booking_id).state, *states


def _mailed(shop: MemoryShop) -> list[str]:
    return [payload["mail"] for _, payload in shop.mails()]


def _asked_of_stripe(shop: MemoryShop) -> list[str]:
    return [question[0] for question in shop.stripe.asked]


# --- asking ---------------------------------------------------------------------------------------------------------


def test_a_stay_that_is_booked_at_once_stays_as_it_was(desk: MemoryShop) -> None:
    booking_id = desk.place()

    assert desk.rows(StayRequest) == []
    assert desk.attempt(booking_id).purpose is AttemptPurpose.BOOKING
    assert "capture_method" not in desk.attempt(booking_id).params["payment_intent_data"]


def test_a_request_is_written_with_what_its_guest_agreed_to_and_asks_only_for_an_authorisation(
    asking: MemoryShop,
) -> None:
    booking_id = asking.place()

    request, attempt = _request(asking, booking_id), asking.attempt(booking_id)
    assert (request.state, request.answer_hours, request.consented_at) == (R.STARTED, 48, asking.now)
    assert "charged only when the house accepts" in " ".join(request.consent)
    assert attempt.purpose is AttemptPurpose.REQUEST
    assert attempt.params["payment_intent_data"]["capture_method"] == "manual"
    assert attempt.params["metadata"]["purpose"] == "request"
    assert asking.booking(booking_id).payment_status is PaymentStatus.UNPAID


@pytest.mark.parametrize("read", [True, False])
def test_a_guest_who_read_something_else_is_not_taken_at_their_word(asking: MemoryShop, read: bool) -> None:
    with asking.open() as session:
        session.execute(update(Listing).values(takes_requests=not read))
    stay = asking.stay()
    asked = reservations.PlaceRequest(
        asking.house.listing_id, stay, 2, reservations.GuestDetails("Grace", "grace@example.org"), "grace",
        Money(1, "eur"), is_request=read,
    )  # fmt: skip

    with pytest.raises(WayChanged):
        reservations.place_booking(asking.runtime, asked)
    assert asking.rows(Booking) == []


def test_a_card_that_was_given_asks_the_host_and_keeps_the_nights_until_the_answer_is_due(asking: MemoryShop) -> None:
    booking_id = asking.place()

    settled = asking.settle(_evidence(asking, booking_id))

    assert settled.outcome is Outcome.AUTHORIZED
    assert _stands(asking, booking_id) == (B.PENDING, PaymentStatus.AUTHORIZED, R.ASKED, S.HELD)
    request, answer_by = _request(asking, booking_id), asking.now + timedelta(hours=48)
    assert request.asked_at == asking.now
    assert request.answer_by == answer_by.replace(second=0, microsecond=0)
    kept_until = request.answer_by + timedelta(minutes=10)
    assert asking.booking(booking_id).hold_until == kept_until
    assert {until for _, until in asking.nights(booking_id)} == {kept_until}
    assert _mailed(asking) == ["request_received", "new_request"]
    assert asking.rows(Payment) == []
    assert [kind for kind, _ in asking.story(booking_id)] == ["card_authorised", "request_asked"]


def test_the_same_news_again_changes_nothing(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    before = asking.all_rows()

    assert asking.settle(_evidence(asking, booking_id)).outcome is Outcome.NOTHING
    assert asking.all_rows() == before


def test_nights_that_are_gone_are_not_asked_for_and_the_sum_is_let_go(asking: MemoryShop) -> None:
    booking_id = asking.place()
    asking.outlast(booking_id)
    rival = asking.place(browser="linus")

    settled = asking.settle(_evidence(asking, booking_id))

    assert settled.outcome is Outcome.REQUEST_OFF
    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.AUTHORIZED, R.DATES_GONE, S.RELEASING)
    assert asking.booking(booking_id).cancel_reason is CancelReason.DATES_UNAVAILABLE
    assert _mailed(asking) == ["request_off"]
    assert len(asking.nights(rival)) == 3


def test_a_second_card_for_the_same_request_is_let_go(asking: MemoryShop) -> None:
    booking_id = asking.place()
    asking.try_again(booking_id)
    asking.settle(_evidence(asking, booking_id, number=2))

    settled = asking.settle(_evidence(asking, booking_id, number=1))

    assert settled.outcome is Outcome.REQUEST_OFF
    assert _stands(asking, booking_id) == (B.PENDING, PaymentStatus.AUTHORIZED, R.ASKED, S.HELD, S.RELEASING)
    assert asking.attempt(booking_id, 2).status is AttemptStatus.PROCESSING


def test_a_card_given_on_a_page_that_was_given_up_counts_and_ends_the_newer_page(asking: MemoryShop) -> None:
    booking_id = asking.place()
    asking.try_again(booking_id)

    asking.settle(_evidence(asking, booking_id, number=1))

    assert _stands(asking, booking_id) == (B.PENDING, PaymentStatus.AUTHORIZED, R.ASKED, S.HELD)
    statuses = [attempt.status for attempt in asking.attempts(booking_id)]
    assert statuses == [AttemptStatus.PROCESSING, AttemptStatus.SUPERSEDED]


def test_a_sum_that_was_not_agreed_is_never_taken(asking: MemoryShop) -> None:
    booking_id = asking.place()
    wrong = _evidence(asking, booking_id, amount=Money(1, "eur"))

    assert asking.settle(wrong).outcome is Outcome.NEEDS_REVIEW
    assert asking.settle(wrong).outcome is Outcome.NOTHING
    assert asking.booking(booking_id).needs_review
    assert _sum(asking, booking_id).state is S.RELEASING
    with pytest.raises(TransitionRefused):
        requests.accept_request(asking.runtime, booking_id, ADA)


# --- accepting ------------------------------------------------------------------------------------------------------


def test_a_yes_takes_the_sum_and_confirms_through_the_one_door(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [_evidence(asking, booking_id, PAID)]

    answer = requests.accept_request(asking.runtime, booking_id, ADA)

    assert answer is Answer.BOOKED
    assert _stands(asking, booking_id) == (B.CONFIRMED, PaymentStatus.PAID, R.ACCEPTED, S.CAPTURED)
    booking, request, reserved = asking.booking(booking_id), _request(asking, booking_id), _sum(asking, booking_id)
    token = asking.attempt(booking_id).token
    ((asked, intent, params, key),) = asking.stripe.asked
    assert (asked, intent, params) == (
        "capture_payment", reserved.payment_intent_id, {"amount_to_capture": booking.amount_minor},
    )  # fmt: skip
    assert key == reserved.capture_key == f"capture:{token}:1"
    assert (request.answered_by, request.answered_at) == (ADA, asking.now)
    assert (booking.hold_until, booking.confirmed_via) == (None, Source.STAFF)
    assert {until for _, until in asking.nights(booking_id)} == {None}
    assert "confirmed" in _mailed(asking)
    assert [line.action for line in asking.rows(AuditLine)] == ["request.accepted"]


def test_the_yes_and_its_key_are_written_before_stripe_is_asked(asking: MemoryShop) -> None:
    booking_id, seen = _asked(asking), []
    asking.stripe.captures = [_evidence(asking, booking_id, PAID)]
    asking.stripe.meanwhile["capture_payment"] = lambda: seen.append(
        (_stands(asking, booking_id), _sum(asking, booking_id).capture_params)
    )

    requests.accept_request(asking.runtime, booking_id, ADA)

    minor = asking.booking(booking_id).amount_minor
    assert seen == [
        ((B.PENDING, PaymentStatus.AUTHORIZED, R.ACCEPTING, S.CAPTURING), {"amount_to_capture": minor}),
    ]


def test_an_answer_that_does_not_come_is_asked_for_again_and_taken_once(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [SILENCE]

    assert requests.accept_request(asking.runtime, booking_id, ADA) is Answer.UNKNOWN
    assert _stands(asking, booking_id) == (B.PENDING, PaymentStatus.AUTHORIZED, R.ACCEPTING, S.CAPTURING)
    asking.clock.at += timedelta(days=3)  # nothing lapses and nothing is sold while it is not known
    assert requests.lapse_overdue(asking.runtime) == []
    assert reservations.expire_holds(asking.runtime) == []
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id, PAID)
    list(requests.settle_open(asking.runtime))

    assert _stands(asking, booking_id) == (B.CONFIRMED, PaymentStatus.PAID, R.ACCEPTED, S.CAPTURED)
    assert _asked_of_stripe(asking) == ["capture_payment", "look_up_authorisation"]


def test_a_sum_that_turns_out_not_to_be_taken_is_taken_under_the_next_key(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [SILENCE, _evidence(asking, booking_id, PAID)]
    requests.accept_request(asking.runtime, booking_id, ADA)
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id)

    list(requests.settle_open(asking.runtime))

    assert _stands(asking, booking_id) == (B.CONFIRMED, PaymentStatus.PAID, R.ACCEPTED, S.CAPTURED)
    keys = [question[3] for question in asking.stripe.asked if question[0] == "capture_payment"]
    token = asking.attempt(booking_id).token
    assert keys == [f"capture:{token}:1", f"capture:{token}:2"]


def test_the_webhook_may_be_faster_than_the_answer(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    paid = _evidence(asking, booking_id, PAID)
    asking.stripe.captures = [paid]
    asking.stripe.meanwhile["capture_payment"] = lambda: asking.settle(paid)

    assert requests.accept_request(asking.runtime, booking_id, ADA) is Answer.BOOKED
    assert asking.booking(booking_id).confirmed_via is Source.WEBHOOK
    assert len(asking.rows(Payment)) == 1


def test_a_refused_capture_leaves_the_request_waiting_and_tells_staff_why(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [GatewayRefused("no", reason="some_reason"), _evidence(asking, booking_id, PAID)]
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id)

    assert requests.accept_request(asking.runtime, booking_id, ADA) is Answer.REFUSED
    assert _stands(asking, booking_id) == (B.PENDING, PaymentStatus.AUTHORIZED, R.ASKED, S.HELD)
    request = _request(asking, booking_id)
    assert request.answer_by is not None
    assert asking.booking(booking_id).hold_until == request.answer_by + timedelta(minutes=10)
    assert request.answered_by == ""
    assert _mailed(asking)[-1] == "request_trouble"
    assert requests.accept_request(asking.runtime, booking_id, ADA) is Answer.BOOKED


def test_a_sum_that_the_bank_has_let_go_ends_the_request_and_both_sides_hear_of_it(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [NO]
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id, EXPIRED)

    assert requests.accept_request(asking.runtime, booking_id, ADA) is Answer.OFF
    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.FAILED, R.CARD_FAILED, S.GONE)
    assert asking.booking(booking_id).cancel_reason is CancelReason.PAYMENT_FAILED
    assert asking.nights(booking_id) == []
    assert _mailed(asking)[-2:] == ["request_off", "request_trouble"]


def test_a_yes_that_comes_too_late_is_none(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.clock.at += timedelta(hours=48)

    with pytest.raises(TransitionRefused, match="time to answer"):
        requests.accept_request(asking.runtime, booking_id, ADA)
    assert asking.stripe.asked == []


def test_a_sum_that_was_taken_in_stripes_dashboard_confirms_too(asking: MemoryShop) -> None:
    booking_id = _asked(asking)

    asking.settle(_evidence(asking, booking_id, PAID))

    assert _stands(asking, booking_id) == (B.CONFIRMED, PaymentStatus.PAID, R.ACCEPTED, S.CAPTURED)


def test_less_than_was_agreed_confirms_nothing(asking: MemoryShop) -> None:
    booking_id = _asked(asking)

    settled = asking.settle(_evidence(asking, booking_id, PAID, amount=Money(100, "eur")))

    assert settled.outcome is Outcome.NEEDS_REVIEW
    assert asking.booking(booking_id).status is B.PENDING


def test_a_sum_that_was_not_agreed_and_is_taken_all_the_same_is_no_longer_asked_about(asking: MemoryShop) -> None:
    """Staff took it in Stripe's dashboard: a person decides on the money, and there is nothing left to let go."""
    booking_id = asking.place()
    asking.settle(_evidence(asking, booking_id, amount=Money(1, "eur")))

    asking.settle(_evidence(asking, booking_id, PAID, amount=Money(1, "eur")))

    assert _sum(asking, booking_id).state is S.CAPTURED
    assert list(requests.settle_open(asking.runtime)) == []


def test_a_sum_that_was_given_in_a_session_that_is_not_known_is_let_go_and_a_person_looks(asking: MemoryShop) -> None:
    """Of two sessions of one attempt the other one brought its money first: this sum would stay on the guest's card."""
    booking_id = asking.place()
    asking.settle(_evidence(asking, booking_id, PAID, session_id="cs_copy", payment_intent_id="pi_copy"))
    other = _evidence(asking, booking_id, session_id="cs_other", payment_intent_id="pi_other")

    outcomes = [asking.settle(other).outcome for _ in range(2)]

    assert outcomes == [Outcome.NEEDS_REVIEW, Outcome.NOTHING]
    assert (_sum(asking, booking_id).state, _sum(asking, booking_id).payment_intent_id) == (S.RELEASING, "pi_other")
    gone = _evidence(asking, booking_id, EXPIRED, session_id=None, payment_intent_id="pi_other")
    assert asking.settle(gone).outcome is Outcome.CLOSED
    assert _sum(asking, booking_id).state is S.RELEASED
    assert asking.attempts(booking_id)[0].status is AttemptStatus.PAID


def test_where_money_came_in_another_session_the_sum_that_is_reserved_is_let_go(asking: MemoryShop) -> None:
    booking_id = _asked(asking)

    asking.settle(_evidence(asking, booking_id, PAID, session_id=None, payment_intent_id="pi_other"))

    assert _stands(asking, booking_id) == (B.CONFIRMED, PaymentStatus.PAID, R.ACCEPTED, S.RELEASING)


@pytest.mark.parametrize("units", [1, 2])
def test_a_request_that_waits_is_what_its_guest_gets_who_asks_for_it_again_at_another_price(
    asking: MemoryShop, units: int
) -> None:
    """As a member, or after a change of prices: what the host has to answer cannot be let go of for it."""
    with asking.open() as session:
        session.execute(update(Unit).values(is_active=Unit.position <= units))
    booking_id = _asked(asking)
    with asking.open() as session:
        session.execute(update(Listing).values(cleaning_minor=Listing.cleaning_minor + 700))

    placed = reservations.place_booking(asking.runtime, asking.wish())

    assert placed.booking_id == booking_id
    assert [booking.id for booking in asking.rows(Booking)] == [booking_id]
    assert _stands(asking, booking_id)[2:] == (R.ASKED, S.HELD)


# --- declining, lapsing, withdrawing --------------------------------------------------------------------------------


def test_a_no_frees_the_nights_tells_the_guest_why_and_lets_the_sum_go(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.releases = [_evidence(asking, booking_id, EXPIRED)]

    requests.decline_request(asking.runtime, booking_id, "  The roof is being mended.  ", ADA)

    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.UNPAID, R.DECLINED, S.RELEASED)
    request, booking = _request(asking, booking_id), asking.booking(booking_id)
    assert (request.reason, request.answered_by) == ("The roof is being mended.", ADA)
    assert booking.cancel_reason is CancelReason.STAFF
    assert asking.nights(booking_id) == []
    assert _mailed(asking)[-1] == "request_declined"
    ((asked, _, params, key),) = asking.stripe.asked
    token = asking.attempt(booking_id).token
    assert (asked, params, key) == ("release_payment", {"cancellation_reason": "abandoned"}, f"release:{token}:1")
    assert _sum(asking, booking_id).release_key == key
    assert [line.action for line in asking.rows(AuditLine)] == ["request.declined"]


def test_a_sum_that_stripe_does_not_let_go_at_once_is_let_go_by_the_worker(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.releases = [SILENCE, _evidence(asking, booking_id, EXPIRED)]
    requests.decline_request(asking.runtime, booking_id, "no", ADA)
    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.AUTHORIZED, R.DECLINED, S.RELEASING)
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id)

    list(requests.settle_open(asking.runtime, at_once=False))
    assert _sum(asking, booking_id).state is S.RELEASING  # asked a moment ago
    asking.clock.at += timedelta(minutes=3)
    list(requests.settle_open(asking.runtime, at_once=False))

    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.UNPAID, R.DECLINED, S.RELEASED)


def test_nobody_answers_and_the_request_lapses_with_nothing_charged(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.releases = [_evidence(asking, booking_id, EXPIRED)]
    answer_by = _request(asking, booking_id).answer_by
    assert answer_by is not None
    asking.clock.at = answer_by - timedelta(seconds=1)
    assert requests.lapse_overdue(asking.runtime) == []
    asking.clock.at = answer_by

    assert requests.lapse_overdue(asking.runtime) == [f"booking {booking_id}: request lapsed"]
    assert requests.lapse_overdue(asking.runtime) == []

    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.UNPAID, R.LAPSED, S.RELEASED)
    assert asking.booking(booking_id).cancel_reason is CancelReason.STAFF
    assert _mailed(asking)[-2:] == ["request_declined", "request_trouble"]


def test_holds_that_run_out_leave_a_request_that_waits_to_its_own_end(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.outlast(booking_id)

    assert reservations.expire_holds(asking.runtime) == []
    assert asking.booking(booking_id).status is B.PENDING


def test_a_guest_may_withdraw_while_the_host_has_not_answered(asking: MemoryShop) -> None:
    booking_id = _asked(asking)

    asking.stripe.releases = [_evidence(asking, booking_id, EXPIRED)]

    status = checkout.abandon_checkout(asking.runtime, booking_id, Cause(Source.WEB))

    assert status is B.CANCELLED
    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.UNPAID, R.WITHDRAWN, S.RELEASED)
    assert asking.booking(booking_id).cancel_reason is CancelReason.GUEST


def test_what_is_being_taken_cannot_be_withdrawn(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [SILENCE]
    requests.accept_request(asking.runtime, booking_id, ADA)

    with pytest.raises(TransitionRefused, match="being taken"):
        checkout.abandon_checkout(asking.runtime, booking_id, Cause(Source.WEB))
    assert asking.booking(booking_id).status is B.PENDING


def test_staff_who_cancel_the_booking_let_the_sum_go(asking: MemoryShop) -> None:
    booking_id = _asked(asking)

    asking.stripe.releases = [SILENCE]

    reservations.cancel_booking(asking.runtime, booking_id, CancelReason.STAFF, Cause(Source.STAFF, ADA), None, "form")

    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.AUTHORIZED, R.WITHDRAWN, S.RELEASING)


@pytest.mark.parametrize("first", ["accept", "decline", "lapse", "withdraw"])
def test_of_two_answers_the_first_counts(asking: MemoryShop, first: str) -> None:
    booking_id = _asked(asking)
    asking.stripe.captures = [SILENCE]
    asking.stripe.releases = [SILENCE]
    ways = {
        "accept": lambda: requests.accept_request(asking.runtime, booking_id, ADA),
        "decline": lambda: requests.decline_request(asking.runtime, booking_id, "no", ADA),
        "lapse": lambda: _lapse(asking, booking_id),
        "withdraw": lambda: checkout.abandon_checkout(asking.runtime, booking_id, Cause(Source.WEB)),
    }
    ways[first]()
    stands = _stands(asking, booking_id)

    for name in ("accept", "decline"):
        with pytest.raises(TransitionRefused):
            ways[name]()
    assert requests.lapse_overdue(asking.runtime) == []
    assert _stands(asking, booking_id) == stands


def _lapse(shop: MemoryShop, booking_id: int) -> None:
    answer_by = _request(shop, booking_id).answer_by
    assert answer_by is not None
    shop.clock.at = answer_by
    requests.lapse_overdue(shop.runtime)


# --- what Stripe tells ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [EXPIRED, EvidenceState.FAILED])
def test_a_sum_that_ends_by_itself_ends_the_request(asking: MemoryShop, end: EvidenceState) -> None:
    booking_id = _asked(asking)

    assert asking.settle(_evidence(asking, booking_id, end)).outcome is Outcome.CLOSED

    assert _stands(asking, booking_id) == (B.CANCELLED, PaymentStatus.FAILED, R.CARD_FAILED, S.GONE)
    assert _mailed(asking)[-2:] == ["request_off", "request_trouble"]


def test_money_that_was_taken_after_a_no_goes_back(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    asking.stripe.releases = [NO]
    asking.stripe.reserved[f"pi_{asking.attempt(booking_id).id}"] = _evidence(asking, booking_id, PAID)

    requests.decline_request(asking.runtime, booking_id, "no", ADA)

    booking = asking.booking(booking_id)
    assert (booking.status, booking.payment_status) == (B.CANCELLED, PaymentStatus.REFUND_PENDING)
    assert _sum(asking, booking_id).state is S.CAPTURED


def test_a_page_that_ends_with_no_card_lets_the_nights_go_as_ever(asking: MemoryShop) -> None:
    booking_id = asking.place()

    asking.settle(_evidence(asking, booking_id, EXPIRED))

    assert asking.booking(booking_id).status is B.EXPIRED
    assert _request(asking, booking_id).state is R.STARTED


def test_a_page_whose_payment_fails_ends_what_was_not_asked_yet_and_tells_the_guest(asking: MemoryShop) -> None:
    booking_id = asking.place()

    assert asking.settle(_evidence(asking, booking_id, EvidenceState.FAILED)).outcome is Outcome.CLOSED

    booking = asking.booking(booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.PAYMENT_FAILED)
    assert (asking.nights(booking_id), _mailed(asking)) == ([], ["payment_failed"])


def test_a_sum_that_was_let_go_is_told_of_like_a_refund_and_is_none(asking: MemoryShop) -> None:
    booking_id = _asked(asking)
    reserved = _sum(asking, booking_id)
    payment = Payment(payment_intent_id=reserved.payment_intent_id, charge_id="ch_9", amount_minor=1, currency="eur")
    told = replace(charge_evidence(payment, reserved.amount_minor), captured=Money(0, "eur"))
    asking.stripe.payments[reserved.payment_intent_id] = GatewayRefused("held", reason="not_captured")

    receipt = asking.receive(told)

    assert receipt.status == "handled"
    assert asking.rows(Payment) == []


def test_the_moment_of_arrival_ends_the_time_to_answer(asking: MemoryShop) -> None:
    booking_id = _asked(asking, stay=asking.stay(ahead=1))

    answer_by = _request(asking, booking_id).answer_by

    assert isinstance(answer_by, datetime)
    assert answer_by < asking.now + timedelta(hours=48)


def test_control_without_the_looks_at_its_state_a_request_is_declined_and_charged(
    asking: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above trust: it is the request's state, and that of its sum, that make the first answer count."""
    booking_id = _asked(asking)
    asking.stripe.releases, asking.stripe.captures = [SILENCE], [_evidence(asking, booking_id, PAID)]
    requests.decline_request(asking.runtime, booking_id, "no", ADA)
    monkeypatch.setattr(requests, "_get_asked", lambda session, booking: requests.find_request(session, booking.id))
    monkeypatch.setattr(requests, "_get_held", lambda session, _id: session.query(Authorisation).one())
    monkeypatch.setattr(requests, "step", lambda request, state: setattr(request, "state", state))

    requests.accept_request(asking.runtime, booking_id, ADA)

    assert _asked_of_stripe(asking) == ["release_payment", "capture_payment"]
    assert asking.booking(booking_id).payment_status is PaymentStatus.REFUND_PENDING
