"""Other dates or guests for a confirmed booking, by staff: at once, or once the guest has paid the difference.

What it costs more is an attempt of its own, whose new nights are held beside the old ones. Money for it goes through
the one door, which swaps the nights or sends all of it back. No transaction is open during a call.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.dates import Stay
from booking.domain.errors import (
    DatesUnavailable,
    PriceChanged,
    StayRuleBroken,
    TransitionRefused,
)
from booking.domain.money import Money
from booking.domain.pricing import Quote, Wishes, agreed
from booking.domain.states import AttemptStatus, BookingStatus, ChangeStatus, RefundReason, Source
from booking.extensions import db
from booking.gateways.payments import GatewayRefused, GatewayUnavailable, PaymentGatewayError
from booking.models import Attempt, Booking, Coupon, Due, StayChange
from booking.queries.nights import taken_days_by_listing
from booking.runtime import Runtime
from booking.services import (
    attempts,
    audit,
    balances,
    care,
    checkout,
    dues,
    notifications,
    refunds,
    reservations,
    swaps,
    timeline,
)
from booking.services.checkout import Handoff, HandoffOutcome
from booking.services.instance import Identity, get_identity
from booking.services.ledger import list_payments
from booking.services.locks import lock_booking
from booking.services.nights import claim_beside, find_units
from booking.services.notifications import GuestMail
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

_SAME = "These are the dates and guests that it has already."
_WAITING = "A change of this booking waits for its difference already. Withdraw it first."
_NOT_NOW = "Only a confirmed booking whose payment is in order can be changed."


@dataclass(frozen=True, slots=True)
class ChangeWish:
    """What staff wants. `keeps_price` leaves the total as it is, whatever the rates say today."""

    stay: Stay
    guests: int
    keeps_price: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would cost. `difference` is below zero where it costs less; `back` is what then goes back.

    `balance` is what would be left to pay, where a balance is owed and takes the difference; no other money moves then.
    """

    quote: Quote
    old_total: Money
    difference: Money
    back: Money
    balance: Money | None = None


def preview_change(runtime: Runtime, booking_id: int, wish: ChangeWish) -> Preview:
    """What a change would mean at this moment. Writes nothing.

    Raises:
        BookingNotFound, TransitionRefused, StayRuleBroken, DatesUnavailable: as change_stay.
    """
    now = runtime.clock.now()
    with transaction() as session:  # what it looks at may lock a listing; nothing is written
        booking = lock_booking(session, booking_id)
        _check(session, booking, wish)
        priced = _price(session, booking, wish, now)
        _units_for(session, booking, wish.stay, now)
        difference = priced.total - booking.amount
        due = dues.find_open_balance(session, booking.id)
        if due is not None:
            balance = dues.after_change(due, difference)
            return Preview(priced, booking.amount, difference, Money(0, difference.currency), balance)
        left = sum(payment.entry.refundable_minor for payment in list_payments(session, booking.id))
        back = Money(min(left, max(0, -difference.minor)), difference.currency)
        return Preview(priced, booking.amount, difference, back)


def change_stay(
    runtime: Runtime, booking_id: int, wish: ChangeWish, shown_total: Money, form_token: str, staff_email: str
) -> ChangeStatus:
    """Change a stay, or hold the new nights until its guest has paid what it costs more. Commits.

    What it costs less goes back in the same transaction. Where a balance is owed, what it costs more or less goes into
    that, and the change is made at once. The same form sent twice is one change.

    Raises:
        BookingNotFound, TransitionRefused, StayRuleBroken, DatesUnavailable, PriceChanged: nothing was changed.
        RefundRefused: less is left of the money than would have to go back; nothing was changed.
        GatewayRefused: Stripe will not take the difference, so the change is off again.
    """
    identity, cause = get_identity(runtime), Cause(Source.STAFF, staff_email)
    balances.stop_paying_balance(runtime, booking_id, cause)
    status = _write(runtime, booking_id, wish, shown_total, form_token, cause, identity)
    runtime.wake_worker()
    if status is ChangeStatus.OPEN:
        _open_at_stripe(runtime, booking_id, cause)
    return status


def start_difference(runtime: Runtime, booking_id: int) -> Handoff:
    """Hand a guest over to Stripe for the difference of a change: as checkout.start_checkout does for a booking.

    Raises:
        BookingNotFound: no such booking.
        DatesUnavailable: its time was over and somebody else has the new nights; the stay is as it was.
        GatewayUnavailable, GatewayRefused: as there.
    """
    identity = get_identity(runtime)
    for _ in range(checkout.MOST_ROUNDS):
        step = _next_step(runtime, booking_id, identity)
        if isinstance(step, Handoff):
            return step
        if attempts.end_given_up(runtime, booking_id, Cause(Source.WEB)):
            continue  # one of them was paid: look again
        checkout.open_session(runtime, step, identity)
    raise GatewayUnavailable("no session could be opened")


def withdraw_change(runtime: Runtime, booking_id: int, staff_email: str) -> ChangeStatus | None:
    """Take back a change that waits for its difference: its session is ended first, and counts if it is paid. Commits.

    Returns where the change ended; None where none was waiting.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: a delayed payment of the difference is on its way.
        GatewayUnavailable: it could still be paid, so the nights stay held until the time is over.
    """
    cause = Cause(Source.STAFF, staff_email)
    change_id = _give_up(runtime, booking_id, by_staff=cause)
    if change_id is None:
        return None
    attempts.end_given_up(runtime, booking_id, cause)
    status = _drop_if_open(runtime, booking_id, change_id, ChangeStatus.WITHDRAWN, cause)
    runtime.wake_worker()
    return status


def lapse_overdue(runtime: Runtime) -> list[str]:
    """End every change whose difference was not paid in time, asking Stripe first; a line for each. Commits each."""
    lines = []
    for change_id, booking_id in _find_overdue(runtime.clock.now()):
        try:
            lines.append(f"booking {booking_id}: change {change_id} {_lapse(runtime, booking_id, change_id)}")
        except PaymentGatewayError as error:
            logger.warning("change_not_ended", extra={"booking": booking_id, "error": error.code})
            lines.append(f"booking {booking_id}: Stripe did not answer about change {change_id}, will be tried again")
    return lines


# --- changing -------------------------------------------------------------------------------------------------------


def _write(
    runtime: Runtime,
    booking_id: int,
    wish: ChangeWish,
    shown_total: Money,
    form_token: str,
    cause: Cause,
    identity: Identity,
) -> ChangeStatus:
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        done = session.scalar(select(StayChange).where(StayChange.form_token == form_token))
        if done is not None:
            return done.status
        _check(session, booking, wish)
        priced = _price(session, booking, wish, now)
        if priced.total != shown_total:
            raise PriceChanged(shown=shown_total, total=priced.total)
        change = _write_change(session, booking, wish, priced, cause, form_token)
        _audit(session, booking, change, cause, now)
        units = _units_for(session, booking, wish.stay, now)
        due = dues.find_open_balance(session, booking.id)
        if due is not None:
            _put_into_balance(session, booking, change, due, units, cause, now)
        elif change.difference.minor > 0:
            _offer(session, runtime, booking, change, units, cause, now, identity)
        else:
            _make_at_once(session, booking, change, units, cause, now)
        return change.status


def _check(session: Session, booking: Booking, wish: ChangeWish) -> None:
    is_on = booking.status is BookingStatus.CONFIRMED and booking.freed_from is None and booking.erased_at is None
    if not is_on or booking.needs_review:
        raise TransitionRefused(_NOT_NOW)
    if swaps.find_open_change(session, booking.id) is not None:
        raise TransitionRefused(_WAITING)
    if (wish.stay, wish.guests) == (booking.stay, booking.guests):
        raise StayRuleBroken(_SAME, field="arrive")


def _price(session: Session, booking: Booking, wish: ChangeWish, now: datetime) -> Quote:
    """By today's rates, with what the guest had wished for and with the code that they had; or the total they have."""
    coupon = session.get(Coupon, booking.coupon_id) if booking.coupon_id else None
    wishes, terms = Wishes.from_json(booking.wishes), coupon.terms if coupon else None
    off = booking.member_off  # booked at the members' rate, it stays at it
    priced = reservations.check_and_quote(booking.listing, wish.stay, wish.guests, now, wishes, terms, off)
    return agreed(priced, booking.amount) if wish.keeps_price else priced


def _units_for(session: Session, booking: Booking, stay: Stay, now: datetime) -> Sequence[int]:
    """The booking's own unit first, then the equal ones. Raises DatesUnavailable, StayRuleBroken."""
    own = booking.unit_id
    if booking.listing.rules.looks_around:
        return sorted(
            find_units(session, booking.listing, stay, now, without_booking=booking.id),
            key=lambda unit_id: unit_id != own,
        )
    units = _free_or_own(session, booking, stay, now)
    if not units:
        raise DatesUnavailable("Somebody else has some of these nights. Nothing was changed.")
    return units


def _free_or_own(session: Session, booking: Booking, stay: Stay, now: datetime) -> list[int]:
    """Units of the booking's listing in which every night is free or its own already; its own unit first."""
    days = (stay.arrive, stay.leave)
    listing_id = booking.listing_id
    taken = taken_days_by_listing(session, [listing_id], *days, now, without_booking=booking.id)[listing_id]
    units = [unit_id for unit_id, nights in taken.items() if not nights]
    return sorted(units, key=lambda unit_id: unit_id != booking.unit_id)


def _write_change(
    session: Session, booking: Booking, wish: ChangeWish, priced: Quote, cause: Cause, form_token: str
) -> StayChange:
    change = StayChange(
        booking_id=booking.id,
        status=ChangeStatus.OPEN,
        from_arrive=booking.arrive,
        from_leave=booking.leave,
        from_guests=booking.guests,
        from_minor=booking.amount_minor,
        unit_id=booking.unit_id,
        arrive=wish.stay.arrive,
        leave=wish.stay.leave,
        guests=wish.guests,
        amount_minor=priced.total.minor,
        currency=priced.total.currency,
        quote=priced.as_json(),
        requested_by=cause.actor,
        form_token=form_token,
    )
    session.add(change)
    session.flush()  # the attempt, the mail and the timeline name its id
    return change


def _offer(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    change: StayChange,
    units: Sequence[int],
    cause: Cause,
    now: datetime,
    identity: Identity,
) -> None:
    """Hold the new nights beside the old ones for as long as the difference can be paid."""
    number = attempts.next_number(session, booking)
    attempt = attempts.write_difference(
        session, runtime, booking, change, number, now, identity, minutes=care.LONGEST_MINUTES
    )
    _hold(session, booking, change, units, now)
    until = f"{attempt.expires_at:%Y-%m-%d %H:%M} UTC"
    timeline.record(session, booking, "change_offered", cause, now, note=f"change {change.id}, to be paid by {until}")
    notifications.tell_guest(
        session, booking, GuestMail.PAY_DIFFERENCE, now, fact_id=change.id, new_stay=change.stay,
        new_guests=change.guests, new_total=change.amount, difference=change.difference,
        change_until=attempt.expires_at,
    )  # fmt: skip


def _hold(session: Session, booking: Booking, change: StayChange, units: Sequence[int], now: datetime) -> None:
    for unit_id in units:
        if claim_beside(session, booking, unit_id, change.stay, now, hold_until=change.hold_until):
            change.unit_id = unit_id
            session.flush()  # the difference is looked for by it
            return
    raise DatesUnavailable("Somebody else has some of these nights. Nothing was changed.")


def _make_at_once(
    session: Session, booking: Booking, change: StayChange, units: Sequence[int], cause: Cause, now: datetime
) -> None:
    _swap(session, booking, change, units, cause, now)
    less = change.difference * -1
    if less.minor:
        refunds.spread_refund(session, booking, less, RefundReason.CHANGE, cause, now, change.form_token)
    swaps.tell_of_change(session, booking, change, now)


def _swap(
    session: Session, booking: Booking, change: StayChange, units: Sequence[int], cause: Cause, now: datetime
) -> None:
    for unit_id in units:
        change.unit_id = unit_id
        if swaps.make_change(session, booking, change, cause, now):
            break
    else:
        raise DatesUnavailable("Somebody else has some of these nights. Nothing was changed.")


def _put_into_balance(
    session: Session,
    booking: Booking,
    change: StayChange,
    due: Due,
    units: Sequence[int],
    cause: Cause,
    now: datetime,
) -> None:
    """What is still to be paid takes the difference, so that nothing is owed twice and no money goes to and fro."""
    if dues.is_payable(session, due.id):
        raise TransitionRefused("The guest is opening a page to pay the balance right now. Try again in a minute.")
    _swap(session, booking, change, units, cause, now)
    dues.take_change(session, booking, due, change, cause, now)
    swaps.tell_of_change(session, booking, change, now, is_in_balance=True)


def _open_at_stripe(runtime: Runtime, booking_id: int, cause: Cause) -> None:
    """Before the guest asks, so that a difference that Stripe will not take is known while staff looks."""
    try:
        start_difference(runtime, booking_id)
    except GatewayRefused:
        change_id = _give_up(runtime, booking_id)
        if change_id is not None:
            _drop_if_open(runtime, booking_id, change_id, ChangeStatus.WITHDRAWN, cause)
        raise
    except (GatewayUnavailable, DatesUnavailable):
        logger.warning("difference_not_open", extra={"booking": booking_id})  # the guest's click asks again


def _audit(session: Session, booking: Booking, change: StayChange, cause: Cause, now: datetime) -> None:
    facts = [
        {"arrive": str(stay.arrive), "leave": str(stay.leave), "guests": guests, "minor": minor}
        for stay, guests, minor in (
            (change.old_stay, change.from_guests, change.from_minor),
            (change.stay, change.guests, change.amount_minor),
        )
    ]
    subject = f"booking {booking.reference}"
    audit.record(session, cause.actor, "booking.changed", subject, now, before=facts[0], after=facts[1])


# --- the guest pays -------------------------------------------------------------------------------------------------


def _next_step(runtime: Runtime, booking_id: int, identity: Identity) -> Handoff | attempts.Ticket:
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        change = swaps.find_open_change(session, booking_id)
        if change is None or booking.status is not BookingStatus.CONFIRMED or booking.needs_review:
            return Handoff(HandoffOutcome.CONFIRMED, booking.reference)
        attempt = attempts.find_live(session, booking_id, change_id=change.id)
        if attempt is not None and attempt.status is AttemptStatus.PROCESSING:
            return Handoff(HandoffOutcome.PROCESSING, booking.reference)
        if attempt is not None and checkout.can_be_paid(attempt, now):
            return Handoff(HandoffOutcome.PAY, booking.reference, attempt.url)
        if attempt is None or attempt.status is AttemptStatus.OPEN:
            attempt = _renew(session, runtime, booking, change, attempt, now, identity)
        return attempts.ticket_of(attempt, booking.reference)


def _renew(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    change: StayChange,
    old: Attempt | None,
    now: datetime,
    identity: Identity,
) -> Attempt:
    if old is not None:
        old.status = AttemptStatus.SUPERSEDED
        session.flush()  # the unique index allows one live attempt
    number = attempts.next_number(session, booking)
    attempt = attempts.write_difference(session, runtime, booking, change, number, now, identity)
    _hold(session, booking, change, [change.unit_id], now)
    timeline.record(session, booking, "attempt_renewed", Cause(Source.WEB), now, note=f"attempt {number}")
    return attempt


# --- letting it be --------------------------------------------------------------------------------------------------


def _give_up(runtime: Runtime, booking_id: int, *, by_staff: Cause | None = None) -> int | None:
    """From here on the difference is not handed out for payment; the open change's id, None where there is none."""
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        change = swaps.find_open_change(session, booking_id)
        if change is None:
            return None
        attempt = attempts.find_live(session, booking_id, change_id=change.id)
        if attempt is not None and attempt.status is AttemptStatus.PROCESSING:
            if by_staff:
                raise TransitionRefused("The guest's bank is working on the payment of the difference.")
        elif attempt is not None:
            attempt.status = AttemptStatus.SUPERSEDED
        if by_staff:
            subject, now = f"booking {booking.reference}", runtime.clock.now()
            audit.record(session, by_staff.actor, "booking.change_withdrawn", subject, now)
        return change.id


def _lapse(runtime: Runtime, booking_id: int, change_id: int) -> ChangeStatus:
    cause = Cause(Source.TIMER)
    _give_up(runtime, booking_id)
    try:
        attempts.end_given_up(runtime, booking_id, cause)
    except GatewayUnavailable:
        if not checkout.is_surely_over(booking_id, runtime.clock.now()):
            raise
    status = _drop_if_open(runtime, booking_id, change_id, ChangeStatus.LAPSED, cause)
    runtime.wake_worker()
    return status


def _drop_if_open(
    runtime: Runtime, booking_id: int, change_id: int, status: ChangeStatus, cause: Cause
) -> ChangeStatus:
    now = runtime.clock.now()
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        change = session.get_one(StayChange, change_id, populate_existing=True)
        processing = attempts.find_live(session, booking_id, change_id=change.id)
        is_coming = processing is not None and processing.status is AttemptStatus.PROCESSING
        if change.status is ChangeStatus.OPEN and not is_coming:
            swaps.drop_change(session, booking, change, status, cause, now)
        return change.status


def _find_overdue(now: datetime) -> list[tuple[int, int]]:
    overdue = select(StayChange.id, StayChange.booking_id).where(
        StayChange.status == ChangeStatus.OPEN, StayChange.hold_until <= now
    )
    found = [(row.id, row.booking_id) for row in db.session.execute(overdue.order_by(StayChange.id))]
    end_read()
    return found
