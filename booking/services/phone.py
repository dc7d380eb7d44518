"""Bookings that staff makes for a guest on the telephone: paid through a link, or paid to the house itself."""

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import insert_into, transaction
from booking.domain.dates import Stay
from booking.domain.errors import ListingNotFound, PlanChanged, PriceChanged, StayRuleBroken
from booking.domain.money import Money
from booking.domain.payment_plans import Schedule, paid_in_full
from booking.domain.pricing import Quote, agreed
from booking.domain.states import BookingStatus, PaymentMethod, Source
from booking.models import Booking, Listing, RateWindow
from booking.runtime import Runtime
from booking.services import attempts, audit, care, notifications, reservations, settlement, timeline
from booking.services.instance import Identity, get_identity
from booking.services.limits import limit_key
from booking.services.nights import pick_unit
from booking.services.notifications import GuestMail
from booking.services.reservations import GuestDetails, Placed, PlaceRequest
from booking.services.settlement import HouseReceipt
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Agreement:
    """Another price than that of the rates, and why."""

    total: Money
    reason: str


@dataclass(frozen=True, slots=True)
class PhoneRequest:
    """What staff asks for. `shown_total` is what the rates gave on the page; `method` STRIPE is a link by mail.

    `shown_plan` is Schedule.mark of what the guest was told to pay when; empty: all of it by the link.
    """

    listing_id: int
    stay: Stay
    guests: int
    guest: GuestDetails
    shown_total: Money
    method: PaymentMethod
    form_token: str
    agreement: Agreement | None = None
    receipt_note: str = ""
    shown_plan: str = ""

    @property
    def is_link(self) -> bool:
        """Whether the guest pays by a link, and not the house by its word."""
        return self.method is PaymentMethod.STRIPE

    @property
    def as_placed(self) -> PlaceRequest:
        """The same as a guest's wish; the form takes the place of the browser, so that one form is one booking."""
        browser = f"desk:{self.form_token}"
        return PlaceRequest(self.listing_id, self.stay, self.guests, self.guest, browser, self.shown_total)


def place_by_phone(runtime: Runtime, request: PhoneRequest, staff_email: str) -> Placed:
    """Book for a guest: hold the nights and mail where to pay, or record what the house took and confirm. Commits.

    A link can be paid for as long as Stripe allows, which is less than a day. The same form sent twice is one booking.
    By the listing's plan the link asks for a deposit, or for a card to which the guest still has to agree. A listing
    that takes requests is booked all the same: who would decline has just said yes.

    Raises:
        ListingNotFound, StayRuleBroken, DatesUnavailable, PriceChanged, PlanChanged: nothing is booked.
    """
    identity, cause = get_identity(runtime), Cause(Source.STAFF, staff_email)
    placed = _place(runtime, request, cause, identity)
    if request.is_link and not placed.is_confirmed:
        care.open_at_stripe(runtime, placed.booking_id)
    runtime.wake_worker()
    logger.info("booked_by_phone", extra={"booking": placed.reference, "method": str(request.method)})
    return placed


def _place(runtime: Runtime, request: PhoneRequest, cause: Cause, identity: Identity) -> Placed:
    now = runtime.clock.now()
    with transaction() as session:
        booking = _find_booked(session, request, now)
        if booking is None:
            booking = _write(session, runtime, request, cause, now, identity)
        return Placed(booking.id, booking.reference, booking.status is BookingStatus.CONFIRMED)


def _find_booked(session: Session, request: PhoneRequest, now: datetime) -> Booking | None:
    """The booking that this form has made already; the other half of a double click waits here until it is there."""
    values = {"key": limit_key("desk-form", request.form_token), "started_at": now, "count": 1}
    mine = insert_into(session, RateWindow).values(**values)
    session.execute(mine.on_conflict_do_update(index_elements=[RateWindow.key], set_={"started_at": now}))
    return session.scalar(select(Booking).where(Booking.hold_key == reservations.hold_key(request.as_placed)))


def _write(
    session: Session, runtime: Runtime, request: PhoneRequest, cause: Cause, now: datetime, identity: Identity
) -> Booking:
    listing = session.get(Listing, request.listing_id)
    if listing is None or not listing.is_active:
        raise ListingNotFound
    by_rates = reservations.check_and_quote(listing, request.stay, request.guests, now)
    if by_rates.total != request.shown_total:
        raise PriceChanged(shown=request.shown_total, total=by_rates.total)
    priced = _agreed(by_rates, request.agreement)
    schedule = _told_schedule(listing, request, priced, now)
    picked = pick_unit(session, listing, request.stay, now)
    plan = reservations.freeze_plan(schedule, now, request.guest.language)
    booking = reservations.write_booking(session, listing, picked.first, request.as_placed, priced, now, plan=plan)
    if request.is_link:
        attempts.write_attempt(session, runtime, booking, 1, now, identity, minutes=care.LONGEST_MINUTES)
    reservations.take_unit(session, booking, picked, now)
    note = "by telephone, with a payment link" if request.is_link else "by telephone, paid to the house"
    timeline.record(session, booking, "placed", cause, now, new=BookingStatus.PENDING, note=note)
    _note_agreement(session, booking, by_rates, request.agreement, cause, now)
    if request.is_link:
        notifications.tell_guest(session, booking, GuestMail.PAYMENT_LINK, now, fact_id=1)
    else:
        receipt = HouseReceipt(booking.id, request.method, booking.amount, request.receipt_note)
        settlement.settle(session, receipt, cause, now, identity)
    told: dict[str, object] = {"method": request.method, "minor": booking.amount_minor, "currency": booking.currency}
    told |= {"plan": schedule.kind.value, "now_minor": schedule.now.minor} if schedule.mark else {}
    told |= {"by_rates": by_rates.total.minor, "reason": request.agreement.reason} if request.agreement else {}
    audit.record(session, cause.actor, "booking.made", f"booking {booking.reference}", now, after=told)
    return booking


def _told_schedule(listing: Listing, request: PhoneRequest, priced: Quote, now: datetime) -> Schedule:
    """What staff told the guest. Raises PlanChanged where the listing's plan comes to something else by now."""
    if not request.is_link or not request.shown_plan:
        return paid_in_full(priced.total)
    schedule = listing.schedule(priced.total, request.stay.arrive, now)
    if schedule.mark != request.shown_plan:
        raise PlanChanged
    return schedule


def _agreed(by_rates: Quote, agreement: Agreement | None) -> Quote:
    """The price with the reason for it checked: staff may ask for less or more, but not without saying why."""
    if agreement is None:
        return by_rates
    total = agreement.total
    if total.minor <= 0 or total.currency != by_rates.total.currency or not total.is_movable:
        raise StayRuleBroken("Type a price above zero.", field="agreed")
    if not agreement.reason.strip():
        raise StayRuleBroken("Say why the price is another one.", field="reason")
    return agreed(by_rates, total)


def _note_agreement(
    session: Session, booking: Booking, by_rates: Quote, agreement: Agreement | None, cause: Cause, now: datetime
) -> None:
    if agreement is not None and agreement.total != by_rates.total:
        rates, total = (f"{each.major} {each.currency.upper()}" for each in (by_rates.total, agreement.total))
        note = f"{total} instead of {rates}: {agreement.reason[:LONGEST_REASON]}"
        timeline.record(session, booking, "price_agreed", cause, now, note=note)
