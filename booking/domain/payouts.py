"""A payout of Stripe's against our own ledger: entry by entry, and what differs in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from booking.domain.money import Money


class EntryKind(StrEnum):
    """What an entry is about, as far as our ledger can know of it."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"  # Stripe's own: fees, corrections, and what belongs to none of the above


class Verdict(StrEnum):
    """What our ledger says to an entry."""

    SAME = "same"
    OTHER_AMOUNT = "other_amount"
    OTHER_STATE = "other_state"
    UNKNOWN = "unknown"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that Stripe sends to the bank; `items_known` where Stripe says which entries it holds."""

    payout_id: str
    amount: Money
    status: str
    arrives_on: date
    items_known: bool


@dataclass(frozen=True, slots=True)
class PayoutItem:
    """One entry of a payout. `net` is what it adds to the payout, in the payout's currency.

    `source_id` and `source_amount` are of the payment, refund or dispute behind it, in that one's own currency; the
    amount is None where Stripe does not show it.
    """

    kind: EntryKind
    type: str  # Stripe's own word
    at: datetime
    amount: Money
    fee: Money
    net: Money
    source_id: str
    source_amount: Money | None = None
    payment_intent_id: str = ""  # of a payment: we may know it by this id alone


@dataclass(frozen=True, slots=True)
class OwnRow:
    """What our ledger has under an id of Stripe's. `has_failed`: a refund that did not arrive, by our account."""

    booking_id: int
    reference: str
    amount: Money
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class ComparedItem:
    """An entry with what we have of it; None where we have nothing."""

    item: PayoutItem
    own: OwnRow | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PayoutComparison:
    """A payout with all of its entries."""

    payout: Payout
    items: tuple[ComparedItem, ...]
    is_cut: bool = False  # there are more entries than were asked for

    @property
    def differences(self) -> tuple[ComparedItem, ...]:
        """The entries that our ledger does not bear out."""
        fine = (Verdict.SAME, Verdict.NOT_OURS)
        return tuple(each for each in self.items if each.verdict not in fine)

    @property
    def entries_sum(self) -> Money:
        """What the entries add up to. Stripe keeps those of a payout in its own currency; others would be no part."""
        nothing = Money(0, self.payout.amount.currency)
        nets = (each.item.net for each in self.items)
        return sum((net for net in nets if net.currency == nothing.currency), nothing)

    @property
    def adds_up(self) -> bool:
        """Whether the entries are the whole payout."""
        return self.is_cut or not self.payout.items_known or self.entries_sum == self.payout.amount


def compare_payout(
    payout: Payout, items: Iterable[PayoutItem], ours: Mapping[str, OwnRow], *, is_cut: bool = False
) -> PayoutComparison:
    """Each entry with our row of the same id."""
    compared = tuple(_compare(item, ours) for item in items)
    return PayoutComparison(payout, compared, is_cut)


def _compare(item: PayoutItem, ours: Mapping[str, OwnRow]) -> ComparedItem:
    own = ours.get(item.source_id) or ours.get(item.payment_intent_id)
    return ComparedItem(item, own, _verdict(item, own))


def _verdict(item: PayoutItem, own: OwnRow | None) -> Verdict:
    if item.kind is EntryKind.OTHER:
        return Verdict.NOT_OURS
    if own is None:
        return Verdict.UNKNOWN
    if item.source_amount is not None and item.source_amount != own.amount:
        return Verdict.OTHER_AMOUNT
    # Money of a refund that failed comes back as an entry of its own, perhaps weeks after the refund's.
    came_back = item.kind is EntryKind.REFUND and item.amount.minor > 0
    return Verdict.OTHER_STATE if came_back and not own.has_failed else Verdict.SAME
