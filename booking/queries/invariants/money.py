"""Looks at the ledger: all money has a home, nothing goes back twice, what came is what was agreed."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import ScalarSelect, and_, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from booking.domain.ledger import Ledger, payment_status
from booking.domain.requests import UNCAPTURED
from booking.domain.states import (
    LIVE_ATTEMPT,
    REFUND_ENDED_BADLY,
    AttemptPurpose,
    AttemptStatus,
    BookingStatus,
    CancelReason,
    ChangeStatus,
    DueKind,
    DueStatus,
    RefundReason,
    RefundStatus,
)
from booking.models import Attempt, Authorisation, Booking, BookingEvent, Due, Payment, Refund, StayChange
from booking.queries.invariants.given import Given

_BY_ITSELF = (RefundReason.DATES_UNAVAILABLE, RefundReason.ALREADY_CANCELLED, RefundReason.DUPLICATE)


def find_unpaid_confirmed(session: Session, given: Given) -> Iterator[str]:
    """Confirmed with less captured than was due; of a balance nothing is due yet, or nothing any more."""
    came = func.coalesce(func.sum(Payment.amount_minor), 0)
    same_currency = and_(Payment.booking_id == Booking.id, Payment.currency == Booking.currency)
    rows = (
        select(Booking.id, Booking.amount_minor - _unpaid_balance(), came)
        .outerjoin(Payment, same_currency)
        .where(Booking.status == BookingStatus.CONFIRMED)
        .group_by(Booking.id, Booking.amount_minor)
        .having(came < Booking.amount_minor - _unpaid_balance())
    )
    for booking_id, due, paid in session.execute(rows):
        yield f"booking {booking_id} is confirmed with {paid} paid of {due} minor units due"


def _unpaid_balance() -> ScalarSelect[int]:
    """What a booking's guest is still to pay of its price, or was let off."""
    unpaid = (Due.kind == DueKind.BALANCE) & (Due.status != DueStatus.PAID)
    found = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(Due.booking_id == Booking.id, unpaid)
    return found.correlate(Booking).scalar_subquery()


def find_uneven_plans(session: Session, given: Given) -> Iterator[str]:
    """Paid in parts, and the parts do not come to the price: the deposit, the balance, and what changes moved since."""
    planned = select(Booking).where(Booking.plan.is_not(None), Booking.confirmed_at.is_not(None))
    for booking in session.scalars(planned.execution_options(populate_existing=True)):
        parts = booking.first_payment.minor + sum(_minor_parts(session, booking.id))
        if parts != booking.amount_minor:
            yield f"booking {booking.id} costs {booking.amount_minor} minor units, and its parts come to {parts}"


def _minor_parts(session: Session, booking_id: int) -> Iterator[int]:
    """The balance as it is now; what was paid for changes, and what went back for them."""
    balance = select(func.coalesce(func.sum(Due.amount_minor), 0))
    yield session.scalar(balance.where(Due.booking_id == booking_id, Due.kind == DueKind.BALANCE)) or 0
    made = select(StayChange.id).where(StayChange.booking_id == booking_id, StayChange.status == ChangeStatus.DONE)
    paid = select(func.coalesce(func.sum(Attempt.amount_minor), 0))
    yield session.scalar(paid.where(Attempt.change_id.in_(made), Attempt.status == AttemptStatus.PAID)) or 0
    back = select(func.coalesce(func.sum(Refund.amount_minor), 0))
    yield -(session.scalar(back.where(Refund.booking_id == booking_id, Refund.reason == RefundReason.CHANGE)) or 0)


def find_stray_balances(session: Session, given: Given) -> Iterator[str]:
    """A balance that is still owed for a booking that is over, or that is paid although no money came for it."""
    owed = select(Due.id, Booking.id, Booking.status).join(Booking, Booking.id == Due.booking_id)
    over = (Due.kind == DueKind.BALANCE) & (Due.status == DueStatus.OPEN) & (Booking.status != BookingStatus.CONFIRMED)
    for due_id, booking_id, status in session.execute(owed.where(over)):
        yield f"booking {booking_id} is {status}, and due {due_id} is still owed for it"
    by_attempt = exists().where(
        Attempt.due_id == Due.id, Payment.attempt_id == Attempt.id, Payment.amount_minor == Due.amount_minor
    )
    by_house = exists().where(
        Payment.booking_id == Due.booking_id, Payment.attempt_id.is_(None), Payment.amount_minor == Due.amount_minor
    )
    for due_id, booking_id, _status in session.execute(
        owed.where(Due.status == DueStatus.PAID, ~or_(by_attempt, by_house))
    ):
        yield f"booking {booking_id}: due {due_id} is paid, and no payment of its amount came"


def find_homeless_money(session: Session, given: Given) -> Iterator[str]:
    """Money that came and that no booking keeps, nothing sends back, and nobody was told of."""
    for booking, payments in _paid_bookings(session):
        if booking.needs_review or booking.refund_failed or booking.disputed:
            continue  # with a person
        kept = sum(payment.entry.kept_minor for payment in payments if _may_stay(booking, payment))
        lost = sum(payment.entry.kept_minor for payment in payments if not _may_stay(booking, payment))
        price = booking.amount_minor + _fees_minor(session, booking.id)
        excess = max(0, kept - price) if booking.status is BookingStatus.CONFIRMED else 0
        if lost or excess:
            yield f"booking {booking.id} is {booking.status}, and {lost + excess} minor units of it belong nowhere"


def _fees_minor(session: Session, booking_id: int) -> int:
    """What was paid beside the price."""
    paid = (Due.kind != DueKind.BALANCE) & (Due.status == DueStatus.PAID)
    found = select(func.coalesce(func.sum(Due.amount_minor), 0)).where(Due.booking_id == booking_id, paid)
    return session.scalar(found) or 0


def find_wrong_status(session: Session, given: Given) -> Iterator[str]:
    """A stored payment status that does not follow from the ledger's rows."""
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in session.scalars(select(Attempt)):
        attempts[attempt.booking_id].append(attempt)
    paid = {booking.id: payments for booking, payments in _paid_bookings(session)}
    reserved = set(session.scalars(select(Authorisation.booking_id).where(Authorisation.state.in_(UNCAPTURED))))
    for booking_id, stored in session.execute(select(Booking.id, Booking.payment_status)):
        derived = payment_status(_ledger(paid.get(booking_id, []), attempts[booking_id], booking_id in reserved))
        if derived is not stored:
            yield f"booking {booking_id} says {stored}, its ledger says {derived}"


def find_over_refunds(session: Session, given: Given) -> Iterator[str]:
    """More refunded, or on its way back, than was captured; or in another currency."""
    for booking, payments in _paid_bookings(session):
        for payment in payments:
            over = -payment.entry.kept_minor - _overtaken_minor(payment)
            if over > 0:
                yield f"booking {booking.id}: {over} minor units more go back than payment {payment.id} brought"
            if any(refund.currency != payment.currency for refund in payment.refunds):
                yield f"booking {booking.id}: payment {payment.id} has a refund in another currency"


def _overtaken_minor(payment: Payment) -> int:
    """What was asked for before Stripe told of another refund: there may not be enough left, and Stripe will say so."""
    known = [refund.updated_at for refund in payment.refunds if refund.stripe_refund_id]
    asked = [refund for refund in payment.refunds if refund.status is RefundStatus.REQUESTED]
    return sum(
        refund.amount_minor
        for refund in asked
        if not refund.stripe_refund_id and any(told_at >= refund.created_at for told_at in known)
    )


def find_repeated_refunds(session: Session, given: Given) -> Iterator[str]:
    """Two refunds that the shop made by itself for one payment, neither of which failed."""
    rows = (
        select(Refund.payment_id, func.count())
        .where(Refund.reason.in_(_BY_ITSELF), Refund.status.not_in(REFUND_ENDED_BADLY))
        .group_by(Refund.payment_id)
        .having(func.count() > 1)
    )
    for payment_id, count in session.execute(rows):
        yield f"payment {payment_id} was refunded by itself {count} times"


def find_other_amounts(session: Session, given: Given) -> Iterator[str]:
    """A payment or a session of another amount than was agreed, where nobody was asked to look."""
    told = exists().where(BookingEvent.booking_id == Booking.id, BookingEvent.kind == "needs_review")
    other = or_(Payment.amount_minor != Attempt.amount_minor, Payment.currency != Attempt.currency)
    rows = select(Payment.id, Booking.id).join(Attempt, Attempt.id == Payment.attempt_id)
    for payment_id, booking_id in session.execute(
        rows.join(Booking, Booking.id == Payment.booking_id).where(other, ~told)
    ):
        yield f"booking {booking_id}: payment {payment_id} is not of the amount that was agreed"
    yield from _find_other_orders(session)


def find_two_live_attempts(session: Session, given: Given) -> Iterator[str]:
    """Two sessions of one booking that can both be paid."""
    subject = (Attempt.booking_id, Attempt.change_id, Attempt.due_id)  # each of these is paid for by itself
    rows = select(Attempt.booking_id).where(Attempt.status.in_(LIVE_ATTEMPT)).group_by(*subject)
    for booking_id in session.scalars(rows.having(func.count() > 1)):
        yield f"booking {booking_id} has more than one session that can be paid"


def find_unkeyed(session: Session, given: Given) -> Iterator[str]:
    """Something asked of Stripe without a key or without the parameters it was asked with."""
    for attempt_id, key, params in session.execute(select(Attempt.id, Attempt.idempotency_key, Attempt.params)):
        if not key or not params:
            yield f"attempt {attempt_id} has no key or no frozen parameters"
    ours = select(Refund.id, Refund.idempotency_key, Refund.params).where(Refund.reason != RefundReason.EXTERNAL)
    for refund_id, key, params in session.execute(ours.where(Refund.first_sent_at.is_not(None))):
        if not key or not params:
            yield f"refund {refund_id} has no key or no frozen parameters"


def find_foreign_money(session: Session, given: Given) -> Iterator[str]:
    """A payment for a session that was asked for under another shop's id: is this a copy of its database?"""
    rows = select(Payment.id, Payment.booking_id, Attempt.params).join(Attempt, Attempt.id == Payment.attempt_id)
    for payment_id, booking_id, params in session.execute(rows):
        app = params.get("metadata", {}).get("app")
        if app != given.instance_id:
            yield f"booking {booking_id}: payment {payment_id} was asked for under the id of another shop"


def _find_other_orders(session: Session) -> Iterator[str]:
    rows = select(
        Attempt.id, Attempt.booking_id, Attempt.purpose, Attempt.amount_minor, Attempt.currency, Attempt.params
    )
    for attempt_id, booking_id, purpose, minor, currency, params in session.execute(rows):
        wanted = None if purpose is AttemptPurpose.GUARANTEE else minor
        if _ordered(params) != (wanted, currency):
            yield f"booking {booking_id}: attempt {attempt_id} asked Stripe for another amount than it was written for"


def _ordered(params: dict[str, object]) -> tuple[int | None, str]:
    """What the frozen parameters of a session, or of a payment without one, add up to; None: it only keeps a card."""
    if params.get("mode") == "setup":
        return None, str(params["currency"])
    if "amount" in params:
        return params["amount"], str(params["currency"])  # type: ignore[return-value]
    prices = [(item["price_data"], item["quantity"]) for item in params.get("line_items", [])]  # type: ignore[attr-defined]
    total = sum(price["unit_amount"] * quantity for price, quantity in prices)
    return total, prices[0][0]["currency"] if prices else ""


def _ledger(payments: list[Payment], attempts: list[Attempt], is_authorised: bool) -> Ledger:
    statuses = tuple(attempt.status for attempt in attempts)
    declined = any(attempt.ended_declined for attempt in attempts)
    return Ledger(tuple(payment.entry for payment in payments), statuses, declined, is_authorised)


def _paid_bookings(session: Session) -> list[tuple[Booking, list[Payment]]]:
    """Every booking that money came for, with its payments."""
    wanted = select(Payment).options(selectinload(Payment.refunds), selectinload(Payment.booking))
    payments = session.scalars(
        wanted.order_by(Payment.booking_id, Payment.id), execution_options={"populate_existing": True}
    )
    return [(booking, list(group)) for booking, group in groupby(payments, key=lambda payment: payment.booking)]


def _may_stay(booking: Booking, payment: Payment) -> bool:
    """A confirmed booking keeps its money; one that was cancelled keeps what came before, as its terms had it.

    A fee or a damage stays owed, and is kept, whatever becomes of the booking.
    """
    is_fee = payment.attempt is not None and payment.attempt.purpose is AttemptPurpose.CHARGE
    if booking.status is BookingStatus.CONFIRMED or is_fee:
        return True
    was_ended = booking.cancel_reason in (CancelReason.GUEST, CancelReason.STAFF)
    return was_ended and booking.cancelled_at is not None and payment.captured_at <= booking.cancelled_at
