"""What our ledger has under ids of Stripe's."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from booking.domain.payouts import OwnRow
from booking.domain.states import REFUND_ENDED_BADLY
from booking.models import Booking, Dispute, Payment, Refund

_AT_ONCE = 400  # SQLite and PostgreSQL both have an end to how much one statement may ask for


def find_own_rows(session: Session, stripe_ids: Iterable[str]) -> dict[str, OwnRow]:
    """Payments (by charge or by intent), refunds and disputes, each under the id that was asked for."""
    found: dict[str, OwnRow] = {}
    wanted = sorted(filter(None, set(stripe_ids)))
    for start in range(0, len(wanted), _AT_ONCE):
        found.update(_find(session, wanted[start : start + _AT_ONCE]))
    return found


def _find(session: Session, ids: list[str]) -> Iterator[tuple[str, OwnRow]]:
    of_payment = or_(Payment.charge_id.in_(ids), Payment.payment_intent_id.in_(ids))
    for payment, reference in _with_reference(session, Payment, of_payment):
        row = OwnRow(payment.booking_id, reference, payment.amount)
        yield payment.charge_id or "", row
        yield payment.payment_intent_id or "", row
    for refund, reference in _with_reference(session, Refund, Refund.stripe_refund_id.in_(ids)):
        has_failed = refund.status in REFUND_ENDED_BADLY
        yield refund.stripe_refund_id, OwnRow(refund.booking_id, reference, refund.amount, has_failed)
    for dispute, reference in _with_reference(session, Dispute, Dispute.stripe_dispute_id.in_(ids)):
        yield dispute.stripe_dispute_id, OwnRow(dispute.booking_id, reference, dispute.amount)


def _with_reference(session: Session, model: Any, condition: Any) -> Iterable[Any]:
    rows = select(model, Booking.reference).join(Booking, model.booking_id == Booking.id)
    return session.execute(rows.where(condition))
