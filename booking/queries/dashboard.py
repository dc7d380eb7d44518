"""What staff should see first: what needs a person, who comes and goes, and who is still paying."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.states import DISPUTE_WAITING, BookingStatus, PaymentMethod, PaymentStatus, RefundStatus
from booking.models import (
    Booking,
    Dispute,
    Job,
    Listing,
    OutboxRow,
    Payment,
    PromiseCheck,
    Property,
    Refund,
    WebhookEvent,
)
from booking.models.job import JobKind, JobState
from booking.models.outbox import OutboxState
from booking.queries.bookings import BookingRow, list_rows
from booking.queries.dues import balance_is_late
from booking.queries.inbox import STUCK
from booking.queries.requests import RequestRow, list_waiting_requests

MOST_SHOWN = 50
_ZONES = select(Property.id, Property.timezone)
Zones = list[tuple[int, ZoneInfo]]  # of each property by its id


@dataclass(frozen=True, slots=True)
class Day:
    """Who arrives and leaves on one day of the property's own calendar."""

    title: str  # "Today" or "Tomorrow"
    arrivals: tuple[BookingRow, ...]
    departures: tuple[BookingRow, ...]


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """One dispute that waits for an answer."""

    dispute_id: int
    booking_id: int
    reference: str
    amount: Money
    reason: str
    due_by: datetime | None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The first page, loaded."""

    zone: ZoneInfo
    today: date
    reviews: tuple[BookingRow, ...]
    failed_refunds: tuple[BookingRow, ...]
    late_balances: tuple[BookingRow, ...]  # not paid by the day that was agreed
    handovers: tuple[BookingRow, ...]  # money that the house took itself and owes the guest
    disputes: tuple[DisputeRow, ...]
    dead_rows: int
    stuck_events: int
    differences: int  # what the last comparison with Stripe left to a person
    broken_promises: int  # what the worker found wrong with our own rows
    days: tuple[Day, ...]
    in_house: tuple[BookingRow, ...]
    holds: tuple[BookingRow, ...]
    requests: tuple[RequestRow, ...]  # whose time to answer ends first comes first

    @property
    def needs_you(self) -> int:
        """How many things wait for a person."""
        lists = (
            self.requests,
            self.reviews,
            self.failed_refunds,
            self.handovers,
            self.disputes,
            self.late_balances,
        )
        return sum(map(len, lists)) + self.dead_rows + self.stuck_events + self.differences + self.broken_promises


def get_dashboard(session: Session, now: datetime) -> Dashboard:
    """Everything the first page shows, in a fixed number of statements."""
    zone, zones = get_house_zone(session), _zones(session)
    return Dashboard(
        zone=zone,
        today=now.astimezone(zone).date(),
        reviews=tuple(list_rows(session, Booking.needs_review.is_(True))),
        failed_refunds=tuple(list_rows(session, Booking.refund_failed.is_(True))),
        late_balances=tuple(list_rows(session, _owes_since(zones, now), soonest=True)),
        handovers=tuple(list_rows(session, _is_to_be_handed_over())),
        disputes=_waiting_disputes(session),
        dead_rows=session.scalar(select(func.count()).where(OutboxRow.state == OutboxState.DEAD)) or 0,
        stuck_events=_count_stuck_events(session),
        differences=_count_differences(session),
        broken_promises=session.scalar(select(func.count()).where(PromiseCheck.broken > 0)) or 0,
        days=_days(session, zones, now),
        in_house=tuple(list_rows(session, *_staying(zones, now), soonest=True)),
        holds=_holds(session, now),
        requests=tuple(row for row in list_waiting_requests(session) if row.can_be_answered),
    )


def get_house_zone(session: Session) -> ZoneInfo:
    """The zone in which pages about the whole house tell the time: the first property's, or UTC before there is one."""
    return ZoneInfo(session.scalar(select(Property.timezone).order_by(Property.id).limit(1)) or "UTC")


def _owes_since(zones: Zones, now: datetime) -> ColumnElement[bool]:
    return _by_own_calendar(zones, now, balance_is_late)


def _is_to_be_handed_over() -> ColumnElement[bool]:
    owed = select(Refund.booking_id).join(Payment, Payment.id == Refund.payment_id)
    return Booking.id.in_(owed.where(Payment.method != PaymentMethod.STRIPE, Refund.status == RefundStatus.REQUESTED))


def _waiting_disputes(session: Session) -> tuple[DisputeRow, ...]:
    waiting = (
        select(Dispute, Booking.reference)
        .join(Booking, Dispute.booking_id == Booking.id)
        .where(Dispute.status.in_(DISPUTE_WAITING))
        .order_by(Dispute.due_by, Dispute.id)
        .limit(MOST_SHOWN)
    )
    return tuple(
        DisputeRow(row.id, row.booking_id, reference, row.amount, row.reason, row.due_by)
        for row, reference in session.execute(waiting)
    )


def _count_stuck_events(session: Session) -> int:
    stuck = WebhookEvent.outcome.in_(STUCK)
    return session.scalar(select(func.count()).where(stuck)) or 0


def _count_differences(session: Session) -> int:
    """Of the last comparison that came to its end; a later one takes its place."""
    done = select(Job.result).where(Job.kind == JobKind.RECONCILE.value, Job.state == JobState.DONE)
    lines = session.scalar(done.order_by(Job.id.desc()).limit(1)) or []
    return sum(bool(line.get("is_problem")) for line in lines)


def _days(session: Session, zones: Zones, now: datetime) -> tuple[Day, ...]:
    coming = list_rows(session, Booking.status == BookingStatus.CONFIRMED, _moving_soon(zones, now), soonest=True)
    return tuple(_day(title, offset, coming, now) for offset, title in enumerate(("Today", "Tomorrow")))


def _moving_soon(zones: Zones, now: datetime) -> ColumnElement[bool]:
    """Arriving or leaving today or tomorrow."""

    def moving(today: date) -> ColumnElement[bool]:
        days = (today, today + timedelta(days=1))
        return or_(Booking.arrive.in_(days), Booking.leave.in_(days))

    return _by_own_calendar(zones, now, moving)


def _staying(zones: Zones, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Neither arriving nor leaving today, but there."""
    there = _by_own_calendar(zones, now, lambda today: and_(Booking.arrive < today, Booking.leave > today))
    return Booking.status == BookingStatus.CONFIRMED, Booking.no_show_at.is_(None), there


def _zones(session: Session) -> Zones:
    return [(property_id, ZoneInfo(name)) for property_id, name in session.execute(_ZONES)]


def _by_own_calendar(
    zones: Zones, now: datetime, of_today: Callable[[date], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """A condition on today, each property by its own calendar."""
    conditions = []
    for property_id, zone in zones:
        today = now.astimezone(zone).date()
        conditions.append(and_(Listing.property_id == property_id, of_today(today)))
    return or_(*conditions) if conditions else Booking.id.is_(None)


def _day(title: str, offset: int, rows: list[BookingRow], now: datetime) -> Day:
    def on_that_day(row: BookingRow, day: date) -> bool:
        return day == now.astimezone(row.zone).date() + timedelta(days=offset)

    arrivals = tuple(row for row in rows if on_that_day(row, row.arrive))
    return Day(title, arrivals, tuple(row for row in rows if on_that_day(row, row.leave)))


def _holds(session: Session, now: datetime) -> tuple[BookingRow, ...]:
    return tuple(list_rows(session, is_on_hold(now), Booking.payment_status != PaymentStatus.AUTHORIZED))[:MOST_SHOWN]


def is_on_hold(now: datetime) -> ColumnElement[bool]:
    """Not paid yet, and keeping its nights: until a moment, or until a delayed payment has come to its end."""
    on_its_way = Booking.payment_status == PaymentStatus.PROCESSING
    held = or_(Booking.hold_until > now, and_(Booking.hold_until.is_(None), on_its_way))
    return and_(Booking.status == BookingStatus.PENDING, held)
