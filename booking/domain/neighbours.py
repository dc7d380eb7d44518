"""What other guests have beside a stay: nights that stay empty between two stays, and gaps that nobody could book."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from booking.domain.availability import TakenNights, UnitNights, fitting_units
from booking.domain.dates import Stay
from booking.domain.stay_rules import StayRules, is_allowed
from booking.domain.words import Said, say_count

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The units that a stay may have, in the order given; or why it may have none of those that are free.

    Both are empty where no unit is free at all.
    """

    units: tuple[int, ...]
    problem: Said | None = None


def judge_units(rules: StayRules, stay: Stay, taken: TakenNights, today: date) -> Verdict:
    """Which units fit a stay by free nights and by what lies beside it. Whether the rules allow it is asked before."""
    free = fitting_units(taken, stay)
    if not rules.looks_around:
        return Verdict(tuple(free))
    problems = {unit: neighbour_problem(rules, stay, taken[unit], today) for unit in free}
    good = tuple(unit for unit, problem in problems.items() if problem is None)
    return Verdict(good, None if good else next(iter(problems.values()), None))


def has_unit(rules: StayRules, stay: Stay, taken: TakenNights, today: date) -> bool:
    """Whether any unit fits a stay; the same verdict, without asking further than it must."""
    return any(
        not any(night in nights for night in stay)
        and (not rules.looks_around or neighbour_problem(rules, stay, nights, today) is None)
        for nights in taken.values()
    )


def neighbour_problem(rules: StayRules, stay: Stay, taken: UnitNights, today: date) -> Said | None:
    """What stands against a stay in one unit whose nights are free, in words; None where nothing does."""
    if (empty := broken_turnover(rules, stay, taken)) is not None:
        return say_count(
            "Between two stays here {count} night stays empty, and another guest is too near.",
            "Between two stays here {count} nights stay empty, and another guest is too near.",
            empty,
        )
    gap = _orphans(rules, stay, taken, today) if rules.value("avoid_gaps", stay.arrive) else 0
    if gap and any(_is_better(rules, other, taken, today) for other in _shifts(rules, stay, taken)):
        return say_count(
            "These dates would leave a gap of {count} night that is too short for another stay.",
            "These dates would leave a gap of {count} nights that is too short for another stay.",
            gap,
        )
    return None


def broken_turnover(rules: StayRules, stay: Stay, taken: UnitNights) -> int | None:
    """How many nights would have to stay empty beside a stay and do not; None where the neighbours are far enough.

    Closures count as empty: nobody has slept in them.
    """
    after = rules.turnover_after(stay.leave)
    if any(taken.get(stay.leave + timedelta(days=ahead)) for ahead in range(after)):
        return after
    for empty in range(rules.most_turnover):
        if taken.get(stay.arrive - timedelta(days=empty + 1)):
            before = rules.turnover_after(stay.arrive - timedelta(days=empty))
            return before if empty < before else None
    return None


# --- gaps -----------------------------------------------------------------------------------------------------------


def _is_better(rules: StayRules, other: Stay, taken: UnitNights, today: date) -> bool:
    """Whether the same number of nights could be had there with no gap: then the gap here can be avoided."""
    if not is_allowed(rules, other, today) or broken_turnover(rules, other, taken) is not None:
        return False
    return not _orphans(rules, other, taken, today)


def _shifts(rules: StayRules, stay: Stay, taken: UnitNights) -> Iterator[Stay]:
    """The same number of nights between the same neighbours, as far away as a gap can matter."""
    for direction in (1, -1):
        for days in range(1, rules.reach + 1):
            other = stay.shifted(direction * days)
            if any(night in taken for night in other):
                break
            yield other


def _orphans(rules: StayRules, stay: Stay, taken: UnitNights, today: date) -> int:
    """How many nights beside a stay nobody could book any more because of it."""
    return _orphans_before(rules, stay, taken, today) + _orphans_after(rules, stay, taken)


def _orphans_before(rules: StayRules, stay: Stay, taken: UnitNights, today: date) -> int:
    days = (stay.arrive - timedelta(days=back) for back in range(rules.reach + 1))
    last = _first_taken(days, taken)
    if last is None:
        return 0
    since = last + _ONE_DAY
    since += timedelta(days=rules.turnover_after(since) if taken[last] else 0)
    if since < rules.earliest(since, today):  # time has cut these nights off, and not this stay
        return 0
    return _stranded(rules, since, stay.arrive, True)


def _orphans_after(rules: StayRules, stay: Stay, taken: UnitNights) -> int:
    days = (stay.leave + timedelta(days=ahead) for ahead in range(rules.reach + 1))
    until = _first_taken(days, taken)
    if until is None:
        return 0
    since = stay.leave + timedelta(days=rules.turnover_after(stay.leave))
    return _stranded(rules, since, until, taken[until])


def _stranded(rules: StayRules, since: date, until: date, is_stay_next: bool) -> int:
    """How many nights lie from one day to another if they are too few for the shortest stay and the rest after it."""
    nights = max((until - since).days, 0)
    days = (since + timedelta(days=ahead) for ahead in range(nights))
    return 0 if any(_ends(rules, day, is_stay_next) <= until for day in days) else nights


def _ends(rules: StayRules, arrive: date, is_stay_next: bool) -> date:
    """When the unit is ready again after the shortest stay from a day on."""
    leave = arrive + timedelta(days=rules.shortest_from(arrive))
    return leave + timedelta(days=rules.turnover_after(leave) if is_stay_next else 0)


def _first_taken(days: Iterable[date], taken: UnitNights) -> date | None:
    is_taken: Callable[[date], bool] = taken.__contains__
    return next(filter(is_taken, days), None)
