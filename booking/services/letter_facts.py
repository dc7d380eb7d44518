"""What letters know: the facts of a booking, its money and its place, gathered at the moment of writing."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.policy import HOLD_GRACE
from booking.domain.pricing import Quote
from booking.domain.states import (
    REFUND_ENDED_BADLY,
    REFUND_IN_FLIGHT,
    BookingStatus,
    CancelReason,
    DueKind,
    DueStatus,
    PaymentMethod,
)
from booking.domain.terms import open_steps
from booking.language import localised
from booking.models import Booking, Due, Payment, Property, Refund
from booking.models.instance import LinkPurpose
from booking.queries.cards import Saved, find_saved, has_wallet
from booking.queries.charges import find_withdrawn
from booking.queries.nights import keeps_nights
from booking.queries.search import find_property
from booking.runtime import Runtime
from booking.services import access
from booking.services.outbox import Task

Facts = dict[str, object]


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that came or went back on a day of the property's own calendar."""

    day: date
    amount: Money
    is_on_its_way: bool = False


def shared_facts(runtime: Runtime, task: Task, place: Property | None, code: str) -> Facts:
    """What every letter knows, whoever gets it; `code` is the language it is written in."""
    base_url, now = runtime.settings.base_url, runtime.clock.now()
    return {
        "message_id": f"<{short_hash(task.dedupe_key, 32)}@{urlsplit(base_url).hostname}>",
        "language": code,
        "base_url": base_url,
        "sent_at": now,
        "today": place.today(now) if place else now.date(),
        "refund": None,
        "difference": None,
        "due_amount": None,
        "owed": None,
        "owed_until": None,
        "owed_from_card": False,
        "may_charge_card": False,
        **_place_facts(runtime, place, code),
    }


def booking_facts(session: Session, booking: Booking, base_url: str, code: str, now: datetime) -> Facts:
    """One booking with its price, terms and money."""
    return {
        "has_booking": True,
        "booking_id": booking.id,
        "reference": booking.reference,
        "listing_name": booking.listing.words("name", code),
        "unit_name": booking.unit.name if booking.unit.name != booking.listing.name else "",
        "stay": booking.stay,
        "pay_until": booking.hold_until - HOLD_GRACE if booking.hold_until else None,
        "has_nights": keeps_nights(session, booking.id, booking.stay),
        "is_over": booking.status in (BookingStatus.CANCELLED, BookingStatus.EXPIRED),
        "is_cancelled_by_guest": booking.cancel_reason is CancelReason.GUEST,
        "calendar_host": urlsplit(base_url).hostname,
        "calendar_sequence": booking.calendar_sequence,
        **_guest_facts(booking),
        **_price_facts(booking, now),
        **_money_facts(session, booking),
        **_owed_facts(session, booking),
        **_addresses(booking, base_url, code),
    }


def guest_letter_facts(runtime: Runtime, session: Session, booking: Booking, purpose: LinkPurpose) -> Facts:
    """To whom a letter to a guest goes, and the secret link that it carries: a fresh one for each letter."""
    token = access.mint_link(session, booking, purpose, runtime.clock.now())
    contact = booking.listing.property.contact_email
    link = runtime.settings.base_url + localised(f"/m/{token}", booking.language)
    return {"to": booking.guest_email, "reply_to": contact, "link": link}


def staff_letter_facts(runtime: Runtime, task: Task, booking: Booking | None, contact: object) -> Facts:
    """To whom a letter to the house goes, and the staff page that it is about."""
    page = f"/admin/bookings/{booking.id}" if booking else "/admin/"
    link = f"{runtime.settings.base_url}{task.payload.get('page', page)}"
    return {"to": contact, "reply_to": "", "note": task.payload["note"], "link": link}


def find_place(session: Session, booking: Booking | None) -> Property | None:
    """The property of a booking; without one, the first; None in a shop that has none yet."""
    if booking is not None:
        return booking.listing.property
    return find_property(session)


def short_hash(text: str, length: int = 12) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def frozen(fact: Any) -> object:
    """A fact of an event in the form in which the outbox keeps it."""
    if isinstance(fact, Money):
        return {"minor": fact.minor, "currency": fact.currency}
    if isinstance(fact, Stay):
        return {"arrive": fact.arrive.isoformat(), "leave": fact.leave.isoformat()}
    return {"at": fact.isoformat()} if isinstance(fact, datetime) else fact


def thawed(fact: Any) -> object:
    """The same fact, read back."""
    if not isinstance(fact, dict):
        return fact
    if "at" in fact:
        return datetime.fromisoformat(fact["at"])
    if "arrive" in fact:
        return Stay(date.fromisoformat(fact["arrive"]), date.fromisoformat(fact["leave"]))
    return Money(fact["minor"], fact["currency"])


def _place_facts(runtime: Runtime, place: Property | None, code: str) -> Facts:
    fallback = parseaddr(runtime.settings.mail_from)[1]
    return {
        "property_name": place.name if place else "Holdfast",
        "property_address": place.address if place else "",
        "contact_email": place.contact_email if place else fallback,
        "contact_phone": place.contact_phone if place else "",
        "check_in_from": place.check_in_from if place else "",
        "check_out_by": place.check_out_by if place else "",
        "timezone": place.timezone if place else "UTC",
        "directions": place.words("directions", code) if place else "",
        "house_rules": place.words("house_rules", code) if place else "",
    }


def _guest_facts(booking: Booking) -> Facts:
    return {
        "guest_name": booking.guest_name,
        "guest_email": booking.guest_email,
        "guest_phone": booking.guest_phone,
        "guest_message": booking.message,
        "guests": booking.guests,
        "arrival_time": booking.arrival_time,
    }


def _price_facts(booking: Booking, now: datetime) -> Facts:
    deal = booking.deal
    return {
        "total": booking.amount,
        "pay_now": booking.first_payment,
        "plan_words": tuple(booking.plan["text"]) if booking.plan else (),
        "is_guaranteed": booking.schedule.is_guaranteed,
        "quote": Quote.from_json(booking.quote),
        "refund_steps": open_steps(deal, now),
        "refund_rest": deal.rest,
    }


def _money_facts(session: Session, booking: Booking) -> Facts:
    payments, refunds = _payments(session, booking), _refunds(session, booking)
    paid, returned = (sum(moved.amount.minor for moved in list_) for list_ in (payments, refunds))
    withdrawn = find_withdrawn(session, booking)
    return {
        "payments": payments,
        "refunds": refunds,
        "paid": Money(paid, booking.currency),
        "returned": Money(returned, booking.currency),
        "withdrawn": withdrawn,
        "is_paid_at_house": _is_paid_at_house(session, booking),
        "kept": Money(max(0, paid - returned - withdrawn.minor), booking.currency),
    }


def _owed_facts(session: Session, booking: Booking) -> Facts:
    """What is left to pay of the price, until which day, and whether a saved card is charged; None where nothing is."""
    wanted = select(Due).where(Due.booking_id == booking.id, Due.kind == DueKind.BALANCE, Due.status == DueStatus.OPEN)
    due = session.scalar(wanted.limit(1)) if booking.status is BookingStatus.CONFIRMED else None
    if due is None:
        return {"owed": None, "owed_until": None}
    agreed = has_wallet(session, booking.id) and due.tries_stopped_at is None
    from_card = agreed and find_saved(session, booking.id) is Saved.KEPT
    return {
        "owed": due.amount, "owed_until": due.due_on, "may_charge_card": agreed, "owed_from_card": from_card,
    }  # fmt: skip


def _is_paid_at_house(session: Session, booking: Booking) -> bool:
    """Whether the house took some of the money itself, and so hands that back itself."""
    with_house = Payment.booking_id == booking.id, Payment.method != PaymentMethod.STRIPE
    return session.scalar(select(Payment.id).where(*with_house).limit(1)) is not None


def _payments(session: Session, booking: Booking) -> tuple[Moved, ...]:
    place = booking.listing.property
    rows = session.scalars(select(Payment).where(Payment.booking_id == booking.id).order_by(Payment.id))
    return tuple(Moved(place.today(row.captured_at), row.amount) for row in rows if row.currency == booking.currency)


def _refunds(session: Session, booking: Booking) -> tuple[Moved, ...]:
    """What goes back or has gone back; a refund that did not arrive is still with the house."""
    place = booking.listing.property
    rows = session.scalars(
        select(Refund)
        .where(Refund.booking_id == booking.id, Refund.status.not_in(REFUND_ENDED_BADLY))
        .order_by(Refund.id)
    )
    return tuple(
        Moved(place.today(row.created_at), row.amount, row.status in REFUND_IN_FLIGHT)
        for row in rows
        if row.currency == booking.currency
    )


def _addresses(booking: Booking, base_url: str, code: str) -> Facts:
    """Pages of the listing: without dates, and with those of the stay."""
    page = f"/stays/{booking.listing.slug}"
    wanted = {"arrive": booking.arrive.isoformat(), "leave": booking.leave.isoformat(), "guests": booking.guests}
    return {
        "stay_url": base_url + localised(page, code),
        "again_url": base_url + localised(f"{page}?{urlencode(wanted)}", code),
    }
