"""What was agreed to, for tests of terms: a price of one line unless a quote is given."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from booking.domain.money import Money
from booking.domain.pricing import Quote, QuoteLine
from booking.domain.rates import LineKind
from booking.domain.terms import CancellationTerms, Deal

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def make_deal(
    price: Money | Quote,
    terms: CancellationTerms,
    arrive: date,
    booked_at: datetime = LONG_AGO,
    zone: ZoneInfo = ZoneInfo("UTC"),  # noqa: B008  # an unchanging value
) -> Deal:
    """A deal booked long ago, in a place whose clock is UTC's."""
    priced = price if isinstance(price, Quote) else _of_one_line(price)
    return Deal(priced, terms, arrive, booked_at, zone)


def noon(day: date) -> datetime:
    """An instant within a day."""
    return datetime.combine(day, time(12), UTC)


def _of_one_line(total: Money) -> Quote:
    return Quote(1, 1, (QuoteLine(LineKind.NIGHT, 1, total, total),), total)
