"""Statuses and the whole table of transitions. Nothing else decides what may follow what."""

from enum import StrEnum

from booking.domain.errors import TransitionRefused


class BookingStatus(StrEnum):
    """Where a booking stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class PaymentStatus(StrEnum):
    """Where its money stands; derived from the ledger by domain/ledger.py, stored for queries."""

    UNPAID = "unpaid"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    FAILED = "failed"


class CancelReason(StrEnum):
    """Why a booking is cancelled."""

    GUEST = "guest"
    STAFF = "staff"
    PAYMENT_FAILED = "payment_failed"
    DATES_UNAVAILABLE = "dates_unavailable"


class AttemptStatus(StrEnum):
    """Where one Checkout Session stands.

    CREATING means that its outcome is not known yet, FAILED that a delayed payment failed, SUPERSEDED that Stripe
    refused to make it or that it was given up for another one.
    """

    CREATING = "creating"
    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class AttemptPurpose(StrEnum):
    """What an attempt pays for. Its value is part of what settlement decides by."""

    BOOKING = "booking"  # the whole price
    DEPOSIT = "deposit"  # the first part of the price; the rest is a due
    GUARANTEE = "guarantee"  # nothing now: a card that is kept confirms the booking
    REQUEST = "request"  # the whole price, authorised until the host has answered
    DIFFERENCE = "difference"  # what a change of a confirmed booking costs more
    BALANCE = "balance"  # the rest of the price
    CHARGE = "charge"  # a fee or a damage, on a card that was kept for that


class AttemptChannel(StrEnum):
    """Where an attempt is paid."""

    CHECKOUT = "checkout"  # on Stripe's hosted page
    OFF_SESSION = "off_session"  # by a kept card, with nobody present
    ON_PAGE = "on_page"  # on a page of our own, with Stripe's script


class DueKind(StrEnum):
    """What a guest still owes for a booking, beside its first payment."""

    BALANCE = "balance"
    NO_SHOW_FEE = "no_show_fee"
    DAMAGE = "damage"


class DueStatus(StrEnum):
    """Where a due stands. Only money that came makes it PAID."""

    OPEN = "open"
    PAID = "paid"
    WAIVED = "waived"


# In these the guest could still pay: each thing to pay for may have one at a time (unique indexes repeat this).
LIVE_ATTEMPT = (AttemptStatus.CREATING, AttemptStatus.OPEN, AttemptStatus.PROCESSING)

# Of these Stripe has not told us the end: somebody may have paid, even where we have given the session up.
UNFINISHED_ATTEMPT = (*LIVE_ATTEMPT, AttemptStatus.SUPERSEDED)


class RefundStatus(StrEnum):
    """Where one refund stands. REQUESTED is ours: written, but Stripe's answer is not known yet."""

    REQUESTED = "requested"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


# A later word about a refund counts only if it ranks higher. Failed may follow succeeded: a bank can send the money
# back for about 30 days (https://docs.stripe.com/refunds#failed-refunds).
REFUND_RANK = {
    RefundStatus.REQUESTED: 0,
    RefundStatus.PENDING: 1,
    RefundStatus.REQUIRES_ACTION: 2,
    RefundStatus.SUCCEEDED: 3,
    RefundStatus.CANCELED: 4,
    RefundStatus.FAILED: 4,
}
REFUND_IN_FLIGHT = (RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION)
REFUND_ENDED_BADLY = (RefundStatus.FAILED, RefundStatus.CANCELED)


# Stripe's own words for a dispute: those that wait for our answer, and those after which nothing more happens.
# https://docs.stripe.com/api/disputes/object#dispute_object-status
DISPUTE_WAITING = ("needs_response", "warning_needs_response")
DISPUTE_CLOSED = ("won", "lost", "warning_closed", "prevented")


class RefundReason(StrEnum):
    """Why money goes back."""

    DATES_UNAVAILABLE = "dates_unavailable"
    ALREADY_CANCELLED = "already_cancelled"
    DUPLICATE = "duplicate"
    CANCELLATION = "cancellation"
    GOODWILL = "goodwill"
    CHANGE = "change"  # the stay was changed and costs less
    EXTERNAL = "external"  # made in Stripe's dashboard


class ChangeStatus(StrEnum):
    """Where a change of dates or guests stands. OPEN: it costs more, and waits for the difference."""

    OPEN = "open"
    DONE = "done"
    LAPSED = "lapsed"  # not paid in time, or its nights were gone when the money came
    WITHDRAWN = "withdrawn"  # by staff, or with the booking


class Authentication(StrEnum):
    """Whether a bank had the guest confirm a payment (3-D Secure), as the charge says after it.

    https://docs.stripe.com/api/charges/object#charge_object-payment_method_details-card-three_d_secure
    """

    NO_CARD = "no_card"  # paid in another way, where nothing of the kind exists
    NONE = "none"  # a card, without 3-D Secure
    CHALLENGE = "challenge"  # the guest had to confirm
    FRICTIONLESS = "frictionless"  # the bank was satisfied without troubling the guest
    OTHER = "other"  # it was begun, and the bank or the card could not, or let it be


class PaymentMethod(StrEnum):
    """How money came. All but STRIPE the house took itself: it sends nothing of that back through Stripe either."""

    STRIPE = "stripe"
    CASH = "cash"
    BANK_TRANSFER = "bank_transfer"
    CARD_TERMINAL = "card_terminal"


class Source(StrEnum):
    """Who or what caused a step of a booking's timeline."""

    WEB = "web"
    WEBHOOK = "webhook"
    REDIRECT = "redirect"
    RECONCILE = "reconcile"
    TIMER = "timer"
    WORKER = "worker"
    STAFF = "staff"
    CLI = "cli"


# None stands for "not written yet". The steps from EXPIRED serve late money and a decline that is told of late.
TRANSITIONS: dict[BookingStatus | None, frozenset[BookingStatus]] = {
    None: frozenset({BookingStatus.PENDING}),
    BookingStatus.PENDING: frozenset({BookingStatus.CONFIRMED, BookingStatus.CANCELLED, BookingStatus.EXPIRED}),
    BookingStatus.EXPIRED: frozenset({BookingStatus.CONFIRMED, BookingStatus.CANCELLED}),
    BookingStatus.CONFIRMED: frozenset({BookingStatus.CANCELLED}),
    BookingStatus.CANCELLED: frozenset(),
}


def check_transition(old: BookingStatus | None, new: BookingStatus) -> None:
    """Raise TransitionRefused unless the table has this step."""
    if new not in TRANSITIONS[old]:
        raise TransitionRefused(old=old, new=new)
