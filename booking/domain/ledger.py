"""The payment status as a pure function of ledger rows. Events may come in any order and twice: this does not care."""

from collections.abc import Iterable
from dataclasses import dataclass

from booking.domain.states import (
    LIVE_ATTEMPT,
    REFUND_ENDED_BADLY,
    REFUND_IN_FLIGHT,
    AttemptStatus,
    PaymentStatus,
    RefundStatus,
)


@dataclass(frozen=True, slots=True)
class RefundEntry:
    """One refund, in minor units. `is_owed`: for a reason of its own, so that it makes good for no other refund."""

    minor: int
    status: RefundStatus
    is_owed: bool = False


@dataclass(frozen=True, slots=True)
class PaymentEntry:
    """One captured payment with its refunds, in minor units.

    `reported_minor` is what Stripe's charge says was refunded while we do not know each refund of it by id.
    """

    captured_minor: int
    refunds: tuple[RefundEntry, ...] = ()
    reported_minor: int = 0

    @property
    def refunded_minor(self) -> int:
        """What certainly went back."""
        known = sum(refund.minor for refund in self.refunds if refund.status is RefundStatus.SUCCEEDED)
        return max(known, self.reported_minor)

    @property
    def in_flight_minor(self) -> int:
        """What is on its way back, or may be."""
        return sum(refund.minor for refund in self.refunds if refund.status in REFUND_IN_FLIGHT)

    @property
    def kept_minor(self) -> int:
        """What is neither back nor on its way; below zero only if more was sent back than came, a fault."""
        return self.captured_minor - max(self.refunded_minor + self.in_flight_minor, self.reported_minor)

    @property
    def refundable_minor(self) -> int:
        """What may still be sent back without ever exceeding what was captured."""
        return max(0, self.kept_minor)


def ended_declined(status: AttemptStatus, decline_code: str | None) -> bool:
    """Whether in an attempt a card was refused and no other can be tried any more."""
    return decline_code is not None and status not in LIVE_ATTEMPT


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is known of a booking's money."""

    payments: tuple[PaymentEntry, ...] = ()
    attempts: tuple[AttemptStatus, ...] = ()
    declined: bool = False  # a card was refused in a session that has ended
    is_authorised: bool = False  # a sum is reserved on a card, and neither taken nor let go

    @property
    def captured_minor(self) -> int:
        return sum(payment.captured_minor for payment in self.payments)

    @property
    def refunded_minor(self) -> int:
        return sum(payment.refunded_minor for payment in self.payments)

    @property
    def in_flight_minor(self) -> int:
        return sum(payment.in_flight_minor for payment in self.payments)

    @property
    def refund_failed(self) -> bool:
        """Whether a refund ended badly and the money it was meant to send back has not gone back since."""
        return any(_lacks_a_refund(payment) for payment in self.payments)


def payment_status(ledger: Ledger) -> PaymentStatus:
    """The one word for a booking's money."""
    if ledger.captured_minor == 0:
        return _status_without_money(ledger)
    if ledger.in_flight_minor:
        return PaymentStatus.REFUND_PENDING
    if ledger.refunded_minor == 0:
        return PaymentStatus.PAID
    if ledger.refunded_minor < ledger.captured_minor:
        return PaymentStatus.PARTIALLY_REFUNDED
    return PaymentStatus.REFUNDED


def _status_without_money(ledger: Ledger) -> PaymentStatus:
    if ledger.is_authorised:
        return PaymentStatus.AUTHORIZED
    if AttemptStatus.PROCESSING in ledger.attempts:
        return PaymentStatus.PROCESSING
    ended = not any(status in (AttemptStatus.CREATING, AttemptStatus.OPEN) for status in ledger.attempts)
    if ended and (AttemptStatus.FAILED in ledger.attempts or ledger.declined):
        return PaymentStatus.FAILED
    return PaymentStatus.UNPAID


def _lacks_a_refund(payment: PaymentEntry) -> bool:
    """What is owed for a reason of its own makes good for nothing else.

    Else a guest whose stay was changed twice would have one refund instead of two, and nobody would see it. Which of
    the others was meant for which is not asked: the order in which they are heard of must not matter.
    """
    ended_badly = _sum(payment.refunds, REFUND_ENDED_BADLY)
    owed = sum(refund.minor for refund in payment.refunds if refund.is_owed and refund.status not in REFUND_ENDED_BADLY)
    made_good = payment.refunded_minor + payment.in_flight_minor - owed
    return ended_badly > 0 and made_good < min(payment.captured_minor - owed, ended_badly)


def _sum(refunds: Iterable[RefundEntry], statuses: tuple[RefundStatus, ...]) -> int:
    return sum(refund.minor for refund in refunds if refund.status in statuses)
