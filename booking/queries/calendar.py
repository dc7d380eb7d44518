"""The months of one listing as a guest sees them: prices, taken nights, and days on which a stay may end."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from booking.domain.availability import DayState, day_state, latest_leave
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Rates, night_price
from booking.models import Listing
from booking.queries.nights import taken_days

MONTHS_SHOWN = 2
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One cell of the calendar."""

    day: date
    state: DayState
    price: Money
    in_stay: bool  # one of the chosen nights
    starts: bool  # the chosen nights, or the run of taken ones, begin here
    ends: bool  # they end with this night
    can_end: bool  # a stay from the chosen day of arrival may end here

    @property
    def is_free(self) -> bool:
        return self.state is DayState.FREE


@dataclass(frozen=True, slots=True)
class Month:
    """One month in whole weeks from Monday; None where a cell belongs to another month."""

    first: date
    weeks: tuple[tuple[Day | None, ...], ...]


@dataclass(frozen=True, slots=True)
class MonthsView:
    """What the stay page shows. `before` and `after` are None at the ends of what is sold."""

    months: tuple[Month, ...]
    before: date | None
    after: date | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What the guest has chosen so far: nothing, a day of arrival, or a whole stay."""

    arrive: date | None = None
    stay: Stay | None = None

    def has(self, night: date) -> bool:
        """Whether the night is one of the chosen ones."""
        if self.stay:
            return self.stay.arrive <= night < self.stay.leave
        return night == self.arrive


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every cell of one drawing needs to know."""

    taken: Mapping[int, set[date]]
    rates: Rates
    first: date  # nights are sold in [first, last)
    last: date
    choice: Choice
    leave_until: date | None  # the last day on which a stay from the chosen arrival can end

    def state(self, day: date) -> DayState:
        return day_state(self.taken, day, self.first, self.last)

    def kind(self, day: date) -> str:
        """What the ribbon over a night shows, so that neighbours of one kind join."""
        if self.choice.has(day):
            return "chosen"
        return "taken" if self.state(day) in (DayState.TAKEN, DayState.LEAVE_ONLY) else "free"

    def can_end(self, day: date) -> bool:
        arrive = None if self.choice.stay else self.choice.arrive
        return bool(arrive and self.leave_until and arrive < day <= self.leave_until)


def draw_months(session: Session, listing: Listing, wanted: date | None, choice: Choice, now: datetime) -> MonthsView:
    """Two months from the wanted one on, moved to where nights are sold."""
    today = listing.property.today(now)
    first, last = today + timedelta(days=listing.notice_days), today + timedelta(days=listing.horizon_days)
    start = _clamp(wanted or choice.arrive or today, today, last)
    starts = [_add_months(start, step) for step in range(MONTHS_SHOWN)]
    after = _add_months(start, MONTHS_SHOWN)
    sheet = _sheet(session, listing, (first, last), (start, after), choice, now)
    months = tuple(Month(month, _weeks(month, sheet)) for month in starts)
    before = _add_months(start, -1) if start > today.replace(day=1) else None
    return MonthsView(months, before, after if after <= last else None)


def _sheet(
    session: Session,
    listing: Listing,
    sold: tuple[date, date],
    shown: tuple[date, date],
    choice: Choice,
    now: datetime,
) -> _Sheet:
    arrive = choice.arrive if choice.arrive and sold[0] <= choice.arrive < sold[1] else None
    since = min(shown[0], arrive or shown[0]) - _ONE_DAY
    taken = taken_days(session, listing.id, since, shown[1] + _ONE_DAY, now)
    leave_until = latest_leave(taken, arrive, min(sold[1], shown[1])) if arrive else None
    return _Sheet(taken, listing.rates, *sold, choice, leave_until)


def _weeks(month: date, sheet: _Sheet) -> tuple[tuple[Day | None, ...], ...]:
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    return tuple(tuple(_day(day, sheet) if day.month == month.month else None for day in week) for week in weeks)


def _day(day: date, sheet: _Sheet) -> Day:
    kind = sheet.kind(day)
    return Day(
        day,
        sheet.state(day),
        night_price(sheet.rates, day.weekday()),
        in_stay=sheet.choice.has(day),
        starts=sheet.kind(day - _ONE_DAY) != kind,
        ends=sheet.kind(day + _ONE_DAY) != kind,
        can_end=sheet.can_end(day),
    )


def _clamp(wanted: date, today: date, last: date) -> date:
    return min(max(wanted, today), last).replace(day=1)


def _add_months(month: date, step: int) -> date:
    years, index = divmod(month.month - 1 + step, 12)
    return date(month.year + years, index + 1, 1)
