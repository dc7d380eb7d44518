"""What staff asks of a guest after the stay: what the terms leave the house when nobody came, and damage.

Only with a card that the guest let the house save, and at most what they agreed to then. The due is written, told to
the guest and charged; the same form sent twice is one. The fee for not coming takes the place of a balance that is
still open: nobody pays for the same nights twice.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.database import transaction
from booking.domain.charging import no_show_limit
from booking.domain.errors import BookingNotFound, TransitionRefused
from booking.domain.money import Money
from booking.domain.states import BookingStatus, DueKind, DueStatus, Source
from booking.extensions import db
from booking.models import Booking, Due
from booking.queries.guest_money import read_refundable
from booking.runtime import Runtime
from booking.services import audit, balances, cards, charges, dues, timeline
from booking.services.charges import Try
from booking.services.locks import lock_booking
from booking.services.timeline import Cause

# What staff may charge a guest with, by the word in addresses.
FEE_KINDS = {"no-show": DueKind.NO_SHOW_FEE, "damage": DueKind.DAMAGE}
NO_CARD = "This booking has no saved card, so nothing can be charged here. Ask the guest to pay in another way."
TOO_MUCH = "That is more than may be charged. Nothing was written."
NOT_YET = "First it has to be noted that nobody came."
PAYING_NOW = "The balance may be being paid at this moment, so no fee was charged. Try again in a minute."
NOT_NOW = "Only of a confirmed booking whose payment is in order a fee can be charged."


@dataclass(frozen=True, slots=True)
class FeeWish:
    """What staff wants to charge; the guest reads the reason."""

    kind: DueKind
    amount: Money
    reason: str
    form_token: str


def find_limit(session: Session, booking: Booking, kind: DueKind) -> Money:
    """How much may still be charged for this; nothing where the guest agreed to nothing. Joins the transaction."""
    consent, nothing = cards.find_consent(session, booking.id), Money(0, booking.currency)
    if consent is None:
        return nothing
    asked = _asked_for(session, booking, kind)
    if kind is DueKind.DAMAGE:
        return Money(max(0, (consent.damage - asked).minor), booking.currency)
    if booking.no_show_at is None:
        return nothing
    owed = no_show_limit(booking.deal, read_refundable(session, booking)) - _open_fees(session, booking)
    return Money(max(0, min((consent.no_show - asked).minor, owed.minor)), booking.currency)


def read_limit(booking_id: int, kind: DueKind) -> Money:
    """The same for a page that is about to be shown. Raises BookingNotFound."""
    booking = db.session.get(Booking, booking_id)
    if booking is None:
        raise BookingNotFound
    return find_limit(db.session(), booking, kind)


def charge_fee(runtime: Runtime, booking_id: int, wish: FeeWish, staff_email: str) -> Try:
    """Write down what is owed, tell the guest, and charge the saved card. Commits, then asks Stripe.

    Raises:
        BookingNotFound: no such booking.
        TransitionRefused: no card, no consent, too much, nobody noted yet that the guest did not come, or the balance
            that the fee takes the place of may be being paid at this moment.
    """
    now, cause = runtime.clock.now(), Cause(Source.STAFF, staff_email)
    if wish.kind is DueKind.NO_SHOW_FEE:
        balances.stop_paying_balance(runtime, booking_id, cause)
    with transaction() as session:
        booking = lock_booking(session, booking_id)
        due = session.scalar(select(Due).where(Due.form_token == wish.form_token))
        if due is not None:
            return Try.UNDER_WAY
        _refuse(session, booking, wish)
        if wish.kind is DueKind.NO_SHOW_FEE:
            _give_up_balance(session, booking, cause, now)
        due_id = _write(session, booking, wish, cause, now)
    runtime.wake_worker()
    return charges.charge_due(runtime, due_id, cause)


def _refuse(session: Session, booking: Booking, wish: FeeWish) -> None:
    if booking.status is not BookingStatus.CONFIRMED or booking.needs_review or booking.erased_at is not None:
        raise TransitionRefused(NOT_NOW)
    if not cards.will_charge(session, booking.id):
        raise TransitionRefused(NO_CARD)
    if wish.kind is DueKind.NO_SHOW_FEE and booking.no_show_at is None:
        raise TransitionRefused(NOT_YET)
    if not 0 < wish.amount.minor <= find_limit(session, booking, wish.kind).minor or not wish.amount.is_movable:
        raise TransitionRefused(TOO_MUCH)


def _give_up_balance(session: Session, booking: Booking, cause: Cause, now: datetime) -> None:
    """What is left of the price is asked for as the fee, and must not be charged or paid beside it."""
    balance = dues.find_open_balance(session, booking.id)
    if balance is None:
        return
    if dues.is_payable(session, balance.id):
        raise TransitionRefused(PAYING_NOW)
    dues.waive(session, booking, balance, cause, now)


def _write(session: Session, booking: Booking, wish: FeeWish, cause: Cause, now: datetime) -> int:
    due = Due(
        booking_id=booking.id,
        kind=wish.kind,
        status=DueStatus.OPEN,
        amount_minor=wish.amount.minor,
        currency=wish.amount.currency,
        due_on=booking.listing.property.today(now),
        note=wish.reason[:500],
        requested_by=cause.actor,
        form_token=wish.form_token,
    )
    session.add(due)
    session.flush()  # the mail and the timeline name its id
    timeline.record(session, booking, "fee_asked", cause, now, note=f"due {due.id}, {due.kind}")
    told = {"due": due.id, "kind": due.kind.value, "minor": due.amount_minor}
    audit.record(session, cause.actor, "booking.fee_asked", f"booking {booking.reference}", now, after=told)
    charges.tell_of_charge(session, due, now)
    return due.id


def _asked_for(session: Session, booking: Booking, kind: DueKind) -> Money:
    """What was asked for this before, paid or not."""
    asked = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(
        Due.booking_id == booking.id, Due.kind == kind, Due.status != DueStatus.WAIVED
    )
    return Money(int(session.scalar(asked) or 0), booking.currency)


def _open_fees(session: Session, booking: Booking) -> Money:
    """What is still on its way to the house for not coming; what came is in the ledger."""
    asked = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(
        Due.booking_id == booking.id, Due.kind == DueKind.NO_SHOW_FEE, Due.status == DueStatus.OPEN
    )
    return Money(int(session.scalar(asked) or 0), booking.currency)
