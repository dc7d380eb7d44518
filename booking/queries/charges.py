"""Whether money was taken for a booking, and taken back, as far as can be known. No page says more than this."""

from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.requests import AuthorisationState
from booking.domain.states import UNFINISHED_ATTEMPT, AttemptStatus
from booking.domain.words import Said
from booking.models import Attempt, Authorisation, Booking, Dispute, Payment


class Charge(StrEnum):
    """What may be said of a guest's money."""

    NOTHING = "nothing"  # proved: no page of Stripe's is left on which this could have been paid unheard
    UNHEARD = "unheard"  # somebody may have paid, and the news is still on its way
    TAKEN = "taken"


def find_charge(session: Session, booking_id: int, *, asked: str = "") -> Charge:
    """What may be said of this booking's money; `asked` is a session that Stripe has just called unpaid.

    A session whose making was never answered has no address that anybody knows, so nobody can have paid in it.
    """
    if session.scalar(select(Payment.id).where(Payment.booking_id == booking_id).limit(1)) is not None:
        return Charge.TAKEN
    unheard = select(Attempt.id).where(
        Attempt.booking_id == booking_id,
        Attempt.session_id.is_not(None),
        Attempt.session_id != asked,
        Attempt.status.in_(UNFINISHED_ATTEMPT),
        # A sum that is only reserved was not charged, and what is being let go never will be.
        Attempt.id.not_in(_only_reserved()),
    )
    return Charge.NOTHING if session.scalar(unheard.limit(1)) is None else Charge.UNHEARD


def _only_reserved() -> Select[int]:
    kept = (AuthorisationState.HELD, AuthorisationState.RELEASING)
    return select(Authorisation.attempt_id).where(Authorisation.state.in_(kept))


def find_decline(session: Session, booking_id: int) -> Said | None:
    """What a guest is told of the card that was refused last; None where none was, or a newer page to pay is open."""
    newest = select(Attempt).where(Attempt.booking_id == booking_id).order_by(Attempt.number.desc()).limit(1)
    attempt = session.scalar(newest)
    if attempt is None or attempt.decline is None or attempt.status is AttemptStatus.PAID:
        return None
    return attempt.decline.told


def find_withdrawn(session: Session, booking: Booking) -> Money:
    """What the guest's bank has taken back from the house in disputes."""
    taken = select(func.coalesce(func.sum(Dispute.amount_minor), 0)).where(
        Dispute.booking_id == booking.id, Dispute.funds_withdrawn.is_(True), Dispute.currency == booking.currency
    )
    return Money(int(session.scalars(taken).one()), booking.currency)
