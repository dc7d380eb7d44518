"""What a stay costs: one pure function, used by search, stay page, review, mail and refund alike."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from booking.domain.dates import Stay
from booking.domain.money import Money

FRIDAY, SATURDAY = 4, 5


class LineKind(StrEnum):
    """What a line of a quote charges for."""

    NIGHT = "night"
    WEEKEND_NIGHT = "weekend_night"
    CLEANING = "cleaning"
    TOURIST_TAX = "tourist_tax"


@dataclass(frozen=True, slots=True)
class Rates:
    """A listing's prices in minor units of one currency. Weekend nights are those of Friday and Saturday."""

    currency: str
    nightly_minor: int
    weekend_minor: int
    cleaning_minor: int = 0
    tourist_tax_minor: int = 0  # per guest and night


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """`quantity` times `unit`; the product is stored too, so that nobody multiplies again."""

    kind: LineKind
    quantity: int
    unit: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """The itemised price of one stay. Its lines always sum to its total."""

    nights: int
    guests: int
    lines: tuple[QuoteLine, ...]
    total: Money

    def as_json(self) -> dict[str, Any]:
        """The form in which a quote is frozen with a booking."""
        return {
            "nights": self.nights,
            "guests": self.guests,
            "currency": self.total.currency,
            "total_minor": self.total.minor,
            "lines": [
                {
                    "kind": line.kind.value,
                    "quantity": line.quantity,
                    "unit_minor": line.unit.minor,
                    "total_minor": line.total.minor,
                }
                for line in self.lines
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Quote":
        """A frozen quote, read back."""
        currency = data["currency"]
        lines = tuple(
            QuoteLine(
                kind=LineKind(row["kind"]),
                quantity=row["quantity"],
                unit=Money(row["unit_minor"], currency),
                total=Money(row["total_minor"], currency),
            )
            for row in data["lines"]
        )
        return cls(data["nights"], data["guests"], lines, Money(data["total_minor"], currency))


def is_weekend(weekday: int) -> bool:
    """Whether a night that begins on this weekday (Monday is 0) is sold at the weekend price."""
    return weekday in (FRIDAY, SATURDAY)


def quote(rates: Rates, stay: Stay, guests: int) -> Quote:
    """The itemised price of a stay; lines of nothing are left out, the total has everything in it."""
    weekend = sum(is_weekend(night.weekday()) for night in stay)
    wanted = (
        (LineKind.WEEKEND_NIGHT, weekend, rates.weekend_minor),
        (LineKind.NIGHT, stay.nights - weekend, rates.nightly_minor),
        (LineKind.CLEANING, 1, rates.cleaning_minor),
        (LineKind.TOURIST_TAX, guests * stay.nights, rates.tourist_tax_minor),
    )
    lines = tuple(_line(kind, count, minor, rates.currency) for kind, count, minor in wanted if count and minor)
    total = sum((line.total for line in lines), Money(0, rates.currency))
    return Quote(stay.nights, guests, lines, total)


def night_price(rates: Rates, weekday: int) -> Money:
    """What the calendar shows for one night, before fees and taxes."""
    return Money(rates.weekend_minor if is_weekend(weekday) else rates.nightly_minor, rates.currency)


def _line(kind: LineKind, quantity: int, unit_minor: int, currency: str) -> QuoteLine:
    unit = Money(unit_minor, currency)
    return QuoteLine(kind, quantity, unit, unit * quantity)
