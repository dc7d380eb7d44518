"""What is left when a history is over: who has which nights, whose money is where, which letters went out.

Times, ids and causes are left out, for they tell the way and not the end; people are named instead of rows.
"""

import hashlib
import json
from collections import defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.models import Attempt, Booking, Dispute, Due, Night, OutboxRow, Payment, Refund, SavedCard
from booking.models.outbox import OutboxKind

State = dict[str, Any]
# Letters about what was so for a while: whether they are written depends on what is heard first, and rightly so.
PASSING = ("payment_processing", "charge_announced")


def final_state(session: Session) -> State:
    """The end of a history, as plain values in an order of their own."""
    names: dict[int, str] = dict(session.execute(select(Booking.id, Booking.guest_name)).all())  # type: ignore[arg-type]
    state = {
        "bookings": _by_guest(names, session, _BOOKING),
        "attempts": _by_guest(names, session, _ATTEMPT),
        "payments": _by_guest(names, session, _PAYMENT),
        "refunds": _by_guest(names, session, _REFUND),
        "disputes": _by_guest(names, session, _DISPUTE),
        "dues": _by_guest(names, session, _DUE),
        "cards": _by_guest(names, session, _CARD),
        "nights": _nights(names, session),
        "letters": _letters(names, session),
    }
    session.rollback()
    return state


def state_hash(state: State) -> str:
    """The same for the same end."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def differences(one: State, other: State) -> list[str]:
    """In which parts two ends differ, for a person to read."""
    found = []
    for part in one:
        keys = sorted({*one[part], *other[part]})
        found += [
            f"{part} of {key}: {one[part].get(key)} and {other[part].get(key)}"
            for key in keys
            if one[part].get(key) != other[part].get(key)
        ]
    return found


def without_letters(state: State, *kinds: str) -> State:
    """The same end without the letters of some kinds."""
    letters = {key: [line for line in lines if line[0] not in kinds] for key, lines in state["letters"].items()}
    return {**state, "letters": letters}


_BOOKING = (
    Booking.id, Booking.status, Booking.payment_status, Booking.cancel_reason, Booking.disputed, Booking.refund_failed,
    Booking.needs_review, Booking.amount_minor, Booking.hold_until.is_(None), Booking.confirmed_at.is_not(None),
)  # fmt: skip
_ATTEMPT = (Attempt.booking_id, Attempt.number, Attempt.status)
_PAYMENT = (Payment.booking_id, Payment.amount_minor, Payment.currency, Payment.reported_refunded_minor)
_REFUND = (
    Refund.booking_id, Refund.amount_minor, Refund.status, Refund.reason, Refund.failure_reason,
    Refund.stripe_refund_id.is_not(None),
)  # fmt: skip
_DISPUTE = (
    Dispute.booking_id, Dispute.amount_minor, Dispute.status, Dispute.reason, Dispute.is_charge_refundable,
    Dispute.funds_withdrawn, Dispute.due_by.is_not(None),
)  # fmt: skip

_DUE = (Due.booking_id, Due.kind, Due.status, Due.amount_minor)
_CARD = (SavedCard.booking_id, SavedCard.last4, SavedCard.is_default, SavedCard.removed_at.is_(None))


def _by_guest(names: dict[int, str], session: Session, columns: tuple[Any, ...]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for booking_id, *values in session.execute(select(*columns)):
        found[names[booking_id]].append([_plain(value) for value in values])
    return {name: sorted(rows, key=str) for name, rows in found.items()}


def _nights(names: dict[int, str], session: Session) -> dict[str, Any]:
    rows = session.execute(select(Night.unit_id, Night.day, Night.booking_id, Night.hold_until.is_(None)))
    return {f"{unit_id} {day}": [names.get(owner or 0, "closed"), for_good] for unit_id, day, owner, for_good in rows}


def _letters(names: dict[int, str], session: Session) -> dict[str, list[Any]]:
    """Kind, amount and fate of each letter; the words of a note may name ids."""
    found: dict[str, list[Any]] = defaultdict(list)
    mail = select(OutboxRow.booking_id, OutboxRow.payload, OutboxRow.state).where(OutboxRow.kind == OutboxKind.MAIL)
    for booking_id, payload, state in session.execute(mail):
        refund = (payload["facts"].get("refund") or {}).get("minor")
        found[names.get(booking_id or 0, "nobody")].append([payload["mail"], refund, str(state)])
    return {name: sorted(rows, key=str) for name, rows in found.items()}


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int) else str(value)
