"""Taking nights off sale and putting them back."""

import logging
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.dates import Stay
from booking.domain.errors import DatesUnavailable, ListingNotFound, StayRuleBroken
from booking.models import Closure, Night, Unit
from booking.queries.closures import NightsTaken, list_clashes
from booking.runtime import Runtime
from booking.services import audit
from booking.services.nights import claim_nights, drop_nights

logger = logging.getLogger(__name__)

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Clash:
    """What already has nights that were to be closed, in words; `booking_id` is None where it is another closure."""

    text: str
    booking_id: int | None


def close_nights(runtime: Runtime, unit_id: int, stay: Stay, reason: str, staff_email: str) -> int:
    """Take nights of one unit off sale, all of them or none, and commit; the closure's id.

    Holds that have run out are taken over; whoever still has a night keeps it.

    Raises:
        DatesUnavailable: `details["clashes"]` says in words who has which nights, `details["found"]` as Clash values.
        ListingNotFound: no such unit. StayRuleBroken: the nights have passed.
    """
    now = runtime.clock.now()
    with transaction() as session:
        unit = session.get(Unit, unit_id)
        if unit is None:
            raise ListingNotFound("Choose a unit.", field="unit_id")
        _refuse_past(unit, stay, now)
        closure = Closure(unit_id=unit_id, arrive=stay.arrive, leave=stay.leave, reason=reason[:LONGEST_REASON])
        closure.created_by = staff_email[:120]
        session.add(closure)
        session.flush()  # for the id, which the nights point to
        closure_id = closure.id
        if not claim_nights(session, unit_id, stay, now, closure_id=closure_id):
            raise _clash(session, unit_id, stay, now)
        nights = {"arrive": stay.arrive, "leave": stay.leave, "reason": closure.reason}
        audit.record(session, staff_email, "closure.added", f"unit {unit_id}", now, after=nights)
    logger.info("nights_closed", extra={"closure_id": closure_id, "unit_id": unit_id, "nights": stay.nights})
    return closure_id


def reopen_nights(runtime: Runtime, closure_id: int, staff_email: str) -> None:
    """Put the nights of a closure back on sale and commit. One that is gone already is no error: twice is once."""
    with transaction() as session:
        closure = session.get(Closure, closure_id)
        if closure is None:
            return
        nights = {"arrive": closure.arrive, "leave": closure.leave, "reason": closure.reason}
        drop_nights(session, Night.closure_id == closure_id)
        if session.scalars(delete(Closure).where(Closure.id == closure_id).returning(Closure.id)).all():
            subject = f"unit {closure.unit_id}"
            audit.record(session, staff_email, "closure.removed", subject, runtime.clock.now(), before=nights)
    logger.info("nights_reopened", extra={"closure_id": closure_id})


def _refuse_past(unit: Unit, stay: Stay, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(unit.listing.property.timezone)).date()
    if stay.leave <= today:
        raise StayRuleBroken("These nights have passed.", field="leave")


def _clash(session: Session, unit_id: int, stay: Stay, now: datetime) -> DatesUnavailable:
    found = [_told(row) for row in list_clashes(session, unit_id, stay, now)]
    texts = [clash.text for clash in found]
    return DatesUnavailable("Some of these nights are taken. Nothing was closed.", clashes=texts, found=found)


def _told(row: NightsTaken) -> Clash:
    return Clash(row.in_words, row.booking_id)
