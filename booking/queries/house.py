"""What the pages of the house show: the property, its listings with their units, and how the shop is connected."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.states import BookingStatus
from booking.models import Booking, Heartbeat, Listing, Night, OldSlug, OutboxRow, Photo, Unit, WebhookEvent
from booking.models.outbox import OutboxState
from booking.queries.dashboard import get_house_zone
from booking.queries.health import OLDEST_BEAT, WORKER
from booking.queries.nights import is_taken

_TEST_MAILS = "mail:test_mail:%"
_TO_COME = (BookingStatus.PENDING, BookingStatus.CONFIRMED)


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One listing as the list of them shows it."""

    id: int
    name: str
    slug: str
    is_active: bool
    nightly: Money
    max_guests: int
    units: int  # in use
    photos: int
    to_come: int  # bookings


@dataclass(frozen=True, slots=True)
class TestMail:
    """What became of the last test mail. `state` None: none was ever asked for."""

    state: OutboxState | None = None
    asked_at: datetime | None = None
    done_at: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """When the worker and Stripe's events were last seen. None: never."""

    worker_at: datetime | None
    is_worker_alive: bool
    webhook_at: datetime | None
    test_mail: TestMail


def list_shelf_rows(session: Session, now: datetime) -> list[ListingRow]:
    """Every listing, on sale or not, in the house's own order."""
    units, photos, coming = _count(session, Unit, Unit.is_active), _count(session, Photo), _count_to_come(session, now)
    listings = session.scalars(select(Listing).order_by(Listing.position, Listing.id))
    return [
        ListingRow(
            row.id, row.name, row.slug, row.is_active, Money(row.nightly_minor, row.property.currency),
            row.max_guests, units.get(row.id, 0), photos.get(row.id, 0), coming.get(row.id, 0),
        )
        for row in listings
    ]  # fmt: skip


def find_listing(session: Session, listing_id: int) -> Listing | None:
    """One listing, on sale or not."""
    wanted = select(Listing).where(Listing.id == listing_id).execution_options(populate_existing=True)
    return session.scalar(wanted)


def find_unit(session: Session, unit_id: int) -> Unit | None:
    """One unit, in use or not."""
    return session.get(Unit, unit_id)


def find_moved_slug(session: Session, slug: str) -> str | None:
    """The address that a listing on sale has now, for one it had before."""
    moved = select(Listing.slug).join(OldSlug, OldSlug.listing_id == Listing.id)
    return session.scalar(moved.where(OldSlug.slug == slug.replace("\0", ""), Listing.is_active))


def count_to_come(session: Session, listing_id: int, now: datetime) -> int:
    """How many bookings of a listing have not ended yet."""
    return _count_to_come(session, now).get(listing_id, 0)


def list_booked(session: Session, unit_id: int, since: date, now: datetime) -> list[tuple[int, str, date, date]]:
    """Who has nights in a unit from a day on: the booking's id and reference, its first night and its last day."""
    rows = session.execute(
        select(Booking.id, Booking.reference, Booking.arrive, Booking.leave)
        .join(Night, Night.booking_id == Booking.id)
        .where(Night.unit_id == unit_id, Night.day >= since, is_taken(now))
        .distinct()
        .order_by(Booking.arrive, Booking.id)
    )
    return [(row.id, row.reference, row.arrive, row.leave) for row in rows]


def has_bookings(session: Session) -> bool:
    """Whether anybody ever booked here."""
    return session.scalar(select(Booking.id).limit(1)) is not None


def read_connection(session: Session, now: datetime) -> Connection:
    """When worker and webhook were last seen, and what became of the last test mail."""
    worker_at = session.scalar(select(Heartbeat.beaten_at).where(Heartbeat.name == WORKER))
    is_alive = worker_at is not None and worker_at > now - OLDEST_BEAT
    webhook_at = session.scalar(select(func.max(WebhookEvent.received_at)))
    return Connection(worker_at, is_alive, webhook_at, _last_test_mail(session))


def _last_test_mail(session: Session) -> TestMail:
    last = select(OutboxRow).where(OutboxRow.dedupe_key.like(_TEST_MAILS)).order_by(OutboxRow.id.desc()).limit(1)
    row = session.scalar(last.execution_options(populate_existing=True))
    return TestMail(row.state, row.created_at, row.done_at, row.last_error) if row else TestMail()


def _count(session: Session, model: type[Unit] | type[Photo], *conditions: object) -> dict[int, int]:
    counted = select(model.listing_id, func.count()).where(*conditions).group_by(model.listing_id)  # type: ignore[arg-type]
    return {row[0]: row[1] for row in session.execute(counted)}


def _count_to_come(session: Session, now: datetime) -> dict[int, int]:
    today = now.astimezone(get_house_zone(session)).date()
    coming = select(Booking.listing_id, func.count()).where(Booking.status.in_(_TO_COME), Booking.leave > today)
    return {row[0]: row[1] for row in session.execute(coming.group_by(Booking.listing_id))}
