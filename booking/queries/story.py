"""The story of one booking for people at a terminal: every step in order, with its cause, and rows before and after."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from booking.domain.errors import BookingNotFound
from booking.domain.money import Money
from booking.domain.states import RefundReason
from booking.models import (
    Attempt,
    Authorisation,
    Booking,
    BookingEvent,
    Dispute,
    OutboxRow,
    Payment,
    Refund,
    StayRequest,
    WebhookEvent,
)

# What a person types of a reference: https://www.crockford.com/base32.html reads it kindly.
_KINDLY = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
# What was sent to Stripe, and what a guest read or was told.
_NOT_SHOWN = ("params", "consent", "reason", "answered_by")
_PERSONAL = ("guest_name", "guest_email", "guest_phone", "message", "browser_key", "hold_key", "quote", "terms", "plan")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, where it is written down, and what caused it."""

    at: datetime
    what: str
    cause: str
    kept_in: str


@dataclass(frozen=True, slots=True)
class Story:
    """One booking from its first row to its last. No personal data: it may be pasted into a report."""

    booking_id: int
    reference: str
    headline: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What a made-up event of Stripe's must carry to be about this booking."""

    booking_id: int
    amount_minor: int
    currency: str
    guest_email: str
    attempt_id: int | None
    session_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    refund_id: str | None
    refunded_minor: int
    metadata: dict[str, str]


def find_booking_id(session: Session, reference_or_id: str) -> int:
    """The id of a booking by its reference (in any spelling) or by the id itself. Raises BookingNotFound."""
    typed = reference_or_id.strip()
    reference = typed.upper().translate(_KINDLY)
    found = session.scalar(select(Booking.id).where(Booking.reference == reference))
    if found is None and _NUMBER.fullmatch(typed):
        found = session.scalar(select(Booking.id).where(Booking.id == int(typed)))
    if found is None:
        raise BookingNotFound
    return found


def tell_story(session: Session, booking_id: int) -> Story:
    """Everything that is written down about a booking, oldest first."""
    booking = session.get_one(Booking, booking_id)
    steps = [
        *_timeline_steps(_of(session, BookingEvent, booking_id)),
        *_attempt_steps(_of(session, Attempt, booking_id)),
        *_sum_steps(_of(session, Authorisation, booking_id)),
        *_request_steps(_of(session, StayRequest, booking_id)),
        *_payment_steps(_of(session, Payment, booking_id)),
        *_refund_steps(_of(session, Refund, booking_id)),
        *_dispute_steps(_of(session, Dispute, booking_id)),
        *_event_steps(_of(session, WebhookEvent, booking_id)),
        *_outbox_steps(_of(session, OutboxRow, booking_id)),
    ]
    return Story(booking.id, booking.reference, _headline(booking), tuple(sorted(steps, key=lambda step: step.at)))


def snapshot(session: Session, booking_id: int) -> dict[str, str]:
    """The columns of a booking and what hangs on it, as text, to be compared with a later look."""
    booking = session.get_one(Booking, booking_id)
    row = {f"booking.{name}": value for name, value in _columns(booking).items() if name not in _PERSONAL}
    for model in (Attempt, StayRequest, Authorisation, Payment, Refund, Dispute):
        for found in _of(session, model, booking_id):
            name = f"{model.__tablename__}[{found.id}]"
            row |= {f"{name}.{column}": value for column, value in _columns(found).items() if column not in _NOT_SHOWN}
    for mail in _of(session, OutboxRow, booking_id):
        row[f"outbox[{mail.dedupe_key}]"] = mail.state.value
    return row


def list_timeline(session: Session, booking_id: int) -> list[str]:
    """One line for each row of the timeline, oldest first."""
    return [f"{row.kind}: {_cause_of(row)}" for row in _of(session, BookingEvent, booking_id)]


def get_attempt_facts(session: Session, booking_id: int) -> AttemptFacts:
    """The newest attempt, payment and refund of a booking. Raises BookingNotFound."""
    booking = session.get(Booking, booking_id)
    if booking is None:
        raise BookingNotFound
    attempt = _last(_of(session, Attempt, booking_id))
    payment = _last(_of(session, Payment, booking_id))
    refunds = _of(session, Refund, booking_id)
    known = _last(refund for refund in refunds if refund.stripe_refund_id)
    metadata = (attempt.params.get("metadata") or {}) if attempt else {}
    return AttemptFacts(
        booking_id=booking.id,
        amount_minor=attempt.amount_minor if attempt else booking.amount_minor,
        currency=booking.currency,
        guest_email=booking.guest_email,
        attempt_id=attempt.id if attempt else None,
        session_id=attempt.session_id if attempt else None,
        payment_intent_id=_intent_of(attempt, payment),
        charge_id=payment.charge_id if payment else None,
        refund_id=known.stripe_refund_id if known else None,
        refunded_minor=known.amount_minor if known else 0,
        metadata={str(name): str(value) for name, value in metadata.items()},
    )


def _intent_of(attempt: Attempt | None, payment: Payment | None) -> str | None:
    """What paid, or would pay. What a change or a due is paid with is never what paid for the booking."""
    is_for_more = attempt is not None and (attempt.change_id is not None or attempt.due_id is not None)
    if payment is None or (attempt is not None and is_for_more and attempt.id != payment.attempt_id):
        return attempt.payment_intent_id if attempt else None
    return payment.payment_intent_id


def _headline(booking: Booking) -> str:
    flags = [name for name in ("disputed", "refund_failed", "needs_review") if getattr(booking, name)]
    reason = f" ({booking.cancel_reason})" if booking.cancel_reason else ""
    state = ", ".join([f"{booking.status}{reason}", booking.payment_status, *flags])
    nights = f"{booking.arrive} to {booking.leave}, {booking.listing.name}, unit {booking.unit.name}"
    return f"Booking {booking.id} ({booking.reference}): {state}; {nights}; {_amount(booking)}"


def _timeline_steps(rows: Iterable[BookingEvent]) -> Iterable[Step]:
    for row in rows:
        change = f" {row.old_status or 'nothing'} -> {row.new_status}" if row.new_status else ""
        yield Step(row.at, f"{row.kind}{change}", _cause_of(row), "timeline")


def _attempt_steps(rows: Iterable[Attempt]) -> Iterable[Step]:
    for row in rows:
        cause = f"checkout {row.number} asked for with key {row.idempotency_key}"
        known = row.session_id or "no session known"
        what = f"attempt {row.number} of {_amount(row)}, now {row.status}, {known}"
        yield Step(row.created_at, what, cause, "attempt")
        if row.declined_at and row.decline:
            refused = f"card refused: {row.decline.reason} ({row.decline.code})"
            yield Step(row.declined_at, refused, "the guest's bank", "attempt")


def _sum_steps(rows: Iterable[Authorisation]) -> Iterable[Step]:
    for row in rows:
        until = f", to be taken before {row.capture_before:%Y-%m-%d %H:%M} UTC" if row.capture_before else ""
        what = f"{_amount(row)} reserved on a card, now {row.state}, {row.payment_intent_id}{until}"
        yield Step(row.authorised_at, what, "the guest gave a card", "authorisation")
        if row.asked_at:
            key = row.capture_key if row.capture_params and row.release_params is None else row.release_key
            yield Step(row.asked_at, f"asked Stripe about the sum, try {row.tries}", f"key {key}", "authorisation")


def _request_steps(rows: Iterable[StayRequest]) -> Iterable[Step]:
    for row in rows:
        until = f", to be answered by {row.answer_by:%Y-%m-%d %H:%M} UTC" if row.answer_by else ""
        yield Step(row.consented_at, f"a request to book, now {row.state}{until}", "the guest agreed to ask", "request")


def _payment_steps(rows: Iterable[Payment]) -> Iterable[Step]:
    for row in rows:
        what = f"paid {_amount(row)}, {row.payment_intent_id or row.method.replace('_', ' ')}"
        yield Step(row.captured_at, what, f"learnt by {row.source}", "payment")


def _refund_steps(rows: Iterable[Refund]) -> Iterable[Step]:
    for row in rows:
        with_house = "handed back by the house, not through Stripe"
        known = row.stripe_refund_id or ("not yet known to Stripe" if row.payment.is_with_stripe else with_house)
        trouble = f", {row.failure_reason}" if row.failure_reason else ""
        cause = f"{row.reason}, {_who_asked(row)}"
        yield Step(row.created_at, f"refund of {_amount(row)}, now {row.status}{trouble}, {known}", cause, "refund")


def _who_asked(refund: Refund) -> str:
    if refund.reason is RefundReason.EXTERNAL:
        return "made at Stripe"
    return f"asked for by {'staff' if refund.requested_by else 'the shop itself'}"


def _dispute_steps(rows: Iterable[Dispute]) -> Iterable[Step]:
    for row in rows:
        what = f"dispute of {_amount(row)}, now {row.status}, {row.stripe_dispute_id}"
        yield Step(row.created_at, what, row.reason or "the guest's bank", "dispute")


def _event_steps(rows: Iterable[WebhookEvent]) -> Iterable[Step]:
    for row in rows:
        times = f", delivered {row.deliveries} times" if row.deliveries > 1 else ""
        note = f": {row.note}" if row.note else ""
        what = f"heard {row.type}, {row.outcome}{note}{times}"
        yield Step(row.received_at, what, f"Stripe's event {row.id}", "inbox")


def _outbox_steps(rows: Iterable[OutboxRow]) -> Iterable[Step]:
    for row in rows:
        trouble = f" ({row.last_error})" if row.last_error else ""
        tries = f" after {row.tries} tries" if row.tries > 1 else ""
        at = row.done_at or row.created_at
        yield Step(at, f"{row.dedupe_key}: {row.state}{tries}{trouble}", "asked for with its cause", "outbox")


def _cause_of(row: BookingEvent) -> str:
    who = "staff" if row.actor else ""
    parts = [part for part in (row.source.value, who, row.stripe_event_id or "") if part]
    return " ".join(parts) + (f": {row.note}" if row.note else "")


def _amount(row: Any) -> str:
    return f"{Money(row.amount_minor, row.currency).major} {row.currency.upper()}"


def _of(session: Session, model: type[Any], booking_id: int) -> list[Any]:
    order = model.received_at if model is WebhookEvent else model.id
    return list(session.scalars(select(model).where(model.booking_id == booking_id).order_by(order)))


def _last(rows: Iterable[Any]) -> Any:
    return next(reversed(list(rows)), None)


def _columns(row: Any) -> dict[str, str]:
    names = [column.key for column in inspect(type(row)).columns if column.key not in ("created_at", "updated_at")]
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "-" if value is None else str(value)
