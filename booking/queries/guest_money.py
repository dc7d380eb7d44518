"""The money of one booking as its guest sees it: what came, what goes back and how far it is, what can still go."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from booking.domain.money import Money
from booking.domain.states import (
    DISPUTE_CLOSED,
    REFUND_ENDED_BADLY,
    REFUND_IN_FLIGHT,
    RefundReason,
    RefundStatus,
)
from booking.models import Booking, BookingEvent, Dispute, Payment, Refund
from booking.queries.charges import find_charge, find_decline, find_withdrawn

# Banks say "5 to 10 days"; whoever has nothing after that should ask.
BANKS_TAKE = timedelta(days=12)
_REFUND_OF_NOTE = re.compile(r"refund (\d+)\b")


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that came. `number` counts a booking's payments for people; no id of anybody's database."""

    number: int
    amount: Money
    day: date
    is_with_stripe: bool = True


class ReturnStage(StrEnum):
    """How far money is on its way back. What is SENT no longer depends on us, and nobody tells us that it arrived."""

    ASKED = "asked"  # written down, and Stripe is being asked
    WITH_BANK = "with_bank"
    SENT = "sent"
    LONG_SENT = "long_sent"  # so long ago that it must be there
    FAILED = "failed"
    COVERED = "covered"  # never sent: in a dispute the guest's bank had given the money back itself
    OWED = "owed"  # the house took this money itself, and hands it back itself
    HANDED_BACK = "handed_back"  # and has done so


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that goes back, and the days on which something was heard of it."""

    number: int
    amount: Money
    status: RefundStatus
    stage: ReturnStage
    reason: RefundReason
    asked_on: date
    moved_on: date  # of its last step

    @property
    def is_on_its_way(self) -> bool:
        return self.status in REFUND_IN_FLIGHT

    @property
    def ended_badly(self) -> bool:
        return self.status in REFUND_ENDED_BADLY

    @property
    def counts(self) -> bool:
        """Whether it went, or is going, from the house to the guest."""
        return not self.ended_badly


def money_facts(session: Session, booking: Booking, now: datetime) -> dict[str, Any]:
    """The fields of GuestBooking that tell of money."""
    payments = _payments(session, booking)
    return {
        "charge": find_charge(session, booking.id),
        "decline": None if payments or booking.needs_review else find_decline(session, booking.id),
        "paid": sum_in((payment.amount for payment in payments), booking.currency),
        "payments": payments,
        "returned": _returned(session, booking, now),
        "withdrawn": find_withdrawn(session, booking),
        "refund_failed": booking.refund_failed,
        "needs_review": booking.needs_review,
        "disputed": booking.disputed,
        "is_dispute_open": booking.disputed and _is_dispute_open(session, booking),
    }


def sum_in(amounts: Iterable[Money], currency: str) -> Money:
    """The sum in one currency. Money of another one, which a person must look at, is no part of it."""
    return Money(sum(amount.minor for amount in amounts if amount.currency == currency), currency)


def _payments(session: Session, booking: Booking) -> tuple[Paid, ...]:
    rows = session.scalars(select(Payment).where(Payment.booking_id == booking.id).order_by(Payment.id))
    place = booking.listing.property
    return tuple(
        Paid(number, row.amount, place.today(row.captured_at), row.is_with_stripe)
        for number, row in enumerate(rows, start=1)
    )


def _returned(session: Session, booking: Booking, now: datetime) -> tuple[Returned, ...]:
    wanted = select(Refund).where(Refund.booking_id == booking.id).options(joinedload(Refund.payment))
    rows = session.scalars(wanted.order_by(Refund.id))
    heard, place = _refund_steps(session, booking), booking.listing.property
    returned = []
    for number, row in enumerate(rows, start=1):
        steps = heard[row.id] or [row.created_at]
        stage = _stage(row, steps[-1], now)
        days = (place.today(at) for at in (steps[0], steps[-1]))
        returned.append(Returned(number, row.amount, row.status, stage, row.reason, *days))
    return tuple(returned)


def _refund_steps(session: Session, booking: Booking) -> defaultdict[int, list[datetime]]:
    """When something was heard of each refund, by its id: the timeline knows it by the shop's own clock."""
    steps: defaultdict[int, list[datetime]] = defaultdict(list)
    told = select(BookingEvent.at, BookingEvent.note).where(
        BookingEvent.booking_id == booking.id, BookingEvent.kind.startswith("refund_", autoescape=True)
    )
    for at, note in session.execute(told.order_by(BookingEvent.id)):
        found = _REFUND_OF_NOTE.match(note)
        if found:
            steps[int(found[1])].append(at)
    return steps


def _stage(refund: Refund, moved_at: datetime, now: datetime) -> ReturnStage:
    if refund.is_called_off:
        return ReturnStage.COVERED
    if refund.status in REFUND_ENDED_BADLY:
        return ReturnStage.FAILED
    if not refund.payment.is_with_stripe:
        return ReturnStage.HANDED_BACK if refund.status is RefundStatus.SUCCEEDED else ReturnStage.OWED
    if refund.status is RefundStatus.SUCCEEDED:
        return ReturnStage.LONG_SENT if now - moved_at > BANKS_TAKE else ReturnStage.SENT
    return ReturnStage.ASKED if refund.status is RefundStatus.REQUESTED else ReturnStage.WITH_BANK


def read_refundable(session: Session, booking: Booking) -> Money:
    """What can still go back: Stripe's own flag, and not the dispute's status, says which charges cannot."""
    wanted = select(Payment).where(Payment.booking_id == booking.id).options(selectinload(Payment.refunds))
    blocked = select(Dispute.payment_id).where(
        Dispute.booking_id == booking.id, Dispute.is_charge_refundable.is_(False)
    )
    payments = session.scalars(wanted.where(Payment.id.not_in(blocked), Payment.currency == booking.currency))
    return Money(sum(payment.entry.refundable_minor for payment in payments), booking.currency)


def _is_dispute_open(session: Session, booking: Booking) -> bool:
    statuses = session.scalars(select(Dispute.status).where(Dispute.booking_id == booking.id)).all()
    return not statuses or any(status not in DISPUTE_CLOSED for status in statuses)
