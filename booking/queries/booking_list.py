"""The list of bookings: what it can be searched by, narrowed to and sorted by, and one page of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.states import BookingStatus, PaymentStatus, Source
from booking.models import Attempt, Booking, Dispute, Listing, Payment, Refund, WebhookEvent
from booking.queries.bookings import SELECT_ROWS, BookingRow, read_rows
from booking.queries.dues import owes_something

PAGE_SIZE = 25
_STRIPE_ID = re.compile(r"(cs|pi|ch|py|re|pyr|du|dp|evt)_\w+", re.ASCII)


class BookingFilter(StrEnum):
    """What the list can be narrowed to: where a booking stands, or what is wrong with it."""

    ALL = "all"
    ATTENTION = "attention"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVIEW = "review"
    DISPUTED = "disputed"
    REFUND_FAILED = "refund_failed"
    OWING = "owing"  # something is still to be paid beside the first payment


class BookingOrder(StrEnum):
    """What stands first. No order by total: amounts of two currencies have none."""

    NEWEST = "newest"
    OLDEST = "oldest"
    ARRIVAL = "arrival"
    LAST_ARRIVAL = "last_arrival"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class BookingSearch:
    """Which bookings are wanted, in which order; each part that is empty or None narrows nothing.

    `arrives_to` is the last day of arrival that still counts.
    """

    text: str = ""
    status: BookingFilter = BookingFilter.ALL
    payment: PaymentStatus | None = None
    arrives_from: date | None = None
    arrives_to: date | None = None
    listing_id: int | None = None
    source: Source | None = None
    order: BookingOrder = BookingOrder.NEWEST

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """All of it as conditions on bookings."""
        return [*_matching(self.text), *_standing(self.status), *self._narrowing()]

    @property
    def ordering(self) -> tuple[Any, ...]:
        """What to sort by; the last part is never equal, so that no booking is on two pages or on none."""
        return _ORDERS[self.order]

    def _narrowing(self) -> Iterator[ColumnElement[bool]]:
        if self.payment:
            yield Booking.payment_status == self.payment
        if self.arrives_from:
            yield Booking.arrive >= self.arrives_from
        if self.arrives_to:
            yield Booking.arrive <= self.arrives_to
        if self.listing_id:
            yield Booking.listing_id == self.listing_id
        if self.source:
            yield Booking.confirmed_via == self.source


@dataclass(frozen=True, slots=True)
class BookingPage:
    """One page of the list; `number` begins at 1 and is never beyond the last page."""

    rows: tuple[BookingRow, ...]
    number: int
    pages: int
    total: int


def list_bookings(session: Session, search: BookingSearch, page: int) -> BookingPage:
    """One page of the bookings that are wanted."""
    conditions = search.conditions
    total = session.scalar(select(func.count(Booking.id)).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    part = SELECT_ROWS.where(*conditions).order_by(*search.ordering).limit(PAGE_SIZE)
    rows = read_rows(session, part.offset((number - 1) * PAGE_SIZE))
    return BookingPage(tuple(rows), number, pages, total)


def list_listing_choices(session: Session) -> list[tuple[int, str]]:
    """Every listing as a form offers it, in the order of the shop: its id and its name."""
    rows = session.execute(select(Listing.id, Listing.name).order_by(Listing.position, Listing.name, Listing.id))
    return [(listing_id, name) for listing_id, name in rows]


_ORDERS: dict[BookingOrder, tuple[Any, ...]] = {
    BookingOrder.NEWEST: (Booking.id.desc(),),
    BookingOrder.OLDEST: (Booking.id,),
    BookingOrder.ARRIVAL: (Booking.arrive, Booking.id),
    BookingOrder.LAST_ARRIVAL: (Booking.arrive.desc(), Booking.id.desc()),
    BookingOrder.NAME: (func.lower(Booking.guest_name), Booking.id),
}
_FLAGS: dict[BookingFilter, ColumnElement[bool]] = {
    BookingFilter.REVIEW: Booking.needs_review.is_(True),
    BookingFilter.DISPUTED: Booking.disputed.is_(True),
    BookingFilter.REFUND_FAILED: Booking.refund_failed.is_(True),
}


def _standing(status: BookingFilter) -> list[ColumnElement[bool]]:
    if status is BookingFilter.ALL:
        return []
    if status is BookingFilter.ATTENTION:
        return [or_(*_FLAGS.values())]
    if status is BookingFilter.OWING:
        return [owes_something()]
    return [_FLAGS[status] if status in _FLAGS else Booking.status == BookingStatus(status.value)]


def _matching(wanted: str) -> list[ColumnElement[bool]]:
    text = wanted.replace("\0", "").strip()[:120]  # PostgreSQL has no place for NUL
    if not text:
        return []
    if _STRIPE_ID.fullmatch(text):
        return [or_(*_with_stripe_id(text))]
    return [or_(Booking.reference == _as_reference(text), *_containing(text))]


def _with_stripe_id(stripe_id: str) -> Iterator[ColumnElement[bool]]:
    """A booking is found by the id of any object that Stripe made for it, or of any event about it."""
    places: tuple[tuple[Any, Any], ...] = (
        (Attempt, Attempt.session_id),
        (Attempt, Attempt.payment_intent_id),
        (Payment, Payment.payment_intent_id),
        (Payment, Payment.charge_id),
        (Refund, Refund.stripe_refund_id),
        (Dispute, Dispute.stripe_dispute_id),
        (WebhookEvent, WebhookEvent.id),
    )
    for model, column in places:
        yield Booking.id.in_(select(model.booking_id).where(column == stripe_id))


def _containing(text: str) -> Iterator[ColumnElement[bool]]:
    # SQLite ignores case only for ASCII letters, so the usual ways to write other ones are tried too.
    for variant in {text, text.lower(), text.upper(), text.title()}:
        yield Booking.guest_name.icontains(variant, autoescape=True)
        yield Booking.guest_email.icontains(variant, autoescape=True)


def _as_reference(text: str) -> str:
    """What a person read out or typed, in the alphabet of references: no O, I or L, and no dashes."""
    return text.upper().translate(str.maketrans("OIL", "011", "- "))
