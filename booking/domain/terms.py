"""Cancellation terms: what comes back when, as frozen with a booking. What an ending means is in cancelling.py."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking.domain.money import Money, step
from booking.domain.pricing import Quote
from booking.domain.rates import LineKind
from booking.domain.words import Said, say, say_count

ALL = 100
# What terms may give back whenever nobody stays, however late it is told.
GIVEN_BACK = (LineKind.TOURIST_TAX, LineKind.CLEANING)
# Longer than any booking lies ahead: in the form that older versions read, "until the day of booking" and so never.
_NEVER = 9_999


@dataclass(frozen=True, slots=True)
class Tier:
    """Until so many days before arrival, so much comes back."""

    days: int
    percent: int


@dataclass(frozen=True, slots=True)
class Grace:
    """For some hours after booking everything comes back, if arrival was then at least so many days away."""

    hours: int
    least_days: int = 0


@dataclass(frozen=True, slots=True)
class CancellationTerms:
    """What comes back by the day of cancelling. In which order the tiers are written down never matters.

    `given_back` are the lines of a quote that come back in full whenever nobody stays: the tourist tax is not owed
    without a stay, and nobody cleans a room that nobody slept in. The tiers are about the rest.
    """

    tiers: tuple[Tier, ...] = ()
    grace: Grace | None = None
    given_back: frozenset[LineKind] = frozenset()

    @classmethod
    def in_two_steps(cls, full_days: int, part_days: int, part_percent: int) -> "CancellationTerms":
        """Everything until `full_days` before arrival, then `part_percent` until `part_days` before, then nothing."""
        return cls((Tier(full_days, ALL), Tier(part_days, part_percent)))

    @property
    def steps(self) -> tuple[Tier, ...]:
        """The tiers that say something, most generous first: one that gives no more than a later one is left out."""
        best: list[Tier] = []
        for tier in sorted(self.tiers, key=lambda tier: (tier.days, -tier.percent)):
            if tier.percent > (best[-1].percent if best else 0):
                best.append(tier)
        return tuple(reversed(best))

    def percent(self, days_before: int) -> int:
        """How many hundredths come back so many days before arrival."""
        return max((tier.percent for tier in self.tiers if days_before >= tier.days), default=0)

    def as_json(self) -> dict[str, Any]:
        """The form in which the terms are frozen with a booking.

        The last three are for older versions beside this one, which know two steps: never more than these terms give.
        """
        full = next((tier.days for tier in self.steps if tier.percent == ALL), _NEVER)
        part = next((tier for tier in self.steps if tier.percent < ALL), Tier(0, 0))
        return {
            "tiers": [[tier.days, tier.percent] for tier in self.steps],
            "grace": [self.grace.hours, self.grace.least_days] if self.grace else None,
            "given_back": sorted(self.given_back),
            "full_days": full,
            "part_days": part.days,
            "part_percent": part.percent,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CancellationTerms":
        """Frozen terms, read back; those of older versions have two steps and nothing else."""
        if "tiers" not in data:
            return cls.in_two_steps(data["full_days"], data["part_days"], data["part_percent"])
        return cls(
            tuple(Tier(days, percent) for days, percent in data["tiers"]),
            Grace(*data["grace"]) if data["grace"] else None,
            frozenset(LineKind(kind) for kind in data["given_back"]),
        )


@dataclass(frozen=True, slots=True)
class RefundStep:
    """Cancel on or before `last_day` and `refund` comes back; where `until` is set, before that very moment (there)."""

    last_day: date
    refund: Money
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """What was agreed to: a price for a day of arrival, with terms, at a moment. Days are those of the zone."""

    quote: Quote
    terms: CancellationTerms
    arrive: date
    booked_at: datetime
    zone: ZoneInfo

    @property
    def total(self) -> Money:
        return self.quote.total

    @property
    def rest(self) -> Money:
        """What comes back whenever nobody stays; never more than the total, and an amount that can be moved."""
        lines = (line.total.minor for line in self.quote.lines if line.kind in self.terms.given_back)
        smallest = step(self.total.currency)
        return Money(min(sum(lines), self.total.minor) // smallest * smallest, self.total.currency)

    @property
    def grace_until(self) -> datetime | None:
        """The end of the time for second thoughts, before the day of arrival; None where there is none."""
        grace = self.terms.grace
        if grace is None or (self.arrive - self.day(self.booked_at)).days < grace.least_days:
            return None
        begins = datetime.combine(self.arrive, time(), self.zone)
        until = min(self.booked_at + timedelta(hours=grace.hours), begins)
        return until.astimezone(self.zone) if until > self.booked_at else None

    def day(self, at: datetime) -> date:
        """The date of an instant, where the stay is."""
        return at.astimezone(self.zone).date()

    def in_grace(self, at: datetime) -> bool:
        """Whether second thoughts still cost nothing."""
        return self.grace_until is not None and at <= self.grace_until

    def given_by(self, percent: int) -> Money:
        """So many hundredths of the price, and in full what is owed for a stay alone."""
        return self.total if percent >= ALL else (self.total - self.rest).percent(percent) + self.rest


def refund_due(deal: Deal, at: datetime) -> Money:
    """What of the total comes back where the guest cancels at a moment; nothing once the stay has begun."""
    if deal.in_grace(at):
        return deal.total
    days_before = (deal.arrive - deal.day(at)).days
    return Money(0, deal.total.currency) if days_before < 0 else deal.given_by(deal.terms.percent(days_before))


def refund_steps(deal: Deal) -> tuple[RefundStep, ...]:
    """The terms with dates and amounts, most generous first; after the last of them `rest` is all that comes back."""
    return tuple(_steps(deal))


def open_steps(deal: Deal, at: datetime) -> tuple[RefundStep, ...]:
    """Those that can still be reached: a day that has passed promises nothing any more."""
    today = deal.day(at)
    return tuple(one for one in refund_steps(deal) if (one.until >= at if one.until else one.last_day >= today))


def _steps(deal: Deal) -> Iterator[RefundStep]:
    dated = [
        RefundStep(deal.arrive - timedelta(days=tier.days), deal.given_by(tier.percent)) for tier in deal.terms.steps
    ]
    dated = [one for one in dated if one.refund.minor > deal.rest.minor]
    until = deal.grace_until
    if until is None or any(one.refund == deal.total and one.last_day >= deal.day(until) for one in dated):
        yield from dated
        return
    yield RefundStep(deal.day(until), deal.total, until)
    # A day that ends before the time for second thoughts does gives nothing that was not given already.
    yield from (one for one in dated if one.last_day >= deal.day(until))


# --- words ----------------------------------------------------------------------------------------------------------


def terms_in_words(terms: CancellationTerms) -> tuple[Said, ...]:
    """The terms as long as no dates are known: counted back from the day of arrival."""
    return tuple(_words(terms))


def later_in_words(given_back: Iterable[LineKind]) -> Said:
    """What comes back once no step of the terms can be reached any more."""
    kinds = frozenset(given_back)
    if kinds >= set(GIVEN_BACK):
        return say("Later, only tourist tax and cleaning come back: nobody has stayed.")
    if LineKind.TOURIST_TAX in kinds:
        return say("Later, only the tourist tax comes back: nobody has stayed.")
    if LineKind.CLEANING in kinds:
        return say("Later, only the price of cleaning comes back: nobody has stayed.")
    return say("Later, nothing comes back.")


def _words(terms: CancellationTerms) -> Iterator[Said]:
    if terms.grace:
        yield _grace_words(terms.grace)
    for number, tier in enumerate(terms.steps):
        yield _free_words(tier) if tier.percent == ALL else _part_words(tier, is_first=number == 0)
    if not terms.steps and not terms.grace:
        yield say("This stay cannot be cancelled for money back.")
    if terms.steps or terms.grace or terms.given_back:
        yield later_in_words(terms.given_back)


def _grace_words(grace: Grace) -> Said:
    if not grace.least_days:
        return say_count(
            "Free cancellation for {count} hour after booking.",
            "Free cancellation for {count} hours after booking.",
            grace.hours,
        )
    return say_count(
        "Free cancellation for {count} hour after booking, if you then arrive in {days} days or later.",
        "Free cancellation for {count} hours after booking, if you then arrive in {days} days or later.",
        grace.hours,
        days=grace.least_days,
    )


def _free_words(tier: Tier) -> Said:
    if not tier.days:
        return say("Free cancellation until the day of arrival.")
    return say_count(
        "Free cancellation until {count} day before arrival.",
        "Free cancellation until {count} days before arrival.",
        tier.days,
    )


def _part_words(tier: Tier, *, is_first: bool) -> Said:
    if is_first:
        return _first_part_words(tier)
    if not tier.days:
        return say("After that {percent} percent comes back until the day of arrival.", percent=tier.percent)
    return say_count(
        "After that {percent} percent comes back until {count} day before arrival.",
        "After that {percent} percent comes back until {count} days before arrival.",
        tier.days,
        percent=tier.percent,
    )


def _first_part_words(tier: Tier) -> Said:
    if not tier.days:
        return say("{percent} percent comes back until the day of arrival.", percent=tier.percent)
    return say_count(
        "{percent} percent comes back until {count} day before arrival.",
        "{percent} percent comes back until {count} days before arrival.",
        tier.days,
        percent=tier.percent,
    )
