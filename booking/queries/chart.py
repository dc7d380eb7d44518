"""The tape chart: every unit with its nights, read from the rows that sell them and from nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.states import BookingStatus, PaymentStatus
from booking.domain.strips import Strip, Window, lay_out
from booking.models import Booking, Closure, Listing, Night, Unit
from booking.queries.dashboard import get_house_zone
from booking.queries.nights import is_taken

_ONE_DAY = timedelta(days=1)


class Owner(NamedTuple):
    """Whose a night is: a booking's, or else a closure's."""

    booking_id: int | None
    closure_id: int | None


@dataclass(frozen=True, slots=True)
class ChartBooking:
    """What the chart says of a booking."""

    id: int
    reference: str
    guest_name: str
    arrive: date
    leave: date
    status: BookingStatus
    payment_status: PaymentStatus
    unit_id: int
    needs_review: bool
    disputed: bool
    keeps: bool  # confirmed, or held for some time to come
    nights_kept: int
    keeps_until: date  # earlier than `leave` where nobody came and the rest was put on sale

    @property
    def stay(self) -> Stay:
        """The nights it was booked for."""
        return Stay(self.arrive, self.leave)

    @property
    def is_hold(self) -> bool:
        """Whether it keeps its nights without being paid."""
        return self.status is BookingStatus.PENDING

    @property
    def is_request(self) -> bool:
        """Whether a sum is reserved for it and its guest waits for the house's answer: nobody is to pay in time."""
        return self.is_hold and self.payment_status is PaymentStatus.AUTHORIZED

    @property
    def needs_a_look(self) -> bool:
        """Whether its payment does not fit, or a bank wants it back."""
        return self.needs_review or self.disputed

    @property
    def lacks_nights(self) -> bool:
        """Whether fewer nights are kept for it than it was booked for: somebody else has the rest, or can buy it."""
        return self.keeps and self.nights_kept != (self.keeps_until - self.arrive).days


@dataclass(frozen=True, slots=True)
class ChartClosure:
    """What the chart says of a closure."""

    id: int
    arrive: date
    leave: date
    reason: str

    @property
    def stay(self) -> Stay:
        """The nights that are off sale."""
        return Stay(self.arrive, self.leave)


@dataclass(frozen=True, slots=True)
class Bar:
    """One strip of a row, with what it stands for; both None where the nights are free."""

    strip: Strip[Owner]
    booking: ChartBooking | None = None
    closure: ChartClosure | None = None

    @property
    def is_free(self) -> bool:
        """Whether these nights can be sold."""
        return self.strip.owner is None


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One unit and its nights."""

    unit_id: int
    unit: str
    listing_id: int
    listing: str
    is_active: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """The units of one listing."""

    listing: str
    rows: tuple[ChartRow, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole picture. `conflicts` are bookings that keep fewer nights than they were booked for."""

    window: Window
    today: date
    groups: tuple[ChartGroup, ...]
    conflicts: tuple[ChartBooking, ...]

    @property
    def agenda(self) -> Iterator[tuple[date, list[tuple[ChartRow, Bar]]]]:
        """The same as a list: for each day the strips that begin on it; those that run already stand at the first."""
        begins: dict[date, list[tuple[ChartRow, Bar]]] = defaultdict(list)
        for group in self.groups:
            for row in group.rows:
                for bar in row.bars:
                    if not bar.is_free:
                        begins[bar.strip.first].append((row, bar))
        return ((day, begins[day]) for day in sorted(begins))


def draw_chart(session: Session, first: date | None, nights: int, now: datetime) -> Chart:
    """The chart of so many nights from a day on, or from today, in five statements however large the house is."""
    today = now.astimezone(get_house_zone(session)).date()
    window = Window(first or today, nights)
    owners = _owners(session, window, now)
    bookings = {booking.id: booking for booking in _bookings(session, window, now)}
    closures = {closure.id: closure for closure in _closures(session, window)}
    groups: dict[int, list[ChartRow]] = defaultdict(list)
    for listing_id, listing, unit_id, unit, is_active in _units(session):
        if is_active or owners[unit_id]:
            bars = tuple(_bars(lay_out(owners[unit_id], window), bookings, closures))
            groups[listing_id].append(ChartRow(unit_id, unit, listing_id, listing, is_active, bars))
    conflicts = tuple(booking for booking in bookings.values() if booking.lacks_nights)
    return Chart(window, today, tuple(ChartGroup(rows[0].listing, tuple(rows)) for rows in groups.values()), conflicts)


def _bars(
    strips: Iterable[Strip[Owner]], bookings: dict[int, ChartBooking], closures: dict[int, ChartClosure]
) -> Iterator[Bar]:
    for strip in strips:
        booking_id, closure_id = strip.owner or (None, None)
        yield Bar(strip, bookings.get(booking_id or 0), closures.get(closure_id or 0))


def _owners(session: Session, window: Window, now: datetime) -> dict[int, dict[date, Owner]]:
    """For each unit whose its nights are, with one more night on both sides."""
    rows = select(Night.unit_id, Night.day, Night.booking_id, Night.closure_id).where(_near(window), is_taken(now))
    owners: dict[int, dict[date, Owner]] = defaultdict(dict)
    for unit_id, day, booking_id, closure_id in session.execute(rows):
        owners[unit_id][day] = Owner(booking_id, closure_id)
    return owners


def _near(window: Window) -> ColumnElement[bool]:
    return and_(Night.day >= window.first - _ONE_DAY, Night.day <= window.end)


def _bookings(session: Session, window: Window, now: datetime) -> list[ChartBooking]:
    """Those that have nights here, and those that should have some."""
    has_nights = Booking.id.in_(select(Night.booking_id).where(_near(window), Night.booking_id.is_not(None)))
    should_have = and_(_keeps(now), Booking.arrive < window.end, Booking.keeps_until > window.first)
    columns: tuple[Any, ...] = (
        Booking.id,
        Booking.reference,
        Booking.guest_name,
        Booking.arrive,
        Booking.leave,
        Booking.status,
        Booking.payment_status,
        Booking.unit_id,
        Booking.needs_review,
        Booking.disputed,
        _keeps(now),
        _nights_kept(),
        Booking.keeps_until,
    )
    wanted = select(*columns).where(or_(has_nights, should_have)).order_by(Booking.arrive, Booking.id)
    return [ChartBooking(*row) for row in session.execute(wanted)]


def _keeps(now: datetime) -> ColumnElement[bool]:
    held = or_(Booking.hold_until.is_(None), Booking.hold_until > now)
    return or_(Booking.status == BookingStatus.CONFIRMED, and_(Booking.status == BookingStatus.PENDING, held))


def _nights_kept() -> ScalarSelect[int]:
    return select(func.count()).where(Night.booking_id == Booking.id).scalar_subquery()


def _closures(session: Session, window: Window) -> list[ChartClosure]:
    here = and_(Closure.arrive <= window.end, Closure.leave >= window.first)
    rows = select(Closure.id, Closure.arrive, Closure.leave, Closure.reason).where(here)
    return [ChartClosure(*row) for row in session.execute(rows)]


def _units(session: Session) -> Iterable[Any]:
    rows = select(Listing.id, Listing.name, Unit.id, Unit.name, Unit.is_active).join(
        Listing, Unit.listing_id == Listing.id
    )
    order = (Listing.position, Listing.name, Listing.id, Unit.position, Unit.id)
    return session.execute(rows.order_by(*order))
