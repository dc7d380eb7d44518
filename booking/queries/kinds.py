"""What of all on sale is alike, worked out once and kept as long as nothing on sale has changed.

A search asks a thousand listings the same few questions: each kind of rules is asked once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Text, cast, select
from sqlalchemy.orm import Session

from booking.models import Listing, Unit
from booking.models.shelf import may_change
from booking.queries.on_sale import OnSale, on_sale


@dataclass(frozen=True, slots=True)
class UnitsOnSale:
    """Every active unit of a listing on sale. Their ids are text, as the databases tell many of them in one value."""

    ids: frozenset[str]
    listing_of: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Listings by kind: those of one kind have the same rules, in houses of the same time zone."""

    listings: Sequence[Listing]
    ids: tuple[int, ...]  # of each listing
    kinds: tuple[int, ...]  # of each listing, the number of its kind
    first: tuple[Listing, ...]  # of each kind, the first listing of it
    sizes: tuple[tuple[int, int], ...]  # of each listing

    @classmethod
    def among(cls, listings: Sequence[Listing]) -> "Kinds":
        """These listings, whatever is kept."""
        numbers: dict[object, int] = {}
        first: list[Listing] = []
        kinds: list[int] = []
        for listing in listings:
            number = numbers.setdefault((listing.rules, listing.property.timezone), len(numbers))
            if number == len(first):
                first.append(listing)
            kinds.append(number)
        sizes = tuple((listing.max_guests, listing.area_m2 or 0) for listing in listings)
        return cls(listings, tuple(listing.id for listing in listings), tuple(kinds), tuple(first), sizes)


# With what they were worked out of: it is another one as soon as anything on sale has changed.
_units: WeakKeyDictionary[Engine, tuple[OnSale, UnitsOnSale]] = WeakKeyDictionary()
_kinds: WeakKeyDictionary[Engine, tuple[OnSale, Kinds]] = WeakKeyDictionary()


def units_on_sale(session: Session) -> UnitsOnSale:
    """Which units there are. Inside a transaction that writes they are read anew."""
    if may_change(session):
        return _read_units(session)
    shelf, engine = on_sale(session), _engine(session)
    if (known := _units.get(engine)) is None or known[0] is not shelf:
        known = _units[engine] = shelf, _read_units(session)
    return known[1]


def kinds_on_sale(session: Session) -> Kinds:
    """All on sale by kind. Inside a transaction that writes it is worked out anew."""
    shelf, engine = on_sale(session), _engine(session)
    if may_change(session):
        return Kinds.among(shelf.listings)
    if (known := _kinds.get(engine)) is None or known[0] is not shelf:
        known = _kinds[engine] = shelf, Kinds.among(shelf.listings)
    return known[1]


def _engine(session: Session) -> Engine:
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    return engine


def _read_units(session: Session) -> UnitsOnSale:
    wanted = select(cast(Unit.id, Text).label("told"), Unit.listing_id).join(Listing)
    rows = session.execute(wanted.where(Unit.is_active, Listing.is_active))
    listing_of = {row.told: row.listing_id for row in rows}
    return UnitsOnSale(frozenset(listing_of), listing_of)
