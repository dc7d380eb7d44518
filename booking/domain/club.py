"""The guest club: what a plan is, and which memberships give the members' rate. Nothing here asks anybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking.domain.money import Money, step
from booking.domain.rates import WHOLE

MOST_TRIAL_DAYS = 90
LONGEST_NAME = 80
# So long after the beginning of a period that could not be charged a member keeps the rate, while Stripe tries again.
PAST_DUE_GRACE = timedelta(days=7)
# A period that is over by so much was renewed or not, and nobody has told us: then no rate until somebody has.
UNHEARD_GRACE = timedelta(days=2)


class Interval(StrEnum):
    """How often a membership is paid for."""

    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a membership costs and gives. `off_share`, in hundredths of a percent, is taken off a member's nights."""

    name: str
    price: Money
    interval: Interval
    trial_days: int
    off_share: int


def find_plan_problem(terms: PlanTerms) -> tuple[str, str] | None:
    """The field that cannot be like this, and why, in words for staff; None where the plan is possible."""
    if not 0 < len(terms.name.strip()) <= LONGEST_NAME:
        return "name", f"Give the plan a name of at most {LONGEST_NAME} letters."
    if terms.price.minor <= 0 or terms.price.minor % step(terms.price.currency):
        return "price", "A plan costs something, in amounts that this currency can be paid in."
    if not 0 <= terms.trial_days <= MOST_TRIAL_DAYS:
        return "trial_days", f"A trial lasts from 0 to {MOST_TRIAL_DAYS} days."
    if not 0 < terms.off_share < WHOLE:
        return "off_share", "What members save is more than nothing and less than everything."
    return None


class MemberStatus(StrEnum):
    """Where a subscription stands, in Stripe's own words: https://docs.stripe.com/billing/subscriptions/overview."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    UNPAID = "unpaid"
    PAUSED = "paused"


# From these nothing leads back: another membership would have to be joined.
MEMBERSHIP_OVER = (MemberStatus.INCOMPLETE_EXPIRED, MemberStatus.CANCELED)
_GOOD = (MemberStatus.TRIALING, MemberStatus.ACTIVE)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides whether somebody gets the members' rate. `cancels_at` is None while it renews by itself."""

    status: MemberStatus
    period_start: datetime
    period_end: datetime
    cancels_at: datetime | None = None

    def ends_by(self) -> datetime | None:
        """Until when it gives the rate as things are; None where it does not give it at all."""
        if self.status in _GOOD:
            return self.cancels_at or self.period_end + UNHEARD_GRACE
        return self.period_start + PAST_DUE_GRACE if self.status is MemberStatus.PAST_DUE else None

    def is_entitled(self, now: datetime) -> bool:
        """Whether it gives the members' rate at this moment."""
        until = self.ends_by()
        return until is not None and now < until
