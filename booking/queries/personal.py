"""Everything that is held about the guest of one booking, and what stands in the way of erasing it."""

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, inspect, or_, select
from sqlalchemy.orm import Session

from booking.domain.personal_data import IS_TOLD, OF_BOOKINGS
from booking.domain.states import DISPUTE_CLOSED, REFUND_IN_FLIGHT, UNFINISHED_ATTEMPT, BookingStatus
from booking.extensions import Base
from booking.models import (
    AccessLink,
    Attempt,
    Authorisation,
    Booking,
    BookingEvent,
    CardConsent,
    Dispute,
    Due,
    EvidenceDraft,
    EvidenceFile,
    EvidenceSubmission,
    OutboxRow,
    Payment,
    Refund,
    SavedCard,
    StayChange,
    StayRequest,
    WebhookEvent,
)
from booking.models.outbox import OutboxState
from booking.models.webhook import InboxOutcome

_BY_BOOKING: tuple[Any, ...] = (
    AccessLink,
    Attempt,
    BookingEvent,
    OutboxRow,
    WebhookEvent,
    StayChange,
    StayRequest,
    Authorisation,
    Due,
    CardConsent,
    SavedCard,
    Payment,
    Refund,
    Dispute,
)
_BY_DISPUTE: tuple[Any, ...] = (EvidenceDraft, EvidenceFile, EvidenceSubmission)
# Stripe's word for what lets a browser act on a payment.
_NEVER_TOLD = ("client_secret",)
_STUCK = (InboxOutcome.FAILED, InboxOutcome.UNMATCHED)


class Obstacle(StrEnum):
    """Why a guest is not erased yet."""

    STAY = "stay"  # the booking is on, or the stay not over
    MONEY = "money"  # a payment or a refund is on its way, or somebody must look at one
    DISPUTE = "dispute"  # the bank has not decided
    MAIL = "mail"  # the worker has something left to do for this booking


def list_held(session: Session, booking_id: int) -> dict[str, list[dict[str, object]]]:
    """Every row about a booking by its table, with each column that its guest may see."""
    booking = session.get_one(Booking, booking_id)
    held = {Booking.__tablename__: [_told(booking)]}
    for model in _BY_BOOKING:
        rows = session.scalars(select(model).where(model.booking_id == booking_id).order_by(model.created_at, model.id))
        held[model.__tablename__] = [_told(row) for row in rows]
    for model in _BY_DISPUTE:
        rows = session.scalars(select(model).where(model.dispute_id.in_(dispute_ids(booking_id))))
        held[model.__tablename__] = [_told(row) for row in rows]
    return held


def find_obstacle(session: Session, booking: Booking, now: datetime) -> Obstacle | None:
    """What has to end before a guest's data may go; None where nothing stands in the way."""
    if not _is_over(booking, now):
        return Obstacle.STAY
    if booking.needs_review or booking.refund_failed or _has_money_open(session, booking):
        return Obstacle.MONEY
    is_open = Dispute.status.not_in(DISPUTE_CLOSED)
    if _exists(session, Dispute, Dispute.booking_id == booking.id, is_open):
        return Obstacle.DISPUTE
    is_due = OutboxRow.state == OutboxState.DUE
    return Obstacle.MAIL if _exists(session, OutboxRow, OutboxRow.booking_id == booking.id, is_due) else None


def dispute_ids(booking_id: int) -> Any:
    """The disputes of a booking, as a part of other questions."""
    return select(Dispute.id).where(Dispute.booking_id == booking_id)


def _is_over(booking: Booking, now: datetime) -> bool:
    if booking.status is BookingStatus.CONFIRMED:
        return booking.listing.property.today(now) > booking.leave
    return booking.status in (BookingStatus.CANCELLED, BookingStatus.EXPIRED)


def _has_money_open(session: Session, booking: Booking) -> bool:
    unfinished = Attempt.status.in_(UNFINISHED_ATTEMPT)
    in_flight = Refund.status.in_(REFUND_IN_FLIGHT)
    return (
        _exists(session, Attempt, Attempt.booking_id == booking.id, unfinished)
        or _exists(session, Refund, Refund.booking_id == booking.id, in_flight)
        or _exists(session, WebhookEvent, WebhookEvent.outcome.in_(_STUCK), _names(booking))
    )


def _names(booking: Booking) -> ColumnElement[bool]:
    """News that is not settled yet is not tied to a booking, but may name its guest."""
    address = json.dumps(booking.guest_email)[1:-1]
    return or_(
        WebhookEvent.booking_id == booking.id,
        cast(WebhookEvent.payload, Text).contains(address, autoescape=True),
    )


def _exists(session: Session, model: type[Base], *conditions: ColumnElement[bool]) -> bool:
    return session.execute(select(*inspect(model).primary_key).where(*conditions).limit(1)).first() is not None


def told_of(row: Base, of_what: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """The columns of a row that whom it is about may see, by a part of the map of personal data."""
    marks = of_what[row.__tablename__]
    told = (column.key for column in inspect(type(row)).columns if _is_told(column, marks))
    return {name: _plain(getattr(row, name)) for name in told}


def _told(row: Base) -> dict[str, object]:
    return told_of(row, OF_BOOKINGS)


def _is_told(column: Any, marks: Mapping[str, Any]) -> bool:
    is_key = bool(column.foreign_keys) or (column.primary_key and column.key not in marks)
    return not is_key and (column.key not in marks or marks[column.key] in IS_TOLD)


def _plain(value: object) -> object:
    """A value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items() if name not in _NEVER_TOLD}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else value
