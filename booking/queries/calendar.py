"""The months of one listing as a guest sees them: prices, taken nights, and days on which a stay may begin or end."""

import calendar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from booking.domain.availability import TakenNights
from booking.domain.dates import Stay
from booking.domain.days import DayState, LeaveDays, Sale, arrival_problem, day_state, leave_days, rules_in_words
from booking.domain.money import Money
from booking.domain.pricing import Ask, quote
from booking.domain.rates import RateCard
from booking.domain.words import Said
from booking.models import Listing
from booking.queries.nearby import club_off
from booking.queries.nights import taken_days

MONTHS_SHOWN = 2
_ONE_DAY = timedelta(days=1)
_RUN = (DayState.TAKEN, DayState.LEAVE_ONLY)


@dataclass(frozen=True, slots=True)
class Day:
    """One cell of the calendar."""

    day: date
    state: DayState
    price: Money
    shortest: int  # how many nights a stay that begins here must have
    in_stay: bool  # one of the chosen nights
    starts: bool  # the chosen nights, or the run of taken ones, begin here
    ends: bool  # they end with this night
    is_leave: bool  # the day on which the chosen stay ends
    would_be: (
        tuple[Stay, Money] | None
    )  # the stay from the chosen arrival to this day, all in; None: it cannot end here


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
    rules: tuple[Said, ...]
    leave_days: LeaveDays | None  # when a stay from the chosen arrival may end; None without one
    arrival_problem: Said | None  # why no stay can begin on the chosen day
    min_nights: int | None  # None where it is not the same all year

    @property
    def has_leave_only(self) -> bool:
        """Whether a day is shown on which a stay may only end."""
        return self._has(DayState.LEAVE_ONLY)

    @property
    def has_too_short(self) -> bool:
        """Whether a free night is shown behind which too few are free for a stay."""
        return self._has(DayState.TOO_SHORT)

    @property
    def has_no_arrival(self) -> bool:
        """Whether a free night is shown with which a rule lets no stay begin."""
        return self._has(DayState.NO_ARRIVAL)

    def _has(self, state: DayState) -> bool:
        return any(cell and cell.state is state for month in self.months for week in month.weeks for cell in week)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the guest has chosen so far: nothing, a day of arrival, or a whole stay."""

    arrive: date | None = None
    stay: Stay | None = None
    guests: int = 1
    member_off: int = 0  # what whoever asks saves as a member, in hundredths of a percent

    def has(self, night: date) -> bool:
        """Whether the night is one of the chosen ones."""
        if self.stay:
            return self.stay.arrive <= night < self.stay.leave
        return night == self.arrive


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every cell of one drawing needs to know."""

    taken: TakenNights
    rates: RateCard
    sale: Sale
    choice: Choice
    leave_days: LeaveDays | None
    member_off: int = 0
    states: dict[date, DayState] = field(default_factory=dict)  # a day is asked for by its neighbours, too

    def state(self, day: date) -> DayState:
        if day not in self.states:
            self.states[day] = day_state(self.taken, day, self.sale)
        return self.states[day]

    def kind(self, day: date) -> str:
        """What the ribbon over a night shows, so that neighbours of one kind join. Taken nights are nobody's choice."""
        if self.state(day) in _RUN:
            return "taken"
        return "chosen" if self.choice.has(day) else "free"

    def would_be(self, day: date) -> tuple[Stay, Money] | None:
        arrive = None if self.choice.stay else self.choice.arrive
        if arrive is None or self.leave_days is None or day not in self.leave_days:
            return None
        stay = Stay(arrive, day)
        ask = Ask.by(stay, self.choice.guests, self.sale.today, member_off=self.member_off)
        return stay, quote(self.rates, ask).total


def draw_months(session: Session, listing: Listing, wanted: date | None, choice: Choice, now: datetime) -> MonthsView:
    """Two months from the wanted one on, moved to where nights are sold."""
    today = listing.property.today(now)
    sale = Sale.by(listing.rules, today)
    start = _clamp(wanted or choice.arrive or today, today, sale.last)
    after = _add_months(start, MONTHS_SHOWN)
    sheet = _sheet(session, listing, sale, (start, after), choice, now)
    months = tuple(
        Month(month, _weeks(month, sheet)) for month in (_add_months(start, step) for step in range(MONTHS_SHOWN))
    )
    problem = None if choice.arrive is None else arrival_problem(sheet.taken, choice.arrive, sale)
    return MonthsView(
        months,
        before=_add_months(start, -1) if start > today.replace(day=1) else None,
        after=after if after <= sale.last else None,
        rules=rules_in_words(sale.rules, today, after),
        leave_days=sheet.leave_days,
        arrival_problem=problem,
        min_nights=sale.rules.min_nights if len(set(sale.rules.ever("min_nights"))) == 1 else None,
    )


def _sheet(
    session: Session, listing: Listing, sale: Sale, shown: tuple[date, date], choice: Choice, now: datetime
) -> _Sheet:
    """Reads every night that says something of the days shown, or of how long a stay from the arrival can be."""
    arrive = choice.arrive if choice.arrive and sale.sells(choice.arrive) else None
    since = min(shown[0] - sale.sees, arrive - sale.sees if arrive else shown[0])
    until = max(shown[1] + sale.sees, arrive + sale.reads_ahead if arrive else shown[1])
    taken, off = taken_days(session, listing.id, since, until, now), club_off(listing, choice.member_off)
    return _Sheet(taken, listing.rates, sale, choice, leave_days(taken, arrive, sale) if arrive else None, off)


def _weeks(month: date, sheet: _Sheet) -> tuple[tuple[Day | None, ...], ...]:
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    return tuple(tuple(_day(day, sheet) if day.month == month.month else None for day in week) for week in weeks)


def _day(day: date, sheet: _Sheet) -> Day:
    kind, stay = sheet.kind(day), sheet.choice.stay
    return Day(
        day,
        sheet.state(day),
        sheet.rates.price(day),
        sheet.sale.rules.shortest_from(day),
        in_stay=sheet.choice.has(day),
        starts=sheet.kind(day - _ONE_DAY) != kind,
        ends=sheet.kind(day + _ONE_DAY) != kind,
        is_leave=stay is not None and day == stay.leave,
        would_be=sheet.would_be(day),
    )


def _clamp(wanted: date, today: date, last: date) -> date:
    return min(max(wanted, today), last).replace(day=1)


def _add_months(month: date, step: int) -> date:
    years, index = divmod(month.month - 1 + step, 12)
    return date(month.year + years, index + 1, 1)
