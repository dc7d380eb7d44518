"""The test booking that ends the first-run wizard: a real booking through the real Checkout, paid with a test card."""

import logging
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.dates import Stay
from booking.domain.errors import BookingError
from booking.domain.states import BookingStatus
from booking.domain.words import say
from booking.extensions import db
from booking.language import DEFAULT
from booking.models import Booking, Listing
from booking.queries.search import Offer, find_stay, list_listings
from booking.runtime import Runtime
from booking.services import audit, cards
from booking.services.reservations import GuestDetails, Placed, PlaceRequest, browser_key, place_booking

logger = logging.getLogger(__name__)

# So many days ahead: first where hardly anybody books yet, and nearer only where the house's rules want it.
_AHEAD = (60, 30, 14, 5, 2, 120)
_NIGHTS = 2
_BROWSER = "the first-run wizard"


class TrialRefused(BookingError):
    """No test booking can be made as things are."""

    code = "trial_refused"
    default_message = say("A test booking is not possible.")


def trial_key() -> str:
    """What marks the bookings of the wizard."""
    return browser_key(_BROWSER)


def place_trial(runtime: Runtime, name: str, email: str) -> Placed:
    """Hold some nights far ahead for a member of staff, who pays for them as a guest would. Commits.

    While one waits for its payment, asking again gives the same one.

    Raises:
        TrialRefused: in live mode, or where nothing can be booked; and what `reservations.place_booking` raises.
    """
    if runtime.settings.livemode:
        raise TrialRefused("The key is live: a test booking would take real money. Try with a test key first.")
    waiting = _find_waiting(db.session())
    if waiting:
        return waiting
    offer = _find_offer(db.session(), runtime)
    consent = cards.offered_consent(offer.listing, offer.quote, offer.stay.arrive, runtime.clock.now())
    request = PlaceRequest(
        offer.listing.id, offer.stay, offer.guests, GuestDetails(f"Test of {name}"[:120], email), _BROWSER, offer.total,
        shown_plan=offer.schedule.mark, consent=cards.name_of(consent, DEFAULT) if consent else "",
    )  # fmt: skip
    end_read()
    placed = place_booking(runtime, request)
    with transaction() as session:
        audit.record(session, email, "trial.placed", f"booking {placed.reference}", runtime.clock.now())
    logger.info("trial_placed", extra={"booking": placed.reference})
    return placed


def _find_waiting(session: Session) -> Placed | None:
    pending = (Booking.browser_key == trial_key(), Booking.status == BookingStatus.PENDING)
    row = session.execute(select(Booking.id, Booking.reference).where(*pending).order_by(Booking.id.desc())).first()
    end_read()
    return Placed(row.id, row.reference, is_confirmed=False) if row else None


def _find_offer(session: Session, runtime: Runtime) -> Offer:
    now = runtime.clock.now()
    for listing in list_listings(session):
        for ahead in _AHEAD:
            offer = _offer_near(session, runtime, listing, listing.property.today(now) + timedelta(days=ahead))
            if offer:
                return offer
    raise TrialRefused("Nothing can be booked: no listing on sale has a unit in use that is free in the next months.")


def _offer_near(session: Session, runtime: Runtime, listing: Listing, arrive: date) -> Offer | None:
    now = runtime.clock.now()
    answer = find_stay(session, listing, Stay(arrive, arrive + timedelta(days=_NIGHTS)), 1, now)
    if not isinstance(answer, Offer) and answer.near:
        answer = find_stay(session, listing, answer.near[0].stay, 1, now)
    return answer if isinstance(answer, Offer) else None
