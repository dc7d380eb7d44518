"""THE ONE DOOR: the only code that confirms a booking or decides on its money.

Webhook, return page, reconciler and `flask test-webhook` all end here, in the same function, with evidence that only
the gateway can make; and so does staff who took the money, with a receipt that names who says so.
https://docs.stripe.com/checkout/fulfillment asks for exactly this: one function, safe to call many times and at once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy import case as in_order
from sqlalchemy.orm import Session

from booking.database import after_commit, change_now, require_transaction, write_now
from booking.domain.errors import DatesUnavailable, TransitionRefused
from booking.domain.money import Money
from booking.domain.requests import AuthorisationState
from booking.domain.states import (
    LIVE_ATTEMPT,
    AttemptChannel,
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    PaymentMethod,
    RefundReason,
    Source,
)
from booking.gateways.payments import EvidenceState, PaymentEvidence
from booking.models import Attempt, Booking, Due, Payment
from booking.services import authorisations, cards, differences, dues, notifications, timeline
from booking.services.cases import (
    Case,
    Decisions,
    Outcome,
    close_attempt,
    give_up_others,
    keep_decline,
    refund_duplicate,
    refund_late,
    send_back,
)
from booking.services.instance import Identity
from booking.services.ledger import refresh_money
from booking.services.locks import lock_booking
from booking.services.nights import claim_nights, free_nights, retake_nights
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """The decision, and the booking it was about (None if UNKNOWN)."""

    outcome: Outcome
    booking_id: int | None


@dataclass(frozen=True, slots=True)
class HouseReceipt:
    """Money for a booking, or for a due of one, that the house took itself, on the word of the staff in the cause."""

    booking_id: int
    method: PaymentMethod
    amount: Money
    note: str = ""  # a receipt's number, the day of a transfer
    due_id: int | None = None  # None: it pays for the booking


@dataclass(frozen=True, slots=True)
class _ReceiptCase:
    """All that a decision on a receipt needs, with the booking locked."""

    session: Session
    booking: Booking
    receipt: HouseReceipt
    cause: Cause
    now: datetime
    attempt: None = None


def settle(
    session: Session, evidence: PaymentEvidence | HouseReceipt, cause: Cause, now: datetime, identity: Identity
) -> Settled:
    """Decide what one piece of evidence means, and write all of it: payment, nights, status, timeline, mail, refund.

    Joins its caller's transaction and refuses to run outside one: the recheck of the nights and the confirmation are
    committed together or not at all. Calling it again with the same evidence changes nothing, and evidence may come in
    any order. Raises nothing for what guests, banks or Stripe do; database errors pass through. Of a receipt by staff:

    Raises:
        TransitionRefused: the booking is not one that waits for exactly this money.
        DatesUnavailable: its nights are gone. The money is in the house's own hands, so nothing is recorded.
    """
    require_transaction(session)
    if isinstance(evidence, HouseReceipt):
        return _settle_receipt(session, evidence, cause, now)
    names = _names_of(evidence, identity)
    booking = _lock_booking_of(session, names)
    if booking is None:
        return Settled(Outcome.UNKNOWN, None)
    attempts, is_recorded = _lock_attempts(session, booking, evidence)
    case = Case(session, _pick(attempts, names), booking, evidence, cause, now, identity, attempts, is_recorded)
    outcome = _decide(case)
    refresh_money(session, booking, attempts)
    return Settled(outcome, booking.id)


def _decide(case: Case) -> Outcome:
    if _is_of_another_session(case):
        return _review_if_money(case, "a session that this attempt does not know")
    _bind(case)
    decisions = _BY_PURPOSE[case.attempt.purpose]
    if case.evidence.state is EvidenceState.PAID:
        return _settle_paid(case, decisions.place)
    decide = {EvidenceState.NOTHING_DUE: _settle_nothing_due, **decisions.on}.get(case.evidence.state)
    return decide(case) if decide else Outcome.NOTHING


# --- finding and binding --------------------------------------------------------------------------------------------


def _names_of(evidence: PaymentEvidence, identity: Identity) -> dict[str, str | None]:
    """What an attempt may be known by: Stripe's ids that we stored, then our own token.

    An event may be faster than our own second transaction, and then nothing but the token is known here.
    """
    token = evidence.tag.attempt if evidence.tag.app == identity.instance_id else None
    intent_id = evidence.payment_intent_id
    return {"session_id": evidence.session_id or None, "payment_intent_id": intent_id or None, "token": token or None}


def _lock_booking_of(session: Session, names: dict[str, str | None]) -> Booking | None:
    return session.scalars(_BOOKING, names, execution_options={"populate_existing": True}).one_or_none()


def _lock_attempts(session: Session, booking: Booking, evidence: PaymentEvidence) -> tuple[list[Attempt], bool]:
    """All attempts of a locked booking, and whether the payment that is told of is recorded already."""
    asked = {"of_booking": booking.id, "intent": evidence.payment_intent_id}
    rows = session.execute(_ATTEMPTS, asked, execution_options={"populate_existing": True}).all()
    return [row.Attempt for row in rows], rows[0].is_recorded


def _pick(attempts: list[Attempt], names: dict[str, str | None]) -> Attempt:
    """Of several the first counts: they would be different ones only where something is wrong at Stripe."""
    return next(one for name, told in names.items() if told for one in attempts if getattr(one, name) == told)


_NAMES = ("session_id", "payment_intent_id", "token")
_IS_NAMED = [getattr(Attempt, name) == bindparam(name) for name in _NAMES]
_NAMED = (
    select(Attempt.booking_id)
    .where(or_(*_IS_NAMED))
    .order_by(in_order(*((named, place) for place, named in enumerate(_IS_NAMED))))
    .limit(1)
)
# Nothing is asked of the attempts before the booking is locked: whoever had it may have made another one.
_BOOKING = select(Booking).where(Booking.id == _NAMED.scalar_subquery()).with_for_update()
_ATTEMPTS = (
    select(Attempt, exists().where(Payment.payment_intent_id == bindparam("intent")).label("is_recorded"))
    .where(Attempt.booking_id == bindparam("of_booking"))
    .order_by(Attempt.id)
    .with_for_update()
)


def _is_of_another_session(case: Case) -> bool:
    known, told = case.attempt.session_id, case.evidence.session_id
    return known is not None and told is not None and known != told


def _bind(case: Case) -> None:
    """Keep the ids that Stripe made, as soon as anything tells them, and that it is open or paid."""
    attempt, told = case.attempt, case.evidence
    known = {name: getattr(attempt, name) or getattr(told, name) for name in ("session_id", "payment_intent_id", "url")}
    known["status"] = _status_told(case, is_there=known["session_id"] or attempt.channel is AttemptChannel.ON_PAGE)
    news = {name: one for name, one in known.items() if getattr(attempt, name) != one}
    if news:
        change_now(case.session, attempt, news)


def _status_told(case: Case, *, is_there: bool) -> AttemptStatus:
    if case.evidence.state is EvidenceState.PAID and _names_payment(case.evidence) and not _is_recorded(case):
        return AttemptStatus.PAID
    is_made = case.attempt.status is AttemptStatus.CREATING and is_there and case.evidence.state is EvidenceState.OPEN
    return AttemptStatus.OPEN if is_made else case.attempt.status


def _names_payment(evidence: PaymentEvidence) -> bool:
    return evidence.payment_intent_id is not None and evidence.amount is not None and evidence.amount.minor > 0


# --- money came -----------------------------------------------------------------------------------------------------


def _settle_paid(case: Case, place: Callable[[Case, Payment], Outcome]) -> Outcome:
    if not _names_payment(case.evidence):
        return _review(case, "it was paid, but no payment is named")
    if _is_recorded(case):
        return Outcome.ALREADY
    payment = _record_payment(case)
    if case.attempt.purpose is AttemptPurpose.REQUEST:
        authorisations.note_captured(case)
    give_up_others(case)
    cards.note_saving(case.session, case.attempt, case.now)
    mismatch = _find_mismatch(case)
    return _review(case, mismatch) if mismatch else place(case, payment)


def _place(case: Case, payment: Payment) -> Outcome:
    """The payment is right: does the booking still want it, and are the nights still to be had?"""
    if case.booking.status is BookingStatus.CONFIRMED:
        return refund_duplicate(case, payment)
    if case.booking.status is BookingStatus.CANCELLED:
        return refund_late(case, payment)
    # The atomic recheck: every night is (again) this booking's, for good, or none is.
    unit_id = retake_nights(case.session, case.booking, case.now, hold_until=None)
    if unit_id is None:
        return _refund_dates_gone(case, payment)
    return _confirm(case, unit_id)


def _confirm(case: Case | _ReceiptCase, unit_id: int) -> Outcome:
    booking, source = case.booking, case.cause.source
    outcome = Outcome.CONFIRMED if unit_id == booking.unit_id else Outcome.MOVED
    timeline.move(
        case.session, booking, BookingStatus.CONFIRMED, "confirmed", case.cause, case.now,
        note="moved to an equal unit" if outcome is Outcome.MOVED else "",
        unit_id=unit_id, hold_until=None, confirmed_at=case.now, confirmed_via=source,
    )  # fmt: skip
    dues.open_balance(case.session, booking, case.cause, case.now)
    notifications.tell_guest(case.session, booking, GuestMail.CONFIRMED, case.now)
    notifications.tell_staff(case.session, StaffNotice.NEW_BOOKING, case.now, booking)
    message = f"Booking {booking.id} confirmed successfully via {source}"
    _log_after_commit(case, logging.INFO, "booking_confirmed", message)
    return outcome


def _refund_dates_gone(case: Case, payment: Payment) -> Outcome:
    _end_dates_gone(case, "paid, but the nights were taken and no equal unit was free")
    send_back(case, payment, RefundReason.DATES_UNAVAILABLE)
    notifications.tell_guest(case.session, case.booking, GuestMail.DATES_GONE, case.now, refund=payment.amount)
    note = "Two guests paid for the same nights; this one is being refunded in full."
    notifications.tell_staff(case.session, StaffNotice.DATES_GONE, case.now, case.booking, note)
    return Outcome.DATES_GONE


def _end_dates_gone(case: Case, note: str) -> None:
    booking = case.booking
    timeline.move(
        case.session, booking, BookingStatus.CANCELLED, "dates_gone", case.cause, case.now, note=note,
        cancel_reason=CancelReason.DATES_UNAVAILABLE, cancelled_at=case.now, hold_until=None,
    )  # fmt: skip
    free_nights(case.session, booking_id=booking.id)
    message = f"Booking {booking.id} cancelled due to availability conflict"
    _log_after_commit(case, logging.WARNING, "booking_conflict", message)


def _is_recorded(case: Case) -> bool:
    return case.is_recorded


def _record_payment(case: Case) -> Payment:
    amount = case.evidence.amount
    assert amount is not None
    payment = Payment(
        booking_id=case.booking.id,
        attempt_id=case.attempt.id,
        payment_intent_id=case.evidence.payment_intent_id,
        charge_id=case.evidence.charge_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        captured_at=case.now,
        source=case.cause.source,
    )
    write_now(case.session, payment)  # refunds and notices name its id
    timeline.record(case.session, case.booking, "payment_received", case.cause, case.now, note=f"payment {payment.id}")
    return payment


# --- a guarantee: a card is kept, and nothing is paid yet -------------------------------------------------------------


def _settle_guaranteed(case: Case) -> Outcome:
    """The card is given. The booking is confirmed as by a payment, with all of its price still owed.

    https://docs.stripe.com/payments/checkout/save-and-reuse: a session of the mode `setup` ends without payment.
    """
    if case.attempt.status is AttemptStatus.PAID:
        return Outcome.ALREADY
    case.attempt.status = AttemptStatus.PAID  # it has brought what it was made for
    give_up_others(case)
    cards.note_saving(case.session, case.attempt, case.now)
    mismatch = _find_mismatch(case)
    return _review(case, mismatch) if mismatch else _place_guarantee(case)


def _place_guarantee(case: Case) -> Outcome:
    if case.booking.status in (BookingStatus.CONFIRMED, BookingStatus.CANCELLED):
        return Outcome.NOTHING  # of a booking that is over the card is forgotten by itself
    unit_id = retake_nights(case.session, case.booking, case.now, hold_until=None)
    if unit_id is not None:
        return _confirm(case, unit_id)
    _end_dates_gone(case, "a card was given, but the nights were taken and no equal unit was free")
    notifications.tell_guest(case.session, case.booking, GuestMail.DATES_GONE, case.now)
    note = "Two guests booked the same nights; this one had paid nothing, and the card is forgotten."
    notifications.tell_staff(case.session, StaffNotice.DATES_GONE, case.now, case.booking, note)
    return Outcome.DATES_GONE


# --- a request to book: a sum is reserved on the card before the host answers ----------------------------------------


def _note_authorised(case: Case) -> Outcome:
    """Nothing is charged yet. A sum that is not what was agreed is never taken: it is let go, and a person looks."""
    mismatch = _find_mismatch(case)
    return authorisations.note_authorised(case) if mismatch is None else _let_go_with_review(case, mismatch)


def _let_go_with_review(case: Case, problem: str) -> Outcome:
    if authorisations.knows(case):
        return Outcome.NOTHING
    authorisations.write_reserved(case, AuthorisationState.RELEASING)
    return _review(case, problem)


def _place_request(case: Case, payment: Payment) -> Outcome:
    outcome = _place(case, payment)
    authorisations.note_placed(case, outcome)
    return outcome


def _close_request(case: Case) -> Outcome:
    return authorisations.note_gone(case) or _close_expired(case)


def _close_request_failed(case: Case) -> Outcome:
    return authorisations.note_gone(case) or _close_failed(case)


# --- money that the house took itself ---------------------------------------------------------------------------------


def _settle_receipt(session: Session, receipt: HouseReceipt, cause: Cause, now: datetime) -> Settled:
    """Only for a booking that nobody can pay at Stripe: or the same stay could be paid twice, in two places."""
    if cause.source is not Source.STAFF or not cause.actor or receipt.method is PaymentMethod.STRIPE:
        raise ValueError("a receipt is the word of a member of staff about money that Stripe never had")
    booking = lock_booking(session, receipt.booking_id)
    if receipt.due_id is not None:
        return _settle_due_receipt(_ReceiptCase(session, booking, receipt, cause, now), receipt.due_id)
    has_attempt = session.scalar(select(Attempt.id).where(Attempt.booking_id == booking.id).limit(1)) is not None
    is_waiting = booking.status is BookingStatus.PENDING and not booking.needs_review and not has_attempt
    if not is_waiting or receipt.amount != booking.amount:
        raise TransitionRefused("This booking does not wait for exactly this money.")
    case = _ReceiptCase(session, booking, receipt, cause, now)
    _record_receipt(case)
    unit_id = retake_nights(session, booking, now, hold_until=None)
    if unit_id is None:
        raise DatesUnavailable
    outcome = _confirm(case, unit_id)
    refresh_money(session, booking)
    return Settled(outcome, booking.id)


def _settle_due_receipt(case: _ReceiptCase, due_id: int) -> Settled:
    """The same for what is owed beside: nothing of it may still be payable at Stripe."""
    session, booking = case.session, case.booking
    due = session.get(Due, due_id, populate_existing=True)
    if due is None or due.booking_id != booking.id or not dues.is_owed(booking, due):
        raise TransitionRefused("Nothing is owed here any more.")
    if booking.needs_review or case.receipt.amount != due.amount or dues.is_payable(session, due.id):
        raise TransitionRefused("This booking does not wait for exactly this money.")
    _record_receipt(case)
    dues.mark_paid(session, booking, due, case.cause, case.now)
    refresh_money(session, booking)
    return Settled(Outcome.DUE_PAID, booking.id)


def _record_receipt(case: _ReceiptCase) -> None:
    payment = Payment(
        booking_id=case.booking.id,
        method=case.receipt.method,
        amount_minor=case.receipt.amount.minor,
        currency=case.receipt.amount.currency,
        captured_at=case.now,
        source=case.cause.source,
    )
    write_now(case.session, payment)  # the timeline names its id
    said = f"payment {payment.id}, {payment.method.replace('_', ' ')}"
    note = f"{said}: {case.receipt.note}" if case.receipt.note else said
    timeline.record(case.session, case.booking, "payment_received", case.cause, case.now, note=note)


# --- money that does not fit ----------------------------------------------------------------------------------------


def _find_mismatch(case: Case) -> str | None:
    """What about the evidence is not what was agreed, in words for staff; None where all is right."""
    attempt, evidence = case.attempt, case.evidence
    mode, agreed = _agreed(attempt)
    checks = (
        (evidence.livemode == case.identity.livemode, "it is of the other mode (test or live)"),
        (evidence.mode == mode, f"the session is of mode {evidence.mode}"),
        (evidence.tag.app in ("", case.identity.instance_id), "it carries another shop's id"),
        (evidence.tag.booking_id in ("", str(attempt.booking_id)), "it names another booking"),
        (evidence.amount == agreed, f"{_plain(evidence.amount)} came where {_plain(agreed)} was agreed"),
    )
    return next((problem for fits, problem in checks if not fits), None)


def _agreed(attempt: Attempt) -> tuple[str, Money | None]:
    """Of which mode its session is, and what comes in it; None: nothing, for it only keeps a card."""
    if attempt.purpose is AttemptPurpose.GUARANTEE:
        return "setup", None
    return "payment", Money(attempt.amount_minor, attempt.currency)


def _settle_nothing_due(case: Case) -> Outcome:
    # A priced booking can only be paid for; Stripe's own sample would have confirmed this.
    return _review(case, "the session ended without any payment being due")


def _review_if_money(case: Case, problem: str) -> Outcome:
    if case.evidence.state in (EvidenceState.PAID, EvidenceState.NOTHING_DUE):
        return _settle_foreign_session(case, problem)
    if case.evidence.state is EvidenceState.AUTHORIZED:
        return _let_go_with_review(case, problem)
    return Outcome.NOTHING


def _settle_foreign_session(case: Case, problem: str) -> Outcome:
    if _names_payment(case.evidence):
        if _is_recorded(case):
            return Outcome.ALREADY
        _record_payment(case)
    return _review(case, problem)


def _review(case: Case, problem: str) -> Outcome:
    """Never confirm what does not fit: keep the nights, and let a person decide on the money."""
    booking = case.booking
    booking.needs_review = True
    if booking.status is BookingStatus.PENDING and _keep_nights(case):
        booking.hold_until = None
    timeline.record(case.session, booking, "needs_review", case.cause, case.now, note=problem)
    fact_id = case.evidence.payment_intent_id or case.evidence.session_id or ""
    notifications.tell_staff(case.session, StaffNotice.NEEDS_REVIEW, case.now, booking, problem, fact_id=fact_id)
    _log_after_commit(case, logging.ERROR, "booking_needs_review", f"Booking {booking.id} needs review")
    return Outcome.NEEDS_REVIEW


def _keep_nights(case: Case) -> bool:
    """Hold the nights in the booking's own unit with no end, if they are still to be had."""
    booking = case.booking
    return claim_nights(case.session, booking.unit_id, booking.stay, case.now, booking_id=booking.id)


def _plain(amount: Money | None) -> str:
    return "nothing" if amount is None else f"{amount.major} {amount.currency.upper()}"


# --- no money, or not yet -------------------------------------------------------------------------------------------


def _note_processing(case: Case) -> Outcome:
    """A delayed method: its nights are kept until its result, however long that takes.

    News that came after the end of the hold may find them taken. Then too the booking waits: the guest has paid, and
    must not be told that the time to pay is over.
    """
    if case.attempt.status not in (AttemptStatus.CREATING, AttemptStatus.OPEN) and not _was_given_up_for_nothing(case):
        return Outcome.NOTHING  # a late snapshot never moves backwards
    give_up_others(case)
    case.attempt.status = AttemptStatus.PROCESSING
    if case.booking.status is BookingStatus.PENDING:
        _keep_nights(case)
        case.booking.hold_until = None
    timeline.record(case.session, case.booking, "payment_processing", case.cause, case.now)
    notifications.tell_guest(case.session, case.booking, GuestMail.PROCESSING, case.now)
    return Outcome.PROCESSING


def _was_given_up_for_nothing(case: Case) -> bool:
    """Given up for another session, while its guest was paying in it: now this one counts."""
    if case.attempt.status is not AttemptStatus.SUPERSEDED or case.booking.status is not BookingStatus.PENDING:
        return False
    return all(one.status is not AttemptStatus.PROCESSING for one in case.attempts)


def _note_decline(case: Case) -> Outcome:
    """A declined card changes no state: the guest may try another one in the same session."""
    if case.attempt.status is AttemptStatus.PAID or _has_money(case):
        return Outcome.NOTHING  # the news of an earlier try, come late
    keep_decline(case)
    timeline.record(case.session, case.booking, "card_declined", case.cause, case.now)
    if case.attempt.status in (AttemptStatus.EXPIRED, AttemptStatus.FAILED):
        _close_unpaid(case)  # the session's end was told of first
    return Outcome.DECLINED


def _close_expired(case: Case) -> Outcome:
    return _close(case, AttemptStatus.EXPIRED)


def _close_failed(case: Case) -> Outcome:
    return _close(case, AttemptStatus.FAILED)


def _close(case: Case, status: AttemptStatus) -> Outcome:
    if not close_attempt(case, status):
        return Outcome.NOTHING
    _close_unpaid(case)
    return Outcome.CLOSED


def _close_unpaid(case: Case) -> None:
    """Nobody can pay this attempt any more: end the booking, unless another attempt or any money keeps it."""
    if case.booking.status not in (BookingStatus.PENDING, BookingStatus.EXPIRED):
        return
    if _has_money(case) or case.booking.needs_review or _has_live_attempt(case):
        return
    if case.attempt.status is AttemptStatus.FAILED or case.attempt.decline_code:
        _end(case, BookingStatus.CANCELLED, "payment_failed", cancel_reason=CancelReason.PAYMENT_FAILED,
             cancelled_at=case.now)  # fmt: skip
    elif case.booking.status is BookingStatus.PENDING:
        _end(case, BookingStatus.EXPIRED, "expired")
    if case.attempt.status is AttemptStatus.FAILED:
        notifications.tell_guest(case.session, case.booking, GuestMail.PAYMENT_FAILED, case.now)


def _end(case: Case, status: BookingStatus, kind: str, **values: Any) -> None:
    timeline.move(case.session, case.booking, status, kind, case.cause, case.now, hold_until=None, **values)
    free_nights(case.session, booking_id=case.booking.id)


def _has_money(case: Case) -> bool:
    found = select(Payment.id).where(Payment.booking_id == case.booking.id).limit(1)
    return case.session.scalar(found) is not None


def _has_live_attempt(case: Case) -> bool:
    return any(one.status in LIVE_ATTEMPT for one in case.attempts)


def _log_after_commit(case: Case | _ReceiptCase, level: int, event: str, message: str) -> None:
    cause = case.cause
    fields: dict[str, str | None] = {"event": event, "booking": case.booking.reference, "cause": str(cause.source)}
    fields |= {"stripe_event": cause.stripe_event_id, "session": case.attempt.session_id if case.attempt else None}
    after_commit(case.session, lambda: logger.log(level, message, extra=fields))


_ON_BOOKINGS = Decisions(
    place=_place,
    on={
        EvidenceState.PROCESSING: _note_processing,
        EvidenceState.DECLINED: _note_decline,
        EvidenceState.FAILED: _close_failed,
        EvidenceState.EXPIRED: _close_expired,
    },
)
_ON_GUARANTEES = Decisions(place=_place, on={**_ON_BOOKINGS.on, EvidenceState.NOTHING_DUE: _settle_guaranteed})
_ON_REQUESTS = Decisions(
    place=_place_request,
    on={
        **_ON_BOOKINGS.on,
        EvidenceState.AUTHORIZED: _note_authorised,
        EvidenceState.FAILED: _close_request_failed,
        EvidenceState.EXPIRED: _close_request,
    },
)
_BY_PURPOSE: dict[AttemptPurpose, Decisions] = {
    AttemptPurpose.BOOKING: _ON_BOOKINGS,
    AttemptPurpose.DEPOSIT: _ON_BOOKINGS,
    AttemptPurpose.GUARANTEE: _ON_GUARANTEES,
    AttemptPurpose.REQUEST: _ON_REQUESTS,
    AttemptPurpose.DIFFERENCE: differences.DECISIONS,
    AttemptPurpose.BALANCE: dues.DECISIONS,
    AttemptPurpose.CHARGE: dues.DECISIONS,
}
