"""Payment plans: how much of a stay is paid with the booking, how much later, and by which day.

Cancellation terms are in terms.py; what a plan made the guest owe for a booking is a row of its own (models/due.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from booking.domain.money import ZERO_DECIMAL, Money, exponent
from booking.domain.words import Said, say, say_count

# Between the mail that asks for a balance and its last day a person needs some days to see it and to pay. A stay whose
# balance would fall due sooner after booking is paid in full at once.
ROOM_TO_PAY = timedelta(days=3)
LEAST_PERCENT, MOST_PERCENT = 1, 99
MOST_DAYS = 180  # between the last day to pay the balance and arrival

# The least that can be charged, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
_SMALLEST = {
    "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400,
    "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200,
    "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
# Of other currencies Stripe asks for what half a dollar comes to. Rather too much than a balance nobody can pay.
_CAREFUL_MAJOR, _CAREFUL_COINLESS_MAJOR = 20, 5000


class PlanKind(StrEnum):
    """How a guest pays for a stay."""

    PAY_IN_FULL = "pay_in_full"
    DEPOSIT = "deposit"  # a part with the booking, the rest some days before arrival
    RESERVE_NOW_PAY_LATER = "reserve_now_pay_later"  # a card is kept, and charged some days before arrival


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is paid with the booking, what later, and until when; `due_on` is a day where the stay is.

    `kind` is what it came to: a stay that is near is paid in full whatever the plan is.
    """

    kind: PlanKind
    now: Money
    later: Money
    due_on: date | None = None  # None: nothing is paid later

    @property
    def total(self) -> Money:
        return self.now + self.later

    @property
    def is_split(self) -> bool:
        """Whether anything is left to pay after booking."""
        return self.later.minor > 0

    @property
    def is_guaranteed(self) -> bool:
        """Whether nothing is paid with the booking: a card that is kept confirms it."""
        return self.kind is PlanKind.RESERVE_NOW_PAY_LATER

    @property
    def mark(self) -> str:
        """What the form of the review says its guest saw: another mark is another plan. Empty where all is paid now."""
        due_on = self.due_on.isoformat() if self.due_on else ""
        return "" if self.kind is PlanKind.PAY_IN_FULL else f"{self.kind}:{self.now.minor}:{self.later.minor}:{due_on}"

    def as_json(self) -> dict[str, Any]:
        """The form in which a booking keeps it."""
        return {
            "kind": self.kind.value,
            "now_minor": self.now.minor,
            "later_minor": self.later.minor,
            "currency": self.now.currency,
            "due_on": self.due_on.isoformat() if self.due_on else None,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Schedule":
        """What a booking kept, read back."""
        due_on = date.fromisoformat(data["due_on"]) if data["due_on"] else None
        now, later = (Money(data[name], data["currency"]) for name in ("now_minor", "later_minor"))
        return cls(PlanKind(data["kind"]), now, later, due_on)


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """What a house asks for when. `percent` of the total is a deposit; what is left is due `days_before` arrival.

    Both are 0 where a kind has no use for them.
    """

    kind: PlanKind = PlanKind.PAY_IN_FULL
    percent: int = 0
    days_before: int = 0

    def schedule(self, total: Money, arrive: date, today: date) -> Schedule:
        """The plan for one stay that is booked today (there). Now and later always come to the total."""
        if self.kind is PlanKind.PAY_IN_FULL:
            return paid_in_full(total)
        due_on = self.due_on(arrive)
        if due_on is None or due_on < today + ROOM_TO_PAY:
            return paid_in_full(total)
        now = self._now(total)
        later = total - now
        if later.minor < smallest_charge(total.currency).minor:
            return paid_in_full(total)
        return Schedule(self.kind, now, later, due_on)

    def _now(self, total: Money) -> Money:
        if self.kind is PlanKind.RESERVE_NOW_PAY_LATER:
            return Money(0, total.currency)
        return Money(max(total.percent(self.percent).minor, smallest_charge(total.currency).minor), total.currency)

    def due_on(self, arrive: date) -> date | None:
        """The last day to pay what is left; None before the calendar of this world begins."""
        try:
            return arrive - timedelta(days=self.days_before)
        except OverflowError:
            return None


PAY_IN_FULL = PaymentPlan()


def paid_in_full(total: Money) -> Schedule:
    """All of it with the booking."""
    return Schedule(PlanKind.PAY_IN_FULL, total, Money(0, total.currency))


def smallest_charge(currency: str) -> Money:
    """The least that a guest can be charged in a currency, as an amount that can be moved."""
    careful = _CAREFUL_COINLESS_MAJOR if currency in ZERO_DECIMAL else _CAREFUL_MAJOR
    return Money(_SMALLEST.get(currency, careful * 10 ** exponent(currency)), currency)


# --- words ----------------------------------------------------------------------------------------------------------


def plan_in_words(plan: PaymentPlan) -> tuple[Said, ...]:
    """A plan as long as no dates are known."""
    if plan.kind is PlanKind.PAY_IN_FULL:
        return (say("You pay the whole price when you book."),)
    return (_plan_itself(plan), _plan_when_near(plan))


def _plan_itself(plan: PaymentPlan) -> Said:
    if plan.kind is PlanKind.RESERVE_NOW_PAY_LATER:
        return say_count(
            "You pay nothing when you book, but leave a card. It is charged {count} day before arrival.",
            "You pay nothing when you book, but leave a card. It is charged {count} days before arrival.",
            plan.days_before,
        )
    return say_count(
        "You pay {percent} percent when you book, and the rest until {count} day before arrival.",
        "You pay {percent} percent when you book, and the rest until {count} days before arrival.",
        plan.days_before,
        percent=plan.percent,
    )


def _plan_when_near(plan: PaymentPlan) -> Said:
    if plan.kind is PlanKind.RESERVE_NOW_PAY_LATER:
        return say("A stay that is so near that this day is less than {days} days away is paid in full at once.",
                   days=ROOM_TO_PAY.days)  # fmt: skip
    return say("A stay that is so near that its balance would be due within {days} days is paid in full at once.",
               days=ROOM_TO_PAY.days)  # fmt: skip


def schedule_in_words(schedule: Schedule, *, from_card: bool = False) -> tuple[Said, ...]:
    """The plan with amounts and the day, as a guest agrees to it by booking; nothing where all is paid at once.

    `from_card` where the guest also lets the house save the card of a deposit, and charge it with the balance.
    """
    return tuple(_words(schedule, from_card=from_card))


def _words(schedule: Schedule, *, from_card: bool) -> Iterator[Said]:
    if schedule.kind is PlanKind.DEPOSIT and schedule.due_on is not None:
        yield say("You pay {now} now, and the balance of {later} until {day}.",
                  now=schedule.now, later=schedule.later, day=schedule.due_on)  # fmt: skip
        if from_card:
            yield say("On that day the card that you let the house save is charged with it.")
        else:
            yield say("We write to you before that day with a link to pay. Nothing is taken by itself.")
    if schedule.is_guaranteed and schedule.due_on is not None:
        yield say("You pay nothing now. Your card is charged with {later} on {day}.",
                  later=schedule.later, day=schedule.due_on)  # fmt: skip
    if schedule.is_guaranteed or (schedule.is_split and from_card):
        yield say("We write to you before that day. Until then you can also pay in another way.")


def agreed_at(data: dict[str, Any]) -> datetime:
    """When a guest agreed to a plan that a booking keeps."""
    return datetime.fromisoformat(data["agreed_at"])
