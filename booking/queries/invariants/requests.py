"""Looks at requests to book: each that waits has exactly one reserved sum, and none waits for ever."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from booking.domain.policy import HOLD_GRACE
from booking.domain.requests import OPEN_REQUEST, AuthorisationState, RequestState
from booking.domain.states import BookingStatus
from booking.models import Authorisation, Booking, StayRequest
from booking.queries.invariants.given import Given

# With a worker a sum is let go within minutes; Stripe may be away for some hours.
LONGEST_RELEASE = timedelta(days=1)
_KEPT = (AuthorisationState.HELD, AuthorisationState.CAPTURING)
# Where money came that does not fit, a person decides: the host cannot answer, and no time runs out.
_WAITING = (
    select(StayRequest.booking_id)
    .join(Booking, Booking.id == StayRequest.booking_id)
    .where(Booking.needs_review.is_(False))
)


def find_requests_without_sum(session: Session, given: Given) -> Iterator[str]:
    """A request that waits, with no sum or more than one that could be taken for it."""
    kept = select(Authorisation.booking_id).where(Authorisation.state.in_(_KEPT))
    sums = Counter(session.scalars(kept))
    waiting = _WAITING.where(StayRequest.state.in_(OPEN_REQUEST))
    for booking_id in session.scalars(waiting.order_by(StayRequest.booking_id)):
        if sums[booking_id] != 1:
            yield f"booking {booking_id} waits for an answer with {sums[booking_id]} sums reserved for it"


def find_sums_without_request(session: Session, given: Given) -> Iterator[str]:
    """A sum that is kept on a guest's card though nothing waits for it."""
    rows = (
        select(Authorisation.id, Authorisation.booking_id)
        .join(Booking, Booking.id == Authorisation.booking_id)
        .outerjoin(StayRequest, StayRequest.booking_id == Booking.id)
        .where(Authorisation.state.in_(_KEPT))
    )
    is_open = and_(StayRequest.state.in_(OPEN_REQUEST), Booking.status == BookingStatus.PENDING)
    stray = rows.where(or_(StayRequest.id.is_(None), ~is_open))
    for authorisation_id, booking_id in session.execute(stray):
        yield f"booking {booking_id}: authorisation {authorisation_id} is kept, and nothing waits for it"


def find_stuck_requests(session: Session, given: Given) -> Iterator[str]:
    """Asked and past the time to answer, or over with a sum that nobody lets go."""
    late = _WAITING.where(StayRequest.state == RequestState.ASKED, StayRequest.answer_by < given.now - HOLD_GRACE)
    for booking_id in session.scalars(late):
        yield f"booking {booking_id}: its request waits past the time to answer: is the worker running?"
    kept = select(Authorisation.booking_id).where(
        Authorisation.state == AuthorisationState.RELEASING, Authorisation.updated_at < given.now - LONGEST_RELEASE
    )
    for booking_id in session.scalars(kept):
        yield f"booking {booking_id}: a sum that is to be let go is still on the guest's card"


def find_unkeyed_sums(session: Session, given: Given) -> Iterator[str]:
    """Something asked of Stripe about a sum without the parameters it was asked with."""
    capturing = and_(Authorisation.state == AuthorisationState.CAPTURING, Authorisation.capture_params.is_(None))
    for authorisation_id in session.scalars(select(Authorisation.id).where(capturing)):
        yield f"authorisation {authorisation_id} is being taken with no frozen parameters"
