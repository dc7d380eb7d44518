"""The one door, one decision at a time: what each piece of evidence writes, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.states import (
    AttemptStatus,
    BookingStatus,
    CancelReason,
    PaymentStatus,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import EvidenceState, Tag
from booking.models import Attempt, Booking, Payment, Refund
from booking.services import settlement
from booking.services.cases import Outcome
from booking.services.instance import Identity
from booking.services.settlement import Settled
from booking.services.timeline import Cause
from tests.simulation.house import INSTANCE
from tests.support.memory_shop import IDENTITY, WEBHOOK, MemoryShop, mail
from tests.support.shop import GRACE

S, B, A = EvidenceState, BookingStatus, AttemptStatus
EUR = "eur"


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[Any, ...]]:
    """Level, text and fields of each line that this service wrote."""
    return [
        (line.levelname, line.getMessage(), line.event, line.booking, line.cause, line.stripe_event, line.session)
        for line in caplog.records
        if line.name == settlement.logger.name
    ]


# --- a payment that fits --------------------------------------------------------------------------------------------


def test_a_payment_confirms_its_booking_and_everything_that_follows_is_written(desk: MemoryShop) -> None:
    booking_id = desk.place()
    unit_id = desk.booking(booking_id).unit_id

    settled = desk.settle(desk.evidence(booking_id, url="https://pay.example/1"))

    assert settled == Settled(Outcome.CONFIRMED, booking_id)
    booking, attempt, payment = desk.booking(booking_id), desk.attempt(booking_id), desk.payment_of(booking_id)
    assert (booking.status, booking.payment_status, booking.unit_id) == (B.CONFIRMED, PaymentStatus.PAID, unit_id)
    assert (booking.confirmed_at, booking.confirmed_via, booking.hold_until) == (desk.now, Source.WEBHOOK, None)
    assert not booking.needs_review
    assert (attempt.status, attempt.url) == (A.PAID, "https://pay.example/1")
    assert (attempt.session_id, attempt.payment_intent_id) == (f"cs_{attempt.id}", f"pi_{attempt.id}")
    assert (payment.attempt_id, payment.payment_intent_id) == (attempt.id, f"pi_{attempt.id}")
    assert (payment.charge_id, payment.amount) == (f"ch_{attempt.id}", booking.amount)
    assert (payment.captured_at, payment.source, payment.reported_refunded_minor) == (desk.now, Source.WEBHOOK, 0)
    assert desk.nights(booking_id) == [(unit_id, None)] * 3


def test_a_confirmation_tells_its_story_and_both_sides(desk: MemoryShop) -> None:
    booking_id = desk.place()

    desk.settle(desk.evidence(booking_id))

    payment_id = desk.payment_of(booking_id).id
    assert desk.story(booking_id) == [("payment_received", f"payment {payment_id}"), ("confirmed", "")]
    (received,), (confirmed,) = desk.steps(booking_id, "payment_received"), desk.steps(booking_id, "confirmed")
    assert (received.at, received.source, received.stripe_event_id) == (desk.now, Source.WEBHOOK, "evt_1")
    assert (confirmed.at, confirmed.source, confirmed.stripe_event_id) == (desk.now, Source.WEBHOOK, "evt_1")
    assert (confirmed.old_status, confirmed.new_status) == (B.PENDING, B.CONFIRMED)
    assert [payload for _, payload in desk.mails()] == [
        mail(booking_id, "confirmed"),
        mail(booking_id, "new_booking", note=""),
    ]
    assert desk.errands() == []


def test_a_confirmation_is_logged_once_it_is_committed_and_not_before(
    desk: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)

    with pytest.raises(ZeroDivisionError), desk.open() as session:
        settlement.settle(session, evidence, WEBHOOK, desk.now, IDENTITY)
        raise ZeroDivisionError
    assert _said(caplog) == []
    desk.settle(evidence)

    reference = desk.booking(booking_id).reference
    message = f"Booking {booking_id} confirmed successfully via webhook"
    assert _said(caplog) == [("INFO", message, "booking_confirmed", reference, "webhook", "evt_1", evidence.session_id)]


def test_the_same_evidence_again_changes_nothing(desk: MemoryShop) -> None:
    booking_id = desk.place()
    evidence = desk.evidence(booking_id)
    desk.settle(evidence)
    before = desk.all_rows()

    assert desk.settle(evidence, Cause(Source.REDIRECT)) == Settled(Outcome.ALREADY, booking_id)
    assert desk.all_rows() == before


def test_what_was_committed_while_this_transaction_waited_for_its_lock_counts(
    desk: MemoryShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking_id = desk.place()
    evidence, attempt_id = desk.evidence(booking_id, S.EXPIRED), desk.attempt(booking_id).id
    lock = settlement._lock_booking_of

    def wait_for_lock(session: Session, names: dict[str, str | None]) -> Booking | None:
        desk.house.raw.execute("UPDATE attempt SET status = 'failed' WHERE id = ?", (attempt_id,))
        desk.house.raw.execute("UPDATE booking SET guest_name = 'Rear Admiral Hopper' WHERE id = ?", (booking_id,))
        return lock(session, names)

    monkeypatch.setattr(settlement, "_lock_booking_of", wait_for_lock)

    with desk.open() as session:
        attempt, booking = session.get_one(Attempt, attempt_id), session.get_one(Booking, booking_id)
        assert (attempt.status, booking.guest_name) == (A.CREATING, GRACE.name)
        assert settlement.settle(session, evidence, WEBHOOK, desk.now, IDENTITY).outcome is Outcome.NOTHING
        assert (attempt.status, booking.guest_name) == (A.FAILED, "Rear Admiral Hopper")
    assert desk.attempt(booking_id).status is A.FAILED


def test_nothing_is_settled_outside_a_transaction(desk: MemoryShop) -> None:
    evidence = desk.evidence(desk.place())

    with pytest.raises(RuntimeError, match="transaction"):
        settlement.settle(db.session(), evidence, WEBHOOK, desk.now, IDENTITY)


@pytest.mark.parametrize("did_somebody_try", [False, True])
def test_a_hold_that_ran_out_is_confirmed_where_nobody_else_has_the_nights(
    desk: MemoryShop, did_somebody_try: bool
) -> None:
    booking_id = desk.place()
    desk.outlast(booking_id)
    if did_somebody_try:
        desk.outlast(desk.place(desk.booking(booking_id).stay, browser="linus"))

    assert desk.settle(desk.evidence(booking_id)).outcome is Outcome.CONFIRMED
    assert [end for _, end in desk.nights(booking_id)] == [None] * 3


def test_a_booking_that_has_expired_is_confirmed_by_late_money(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.EXPIRED))

    assert desk.settle(desk.evidence(booking_id)).outcome is Outcome.CONFIRMED

    (confirmed,) = desk.steps(booking_id, "confirmed")
    assert (confirmed.old_status, len(desk.nights(booking_id))) == (B.EXPIRED, 3)


def test_who_pays_late_is_moved_to_an_equal_unit_that_is_free(two_units: MemoryShop) -> None:
    desk = two_units
    late = desk.place()
    desk.outlast(late)
    quick = desk.place(desk.booking(late).stay, browser="linus")
    assert desk.booking(quick).unit_id == desk.booking(late).unit_id

    settled = desk.settle(desk.evidence(late))

    other = desk.booking(late).unit_id
    assert settled == Settled(Outcome.MOVED, late)
    assert other != desk.booking(quick).unit_id
    assert desk.nights(late) == [(other, None)] * 3
    assert desk.story(late, "payment_received") == [("confirmed", "moved to an equal unit")]
    assert len(desk.nights(quick)) == 3


# --- a payment that comes too late, or twice ------------------------------------------------------------------------


def _lose_the_nights(desk: MemoryShop) -> int:
    """A booking whose hold ran out, and whose nights somebody else took."""
    booking_id = desk.place()
    desk.outlast(booking_id)
    desk.place(desk.booking(booking_id).stay, browser="linus")
    return booking_id


def test_who_pays_for_nights_that_are_gone_gets_everything_back(desk: MemoryShop) -> None:
    booking_id = _lose_the_nights(desk)

    settled = desk.settle(desk.evidence(booking_id))

    booking, payment = desk.booking(booking_id), desk.payment_of(booking_id)
    assert settled == Settled(Outcome.DATES_GONE, booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.DATES_UNAVAILABLE)
    assert (booking.cancelled_at, booking.hold_until, booking.confirmed_at) == (desk.now, None, None)
    assert booking.payment_status is PaymentStatus.REFUND_PENDING
    assert desk.nights(booking_id) == []
    (refund,) = desk.rows(Refund)
    assert (refund.payment_id, refund.amount) == (payment.id, payment.amount)
    assert (refund.reason, refund.status) == (RefundReason.DATES_UNAVAILABLE, RefundStatus.REQUESTED)
    assert desk.nights(booking_id + 1) == [(booking.unit_id, desk.booking(booking_id + 1).hold_until)] * 3


def test_where_one_night_is_gone_the_others_are_free_again(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.outlast(booking_id)
    first = desk.booking(booking_id).arrive
    quick = desk.place(Stay(first, first + timedelta(days=1)), browser="linus")
    assert len(desk.nights(booking_id)) == 2

    assert desk.settle(desk.evidence(booking_id)).outcome is Outcome.DATES_GONE

    assert (len(desk.nights(booking_id)), len(desk.nights(quick))) == (0, 1)


def test_nights_that_are_gone_are_told_to_both_sides_and_logged(
    desk: MemoryShop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    booking_id = _lose_the_nights(desk)

    desk.settle(desk.evidence(booking_id))

    booking, payment = desk.booking(booking_id), desk.payment_of(booking_id)
    (refund,) = desk.rows(Refund)
    assert desk.story(booking_id, "payment_received") == [
        ("dates_gone", "paid, but the nights were taken and no equal unit was free"),
        ("refund_requested", f"refund {refund.id}, reason dates_unavailable"),
    ]
    (gone,) = desk.steps(booking_id, "dates_gone")
    assert (gone.old_status, gone.new_status, gone.source, gone.at) == (
        B.PENDING,
        B.CANCELLED,
        Source.WEBHOOK,
        desk.now,
    )
    back = {"minor": payment.amount_minor, "currency": EUR}
    note = "Two guests paid for the same nights; this one is being refunded in full."
    assert [payload for _, payload in desk.mails()] == [
        mail(booking_id, "dates_gone", refund=back),
        mail(booking_id, "staff_dates_gone", note=note),
    ]
    message = f"Booking {booking_id} cancelled due to availability conflict"
    session_id = desk.attempt(booking_id).session_id
    assert _said(caplog) == [
        ("WARNING", message, "booking_conflict", booking.reference, "webhook", "evt_1", session_id)
    ]


def test_money_for_a_cancelled_booking_goes_back_and_the_guest_is_told(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.FAILED))

    settled = desk.settle(desk.evidence(booking_id))

    payment, (refund,) = desk.payment_of(booking_id), desk.rows(Refund)
    assert settled == Settled(Outcome.LATE, booking_id)
    assert (refund.amount, refund.reason) == (payment.amount, RefundReason.ALREADY_CANCELLED)
    assert (desk.booking(booking_id).status, desk.nights(booking_id)) == (B.CANCELLED, [])
    key, payload = desk.mails()[-1]
    back = {"minor": payment.amount_minor, "currency": EUR}
    assert (key, payload) == (f"mail:late_refund:{booking_id}", mail(booking_id, "late_refund", refund=back))
    (requested,) = desk.steps(booking_id, "refund_requested")
    assert (requested.at, requested.source) == (desk.now, Source.WEBHOOK)


def test_a_second_payment_for_a_confirmed_booking_goes_back(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    desk.settle(desk.evidence(booking_id, number=2))

    settled = desk.settle(desk.evidence(booking_id, number=1))

    first, second = desk.rows(Payment)
    (refund,) = desk.rows(Refund)
    assert settled == Settled(Outcome.DUPLICATE, booking_id)
    assert (refund.payment_id, refund.amount, refund.reason) == (second.id, second.amount, RefundReason.DUPLICATE)
    assert (desk.booking(booking_id).status, len(desk.nights(booking_id))) == (B.CONFIRMED, 3)
    back = {"minor": second.amount_minor, "currency": EUR}
    note = "The guest paid twice; the second payment is being refunded."
    assert desk.mails()[-2:] == [
        (f"mail:duplicate_refund:{booking_id}:{second.id}", mail(booking_id, "duplicate_refund", refund=back)),
        (f"mail:duplicate:{booking_id}:{second.id}", mail(booking_id, "duplicate", note=note)),
    ]
    assert first.refunds == []


# --- which attempt it is about --------------------------------------------------------------------------------------


def test_a_payment_ends_the_other_sessions_of_its_booking_and_no_others(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id, other_id = desk.place(), desk.place(browser="linus")
    desk.settle(desk.evidence(booking_id, S.EXPIRED, decline_code=None))
    desk.try_again(booking_id)
    desk.try_again(booking_id)

    desk.settle(desk.evidence(booking_id, number=2))

    assert [row.status for row in desk.attempts(booking_id)] == [A.EXPIRED, A.PAID, A.SUPERSEDED]
    assert [row.status for row in desk.attempts(other_id)] == [A.CREATING]


def test_whoever_looks_in_the_same_transaction_sees_that_the_other_sessions_were_given_up(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    evidence = desk.evidence(booking_id, number=1)

    with desk.open() as session:
        attempts = session.query(Attempt).order_by(Attempt.id).all()
        settlement.settle(session, evidence, WEBHOOK, desk.now, IDENTITY)
        assert [row.status for row in attempts] == [A.PAID, A.SUPERSEDED]


@pytest.mark.parametrize("kept", ["session_id", "payment_intent_id"])
def test_evidence_without_our_tag_is_known_by_each_id_that_stripe_made(desk: MemoryShop, kept: str) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))
    nameless = replace(desk.evidence(booking_id), tag=Tag(), session_id=None)
    nameless = replace(nameless, **{kept: getattr(desk.attempt(booking_id), kept)})
    if kept == "session_id":
        nameless = replace(nameless, payment_intent_id="pi_unknown")

    assert desk.settle(nameless).outcome is Outcome.CONFIRMED


def test_an_attempt_that_has_no_session_yet_is_not_taken_for_one_that_is_not_named(two_units: MemoryShop) -> None:
    desk = two_units
    desk.place(browser="linus")
    booking_id = desk.place()

    settled = desk.settle(desk.evidence(booking_id, session_id=None, payment_intent_id=None))

    assert settled.booking_id == booking_id


def test_stripes_own_id_counts_for_more_than_the_tag(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id, other_id = desk.place(), desk.place(browser="linus")
    desk.settle(desk.evidence(booking_id, S.OPEN))

    settled = desk.settle(replace(desk.evidence(booking_id), tag=desk.evidence(other_id).tag))

    assert settled == Settled(Outcome.NEEDS_REVIEW, booking_id)


@pytest.mark.parametrize(
    "changes", [{"app": "another-shop"}, {"app": ""}, {"attempt": ""}, {"attempt": "f" * 32}], ids=str
)
def test_evidence_that_names_no_attempt_of_ours_is_unknown_and_leaves_no_trace(
    desk: MemoryShop, changes: dict[str, str]
) -> None:
    evidence = desk.evidence(desk.place())
    before = desk.all_rows()

    settled = desk.settle(replace(evidence, tag=replace(evidence.tag, **changes)))

    assert settled == Settled(Outcome.UNKNOWN, None)
    assert desk.all_rows() == before


def test_an_open_session_is_bound_to_its_attempt_once(desk: MemoryShop) -> None:
    booking_id = desk.place()

    first = desk.settle(desk.evidence(booking_id, S.OPEN, url="https://pay.example/1", payment_intent_id=None))
    desk.settle(desk.evidence(booking_id, S.OPEN, url="https://pay.example/2", payment_intent_id="pi_late"))
    desk.settle(desk.evidence(booking_id, S.OPEN, url=None, session_id=None, payment_intent_id="pi_later"))

    attempt = desk.attempt(booking_id)
    assert first == Settled(Outcome.NOTHING, booking_id)
    assert (attempt.status, attempt.session_id) == (A.OPEN, f"cs_{attempt.id}")
    assert (attempt.url, attempt.payment_intent_id) == ("https://pay.example/1", "pi_late")
    assert (desk.booking(booking_id).status, desk.story(booking_id)) == (B.PENDING, [])


@pytest.mark.parametrize("changes", [{"session_id": None}, {"state": S.DECLINED}], ids=str)
def test_an_attempt_is_not_called_open_before_its_session_is_seen_open(
    desk: MemoryShop, changes: dict[str, Any]
) -> None:
    booking_id = desk.place()

    desk.settle(replace(desk.evidence(booking_id, S.OPEN), **changes))

    assert desk.attempt(booking_id).status is A.CREATING


def test_an_open_session_does_not_bring_an_ended_attempt_back(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.EXPIRED))
    before = desk.all_rows()

    assert desk.settle(desk.evidence(booking_id, S.OPEN)).outcome is Outcome.NOTHING
    assert desk.all_rows() == before


# --- money that does not fit ----------------------------------------------------------------------------------------

MISFITS: list[tuple[dict[str, Any], str]] = [
    ({"livemode": True}, "it is of the other mode (test or live)"),
    ({"mode": "subscription"}, "the session is of mode subscription"),
    ({"app": "another-shop"}, "it carries another shop's id"),
    ({"booking_id": "999"}, "it names another booking"),
    ({"amount": Money(1, EUR)}, "0.01 EUR came where {agreed} EUR was agreed"),
    ({"amount": Money(47700, "usd")}, "477.00 USD came where {agreed} EUR was agreed"),
]


def _misfit(desk: MemoryShop, booking_id: int, changes: dict[str, Any]) -> Any:
    """Evidence of a known session that is not as agreed."""
    desk.settle(desk.evidence(booking_id, S.OPEN))
    evidence = desk.evidence(booking_id)
    in_tag = {name: value for name, value in changes.items() if name in ("app", "booking_id")}
    rest = {name: value for name, value in changes.items() if name not in in_tag}
    return replace(evidence, tag=replace(evidence.tag, **in_tag), **rest)


@pytest.mark.parametrize(("changes", "problem"), MISFITS, ids=[str(changes) for changes, _ in MISFITS])
def test_money_that_is_not_as_agreed_is_kept_for_a_person_to_decide_on(
    desk: MemoryShop, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], problem: str
) -> None:
    booking_id = desk.place()
    evidence = _misfit(desk, booking_id, changes)
    caplog.set_level("INFO")

    settled = desk.settle(evidence)

    booking, payment = desk.booking(booking_id), desk.payment_of(booking_id)
    problem = problem.format(agreed=booking.amount.major)
    assert settled == Settled(Outcome.NEEDS_REVIEW, booking_id)
    assert (booking.status, booking.needs_review, booking.hold_until) == (B.PENDING, True, None)
    assert desk.nights(booking_id) == [(booking.unit_id, None)] * 3
    assert (payment.amount, desk.attempt(booking_id).status) == (evidence.amount, A.PAID)
    assert desk.story(booking_id, "payment_received") == [("needs_review", problem)]
    (step,) = desk.steps(booking_id, "needs_review")
    assert (step.at, step.source, step.stripe_event_id) == (desk.now, Source.WEBHOOK, "evt_1")
    key = f"mail:needs_review:{booking_id}:{payment.payment_intent_id}"
    assert desk.mails() == [(key, mail(booking_id, "needs_review", note=problem))]
    message = f"Booking {booking_id} needs review"
    fields = (booking.reference, "webhook", "evt_1", evidence.session_id)
    assert _said(caplog) == [("ERROR", message, "booking_needs_review", *fields)]


@pytest.mark.parametrize("tag", [Tag(), Tag(app=INSTANCE)], ids=str)
def test_a_payment_whose_tag_says_little_but_nothing_wrong_fits(desk: MemoryShop, tag: Tag) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))

    assert desk.settle(replace(desk.evidence(booking_id), tag=tag)).outcome is Outcome.CONFIRMED


def test_a_live_shop_takes_live_money(desk: MemoryShop) -> None:
    evidence = desk.evidence(desk.place(), livemode=True)

    assert desk.settle(evidence, identity=Identity(INSTANCE, livemode=True)).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    "changes",
    [{"payment_intent_id": None}, {"amount": None}, {"amount": Money(0, EUR)}, {"amount": Money(-1, EUR)}],
    ids=str,
)
def test_a_payment_that_names_no_money_is_looked_at_by_a_person(desk: MemoryShop, changes: dict[str, Any]) -> None:
    booking_id = desk.place()
    evidence = desk.evidence(booking_id, **changes)

    assert desk.settle(evidence).outcome is Outcome.NEEDS_REVIEW

    assert desk.rows(Payment) == []
    assert desk.story(booking_id) == [("needs_review", "it was paid, but no payment is named")]
    ((key, _),) = desk.mails()
    assert key == f"mail:needs_review:{booking_id}:{evidence.payment_intent_id or evidence.session_id}"


def test_a_session_that_ended_without_a_payment_being_due_confirms_nothing(desk: MemoryShop) -> None:
    booking_id = desk.place()

    settled = desk.settle(desk.evidence(booking_id, S.NOTHING_DUE, payment_intent_id=None, amount=None))

    assert settled == Settled(Outcome.NEEDS_REVIEW, booking_id)
    assert (desk.booking(booking_id).status, desk.rows(Payment)) == (B.PENDING, [])
    assert desk.story(booking_id) == [("needs_review", "the session ended without any payment being due")]


def test_two_problems_that_name_no_id_are_two_letters_to_staff(desk: MemoryShop) -> None:
    booking_id = desk.place()

    for state in (S.NOTHING_DUE, S.PAID):
        desk.settle(desk.evidence(booking_id, state, payment_intent_id=None, session_id=None))

    assert [payload["note"] for _, payload in desk.mails()] == [
        "the session ended without any payment being due",
        "it was paid, but no payment is named",
    ]


def test_a_review_leaves_the_nights_of_others_and_of_ended_bookings_alone(desk: MemoryShop) -> None:
    gone = _lose_the_nights(desk)
    hold_until = desk.booking(gone).hold_until

    desk.settle(desk.evidence(gone, amount=None))

    assert (desk.nights(gone), desk.booking(gone).hold_until) == ([], hold_until)
    cancelled = desk.place(desk.stay(ahead=60), browser="ada")
    desk.settle(desk.evidence(cancelled, S.FAILED))
    desk.settle(desk.evidence(cancelled, amount=None))
    assert (desk.booking(cancelled).needs_review, desk.nights(cancelled)) == (True, [])


def test_money_of_a_session_that_the_attempt_does_not_know_is_written_down_and_reviewed(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))
    foreign = desk.evidence(booking_id, session_id="cs_foreign", payment_intent_id="pi_foreign")

    assert desk.settle(foreign) == Settled(Outcome.NEEDS_REVIEW, booking_id)

    payment, attempt = desk.payment_of(booking_id), desk.attempt(booking_id)
    assert (payment.payment_intent_id, payment.amount) == ("pi_foreign", foreign.amount)
    assert (attempt.status, attempt.session_id) == (A.OPEN, f"cs_{attempt.id}")
    assert desk.story(booking_id, "payment_received") == [("needs_review", "a session that this attempt does not know")]
    before = desk.all_rows()
    assert desk.settle(foreign) == Settled(Outcome.ALREADY, booking_id)
    assert desk.all_rows() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_intent_id": None},
        {"amount": None},
        {"amount": Money(0, EUR)},
        {"state": S.NOTHING_DUE, "amount": None},
    ],
    ids=str,
)
def test_a_foreign_session_without_money_is_reviewed_and_no_payment_is_made_up(
    desk: MemoryShop, changes: dict[str, Any]
) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))

    settled = desk.settle(replace(desk.evidence(booking_id), **{"session_id": "cs_foreign", **changes}))

    assert settled.outcome is Outcome.NEEDS_REVIEW
    assert desk.rows(Payment) == []
    assert desk.story(booking_id) == [("needs_review", "a session that this attempt does not know")]


def test_a_foreign_session_of_the_smallest_amount_is_money_too(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))

    desk.settle(desk.evidence(booking_id, session_id="cs_foreign", amount=Money(1, EUR)))

    assert desk.payment_of(booking_id).amount == Money(1, EUR)


@pytest.mark.parametrize("state", [S.OPEN, S.PROCESSING, S.DECLINED, S.FAILED, S.EXPIRED])
def test_a_foreign_session_without_a_payment_means_nothing(desk: MemoryShop, state: EvidenceState) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))
    before = desk.all_rows()

    assert desk.settle(desk.evidence(booking_id, state, session_id="cs_foreign")).outcome is Outcome.NOTHING
    assert desk.all_rows() == before


# --- not yet --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_open", [False, True])
def test_a_payment_on_its_way_keeps_the_nights_without_end(desk: MemoryShop, is_open: bool) -> None:
    booking_id = desk.place()
    if is_open:
        desk.settle(desk.evidence(booking_id, S.OPEN))

    settled = desk.settle(desk.evidence(booking_id, S.PROCESSING))

    booking = desk.booking(booking_id)
    assert settled == Settled(Outcome.PROCESSING, booking_id)
    assert (booking.status, booking.payment_status, booking.hold_until) == (B.PENDING, PaymentStatus.PROCESSING, None)
    assert desk.nights(booking_id) == [(booking.unit_id, None)] * 3
    assert desk.attempt(booking_id).status is A.PROCESSING
    assert desk.story(booking_id) == [("payment_processing", "")]
    (step,) = desk.steps(booking_id, "payment_processing")
    assert (step.at, step.source) == (desk.now, Source.WEBHOOK)
    assert desk.mails() == [(f"mail:payment_processing:{booking_id}", mail(booking_id, "payment_processing"))]


def test_a_payment_on_its_way_whose_nights_somebody_else_has_waits_without_them(desk: MemoryShop) -> None:
    booking_id = _lose_the_nights(desk)

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING)).outcome is Outcome.PROCESSING

    booking = desk.booking(booking_id)
    assert (desk.nights(booking_id), booking.status, booking.hold_until) == ([], B.PENDING, None)


@pytest.mark.parametrize("state", [S.PROCESSING, S.NOTHING_DUE])
def test_a_booking_that_waits_gets_the_nights_that_somebody_else_did_not_pay_for_in_time(
    desk: MemoryShop, state: EvidenceState
) -> None:
    """For a payment that is on its way, or for a person to look."""
    booking_id = _lose_the_nights(desk)
    desk.outlast(booking_id + 1)

    desk.settle(desk.evidence(booking_id, state))

    assert desk.nights(booking_id) == [(desk.booking(booking_id).unit_id, None)] * 3


@pytest.mark.parametrize("state", [S.PAID, S.PROCESSING, S.EXPIRED, S.FAILED])
def test_news_of_a_payment_on_its_way_comes_too_late_after_its_end(desk: MemoryShop, state: EvidenceState) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, state))
    before = desk.all_rows()

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING)).outcome is Outcome.NOTHING
    assert desk.all_rows() == before


def test_a_session_given_up_while_its_guest_paid_in_it_counts_and_the_new_one_does_not(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING)).outcome is Outcome.PROCESSING

    assert [row.status for row in desk.attempts(booking_id)] == [A.PROCESSING, A.SUPERSEDED]


def test_of_two_payments_on_their_way_the_first_counts(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    desk.settle(desk.evidence(booking_id, S.PROCESSING, number=2))

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING, number=1)).outcome is Outcome.NOTHING
    assert [row.status for row in desk.attempts(booking_id)] == [A.SUPERSEDED, A.PROCESSING]


def test_a_payment_on_its_way_elsewhere_is_no_reason_to_ignore_this_one(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id, other_id = desk.place(), desk.place(browser="linus")
    desk.settle(desk.evidence(other_id, S.PROCESSING))
    desk.try_again(booking_id)

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING)).outcome is Outcome.PROCESSING


def test_a_session_given_up_is_no_payment_on_its_way_once_its_booking_is_confirmed(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    desk.settle(desk.evidence(booking_id, number=2))

    assert desk.settle(desk.evidence(booking_id, S.PROCESSING)).outcome is Outcome.NOTHING


# --- never ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "kept"), [("insufficient_funds", "insufficient_funds"), (None, "declined"), ("x" * 90, "x" * 80)]
)
def test_a_declined_card_is_written_down_and_changes_no_state(desk: MemoryShop, told: str | None, kept: str) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.OPEN))
    hold_until = desk.booking(booking_id).hold_until

    settled = desk.settle(desk.evidence(booking_id, S.DECLINED, decline_code=told))

    booking, attempt = desk.booking(booking_id), desk.attempt(booking_id)
    assert settled == Settled(Outcome.DECLINED, booking_id)
    assert (attempt.status, attempt.decline_code, attempt.declined_at) == (A.OPEN, kept, desk.now)
    assert (booking.status, booking.payment_status, booking.hold_until) == (B.PENDING, PaymentStatus.UNPAID, hold_until)
    assert desk.story(booking_id) == [("card_declined", "")]
    (step,) = desk.steps(booking_id, "card_declined")
    assert (step.at, step.source, desk.mails()) == (desk.now, Source.WEBHOOK, [])


def test_news_of_a_declined_card_is_old_once_money_came(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    desk.settle(desk.evidence(booking_id, number=2))
    before = desk.all_rows()

    assert desk.settle(desk.evidence(booking_id, S.DECLINED, number=2)).outcome is Outcome.NOTHING
    assert desk.all_rows() == before
    assert desk.settle(desk.evidence(booking_id, S.DECLINED, number=1)).outcome is Outcome.NOTHING
    assert desk.attempt(booking_id, 1).decline_code is None


def test_the_money_of_another_booking_is_no_reason_to_forget_a_declined_card(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id, other_id = desk.place(), desk.place(browser="linus")
    desk.settle(desk.evidence(other_id))

    assert desk.settle(desk.evidence(booking_id, S.DECLINED)).outcome is Outcome.DECLINED
    assert desk.settle(desk.evidence(booking_id, S.EXPIRED)).outcome is Outcome.CLOSED
    assert desk.booking(booking_id).status is B.CANCELLED


def test_a_session_that_ends_unpaid_ends_its_booking_and_frees_the_nights(desk: MemoryShop) -> None:
    booking_id = desk.place()

    settled = desk.settle(desk.evidence(booking_id, S.EXPIRED))

    booking = desk.booking(booking_id)
    assert settled == Settled(Outcome.CLOSED, booking_id)
    assert (booking.status, booking.hold_until, booking.cancel_reason) == (B.EXPIRED, None, None)
    assert (desk.attempt(booking_id).status, desk.nights(booking_id)) == (A.EXPIRED, [])
    assert desk.attempt(booking_id).decline_code is None
    assert (desk.story(booking_id), desk.mails()) == ([("expired", "")], [])
    (step,) = desk.steps(booking_id, "expired")
    assert (step.at, step.source, step.old_status, step.new_status) == (desk.now, Source.WEBHOOK, B.PENDING, B.EXPIRED)


@pytest.mark.parametrize("is_declined_first", [True, False])
def test_a_session_that_ends_after_a_declined_card_cancels_its_booking(
    desk: MemoryShop, is_declined_first: bool
) -> None:
    booking_id = desk.place()
    if is_declined_first:
        desk.settle(desk.evidence(booking_id, S.DECLINED))
        desk.settle(desk.evidence(booking_id, S.EXPIRED))
    else:
        desk.settle(desk.evidence(booking_id, S.EXPIRED, decline_code="expired_card"))

    booking = desk.booking(booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.PAYMENT_FAILED)
    assert (booking.cancelled_at, booking.hold_until) == (desk.now, None)
    assert booking.payment_status is PaymentStatus.FAILED
    assert (desk.attempt(booking_id).status, desk.nights(booking_id)) == (A.EXPIRED, [])
    assert desk.attempt(booking_id).decline_code == ("declined" if is_declined_first else "expired_card")
    assert desk.story(booking_id)[-1] == ("payment_failed", "")
    assert desk.mails() == []


def test_a_decline_told_of_after_the_end_still_says_why_the_booking_ended(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.EXPIRED))

    assert desk.settle(desk.evidence(booking_id, S.DECLINED)).outcome is Outcome.DECLINED

    booking = desk.booking(booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.PAYMENT_FAILED)
    assert desk.story(booking_id) == [("expired", ""), ("card_declined", ""), ("payment_failed", "")]


def test_a_delayed_payment_that_fails_cancels_its_booking_and_tells_the_guest(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, S.PROCESSING))

    settled = desk.settle(desk.evidence(booking_id, S.FAILED))

    booking = desk.booking(booking_id)
    assert settled == Settled(Outcome.CLOSED, booking_id)
    assert (booking.status, booking.cancel_reason) == (B.CANCELLED, CancelReason.PAYMENT_FAILED)
    assert (booking.cancelled_at, booking.hold_until, booking.payment_status) == (desk.now, None, PaymentStatus.FAILED)
    assert (desk.attempt(booking_id).status, desk.nights(booking_id)) == (A.FAILED, [])
    assert desk.story(booking_id)[-1] == ("payment_failed", "")
    assert desk.mails()[-1] == (f"mail:payment_failed:{booking_id}", mail(booking_id, "payment_failed"))


@pytest.mark.parametrize("first", [S.PAID, S.EXPIRED, S.FAILED])
@pytest.mark.parametrize("then", [S.EXPIRED, S.FAILED])
def test_an_attempt_ends_once(desk: MemoryShop, first: EvidenceState, then: EvidenceState) -> None:
    booking_id = desk.place()
    desk.settle(desk.evidence(booking_id, first))
    before = desk.all_rows()

    assert desk.settle(desk.evidence(booking_id, then)).outcome is Outcome.NOTHING
    assert desk.all_rows() == before


@pytest.mark.parametrize("end", [S.EXPIRED, S.FAILED])
def test_a_session_given_up_may_end_while_its_booking_goes_on_in_another(desk: MemoryShop, end: EvidenceState) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)

    assert desk.settle(desk.evidence(booking_id, end, number=1)).outcome is Outcome.CLOSED

    assert (desk.booking(booking_id).status, len(desk.nights(booking_id))) == (B.PENDING, 3)
    assert desk.attempt(booking_id, 1).status is A(str(end))
    assert desk.mails() == []


def test_a_live_session_of_another_booking_keeps_this_one_from_nothing(two_units: MemoryShop) -> None:
    desk = two_units
    booking_id = desk.place()
    desk.place(browser="linus")

    desk.settle(desk.evidence(booking_id, S.EXPIRED))

    assert desk.booking(booking_id).status is B.EXPIRED


def test_a_booking_with_money_or_in_review_is_not_ended_with_its_session(two_units: MemoryShop) -> None:
    desk = two_units
    reviewed, confirmed = desk.place(), desk.place(browser="linus")
    desk.settle(desk.evidence(reviewed, S.NOTHING_DUE, payment_intent_id=None))
    desk.try_again(confirmed)
    desk.settle(desk.evidence(confirmed, number=2))

    for booking_id in (reviewed, confirmed):
        assert desk.settle(desk.evidence(booking_id, S.FAILED, number=1)).outcome is Outcome.CLOSED

    assert [desk.booking(booking_id).status for booking_id in (reviewed, confirmed)] == [B.PENDING, B.CONFIRMED]
    assert [len(desk.nights(booking_id)) for booking_id in (reviewed, confirmed)] == [3, 3]


def test_a_booking_in_review_with_recorded_money_keeps_its_nights_when_another_session_fails(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    desk.settle(desk.evidence(booking_id, number=2, amount=Money(1, EUR)))
    with desk.open() as session:
        session.get_one(Booking, booking_id).needs_review = False  # a person has looked and left it as it is

    desk.settle(desk.evidence(booking_id, S.FAILED, number=1))

    assert (desk.booking(booking_id).status, len(desk.nights(booking_id))) == (B.PENDING, 3)


def test_a_delayed_payment_that_fails_after_its_booking_expired_is_told_of(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    with desk.open() as session:  # both were given up, and the hold was let go
        for attempt in session.query(Attempt):
            attempt.status = A.SUPERSEDED
    desk.settle(desk.evidence(booking_id, S.EXPIRED, number=2))
    assert desk.booking(booking_id).status is B.EXPIRED

    desk.settle(desk.evidence(booking_id, S.FAILED, number=1))

    assert desk.booking(booking_id).cancel_reason is CancelReason.PAYMENT_FAILED
    assert [key for key, _ in desk.mails()] == [f"mail:payment_failed:{booking_id}"]


def test_an_expired_booking_stays_expired_when_another_of_its_sessions_ends(desk: MemoryShop) -> None:
    booking_id = desk.place()
    desk.try_again(booking_id)
    with desk.open() as session:
        for attempt in session.query(Attempt):
            attempt.status = A.SUPERSEDED
    desk.settle(desk.evidence(booking_id, S.EXPIRED, number=2))

    desk.settle(desk.evidence(booking_id, S.EXPIRED, number=1))

    assert desk.booking(booking_id).status is B.EXPIRED
    assert desk.story(booking_id) == [("expired", "")]
