"""What the end of a booking means for its money: a guest cancels, the house cancels, or nobody comes."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from booking.domain.money import Money
from booking.domain.states import BookingStatus, PaymentStatus
from booking.domain.terms import ALL, Deal, later_in_words, refund_due
from booking.domain.words import Said, say, say_count


class Ending(StrEnum):
    """How a booking ends without a stay."""

    GUEST = "guest"  # the guest cancels, or the house does it for them
    HOUSE = "house"  # the house cancels of its own accord
    NO_SHOW = "no_show"  # nobody came


@dataclass(frozen=True, slots=True)
class Outcome:
    """What goes back of the money that is here, what the house keeps of it, and why."""

    back: Money
    kept: Money
    why: Said


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
    is_no_show: bool = False


@dataclass(frozen=True, slots=True)
class Cancelling:
    """The consequence of cancelling now. `days_before` counts to the day of arrival."""

    door: CancelDoor
    back: Money
    kept: Money
    days_before: int


def outcome(ending: Ending, deal: Deal, refundable: Money, at: datetime) -> Outcome:
    """What an ending means for the money, with `refundable` of it still here: the only place where that is decided.

    The house keeps what the terms leave it and no more, so money that went back before counts towards what is due;
    and never more goes back than is here.
    """
    due, why = _due(ending, deal, at)
    back = Money(max(0, refundable.minor - (deal.total - due).minor), refundable.currency)
    return Outcome(back, refundable - back, why)


def cancelling(standing: Standing, deal: Deal, refundable: Money, at: datetime) -> Cancelling:
    """What it means where the guest cancels now, with `refundable` of the money still here."""
    found, today = outcome(Ending.GUEST, deal, refundable, at), deal.day(at)
    door = cancel_door(standing, deal.arrive, today)
    return Cancelling(door, found.back, found.kept, (deal.arrive - today).days)


def cancel_door(standing: Standing, arrive: date, today: date) -> CancelDoor:
    """Which way out is open today. On the day of arrival a guest may still tell the house not to wait."""
    is_over = standing.status in (BookingStatus.CANCELLED, BookingStatus.EXPIRED)
    if is_over or standing.is_no_show or today > arrive:
        return CancelDoor.CLOSED
    if standing.needs_review or standing.disputed or standing.payment_status is PaymentStatus.PROCESSING:
        return CancelDoor.ASK_HOUSE
    if standing.status is BookingStatus.CONFIRMED:
        return CancelDoor.OPEN
    return CancelDoor.LET_GO if standing.is_held else CancelDoor.CLOSED


def _due(ending: Ending, deal: Deal, at: datetime) -> tuple[Money, Said]:
    """How much of the total comes back, and why."""
    if ending is Ending.GUEST:
        return refund_due(deal, at), _guest_words(deal, at)
    if ending is Ending.NO_SHOW:
        return deal.rest, _no_show_words(deal)
    return deal.total, say("A guest whom the house cancels gets everything back.")


def _no_show_words(deal: Deal) -> Said:
    if deal.rest.minor:
        return say("Nobody came and nobody cancelled: {rest} is owed only for a stay, and comes back.", rest=deal.rest)
    return say("Nobody came and nobody cancelled: by the terms nothing comes back.")


def _guest_words(deal: Deal, at: datetime) -> Said:
    if deal.in_grace(at):
        return say("It is still within the time for second thoughts after booking: everything comes back.")
    days = (deal.arrive - deal.day(at)).days
    if days < 0:
        return say("The stay has begun: by the terms nothing comes back.")
    percent = deal.terms.percent(days)
    if not percent:
        return later_in_words(deal.terms.given_back)
    if percent >= ALL:
        return say("It is early enough: by the terms everything comes back.")
    return say_count(
        "It is {count} day before arrival: by the terms {percent} percent comes back.",
        "It is {count} days before arrival: by the terms {percent} percent comes back.",
        days,
        percent=percent,
    )
