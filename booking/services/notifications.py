"""Mail: asked for in the transaction of its cause, written and sent by the worker after the commit."""

import hashlib
from datetime import datetime
from email.utils import parseaddr
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.crashpoints import crash_point
from booking.database import transaction
from booking.domain.money import Money
from booking.domain.policy import CancellationTerms, refund_steps
from booking.domain.pricing import Quote
from booking.domain.states import CancelReason
from booking.gateways.mail import MailFailed
from booking.models import Booking, Property
from booking.models.instance import LinkPurpose
from booking.models.outbox import OutboxKind
from booking.runtime import Runtime
from booking.services import access, outbox

Fact = Money | str | int | None


class GuestMail(StrEnum):
    """What guests are told. Each value is a folder of templates/email."""

    CONFIRMED = "confirmed"
    PROCESSING = "payment_processing"
    DATES_GONE = "dates_gone"  # the nights are gone, all the money goes back
    LATE_REFUND = "late_refund"  # paid after cancelling, all the money goes back
    CANCELLED = "cancelled"
    REFUND_SENT = "refund_sent"
    DUPLICATE_REFUND = "duplicate_refund"  # paid twice, the second payment goes back
    PAYMENT_FAILED = "payment_failed"  # a delayed payment failed: book again
    MANAGE_LINK = "manage_link"


class StaffNotice(StrEnum):
    """What the people of the house are told. Each value is a folder of templates/email."""

    NEW_BOOKING = "new_booking"
    NEEDS_REVIEW = "needs_review"
    DATES_GONE = "staff_dates_gone"
    REFUND_FAILED = "refund_failed"
    DISPUTE = "dispute"
    DISPUTE_DUE = "dispute_due"
    FRAUD_WARNING = "fraud_warning"
    UNMATCHED = "unmatched"
    CHECKOUT_REFUSED = "checkout_refused"
    MAIL_FAILED = "mail_failed"
    DUPLICATE = "duplicate"
    EXTERNAL_REFUND = "external_refund"
    PROMISE_BROKEN = "promise_broken"


def tell_guest(
    session: Session, booking: Booking, kind: GuestMail, now: datetime, *, fact_id: str | int = "", **facts: Fact
) -> None:
    """Ask for a mail to the guest; asking twice for the same is asking once. Joins the caller's transaction.

    `fact_id` tells apart mails of one kind that one booking may rightly get twice, such as two refunds. Of `facts`
    the letters know `refund`, the Money that comes back.
    """
    payload = {"mail": kind.value, "booking_id": booking.id, "facts": {name: _frozen(f) for name, f in facts.items()}}
    _enqueue(session, f"mail:{kind}:{booking.id}", fact_id, payload, now, booking.id)


def tell_staff(
    session: Session,
    kind: StaffNotice,
    now: datetime,
    booking: Booking | None = None,
    note: str = "",
    *,
    fact_id: str | int = "",
    page: str = "",
) -> None:
    """Ask for a mail to the property's own address. Joins the caller's transaction.

    Without a `fact_id` the note tells notices of one kind apart, so that news is mailed and a repeat is not. `page` is
    the path that the mail links to, where that is not the booking's own.
    """
    booking_id = booking.id if booking else None
    payload: dict[str, Any] = {"mail": kind.value, "booking_id": booking_id, "note": note[:500], "facts": {}}
    payload |= {"page": page} if page else {}
    _enqueue(session, f"mail:{kind}:{booking_id or '-'}", fact_id or _short_hash(note), payload, now, booking_id)


def report_dead_mail(session: Session, task: outbox.Task, now: datetime) -> None:
    """Tell staff of a guest's mail that was given up. Joins the caller's transaction.

    A staff mail that was given up tells nobody: its notice would go to the same address, and round it would go.
    """
    if task.payload["mail"] not in set(GuestMail):
        return
    booking = session.get(Booking, task.payload["booking_id"])
    note = f'The mail "{task.payload["mail"]}" could not be delivered.'
    tell_staff(session, StaffNotice.MAIL_FAILED, now, booking, note, fact_id=task.row_id)


def deliver(runtime: Runtime, task: outbox.Task) -> str:
    """Write the letter a row asks for and send it; one line of what was done.

    Gathers the facts, and the guest's access link, in a short transaction of its own; none is open while sending.
    A letter that is tried again has the same Message-ID, so a mailbox that got it already can tell.

    Raises:
        MailFailed: the outbox tries again, or gives up where the error is final.
    """
    kind = task.payload["mail"]
    letter = runtime.write_letter(kind, _context(runtime, kind, task))
    crash_point("before letter", f"mail {kind}")
    runtime.mailer.send(letter)
    crash_point("after letter", f"mail {kind}")
    return f"mail {kind} sent"


def _enqueue(
    session: Session, key: str, fact_id: str | int, payload: dict[str, Any], now: datetime, booking_id: int | None
) -> None:
    dedupe_key = f"{key}:{fact_id}" if fact_id else key
    outbox.enqueue(session, OutboxKind.MAIL, dedupe_key, payload, now, booking_id=booking_id)


def _context(runtime: Runtime, kind: str, task: outbox.Task) -> dict[str, object]:
    with transaction() as session:
        booking = session.get(Booking, task.payload["booking_id"]) if task.payload["booking_id"] else None
        context = _shared(runtime, task, _property_of(session, booking))
        context |= _booking_facts(booking, context) if booking else {"has_booking": False}
        context |= {name: _thawed(fact) for name, fact in task.payload["facts"].items()}
        if kind in set(GuestMail):
            return context | _guest_facts(runtime, session, booking, kind)
        return context | _staff_facts(runtime, task, booking, context)


def _shared(runtime: Runtime, task: outbox.Task, place: Property | None) -> dict[str, object]:
    base_url = runtime.settings.base_url
    fallback = parseaddr(runtime.settings.mail_from)[1]
    return {
        "message_id": f"<{_short_hash(task.dedupe_key, 32)}@{urlsplit(base_url).hostname}>",
        "base_url": base_url,
        "sent_at": runtime.clock.now(),
        "refund": None,
        "property_name": place.name if place else "Holdfast",
        "property_address": place.address if place else "",
        "contact_email": place.contact_email if place else fallback,
        "contact_phone": place.contact_phone if place else "",
        "check_in_from": place.check_in_from if place else "",
        "check_out_by": place.check_out_by if place else "",
        "timezone": place.timezone if place else "UTC",
    }


def _booking_facts(booking: Booking, context: dict[str, object]) -> dict[str, object]:
    return {
        "has_booking": True,
        "booking_id": booking.id,
        "reference": booking.reference,
        "listing_name": booking.listing.name,
        "unit_name": booking.unit.name if booking.unit.name != booking.listing.name else "",
        "guest_name": booking.guest_name,
        "guest_email": booking.guest_email,
        "guest_phone": booking.guest_phone,
        "guest_message": booking.message,
        "guests": booking.guests,
        "stay": booking.stay,
        "total": booking.amount,
        "quote": Quote.from_json(booking.quote),
        "refund_steps": refund_steps(booking.amount, CancellationTerms.from_json(booking.terms), booking.arrive),
        "is_cancelled_by_guest": booking.cancel_reason is CancelReason.GUEST,
        "calendar_uid": f"{booking.reference}@{urlsplit(str(context['base_url'])).hostname}",
        "stay_url": f"{context['base_url']}/stays/{booking.listing.slug}",
    }


def _guest_facts(runtime: Runtime, session: Session, booking: Booking | None, kind: str) -> dict[str, object]:
    if booking is None:
        raise MailFailed("the booking of this mail is gone", is_final=True)
    purpose = LinkPurpose.LOOKUP if kind == GuestMail.MANAGE_LINK else LinkPurpose.BOOKING
    token = access.mint_link(session, booking, purpose, runtime.clock.now())
    contact = booking.listing.property.contact_email
    return {"to": booking.guest_email, "reply_to": contact, "link": f"{runtime.settings.base_url}/m/{token}"}


def _staff_facts(
    runtime: Runtime, task: outbox.Task, booking: Booking | None, context: dict[str, object]
) -> dict[str, object]:
    page = f"/admin/bookings/{booking.id}" if booking else "/admin/"
    link = f"{runtime.settings.base_url}{task.payload.get('page', page)}"
    return {"to": context["contact_email"], "reply_to": "", "note": task.payload["note"], "link": link}


def _property_of(session: Session, booking: Booking | None) -> Property | None:
    if booking is not None:
        return booking.listing.property
    return session.scalar(select(Property).order_by(Property.id).limit(1))


def _frozen(fact: Fact) -> object:
    return {"minor": fact.minor, "currency": fact.currency} if isinstance(fact, Money) else fact


def _thawed(fact: Any) -> Fact:
    return Money(fact["minor"], fact["currency"]) if isinstance(fact, dict) else fact


def _short_hash(text: str, length: int = 12) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
