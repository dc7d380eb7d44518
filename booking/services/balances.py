"""Paying what is owed beside the first payment, and what the worker and staff do about it.

A due is paid on Stripe's page, in sessions that name it; its money comes through the one door. No transaction is open
during a call. What becomes of a due is decided in dues.py.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.database import end_read, transaction
from booking.domain.errors import BookingNotFound, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import (
    AttemptChannel,
    AttemptStatus,
    BookingStatus,
    DueKind,
    DueStatus,
    PaymentMethod,
    Source,
)
from booking.extensions import db
from booking.gateways.payments import GatewayUnavailable
from booking.models import Attempt, Booking, Due, OutboxRow
from booking.runtime import Runtime
from booking.services import attempts, audit, cards, checkout, dues, notifications, timeline
from booking.services.checkout import Handoff, HandoffOutcome
from booking.services.instance import Identity, get_identity
from booking.services.locks import lock_booking
from booking.services.notifications import GuestMail, StaffNotice
from booking.services.settlement import HouseReceipt, settle
from booking.services.timeline import Cause

logger = logging.getLogger(__name__)

# A guest is asked for a balance so long before its last day, and reminded once; in the morning of the house's clock.
ASK_BEFORE, REMIND_BEFORE, MORNING = timedelta(days=7), timedelta(days=2), time(9)
BANK_AT_WORK = "The guest's bank is working on a payment of this. Wait for its result."
_GONE = "Nothing is owed here any more. Look at the booking again."


@dataclass(frozen=True, slots=True)
class TakenMoney:
    """What staff says of money for a due that the house took itself. `shown` is what the page said is owed."""

    method: PaymentMethod
    shown: Money
    note: str = ""


def start_due(runtime: Runtime, due_id: int) -> Handoff:
    """Hand a guest over to Stripe for what is owed: to the session that is open, or to a new one. Commits.

    As checkout.start_checkout does for a booking: double clicks and crashes come to one session.

    Raises:
        BookingNotFound: no such due.
        GatewayUnavailable, GatewayRefused: as there.
    """
    identity = get_identity(runtime)
    for _ in range(checkout.MOST_ROUNDS):
        step = _next_step(runtime, due_id, identity)
        if isinstance(step, Handoff):
            return step
        if attempts.end_given_up(runtime, step.booking_id, Cause(Source.WEB)):
            continue  # one of them was paid: look again
        checkout.open_session(runtime, step, identity)
    raise GatewayUnavailable("no session could be opened")


def waive_due(runtime: Runtime, due_id: int, staff_email: str) -> DueStatus:
    """Give up what is owed: its sessions are ended first, and count if they are paid. Commits.

    Returns where the due ended; twice is once.

    Raises:
        BookingNotFound: no such due.
        TransitionRefused: a delayed payment is on its way, or the guest has opened a new page to pay this moment.
        GatewayUnavailable: it could still be paid, so it stays owed.
    """
    cause = Cause(Source.STAFF, staff_email)
    stop_paying(runtime, due_id, cause)
    now = runtime.clock.now()
    with transaction() as session:
        due, booking = _lock(session, due_id)
        if due.status is DueStatus.OPEN:
            _refuse_payable(session, due)
            dues.waive(session, booking, due, cause, now)
            facts: dict[str, object] = {"minor": due.amount_minor, "currency": due.currency, "kind": due.kind.value}
            audit.record(session, staff_email, "due.waived", f"booking {booking.reference}", now, before=facts)
        status = due.status
    runtime.wake_worker()
    return status


def take_due(runtime: Runtime, due_id: int, taken: TakenMoney, staff_email: str) -> None:
    """Record that the house took what is owed itself, through the one door; its sessions are ended first. Commits.

    Raises:
        BookingNotFound: no such due.
        TransitionRefused: it is paid or given up, of another amount by now, or may be being paid at Stripe.
        GatewayUnavailable: it could still be paid at Stripe, so nothing was recorded.
    """
    cause, identity = Cause(Source.STAFF, staff_email), get_identity(runtime)
    stop_paying(runtime, due_id, cause)
    now = runtime.clock.now()
    with transaction() as session:
        due, booking = _lock(session, due_id)
        receipt = HouseReceipt(booking.id, taken.method, taken.shown, taken.note, due_id=due.id)
        settle(session, receipt, cause, now, identity)
        facts: dict[str, object] = {"minor": due.amount_minor, "currency": due.currency, "method": taken.method.value}
        audit.record(session, staff_email, "due.taken", f"booking {booking.reference}", now, after=facts)
    runtime.wake_worker()


def stop_paying(runtime: Runtime, due_id: int, cause: Cause) -> None:
    """Make sure that nobody can pay a due on a page that was opened before; if somebody has, settle it. Commits.

    Raises:
        BookingNotFound: no such due.
        TransitionRefused: a delayed payment is on its way.
        GatewayUnavailable: it could still be paid.
    """
    with transaction() as session:
        due, booking = _lock(session, due_id)
        attempt, booking_id = attempts.find_live(session, booking.id, due_id=due.id), booking.id
        if attempt is not None:
            if _is_at_work(attempt):
                raise TransitionRefused(BANK_AT_WORK)
            attempt.status = AttemptStatus.SUPERSEDED
    attempts.end_given_up(runtime, booking_id, cause)


def stop_paying_balance(runtime: Runtime, booking_id: int, cause: Cause) -> None:
    """The same for a booking's balance, where it has one: before its amount is another one. Commits.

    Raises:
        TransitionRefused: a delayed payment is on its way, or Stripe does not say that nobody can pay.
    """
    due_id = db.session.scalar(
        select(Due.id).where(Due.booking_id == booking_id, Due.kind == DueKind.BALANCE, Due.status == DueStatus.OPEN)
    )
    end_read()
    if due_id is None:
        return
    try:
        stop_paying(runtime, due_id, cause)
    except GatewayUnavailable as error:
        raise TransitionRefused(
            "Stripe did not answer, so the guest could still pay the old balance. Try again in a minute."
        ) from error


def write_about_balances(runtime: Runtime) -> list[str]:
    """Ask guests for their balances, remind them, and tell staff of what is overdue; a line for each. Commits each.

    Each is looked for again and again and asked for once. Where a card was kept that pays by itself, others announce.
    """
    now = runtime.clock.now()
    wanted = {key: (due_id, kind) for key, due_id, kind in _find_occasions(now)}
    told = set(db.session.scalars(select(OutboxRow.dedupe_key).where(OutboxRow.dedupe_key.in_(wanted))))
    end_read()
    lines = [_write_about(due_id, kind, now) for key, (due_id, kind) in wanted.items() if key not in told]
    done = [line for line in lines if line]
    if done:
        runtime.wake_worker()
    return done


# --- going to Stripe ------------------------------------------------------------------------------------------------


def _next_step(runtime: Runtime, due_id: int, identity: Identity) -> Handoff | attempts.Ticket:
    now = runtime.clock.now()
    with transaction() as session:
        due, booking = _lock(session, due_id)
        if not dues.is_owed(booking, due) or booking.needs_review:
            return Handoff(HandoffOutcome.CONFIRMED, booking.reference)
        attempt = attempts.find_live(session, booking.id, due_id=due.id)
        if attempt is not None and _is_at_work(attempt):
            return Handoff(HandoffOutcome.PROCESSING, booking.reference)
        is_on_page = attempt is not None and attempt.channel is AttemptChannel.ON_PAGE
        if attempt is not None and not is_on_page and checkout.can_be_paid(attempt, now):
            return Handoff(HandoffOutcome.PAY, booking.reference, attempt.url)
        if attempt is None or is_on_page or attempt.status is AttemptStatus.OPEN:
            attempt = _renew(session, runtime, booking, due, attempt, now, identity)
        return attempts.ticket_of(attempt, booking.reference)


def _renew(
    session: Session,
    runtime: Runtime,
    booking: Booking,
    due: Due,
    old: Attempt | None,
    now: datetime,
    identity: Identity,
) -> Attempt:
    if old is not None:
        old.status = AttemptStatus.SUPERSEDED
        session.flush()  # the unique index allows one live attempt
    wanted = attempts.Wanted(due.purpose, due.amount, booking.stay, booking.guests, due_id=due.id)
    number = attempts.next_number(session, booking)
    attempt = attempts.write_wanted(session, runtime, booking, wanted, number, now, identity)
    session.flush()  # its id goes into the ticket
    timeline.record(session, booking, "due_attempt", Cause(Source.WEB), now, note=f"attempt {number} for due {due.id}")
    return attempt


def _is_at_work(attempt: Attempt) -> bool:
    """Whether money may come without anybody at a page: a bank is at work, or a card that was kept is being charged."""
    return attempt.status is AttemptStatus.PROCESSING or attempt.channel is AttemptChannel.OFF_SESSION


def _lock(session: Session, due_id: int) -> tuple[Due, Booking]:
    due = session.get(Due, due_id)
    if due is None:
        raise BookingNotFound
    booking = lock_booking(session, due.booking_id)
    return session.get_one(Due, due_id, populate_existing=True), booking


def _refuse_payable(session: Session, due: Due) -> None:
    if dues.is_payable(session, due.id):
        raise TransitionRefused("The guest is opening a page to pay this right now. Try again in a minute.")


# --- what the worker writes -----------------------------------------------------------------------------------------


def _find_occasions(now: datetime) -> list[tuple[str, int, GuestMail | StaffNotice]]:
    """What is to be written about each open balance today, under the name that the outbox keeps it by."""
    owed = (
        select(Due, Booking)
        .join(Booking, Booking.id == Due.booking_id)
        .where(
            Due.kind == DueKind.BALANCE,
            Due.status == DueStatus.OPEN,
            Booking.status == BookingStatus.CONFIRMED,
            Booking.erased_at.is_(None),
        )
        .order_by(Due.id)
    )
    found = []
    for due, booking in db.session.execute(owed):
        kind = _occasion(due, booking, now)
        # A card that was saved is charged by itself: charges.py announces that, and tells staff where it fails.
        if kind is not None and (due.tries_stopped_at or not cards.will_charge(db.session(), booking.id)):
            found.append((_key(kind, due), due.id, kind))
    return found


def _occasion(due: Due, booking: Booking, now: datetime) -> GuestMail | StaffNotice | None:
    local = now.astimezone(booking.listing.property.zone)
    today = local.date() if local.time() >= MORNING else local.date() - timedelta(days=1)
    if today > due.due_on:
        return StaffNotice.BALANCE_OVERDUE
    if today >= due.due_on - REMIND_BEFORE:
        return GuestMail.BALANCE_REMINDER
    return GuestMail.BALANCE_DUE if today >= due.due_on - ASK_BEFORE else None


def _write_about(due_id: int, kind: GuestMail | StaffNotice, now: datetime) -> str | None:
    with transaction() as session:
        due, booking = _lock(session, due_id)
        attempt = attempts.find_live(session, booking.id, due_id=due.id)
        if not dues.is_owed(booking, due) or (attempt is not None and _is_at_work(attempt)):
            return None  # since it was found
        if isinstance(kind, GuestMail):
            notifications.tell_guest(session, booking, kind, now, fact_id=_fact_id(due))
        else:
            note = f"{due.amount.major} {due.currency.upper()} were to be paid until {due.due_on}."
            notifications.tell_staff(session, kind, now, booking, note, fact_id=_fact_id(due))
        return f"booking {booking.id}: {kind.value.replace('_', ' ')}"


def _key(kind: GuestMail | StaffNotice, due: Due) -> str:
    if isinstance(kind, GuestMail):
        return notifications.guest_key(kind, due.booking_id, _fact_id(due))
    return f"mail:{kind}:{due.booking_id}:{_fact_id(due)}"


def _fact_id(due: Due) -> str:
    """A balance whose day has moved with the stay is written about once more."""
    return f"{due.id}-{due.due_on.isoformat()}"
