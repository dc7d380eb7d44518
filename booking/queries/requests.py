"""Requests to book as staff look at them: those that wait, oldest deadline first, and what became of the last ones."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.requests import OPEN_REQUEST, RequestState, can_be_answered
from booking.models import Booking, Listing, Property, StayRequest

MOST_ENDED = 50


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request as a list shows it."""

    booking_id: int
    reference: str
    listing: str
    guest_name: str
    guests: int
    message: str
    stay: Stay
    total: Money
    state: RequestState
    answer_by: datetime | None
    answered_at: datetime | None
    answered_by: str
    reason: str
    needs_review: bool
    can_be_answered: bool
    zone: ZoneInfo


def list_waiting_requests(session: Session) -> tuple[RequestRow, ...]:
    """Those that wait for an answer, or for Stripe's word on one; whose time ends first comes first."""
    waiting = _rows().where(StayRequest.state.in_(OPEN_REQUEST))
    return _read(session, waiting.order_by(StayRequest.answer_by, StayRequest.id))


def list_ended_requests(session: Session) -> tuple[RequestRow, ...]:
    """The last ones that were answered or came to an end, newest first."""
    ended = _rows().where(StayRequest.state.not_in((RequestState.STARTED, *OPEN_REQUEST)))
    return _read(session, ended.order_by(StayRequest.updated_at.desc(), StayRequest.id.desc()).limit(MOST_ENDED))


def find_request_row(session: Session, booking_id: int) -> RequestRow | None:
    """The request that a booking is; None where it is none, or its guest has not given a card yet."""
    wanted = _rows().where(StayRequest.booking_id == booking_id, StayRequest.state != RequestState.STARTED)
    return next(iter(_read(session, wanted)), None)


def _rows() -> Select[StayRequest, Booking, Listing, Property]:
    return (
        select(StayRequest, Booking, Listing, Property)
        .join(Booking, Booking.id == StayRequest.booking_id)
        .join(Listing, Listing.id == Booking.listing_id)
        .join(Property, Property.id == Listing.property_id)
    )


def _read(session: Session, wanted: Select[StayRequest, Booking, Listing, Property]) -> tuple[RequestRow, ...]:
    return tuple(
        RequestRow(
            booking_id=booking.id,
            reference=booking.reference,
            listing=listing.name,
            guest_name=booking.guest_name,
            guests=booking.guests,
            message=booking.message,
            stay=booking.stay,
            total=booking.amount,
            state=request.state,
            answer_by=request.answer_by,
            answered_at=request.answered_at,
            answered_by=request.answered_by,
            reason=request.reason,
            needs_review=booking.needs_review,
            can_be_answered=can_be_answered(request.state, booking.status, needs_review=booking.needs_review),
            zone=place.zone,
        )
        for request, booking, listing, place in session.execute(wanted.execution_options(populate_existing=True))
    )
