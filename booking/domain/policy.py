"""Stay rules, hold deadlines, and what a cancellation gives back on a date."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from booking.domain.dates import Stay
from booking.domain.errors import StayRuleBroken
from booking.domain.money import Money
from booking.domain.words import Said, say, say_count

# The nights outlive the Checkout Session by this much, so that a payment made in its last second still finds them.
HOLD_GRACE = timedelta(minutes=10)
# Stripe refuses sessions that by its own clock would live for less than 30 minutes, or for more than 24 hours:
# https://docs.stripe.com/api/checkout/sessions/create. Our clock may be slow, and so may the way there.
LEAST_LIFE_ASKED_FOR = timedelta(minutes=33)
# A session with less life than this is not handed out again: the guest could not finish paying in it.
LEAST_SESSION_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class StayRules:
    """What a listing accepts. Notice and horizon count from today in the property's time zone."""

    max_guests: int
    min_nights: int = 1
    max_nights: int = 90
    notice_days: int = 0
    horizon_days: int = 730


@dataclass(frozen=True, slots=True)
class CancellationTerms:
    """Full refund until `full_days` before arrival, then `part_percent` until `part_days` before, then nothing."""

    full_days: int
    part_days: int
    part_percent: int

    def as_json(self) -> dict[str, int]:
        """The form in which the terms are frozen with a booking."""
        return {"full_days": self.full_days, "part_days": self.part_days, "part_percent": self.part_percent}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CancellationTerms":
        """Frozen terms, read back."""
        return cls(data["full_days"], data["part_days"], data["part_percent"])


@dataclass(frozen=True, slots=True)
class RefundStep:
    """Cancel on or before `last_day` and `refund` comes back."""

    last_day: date
    refund: Money


def check_stay(rules: StayRules, stay: Stay, guests: int, today: date) -> None:
    """Refuse a stay that the rules do not allow, naming the first rule and the form field it concerns.

    Raises:
        StayRuleBroken: what it says is fit for the page.
    """
    _refuse_if(guests < 1, "guests", say("At least one guest must stay."))
    _refuse_if(guests > rules.max_guests, "guests", say("This stay sleeps {most}.", most=rules.max_guests))
    _refuse_if(stay.arrive < today, "arrive", say("The day of arrival has passed."))
    earliest = today + timedelta(days=rules.notice_days)
    _refuse_if(stay.arrive < earliest, "arrive", say("The earliest day of arrival is {day}.", day=earliest))
    _refuse_if(stay.nights < rules.min_nights, "leave", shortest(rules))
    _refuse_if(stay.nights > rules.max_nights, "leave", longest(rules))
    latest = today + timedelta(days=rules.horizon_days)
    _refuse_if(stay.leave > latest, "leave", say("Stays can be booked until {day}.", day=latest))


def shortest(rules: StayRules) -> Said:
    """How short a stay may be, in words."""
    return say_count(
        "The shortest stay here is {count} night.", "The shortest stay here is {count} nights.", rules.min_nights
    )


def longest(rules: StayRules) -> Said:
    """How long a stay may be, in words."""
    return say_count(
        "The longest stay here is {count} night.", "The longest stay here is {count} nights.", rules.max_nights
    )


def session_expiry(now: datetime, hold_minutes: int) -> datetime:
    """When the Checkout Session of a hold ends, in whole seconds as Stripe counts them."""
    return now.replace(microsecond=0) + max(timedelta(minutes=hold_minutes), LEAST_LIFE_ASKED_FOR)


def hold_deadline(session_expires_at: datetime) -> datetime:
    """Until when unpaid nights are kept."""
    return session_expires_at + HOLD_GRACE


def refund_due(total: Money, terms: CancellationTerms, arrive: date, today: date) -> Money:
    """What a guest who cancels today gets back, by the terms frozen with the booking."""
    steps = open_steps(total, terms, arrive, today)
    return steps[0].refund if steps else Money(0, total.currency)


def refund_steps(total: Money, terms: CancellationTerms, arrive: date) -> tuple[RefundStep, ...]:
    """The terms with dates and amounts, most generous first."""
    full = RefundStep(arrive - timedelta(days=terms.full_days), total)
    part = RefundStep(arrive - timedelta(days=terms.part_days), total.percent(terms.part_percent))
    return (full, part) if part.refund.minor and part.last_day > full.last_day else (full,)


def open_steps(total: Money, terms: CancellationTerms, arrive: date, today: date) -> tuple[RefundStep, ...]:
    """Those that can still be reached today: a day that has passed promises nothing any more."""
    return tuple(step for step in refund_steps(total, terms, arrive) if step.last_day >= today)


def _refuse_if(broken: bool, field: str, said: Said) -> None:
    if broken:
        raise StayRuleBroken(said, field=field)
