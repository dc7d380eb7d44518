"""Looks at the timeline: replayed from its first step it must give the row, with a cause for each step."""

from collections.abc import Iterator
from itertools import groupby, pairwise

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.states import TRANSITIONS, AttemptPurpose, AttemptStatus, BookingStatus, Source
from booking.models import Attempt, Booking, BookingEvent, Payment, WebhookEvent
from booking.queries.invariants.given import Given

_OF_MONEY = ("refund_", "dispute_", "card_declined", "fraud_warning", "payment_received", "payment_processing")


def find_repeated_confirmations(session: Session, given: Given) -> Iterator[str]:
    """Confirmed twice."""
    rows = select(BookingEvent.booking_id, func.count()).where(BookingEvent.new_status == BookingStatus.CONFIRMED)
    for booking_id, count in session.execute(rows.group_by(BookingEvent.booking_id).having(func.count() > 1)):
        yield f"booking {booking_id} was confirmed {count} times"


def find_steps_back(session: Session, given: Given) -> Iterator[str]:
    """A step that the table of transitions does not have, or that does not begin where the last one ended."""
    for booking_id, steps in _moves(session):
        for step in steps:
            if step.new_status not in TRANSITIONS[step.old_status]:
                yield f"booking {booking_id} went from {step.old_status} to {step.new_status}"
        for earlier, later in pairwise(steps):
            if later.old_status is not earlier.new_status:
                yield f"booking {booking_id} left {later.old_status}, but was {earlier.new_status}"


def find_untold_status(session: Session, given: Given) -> Iterator[str]:
    """A status that the timeline does not end with."""
    told = {booking_id: steps[-1].new_status for booking_id, steps in _moves(session)}
    for booking_id, status in session.execute(select(Booking.id, Booking.status)):
        if told.get(booking_id) is not status:
            yield f"booking {booking_id} is {status}, but its timeline ends with {told.get(booking_id)}"


def find_moved_by_money(session: Session, given: Given) -> Iterator[str]:
    """A refund, a dispute or a decline that changed where a booking stands."""
    moved = select(BookingEvent.booking_id, BookingEvent.kind).where(BookingEvent.new_status.is_not(None))
    for booking_id, kind in session.execute(moved):
        if kind.startswith(_OF_MONEY):
            yield f"booking {booking_id} was moved by {kind}"


def find_unproved(session: Session, given: Given) -> Iterator[str]:
    """Confirmed before any money was recorded or a card was kept, or by an event of which the inbox knows nothing."""
    paid = exists().where(Payment.booking_id == BookingEvent.booking_id, Payment.captured_at <= BookingEvent.at)
    is_kept = (Attempt.purpose == AttemptPurpose.GUARANTEE) & (Attempt.status == AttemptStatus.PAID)
    kept = exists().where(Attempt.booking_id == BookingEvent.booking_id, is_kept)
    filed = exists().where(WebhookEvent.id == BookingEvent.stripe_event_id)
    unheard = and_(BookingEvent.source == Source.WEBHOOK, ~filed)
    rows = select(BookingEvent.booking_id, BookingEvent.source).where(or_(~paid & ~kept, unheard))
    for booking_id, source in session.execute(rows.where(BookingEvent.new_status == BookingStatus.CONFIRMED)):
        yield f"booking {booking_id} was confirmed via {source} without proof of a payment"


def _moves(session: Session) -> list[tuple[int, list[BookingEvent]]]:
    """The steps that changed a status, by booking, in order."""
    moved = select(BookingEvent).where(BookingEvent.new_status.is_not(None))
    steps = session.scalars(moved.order_by(BookingEvent.booking_id, BookingEvent.id))
    return [(booking_id, list(group)) for booking_id, group in groupby(steps, key=lambda step: step.booking_id)]
