"""What the shop forgets by itself, because nothing needs it any more. What guests ask for is in privacy.py."""

import json
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Text, cast, delete, exists, select, update

from booking.database import end_read, transaction
from booking.domain.states import BookingStatus
from booking.extensions import db
from booking.models import AccessLink, Booking, BookingEvent, Payment, WebhookEvent
from booking.models.webhook import InboxOutcome
from booking.runtime import Runtime
from booking.services.privacy import erase_if_lawful, nothing_left

# Guests who never paid: nothing came of it, and no account names them.
UNPAID_FOR = timedelta(days=30)
# By then each event is settled; Stripe itself keeps them for thirty days: https://docs.stripe.com/api/events
PAYLOADS_FOR = timedelta(days=90)
DEAD_LINKS_FOR = timedelta(days=30)
# In one sweep; what is left waits for the next.
MOST_AT_ONCE = 500
_OVER = (BookingStatus.EXPIRED, BookingStatus.CANCELLED)
_SETTLED = (InboxOutcome.HANDLED, InboxOutcome.IGNORED)


def forget_old(runtime: Runtime) -> list[str]:
    """Forget what is older than it need be; a line for each kind of which something went. Commits kind by kind.

    Guests who stayed are forgotten only where KEEP_GUESTS_DAYS says after how many days: how long accounts must name
    them differs by country. Nothing goes that is unsettled: see queries.personal.find_obstacle.
    """
    now = runtime.clock.now()
    counts = {
        "guests who never paid": _erase_all(runtime, _never_paid(now - UNPAID_FOR)),
        "guests of long ago": _erase_all(runtime, _stayed_before(runtime, now)),
        "payloads of events": _empty_payloads(now - PAYLOADS_FOR),
        "links": _drop_links(now - DEAD_LINKS_FOR),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def _erase_all(runtime: Runtime, outdated: list[ColumnElement[bool]] | None) -> int:
    if outdated is None:
        return 0
    wanted = select(Booking.id).where(Booking.erased_at.is_(None), *outdated)
    booking_ids = list(db.session.scalars(wanted.order_by(Booking.id).limit(MOST_AT_ONCE)))
    end_read()
    # A booking that is over and so old never becomes younger: there is nothing to ask again under the lock.
    return sum(erase_if_lawful(runtime, booking_id, lambda _: True) for booking_id in booking_ids)


def _never_paid(limit: datetime) -> list[ColumnElement[bool]]:
    """Ended without any payment, and untouched since."""
    return [
        Booking.status.in_(_OVER),
        ~exists().where(Payment.booking_id == Booking.id),
        ~exists().where(BookingEvent.booking_id == Booking.id, BookingEvent.at > limit),
    ]


def _stayed_before(runtime: Runtime, now: datetime) -> list[ColumnElement[bool]] | None:
    days = runtime.settings.keep_guests_days
    return [Booking.leave < (now - timedelta(days=days)).date()] if days else None


def _empty_payloads(limit: datetime) -> int:
    """What came, when, about what and with which effect stays: the timeline names events."""
    is_full = cast(WebhookEvent.payload, Text) != json.dumps(nothing_left())
    old = WebhookEvent.received_at < limit, WebhookEvent.outcome.in_(_SETTLED), is_full
    event_ids = list(db.session.scalars(select(WebhookEvent.id).where(*old).limit(MOST_AT_ONCE)))
    end_read()
    with transaction() as session:
        session.execute(update(WebhookEvent).where(WebhookEvent.id.in_(event_ids)).values(payload=nothing_left()))
    return len(event_ids)


def _drop_links(limit: datetime) -> int:
    with transaction() as session:
        gone = delete(AccessLink).where(AccessLink.expires_at < limit).returning(AccessLink.id)
        return len(session.execute(gone).all())
