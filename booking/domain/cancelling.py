"""What a guest who cancels today may do and gets back, by the terms that were frozen with the booking."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from booking.domain.money import Money
from booking.domain.policy import CancellationTerms, refund_due
from booking.domain.states import BookingStatus, PaymentStatus


class CancelDoor(StrEnum):
    """Which way out of a booking its guest has."""

    OPEN = "open"  # cancels it, and the terms say what comes back
    LET_GO = "let_go"  # unpaid: lets the nights go
    ASK_HOUSE = "ask_house"  # its money is not settled, so a person must decide
    CLOSED = "closed"  # over, cancelled, or the stay has begun


@dataclass(frozen=True, slots=True)
class Standing:
    """What the way out depends on. `is_held` means that the guest could still pay."""

    status: BookingStatus
    payment_status: PaymentStatus
    is_held: bool
    needs_review: bool
    disputed: bool


@dataclass(frozen=True, slots=True)
class Cancelling:
    """The consequence of cancelling today. `days_before` counts to the day of arrival."""

    door: CancelDoor
    back: Money
    kept: Money
    days_before: int


def cancelling(
    standing: Standing, total: Money, refundable: Money, terms: CancellationTerms, arrive: date, today: date
) -> Cancelling:
    """What cancelling means today, with `refundable` of the money still here.

    The house keeps what the terms leave it and no more, so money that went back before counts towards what is due.
    """
    house_keeps = total - refund_due(total, terms, arrive, today)
    back = Money(max(0, refundable.minor - house_keeps.minor), total.currency)
    return Cancelling(cancel_door(standing, arrive, today), back, refundable - back, (arrive - today).days)


def cancel_door(standing: Standing, arrive: date, today: date) -> CancelDoor:
    """Which way out is open today. On the day of arrival a guest may still tell the house not to wait."""
    if standing.status in (BookingStatus.CANCELLED, BookingStatus.EXPIRED) or today > arrive:
        return CancelDoor.CLOSED
    if standing.needs_review or standing.disputed or standing.payment_status is PaymentStatus.PROCESSING:
        return CancelDoor.ASK_HOUSE
    if standing.status is BookingStatus.CONFIRMED:
        return CancelDoor.OPEN
    return CancelDoor.LET_GO if standing.is_held else CancelDoor.CLOSED
