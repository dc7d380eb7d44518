"""What is on sale, with its prices, rules and pictures: read once, and kept until somebody changes it.

Nights are no part of it: which of them are free is asked anew each time. What a booking costs is worked out by its own
transaction: from what is kept where the number is still the same inside that transaction, else from the rows.
"""

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, select, tuple_
from sqlalchemy.orm import Session, joinedload, selectinload

from booking.models import CancellationPolicy, Listing, Property, Shelf
from booking.models.shelf import may_change, was_changed

# For changes past the shop's own code, by hand or by an older version that still runs, which change no number.
KEPT_SECONDS = 60
_Kind = TypeVar("_Kind")
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

_WANTED = select(Listing).where(Listing.is_active).options(*WITH_TERMS).order_by(Listing.position, Listing.id)
_AT_ONCE = 100  # listings whose prices and rules are in memory as rows at the same time


@dataclass(frozen=True, slots=True)
class OnSale:
    """Every listing on sale in the house's own order, for reading alone: what is kept belongs to all threads."""

    version: int | None
    read_at: float  # of a clock that never jumps, in seconds
    listings: tuple[Listing, ...]
    by_slug: dict[str, Listing]
    by_id: dict[int, Listing]
    place: Property | None  # the one that names the shop: the first. None before anything is set up
    _worked_out: dict[type, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def work_out(self, kind: type[_Kind], make: Callable[[], _Kind]) -> _Kind:
        """One more thing that is made of all of it, once: it lives and goes with what it was made of."""
        if kind not in self._worked_out:
            self._worked_out[kind] = make()
        made: _Kind = self._worked_out[kind]
        return made

    @property
    def reading(self) -> Hashable:
        """What no other reading of this process has."""
        return self.version, self.read_at


_kept: WeakKeyDictionary[Engine, OnSale] = WeakKeyDictionary()
_reading = Lock()
VERSION = select(Shelf.__table__.c.version)


def on_sale(session: Session) -> OnSale:
    """What is on sale now. Inside a transaction that writes it is read anew, and may be changed like any other rows."""
    if may_change(session):
        return _shelve(session, session.scalars(_WANTED).all(), None)
    asked_in, known = session.info.get(_ASKED, (None, None))
    if known is None or asked_in is not session.get_transaction():
        known = _look(session)
        session.info[_ASKED] = (session.get_transaction(), known)
    return known


def find_kept(session: Session, listing_id: int, version: int | None) -> Listing | None:
    """A listing on sale as it is kept, for reading its prices, rules and terms in a transaction that writes.

    `version` is the shelf's number as this transaction sees it: a change to what is on sale and its new number are
    committed as one, so while the number is the same the rows are. None where they must be read: they have changed, or
    this transaction changes them itself, or nothing was kept in the last minute.
    """
    known = None if was_changed(session) else _find(_engine_of(session), version)
    return known.by_id.get(listing_id) if known else None


def find_reading(session: Session, version: int | None) -> Hashable | None:
    """What marks the reading that is kept, where it holds under this number of the shelf; None where none does."""
    known = _find(_engine_of(session), version)
    return known.reading if known else None


def find_place(session: Session) -> Property | None:
    """The property that names the shop: the first one. None before anything is set up."""
    return _read_place(session) if may_change(session) else on_sale(session).place


def _look(session: Session) -> OnSale:
    # The number first: what is read after it is as new as it says, or newer, and then the next look finds another one.
    version = session.execute(VERSION).scalar()
    engine = _engine_of(session)
    known = _find(engine, version)
    if known is None:
        with _reading:  # by one thread for all: the others would each take the same time and room
            known = _find(engine, version)
            if known is None:
                known = _kept[engine] = _read_apart(session.connection(), version)
    return known


def _engine_of(session: Session) -> Engine:
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    return engine


def _find(engine: Engine, version: int | None) -> OnSale | None:
    """What is kept, where it still holds."""
    known = _kept.get(engine)
    if known is None or version is None or known.version != version:
        return None
    return known if known.read_at > time.monotonic() - KEPT_SECONDS else None


def _read_apart(connection: Connection, version: int | None) -> OnSale:
    """In a session of its own, so that what is read belongs to none once that is closed."""
    with Session(bind=connection, autoflush=False) as apart:
        return _shelve(apart, list(_kept_listings(apart)), version)


def _kept_listings(apart: Session) -> Iterator[Listing]:
    """Page by page, each as new as the number or newer: a place kept in one long answer would need a transaction."""
    page = apart.scalars(_WANTED.limit(_AT_ONCE)).all()
    while page:
        for listing in page:
            listing.keep()
            yield listing
        after = tuple_(Listing.position, Listing.id) > (page[-1].position, page[-1].id)
        page = [] if len(page) < _AT_ONCE else apart.scalars(_WANTED.where(after).limit(_AT_ONCE)).all()


def _shelve(session: Session, listings: Sequence[Listing], version: int | None) -> OnSale:
    by_slug = {listing.slug: listing for listing in listings}
    by_id = {listing.id: listing for listing in listings}
    return OnSale(version, time.monotonic(), tuple(listings), by_slug, by_id, _read_place(session))


def _read_place(session: Session) -> Property | None:
    return session.scalar(select(Property).options(joinedload(Property.plan_choice)).order_by(Property.id).limit(1))
