"""How many stays may be held without being paid for, by one browser, one e-mail address and one network.

Holding costs nothing, so without these caps one visitor could keep a whole house empty. They join the transaction that
places the booking: where there is room, the hold is written before anybody else can count.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from booking.database import insert_into, require_transaction
from booking.domain.dates import Stay
from booking.domain.errors import TooManyHolds
from booking.models import Listing, RateWindow
from booking.queries.holds import FirstLook, HeldStay, count_units, held_by_browser, held_by_email, held_from_network
from booking.runtime import Runtime
from booking.services.limits import limit_key

MOST_BY_BROWSER = 3
MOST_BY_EMAIL = 3
# A house, an office or a whole town may share one address.
MOST_BY_NETWORK = 6
_LOCK, _FROM = "holder", "held-from"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who wants to hold something: the hash of the browser's own id, the address that was typed, the network."""

    browser_key: str
    email: str
    network: str  # empty where nobody asked over a network


def refuse_too_many(
    session: Session, runtime: Runtime, holder: Holder, look: FirstLook, listing: Listing, stay: Stay, now: datetime
) -> None:
    """Refuse a holder who has as many unpaid stays as one may have. Joins the caller's transaction.

    `look` is what that transaction has seen of the browser; whoever had to stand in line looks once more.
    The cap by browser holds always; the others are part of the rate limits and go with them.

    Raises:
        TooManyHolds: in the same words for all three, so that nobody learns what another guest holds.
    """
    require_transaction(session)
    held = look.held
    if runtime.settings.rate_limits:
        _stand_in_line(session, holder, now)
        held = len(held_by_browser(session, holder.browser_key, now))
    if held >= MOST_BY_BROWSER:
        raise TooManyHolds
    if not runtime.settings.rate_limits:
        return
    by_email = held_by_email(session, holder.email, now)
    from_network = held_from_network(session, _network_prefix(holder), now) if holder.network else []
    _refuse_if_full(session, by_email, MOST_BY_EMAIL, listing, stay)
    _refuse_if_full(session, from_network, MOST_BY_NETWORK, listing, stay)


def note_network(session: Session, runtime: Runtime, holder: Holder, booking_id: int, now: datetime) -> None:
    """Remember from which network a hold came. Joins the caller's transaction.

    It stands apart from the booking, as a hash, and is swept away with the windows of the rate limits: it is needed
    for as long as a hold can last, which is a day.
    """
    if holder.network and runtime.settings.rate_limits:
        values = {"key": f"{_network_prefix(holder)}{booking_id}", "started_at": now, "count": 1}
        # After a restored backup the number of a booking may come again.
        session.execute(insert_into(session, RateWindow).values(**values).on_conflict_do_nothing())


def most_units(units: int) -> int:
    """How many of a listing's units one source may hold unpaid on the same nights: half of them, rounded up."""
    return (units + 1) // 2


def _refuse_if_full(session: Session, held: list[HeldStay], most: int, listing: Listing, stay: Stay) -> None:
    if len(held) >= most:
        raise TooManyHolds
    here = [one for one in held if one.listing_id == listing.id and one.stay.overlaps(stay)]
    if not here:
        return
    units = count_units(session, listing.id)
    # Where there is one unit only, these nights are simply taken, and the guest is told what else is free.
    if units > 1 and len(here) >= most_units(units):
        raise TooManyHolds


def _stand_in_line(session: Session, holder: Holder, now: datetime) -> None:
    """Wait for other requests of the same holder. They would count the same holds and all find room for one more.

    One statement takes the rows in the order of their keys, the same for everybody, and before any night is taken: so
    nobody waits in a circle.
    """
    keys = sorted(limit_key(_LOCK, who) for who in {holder.browser_key, holder.email.lower(), holder.network} if who)
    statement = insert_into(session, RateWindow).values([{"key": key, "started_at": now, "count": 1} for key in keys])
    session.execute(
        statement.on_conflict_do_update(index_elements=[RateWindow.key], set_={"started_at": now, "count": 1})
    )


def _network_prefix(holder: Holder) -> str:
    return f"{limit_key(_FROM, holder.network)}:"
