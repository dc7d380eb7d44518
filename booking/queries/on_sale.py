"""What is on sale, with its prices, rules and pictures: read once, and kept until somebody changes it.

Nights are no part of it: which of them are free is asked anew each time, and what a booking costs is worked out by its
own transaction, from the database.
"""

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session, joinedload, selectinload

from booking.models import CancellationPolicy, Listing, Property, Shelf
from booking.models.shelf import may_change

# For changes past the shop's own code, by hand or by an older version that still runs, which change no number.
KEPT_SECONDS = 60
_ASKED = "holdfast_on_sale"
# All that prices, rules and terms are made of, in one statement for each kind, however many listings there are.
WITH_TERMS = (
    selectinload(Listing.stay_rules),
    joinedload(Listing.policy).selectinload(CancellationPolicy.tiers),
    joinedload(Listing.plan_choice),
    joinedload(Listing.property).joinedload(Property.plan_choice),
    *(selectinload(kind) for kind in (Listing.seasons, Listing.day_prices, Listing.discounts, Listing.fees)),
    *(joinedload(Listing.property).selectinload(kind) for kind in (Property.taxes, Property.extras)),
)


@dataclass(frozen=True, slots=True)
class OnSale:
    """Every listing on sale in the house's own order, for reading alone: what is kept belongs to all threads."""

    version: int | None
    read_at: float  # of a clock that never jumps, in seconds
    listings: tuple[Listing, ...]
    by_slug: dict[str, Listing]
    place: Property | None


_kept: WeakKeyDictionary[Engine, OnSale] = WeakKeyDictionary()


def on_sale(session: Session) -> OnSale:
    """What is on sale now. Inside a transaction that writes it is read anew, and may be changed like any other rows."""
    if may_change(session):
        return _gather(session, None)
    asked_in, known = session.info.get(_ASKED, (None, None))
    if known is None or asked_in is not session.get_transaction():
        known = _look(session)
        session.info[_ASKED] = (session.get_transaction(), known)
    return known


def find_place(session: Session) -> Property | None:
    """The property that names the shop: the first one. None before anything is set up."""
    return _read_place(session) if may_change(session) else on_sale(session).place


def _look(session: Session) -> OnSale:
    # The number first: what is read after it is as new as it says, or newer, and then the next look finds another one.
    version = session.scalar(select(Shelf.version))
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    known = _kept.get(engine)
    if known is None or version is None or not _holds(known, version):
        known = _kept[engine] = _read_apart(session.connection(), version)
    return known


def _holds(known: OnSale, version: int) -> bool:
    return known.version == version and known.read_at > time.monotonic() - KEPT_SECONDS


def _read_apart(connection: Connection, version: int | None) -> OnSale:
    """In a session of its own, so that what is read belongs to none once that is closed."""
    with Session(bind=connection, autoflush=False) as apart:
        found = _gather(apart, version)
        for listing in found.listings:
            listing.keep()
        return found


def _gather(session: Session, version: int | None) -> OnSale:
    wanted = select(Listing).where(Listing.is_active).options(*WITH_TERMS).order_by(Listing.position, Listing.id)
    listings = tuple(session.scalars(wanted))
    by_slug = {listing.slug: listing for listing in listings}
    return OnSale(version, time.monotonic(), listings, by_slug, _read_place(session))


def _read_place(session: Session) -> Property | None:
    return session.scalar(select(Property).options(joinedload(Property.plan_choice)).order_by(Property.id).limit(1))
