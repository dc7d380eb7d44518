"""What of all on sale is alike, worked out once and kept as long as nothing on sale has changed.

A search asks a thousand listings the same few questions: each kind of rules is asked once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.models import Listing, Unit
from booking.models.shelf import may_change
from booking.queries.on_sale import on_sale


@dataclass(frozen=True, slots=True)
class UnitsOnSale:
    """Every active unit of a listing on sale."""

    ids: frozenset[int]
    listing_of: Mapping[int, int]


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


def units_on_sale(session: Session) -> UnitsOnSale:
    """Which units there are. Inside a transaction that writes they are read anew."""
    if may_change(session):
        return _read_units(session)
    return on_sale(session).work_out(UnitsOnSale, lambda: _read_units(session))


def kinds_on_sale(session: Session) -> Kinds:
    """All on sale by kind. Inside a transaction that writes it is worked out anew."""
    shelf = on_sale(session)
    return shelf.work_out(Kinds, lambda: Kinds.among(shelf.listings))


def _read_units(session: Session) -> UnitsOnSale:
    wanted = select(Unit.id, Unit.listing_id).join(Listing).where(Unit.is_active, Listing.is_active)
    listing_of = dict(session.execute(wanted).all())
    return UnitsOnSale(frozenset(listing_of), listing_of)
