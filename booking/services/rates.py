"""Changing what a house charges: one function for each change, which checks it, writes it and tells the audit log.

Each can be tried first: then everything is done but kept, and what comes back are the same examples as after a change.
Bookings that are placed keep the price that was frozen with them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from booking.database import insert_into, transaction
from booking.domain.errors import ListingNotFound, RateNotFound, RateRefused
from booking.domain.examples import Example, Point, make_examples
from booking.domain.rate_changes import (
    CouponChange,
    DayPrices,
    DiscountChange,
    Draft,
    ExtraChange,
    FeeChange,
    MoreGuests,
    PlainPrices,
    SeasonChange,
    TaxChange,
    TouristTaxChange,
)
from booking.models import Booking, Coupon, DayPrice, Discount, Extra, Fee, Listing, Property, Season, Tax
from booking.runtime import Runtime
from booking.services import audit

Examples = tuple[Example, ...]
# More than any house needs, and few enough that a page of stays reads them all in no time.
MOST_ROWS = 100
MOST_DAY_PRICES = 800


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, and whether it is only tried: then nothing of it is kept."""

    runtime: Runtime
    who: str  # the address of a member of staff
    is_trial: bool = False


class _TakenBack(Exception):
    """The end of a trial."""


# --- of a listing ---------------------------------------------------------------------------------------------------


def set_prices(change: Change, listing_id: int, prices: PlainPrices) -> Examples:
    """What nights cost outside all seasons, and cleaning. Commits. Raises RateRefused, ListingNotFound."""
    return _set(change, listing_id, prices, "rates.prices_set")


def set_more_guests(change: Change, listing_id: int, more: MoreGuests) -> Examples:
    """For how many a night is, and what more cost. Commits. Raises RateRefused, ListingNotFound."""
    return _set(change, listing_id, more, "rates.more_guests_set")


def set_tourist_tax(change: Change, listing_id: int, tax: TouristTaxChange) -> Examples:
    """What the place asks of guests. Commits. Raises RateRefused, ListingNotFound."""
    return _set(change, listing_id, tax, "rates.tourist_tax_set")


def set_day_prices(change: Change, listing_id: int, days: DayPrices) -> Examples:
    """The price of single nights, above all else. Commits. Raises RateRefused, ListingNotFound."""
    with _changing(change) as session:
        listing, now = _lock_listing(session, listing_id), change.runtime.clock.now()
        days.check(listing.property.currency)
        wanted = [days.first_on + timedelta(days=ahead) for ahead in range((days.last_on - days.first_on).days + 1)]
        _forget_past_days(session, listing, now)
        before = {each.day.isoformat(): each.nightly_minor for each in listing.day_prices if each.day in wanted}
        _write_days(session, listing, wanted, days.nightly_minor)
        subject = f"listing {listing_id}"
        audit.record(session, change.who, "rates.days_set", subject, now, before=before, after=_facts(days))
        return _examples(session, listing, Point(listing.name, "these nights", days.first_on), now)


def remove_day_price(change: Change, listing_id: int, day: date) -> None:
    """Let a night cost again what its season or weekday does. Commits; twice is once."""
    with _changing(change) as session:
        row = session.get(DayPrice, (listing_id, day))
        if row is not None:
            before = {"day": day.isoformat(), "nightly_minor": row.nightly_minor}
            session.delete(row)
            now = change.runtime.clock.now()
            audit.record(session, change.who, "rates.day_removed", f"listing {listing_id}", now, before=before)


def save_season(change: Change, listing_id: int, season_id: int | None, season: SeasonChange) -> Examples:
    """Add a season, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _SEASON, listing_id, season_id, season)


def remove_season(change: Change, listing_id: int, season_id: int) -> None:
    """Let its nights cost what they cost without it. Commits; twice is once."""
    _remove(change, _SEASON, listing_id, season_id)


def save_discount(change: Change, listing_id: int, discount_id: int | None, discount: DiscountChange) -> Examples:
    """Add a discount, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _DISCOUNT, listing_id, discount_id, discount)


def remove_discount(change: Change, listing_id: int, discount_id: int) -> None:
    """Give it no more. Commits; twice is once."""
    _remove(change, _DISCOUNT, listing_id, discount_id)


def save_fee(change: Change, listing_id: int, fee_id: int | None, fee: FeeChange) -> Examples:
    """Add a fee, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _FEE, listing_id, fee_id, fee)


def remove_fee(change: Change, listing_id: int, fee_id: int) -> None:
    """Ask for it no more. Commits; twice is once."""
    _remove(change, _FEE, listing_id, fee_id)


# --- of a property --------------------------------------------------------------------------------------------------


def save_tax(change: Change, property_id: int, tax_id: int | None, tax: TaxChange) -> Examples:
    """Add a tax, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _TAX, property_id, tax_id, tax)


def remove_tax(change: Change, property_id: int, tax_id: int) -> None:
    """Ask for it, or tell of it, no more. Commits; twice is once."""
    _remove(change, _TAX, property_id, tax_id)


def save_extra(change: Change, property_id: int, extra_id: int | None, extra: ExtraChange) -> Examples:
    """Add an extra, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _EXTRA, property_id, extra_id, extra)


def remove_extra(change: Change, property_id: int, extra_id: int) -> None:
    """Offer it no more; bookings that chose it keep it. Commits; twice is once."""
    _remove(change, _EXTRA, property_id, extra_id)


def save_coupon(change: Change, property_id: int, coupon_id: int | None, coupon: CouponChange) -> Examples:
    """Add a code, or change one. Commits. Raises RateRefused, RateNotFound, ListingNotFound."""
    return _save(change, _COUPON, property_id, coupon_id, coupon)


def end_coupon(change: Change, property_id: int, coupon_id: int) -> None:
    """Take a code no more. One that no booking has ever named is forgotten. Commits; twice is once."""
    with _changing(change) as session:
        row = _find_row(session, _COUPON, property_id, coupon_id)
        if row is None or not row.is_active:
            return
        if session.scalar(select(exists().where(Booking.coupon_id == coupon_id))):
            row.is_active = False
        else:
            session.delete(row)
        now, subject = change.runtime.clock.now(), f"property {property_id}"
        audit.record(session, change.who, "rates.coupon_ended", subject, now, before={"code": row.code})


# --- rows that have a name ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of row that belongs to a listing or a property."""

    model: Any
    word: str
    owner: type[Listing] | type[Property]

    @property
    def owner_column(self) -> str:
        return f"{self.owner_word}_id"

    @property
    def owner_word(self) -> str:
        return self.owner.__tablename__


_SEASON = _Kind(Season, "season", Listing)
_DISCOUNT = _Kind(Discount, "discount", Listing)
_FEE = _Kind(Fee, "fee", Listing)
_TAX = _Kind(Tax, "tax", Property)
_EXTRA = _Kind(Extra, "extra", Property)
_COUPON = _Kind(Coupon, "coupon", Property)


def _save(change: Change, kind: _Kind, owner_id: int, row_id: int | None, draft: Draft) -> Examples:
    with _changing(change) as session:
        owner, now = _lock_owner(session, kind, owner_id), change.runtime.clock.now()
        place = owner if isinstance(owner, Property) else owner.property
        draft.check(place.currency)
        row = _row_to_write(session, kind, owner_id, row_id, draft)
        before = _facts_of(row, draft) if row_id else None
        for name, value in draft.values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()  # or the examples would not know of it
        session.expire(owner)
        session.expire(place)
        step = "changed" if row_id else "added"
        subject = f"{kind.owner_word} {owner_id}"
        audit.record(session, change.who, f"rates.{kind.word}_{step}", subject, now, before=before, after=_facts(draft))
        shown = _shown_listing(session, owner)
        return _examples(session, shown, _point(shown, row), now) if shown else ()


def _row_to_write(session: Session, kind: _Kind, owner_id: int, row_id: int | None, draft: Draft) -> Any:
    others = [row for row in _rows(session, kind, owner_id) if row.id != row_id]
    _refuse_same_name(kind, others, draft)
    if row_id is not None:
        row = _find_row(session, kind, owner_id, row_id)
        if row is None:
            raise RateNotFound
        return row
    if len(others) >= MOST_ROWS:
        raise RateRefused(f"There are {MOST_ROWS} already. Remove one that is over first.", field=_name_field(kind))
    return kind.model(**{kind.owner_column: owner_id})


def _refuse_same_name(kind: _Kind, others: Sequence[Any], draft: Draft) -> None:
    """Seasons may have the same name in different years; whatever else has a name has it alone."""
    name = _name_field(kind)
    wanted = draft.values[name].casefold()
    for other in others:
        if getattr(other, name).casefold() != wanted:
            continue
        if not isinstance(draft, SeasonChange):
            raise RateRefused("There is one with this name already.", field=name)
        if draft.first_on <= other.last_on and other.first_on <= draft.last_on:
            raise RateRefused("Another season with this name has some of these nights.", field=name)


def _remove(change: Change, kind: _Kind, owner_id: int, row_id: int) -> None:
    with _changing(change) as session:
        row = _find_row(session, kind, owner_id, row_id)
        if row is None:
            return
        before, now = {"name": row.name}, change.runtime.clock.now()
        session.delete(row)
        subject = f"{kind.owner_word} {owner_id}"
        audit.record(session, change.who, f"rates.{kind.word}_removed", subject, now, before=before)


def _rows(session: Session, kind: _Kind, owner_id: int) -> list[Any]:
    mine = select(kind.model).where(getattr(kind.model, kind.owner_column) == owner_id)
    return list(session.scalars(mine.where(Coupon.is_active) if kind is _COUPON else mine))


def _find_row(session: Session, kind: _Kind, owner_id: int, row_id: int) -> Any:
    row: Any = session.get(kind.model, row_id)
    return row if row is not None and getattr(row, kind.owner_column) == owner_id else None


def _name_field(kind: _Kind) -> str:
    return "code" if kind is _COUPON else "name"


def _point(shown: Listing, row: Any) -> Point:
    if isinstance(row, Season):
        return Point(shown.name, row.name, row.first_on)
    if isinstance(row, Coupon):
        return Point(shown.name, coupon=row.terms)
    return Point(shown.name, extra=str(row.id)) if isinstance(row, Extra) else Point(shown.name)


# --- columns of a listing, and days ---------------------------------------------------------------------------------


def _set(change: Change, listing_id: int, draft: Draft, action: str) -> Examples:
    with _changing(change) as session:
        listing, now = _lock_listing(session, listing_id), change.runtime.clock.now()
        draft.check(listing.property.currency)
        _refuse_more_than_sleep(listing, draft)
        before = _facts_of(listing, draft)
        for name, value in draft.values.items():
            setattr(listing, name, value)
        audit.record(session, change.who, action, f"listing {listing_id}", now, before=before, after=_facts(draft))
        return _examples(session, listing, Point(listing.name), now)


def _refuse_more_than_sleep(listing: Listing, draft: Draft) -> None:
    if isinstance(draft, MoreGuests) and (draft.included_guests or 0) > listing.max_guests:
        raise RateRefused(f"This listing sleeps {listing.max_guests}.", field="included_guests")


def _forget_past_days(session: Session, listing: Listing, now: datetime) -> None:
    """Prices of nights that are over say nothing to anybody; without this they would pile up for ever."""
    past = (DayPrice.listing_id == listing.id) & (DayPrice.day < listing.property.today(now))
    session.execute(delete(DayPrice).where(past))
    session.expire(listing, ["day_prices"])


def _write_days(session: Session, listing: Listing, days: Sequence[date], minor: int) -> None:
    if len({row.day for row in listing.day_prices} | set(days)) > MOST_DAY_PRICES:
        raise RateRefused(f"At most {MOST_DAY_PRICES} nights can have a price of their own.", field="first_on")
    rows = [{"listing_id": listing.id, "day": day, "nightly_minor": minor} for day in days]
    statement = insert_into(session, DayPrice).values(rows)
    fresh = statement.excluded
    changed = {"nightly_minor": fresh.nightly_minor, "updated_at": fresh.updated_at}
    session.execute(statement.on_conflict_do_update(index_elements=[DayPrice.listing_id, DayPrice.day], set_=changed))
    session.expire(listing, ["day_prices"])


# --- common ---------------------------------------------------------------------------------------------------------


@contextmanager
def _changing(change: Change) -> Iterator[Session]:
    """One writing transaction, which is taken back where the change is only tried."""
    try:
        with transaction() as session:
            yield session
            if change.is_trial:
                raise _TakenBack
    except _TakenBack:
        return


def _lock_listing(session: Session, listing_id: int) -> Listing:
    listing = session.get(
        Listing, listing_id, with_for_update={"of": Listing, "key_share": True}, populate_existing=True
    )
    if listing is None:
        raise ListingNotFound
    return listing


def _lock_owner(session: Session, kind: _Kind, owner_id: int) -> Listing | Property:
    if kind.owner is Listing:
        return _lock_listing(session, owner_id)
    place = session.get(Property, owner_id, with_for_update={"key_share": True}, populate_existing=True)
    if place is None:
        raise ListingNotFound
    return place


def _shown_listing(session: Session, owner: Listing | Property) -> Listing | None:
    """The listing whose stays show what a change means: the first of a property."""
    if isinstance(owner, Listing):
        return owner
    mine = select(Listing).where(Listing.property_id == owner.id)
    return session.scalar(mine.order_by(Listing.is_active.desc(), Listing.position, Listing.id).limit(1))


def _examples(session: Session, listing: Listing, point: Point, now: datetime) -> Examples:
    session.flush()
    return make_examples(listing.rates, listing.max_guests, listing.property.today(now), point)


def _facts(draft: Draft) -> dict[str, object]:
    return {name: _plain(value) for name, value in draft.values.items() if value not in (None, {}, "")}


def _facts_of(row: Any, draft: Draft) -> dict[str, object]:
    """What the row said before in the columns that the draft writes."""
    values = {name: getattr(row, name) for name in draft.values}
    return {name: _plain(value) for name, value in values.items() if value not in (None, {}, "")}


def _plain(value: object) -> object:
    return value if isinstance(value, int | bool) else str(value)
