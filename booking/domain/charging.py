"""Charging a saved card with nobody there: what the guest agreed to, how much at most, and on which days."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from booking.domain.money import Money
from booking.domain.payment_plans import Schedule
from booking.domain.terms import Deal
from booking.domain.words import Said, say

# A card that is refused may be good again after a payday or a new limit; a third no is an answer.
RETRY_DAYS = (0, 2, 4)
# So long before it happens a guest is told that the card will be charged, and can pay in another way.
ANNOUNCE_DAYS = 3
# Answers that another day does not change: the guest has to confirm, or the card is gone for good.
# https://docs.stripe.com/declines/codes says of most of these that the card must not be tried again.
_FINAL = frozenset(
    {
        "authentication_required",
        "authentication_not_handled",
        "do_not_try_again",
        "expired_card",
        "fraudulent",
        "lost_card",
        "merchant_blacklist",
        "payment_method_not_available",
        "pickup_card",
        "resource_missing",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "stop_payment_order",
    }
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a guest lets the house charge later without being asked again; each at most, and nothing where it is zero.

    `rest` is charged on or after `due_on`, a no-show and damage after they happened.
    """

    rest: Money
    due_on: date | None
    no_show: Money
    damage: Money

    @classmethod
    def to(cls, schedule: Schedule, deal: Deal, damage_minor: int | None) -> "Consent":
        """To what is paid later by a schedule; and to a no-show and so much damage, None where no cards are kept."""
        currency = deal.total.currency
        no_show = Money(0, currency) if damage_minor is None else no_show_limit(deal, schedule.now)
        return cls(schedule.later, schedule.due_on, no_show, Money(damage_minor or 0, currency))

    @property
    def is_needed(self) -> bool:
        """Whether there is anything for which a card would have to be saved."""
        return any(amount.minor > 0 for amount in (self.rest, self.no_show, self.damage))

    @property
    def words(self) -> tuple[Said, ...]:
        """What the guest reads before agreeing, and what is kept as agreed to: a sentence for each thing."""
        return tuple(self._say())

    def _say(self) -> Iterator[Said]:
        if self.rest.minor > 0 and self.due_on:
            yield say(
                "The rest of the price, {amount}, on {day} or in the days after.", amount=self.rest, day=self.due_on
            )
        if self.no_show.minor > 0:
            yield say(
                "If you neither come nor cancel: what the terms leave the house, {amount} at most.", amount=self.no_show
            )
        if self.damage.minor > 0:
            yield say(
                "For damage that you or your guests cause: {amount} at most. You are told the reason.",
                amount=self.damage,
            )


def no_show_limit(deal: Deal, held: Money) -> Money:
    """How much a guest who did not come may still be charged: what the terms leave the house, less what it has."""
    return Money(max(0, (deal.total - deal.rest - held).minor), deal.total.currency)


def digest(texts: Sequence[str]) -> str:
    """A short name for the words that a page showed, so that nobody agrees to others than they read."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def next_try(due_on: date, tried: Sequence[date]) -> date | None:
    """The day from which a card may be tried (again); None after the last. `tried` are the days it was, oldest first.

    The days count from the first try: a shop that was asleep on the due day still gives the card its pauses.
    """
    if len(tried) >= len(RETRY_DAYS):
        return None
    return tried[0] + timedelta(days=RETRY_DAYS[len(tried)]) if tried else due_on


def may_try_again(decline_code: str | None) -> bool:
    """Whether the same card may say something else on another day."""
    return decline_code not in _FINAL
