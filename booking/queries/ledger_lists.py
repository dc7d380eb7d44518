"""Payments and refunds of the whole house, as lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from booking.domain.money import Money
from booking.domain.states import (
    REFUND_ENDED_BADLY,
    REFUND_IN_FLIGHT,
    PaymentMethod,
    RefundReason,
    RefundStatus,
    Source,
)
from booking.models import Booking, Dispute, Listing, Payment, Property, Refund
from booking.models.payment import CALLED_OFF

PAGE_SIZE = 25
RowT = TypeVar("RowT")


class PaymentFilter(StrEnum):
    """What the list of payments can be narrowed to."""

    ALL = "all"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    WITHOUT_STRIPE = "without_stripe"


class RefundFilter(StrEnum):
    """What the list of refunds can be narrowed to."""

    ALL = "all"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """Money that came in. `refunded` is what certainly went back of it."""

    id: int
    booking_id: int
    reference: str
    guest_name: str
    payment_intent_id: str | None  # None: the house took it itself
    method: PaymentMethod
    captured_at: datetime
    source: Source
    amount: Money
    refunded: Money
    is_disputed: bool
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Money on its way back. `payment_intent_id` is of the payment that it is taken from."""

    id: int
    booking_id: int
    reference: str
    guest_name: str
    payment_intent_id: str | None  # None: the house took it itself
    stripe_refund_id: str | None
    created_at: datetime
    status: RefundStatus
    reason: RefundReason
    failure_reason: str | None
    requested_by: str
    amount: Money
    zone: ZoneInfo

    @property
    def has_failed(self) -> bool:
        """Whether the money did not arrive, and was not called off either."""
        return self.status in REFUND_ENDED_BADLY and self.failure_reason != CALLED_OFF

    @property
    def is_unknown(self) -> bool:
        """Whether its end is not known yet."""
        return self.status in REFUND_IN_FLIGHT and not self.waits_for_house

    @property
    def waits_for_house(self) -> bool:
        """Whether somebody of the house must hand the money back."""
        return self.status is RefundStatus.REQUESTED and self.payment_intent_id is None


@dataclass(frozen=True, slots=True)
class LedgerPage(Generic[RowT]):
    """One page of a list; `number` begins at 1 and is never beyond the last page."""

    rows: tuple[RowT, ...]
    number: int
    pages: int
    total: int


def list_payments(session: Session, narrowed: PaymentFilter, page: int) -> LedgerPage[PaymentLine]:
    """One page of payments, newest first."""
    refunded = select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
        Refund.payment_id == Payment.id, Refund.status == RefundStatus.SUCCEEDED
    )
    disputed = exists().where(Dispute.payment_id == Payment.id)
    has_refunds = exists().where(Refund.payment_id == Payment.id)
    columns: tuple[Any, ...] = (Payment, *_BOOKING, refunded.scalar_subquery(), disputed)
    conditions = {
        PaymentFilter.REFUNDED: or_(has_refunds, Payment.reported_refunded_minor > 0),
        PaymentFilter.DISPUTED: disputed,
        PaymentFilter.WITHOUT_STRIPE: Payment.method != PaymentMethod.STRIPE,
    }
    wanted = _of_bookings(select(*columns), Payment.booking_id)
    order = (Payment.captured_at.desc(), Payment.id.desc())
    return _page(session, wanted, Payment.id, conditions.get(narrowed), order, page, _payment_line)


def list_refunds(session: Session, narrowed: RefundFilter, page: int) -> LedgerPage[RefundLine]:
    """One page of refunds: those that failed, then those whose end is not known, then the others, newest first."""
    columns: tuple[Any, ...] = (Refund, *_BOOKING, Payment.payment_intent_id)
    failed = and_(Refund.status.in_(REFUND_ENDED_BADLY), func.coalesce(Refund.failure_reason, "") != CALLED_OFF)
    unknown = Refund.status.in_(REFUND_IN_FLIGHT)
    conditions = {
        RefundFilter.FAILED: failed,
        RefundFilter.UNKNOWN: unknown,
        RefundFilter.ARRIVED: Refund.status == RefundStatus.SUCCEEDED,
    }
    wanted = _of_bookings(select(*columns), Refund.booking_id).join(Payment, Refund.payment_id == Payment.id)
    order = (case((failed, 0), (unknown, 1), else_=2), Refund.id.desc())
    return _page(session, wanted, Refund.id, conditions.get(narrowed), order, page, _refund_line)


_BOOKING = (Booking.reference, Booking.guest_name, Property.timezone)


def _of_bookings(wanted: Select[Any], booking_id: Any) -> Select[Any]:
    joined = wanted.join(Booking, booking_id == Booking.id).join(Listing, Booking.listing_id == Listing.id)
    return joined.join(Property, Listing.property_id == Property.id)


def _page(
    session: Session,
    wanted: Select[Any],
    counted: Any,
    condition: ColumnElement[bool] | None,
    order: tuple[Any, ...],
    page: int,
    line: Any,
) -> LedgerPage[Any]:
    conditions = [] if condition is None else [condition]
    total = session.scalar(select(func.count(counted)).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, page), pages)
    part = wanted.where(*conditions).order_by(*order).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return LedgerPage(tuple(line(*row) for row in session.execute(part)), number, pages, total)


def _payment_line(
    payment: Payment, reference: str, guest_name: str, zone: str, refunded: int, is_disputed: bool
) -> PaymentLine:
    return PaymentLine(
        id=payment.id,
        booking_id=payment.booking_id,
        reference=reference,
        guest_name=guest_name,
        payment_intent_id=payment.payment_intent_id,
        method=payment.method,
        captured_at=payment.captured_at,
        source=payment.source,
        amount=payment.amount,
        refunded=Money(max(int(refunded), payment.reported_refunded_minor), payment.currency),
        is_disputed=bool(is_disputed),
        zone=ZoneInfo(zone),
    )


def _refund_line(refund: Refund, reference: str, guest_name: str, zone: str, payment_intent_id: str) -> RefundLine:
    return RefundLine(
        id=refund.id,
        booking_id=refund.booking_id,
        reference=reference,
        guest_name=guest_name,
        payment_intent_id=payment_intent_id,
        stripe_refund_id=refund.stripe_refund_id,
        created_at=refund.created_at,
        status=refund.status,
        reason=refund.reason,
        failure_reason=refund.failure_reason,
        requested_by=refund.requested_by,
        amount=refund.amount,
        zone=ZoneInfo(zone),
    )
