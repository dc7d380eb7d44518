"""How well paying works, month by month. The definitions stand in docs/desk.md; change both."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Tries:
    """How attempts to pay ended. Those that are not over yet count nowhere."""

    paid: int = 0
    paid_after_decline: int = 0  # of those: with another card, or at another try
    declined: int = 0
    left: int = 0  # no card was tried at all

    def __add__(self, other: "Tries") -> "Tries":
        return Tries(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def tried(self) -> int:
        """In which somebody tried to pay."""
        return self.paid + self.declined

    @property
    def success(self) -> Decimal | None:
        """Paid ones in percent of those in which somebody tried, with one decimal; None where nobody did."""
        return percent(self.paid, self.tried)


@dataclass(frozen=True, slots=True)
class Waits:
    """Whole seconds that something took, however often it happened."""

    count: int = 0
    middle: int | None = None  # half of them took no longer
    most: int | None = None  # of twenty, nineteen took no longer
    longest: int | None = None

    @classmethod
    def of(cls, seconds: Iterable[int]) -> "Waits":
        """A clock that is a little behind Stripe's makes no time run backwards."""
        found = sorted(max(0, each) for each in seconds)
        return cls(len(found), _rank(found, 50), _rank(found, 95), found[-1]) if found else cls()


@dataclass(frozen=True, slots=True)
class Secured:
    """Payments by what their banks did about 3-D Secure, and what became of charges without the guest."""

    without: int = 0  # by card, with nothing of the kind
    challenged: int = 0  # the guest had to confirm
    silent: int = 0  # the bank was satisfied without the guest
    other: int = 0  # it was begun and came to nothing, and the payment was made all the same
    unknown: int = 0  # Stripe's charge was not looked at (yet)
    saved: int = 0  # charges of saved cards that ended
    wanted: int = 0  # of those: the bank refused because it wanted the guest

    def __add__(self, other: "Secured") -> "Secured":
        return Secured(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def cards(self) -> int:
        """Payments by card of which it is known."""
        return self.without + self.challenged + self.silent + self.other

    @property
    def share(self) -> Decimal | None:
        """Those with 3-D Secure in percent of payments by card; None where there is none."""
        return percent(self.cards - self.without, self.cards)

    @property
    def wanted_share(self) -> Decimal | None:
        """Charges of saved cards that ended because the bank wanted the guest, in percent; None where there is none."""
        return percent(self.wanted, self.saved)


@dataclass(frozen=True, slots=True)
class Moved:
    """Money of one month in one currency, in minor units, and how many times."""

    paid_count: int = 0
    paid: int = 0
    refund_count: int = 0
    refunded: int = 0
    refunds_failed: int = 0
    dispute_count: int = 0
    disputed: int = 0
    lost: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class HealthMonth:
    """One month of the house."""

    month: date
    tries: Tries
    confirming: Waits  # from Stripe's word that it was paid to our confirmation
    hearing: Waits  # from Stripe's event to its arrival here
    secured: Secured = Secured()


def percent(part: int, whole: int) -> Decimal | None:
    """With one decimal, half a tenth rounded up; None of nothing."""
    return Decimal((2000 * part + whole) // (2 * whole)).scaleb(-1) if whole else None


def _rank(ordered: Sequence[int], share: int) -> int:
    """The value below or at which so many percent lie (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]
