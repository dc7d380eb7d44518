"""What guests may ask of their own data: a copy of it, and its erasure as soon as nothing needs it any more.

Which column holds what stands in domain/personal_data.py. A guest is erased in place: dates, amounts and the ledger
stay as they are, and nobody can tell from them whose they were.
"""

import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.database import end_read, require_transaction, transaction
from booking.domain.states import Source
from booking.extensions import db
from booking.models import (
    Attempt,
    Booking,
    BookingEvent,
    Due,
    EvidenceDraft,
    EvidenceFile,
    EvidenceSubmission,
    OutboxRow,
    SavedCard,
    WebhookEvent,
)
from booking.models.outbox import OutboxKind, OutboxState
from booking.models.webhook import InboxOutcome
from booking.queries.personal import Obstacle, dispute_ids, find_obstacle, list_held
from booking.runtime import Runtime
from booking.services import access, notifications, timeline
from booking.services.locks import lock_booking
from booking.services.notifications import StaffNotice
from booking.services.timeline import Cause

ERASED = "(erased)"
# Of an errand nothing stays but which letter, refund or payment it was about.
_OF_ERRANDS = ("mail", "booking_id", "refund_id", "payment_id")
# How the shop itself begins the notes of steps that staff cause; anything else staff typed.
_OF_THE_LEDGER = re.compile(r"(refund|dispute|payment) [0-9]+\b")
# Shorter words of a guest's would be found in half of all texts.
_LEAST_LETTERS = 3


def export_data(runtime: Runtime, booking_id: int) -> dict[str, object]:
    """Everything held about the guest of a booking, ready to be written as JSON."""
    held = list_held(db.session(), booking_id)
    end_read()
    return {"made_at": runtime.clock.now().isoformat(timespec="seconds"), "held": held}


def look_for_obstacle(runtime: Runtime, booking_id: int) -> Obstacle | None:
    """What erasing this booking's guest would have to wait for."""
    session = db.session()
    return find_obstacle(session, session.get_one(Booking, booking_id), runtime.clock.now())


def ask_erasure(runtime: Runtime, booking_id: int) -> None:
    """Note a guest's wish to be erased; the worker fulfils it. Commits. Asking again changes nothing."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.erase_asked_at is None:
            booking.erase_asked_at = now
            timeline.record(session, booking, "erasure_asked", Cause(Source.WEB), now)
            fact_id = f"{now:%Y%m%d%H%M%S}"  # they may take it back, and ask again
            notifications.tell_staff(session, StaffNotice.ERASURE_ASKED, now, booking, fact_id=fact_id)
    runtime.wake_worker()


def withdraw_erasure(runtime: Runtime, booking_id: int) -> None:
    """The guest has thought better of it, in time. Commits. Done twice is done once."""
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        if booking.erase_asked_at is not None and booking.erased_at is None:
            booking.erase_asked_at = None
            timeline.record(session, booking, "erasure_withdrawn", Cause(Source.WEB), runtime.clock.now())


def erase_due(runtime: Runtime) -> list[str]:
    """Erase each guest who asked for it and for whom nothing stands in the way; a line for each. Commits one by one."""
    asked = select(Booking.id).where(Booking.erase_asked_at.is_not(None), Booking.erased_at.is_(None))
    booking_ids = list(db.session.scalars(asked.order_by(Booking.id)))
    end_read()
    erased = [booking_id for booking_id in booking_ids if erase_if_lawful(runtime, booking_id, _is_asked)]
    _forget_late_news()
    return [f"booking {booking_id}: its guest is erased" for booking_id in erased]


def erase_if_lawful(runtime: Runtime, booking_id: int, is_wanted: Callable[[Booking], bool]) -> bool:
    """Erase the guest of a booking unless something stands in the way; whether it was done now. Commits."""
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        # Asked again under the lock: it may have been withdrawn, or another worker may have been here.
        is_due = booking.erased_at is None and is_wanted(booking)
        if not is_due or find_obstacle(session, booking, now) is not None:
            return False
        _erase(session, booking, now)
    return True


def _is_asked(booking: Booking) -> bool:
    return booking.erase_asked_at is not None


def _erase(session: Session, booking: Booking, now: datetime) -> None:
    """Take the guest out of every row that may name them. Joins the caller's transaction."""
    require_transaction(session)
    words = _words_of(booking)
    access.revoke_links(session, booking.id, now)
    _clean_timeline(session, booking.id, words)
    _clean_errands(session, booking.id, now)
    _clean_attempts(session, booking.id)
    _clean_evidence(session, booking.id)
    session.execute(update(Due).where(Due.booking_id == booking.id).values(note=""))
    session.execute(update(SavedCard).where(SavedCard.booking_id == booking.id).values(brand="", last4=""))
    session.execute(update(WebhookEvent).where(WebhookEvent.booking_id == booking.id).values(payload=nothing_left()))
    booking.guest_name, booking.guest_email = ERASED, ""
    booking.guest_phone = booking.message = booking.arrival_time = ""
    booking.hold_key = booking.browser_key = ""
    booking.membership_id = None
    booking.erased_at = now
    timeline.record(session, booking, "erased", Cause(Source.TIMER), now)


def _words_of(booking: Booking) -> list[str]:
    told = {booking.guest_email, booking.guest_name, booking.guest_phone, *re.findall(r"\w+", booking.guest_name)}
    return sorted((word for word in told if len(word) >= _LEAST_LETTERS), key=len, reverse=True)


def _clean_timeline(session: Session, booking_id: int, words: list[str]) -> None:
    """The steps stay; of their notes, what staff typed goes, and the guest's own words wherever they stand."""
    for step in session.scalars(select(BookingEvent).where(BookingEvent.booking_id == booking_id)):
        is_typed = step.source is Source.STAFF and step.note and not _OF_THE_LEDGER.match(step.note)
        cleaned = ERASED if is_typed else _without(step.note, words)
        if cleaned != step.note:
            step.note = cleaned[:500]


def _without(text: str, words: list[str]) -> str:
    for word in words:
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", ERASED, text, flags=re.IGNORECASE)
    return text


def _clean_errands(session: Session, booking_id: int, now: datetime) -> None:
    """What was to be done is done, or was given up and nobody is left to write to."""
    for row in session.scalars(select(OutboxRow).where(OutboxRow.booking_id == booking_id)):
        kept = {name: row.payload[name] for name in _OF_ERRANDS if name in row.payload}
        row.payload = {**kept, "facts": {}, "note": ""} if row.kind is OutboxKind.MAIL else kept
        row.last_error, row.letter = "", None
        if row.state is OutboxState.DEAD and row.kind is OutboxKind.MAIL:
            row.state, row.done_at = OutboxState.DONE, now


def _clean_attempts(session: Session, booking_id: int) -> None:
    """Nothing is asked of Stripe again with these parameters: no attempt of the booking is unfinished."""
    for attempt in session.scalars(select(Attempt).where(Attempt.booking_id == booking_id)):
        attempt.params = {name: value for name, value in attempt.params.items() if name != "customer_email"}
        attempt.url = None


def _clean_evidence(session: Session, booking_id: int) -> None:
    files = update(EvidenceFile).where(EvidenceFile.dispute_id.in_(dispute_ids(booking_id)))
    session.execute(files.values(content=b""))
    for model in (EvidenceDraft, EvidenceSubmission):
        session.execute(update(model).where(model.dispute_id.in_(dispute_ids(booking_id))).values(texts={}))


def _forget_late_news() -> None:
    """Stripe may tell of a payment, and name its guest, long after that guest was erased."""
    late = (
        select(WebhookEvent)
        .join(Booking, Booking.id == WebhookEvent.booking_id)
        .where(Booking.erased_at.is_not(None), WebhookEvent.outcome == InboxOutcome.HANDLED)
        .where(WebhookEvent.received_at >= Booking.erased_at)
    )
    event_ids = [event.id for event in db.session.scalars(late) if event.payload != nothing_left()]
    end_read()
    if event_ids:
        with transaction() as session:
            news = update(WebhookEvent).where(WebhookEvent.id.in_(event_ids))
            session.execute(news.values(payload=nothing_left()))


def nothing_left() -> dict[str, object]:
    """What stands where the payload of an event was."""
    return {"erased": True}
