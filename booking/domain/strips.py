"""The tape chart's one idea: the nights of one unit as strips side by side, taken and free, that fill a window."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Generic, TypeVar

OwnerT = TypeVar("OwnerT", bound=Hashable)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The nights that are shown: `nights` of them from `first` on."""

    first: date
    nights: int

    @property
    def end(self) -> date:
        """The first day that is not shown."""
        return self.first + timedelta(days=self.nights)

    @property
    def days(self) -> list[date]:
        """Each night by the day on which it begins."""
        return [self.first + timedelta(days=offset) for offset in range(self.nights)]

    @property
    def months(self) -> list[list[date]]:
        """The same nights, those of one month together."""
        return [list(days) for _, days in groupby(self.days, lambda day: (day.year, day.month))]


@dataclass(frozen=True, slots=True)
class Strip(Generic[OwnerT]):
    """Some nights in a row that have one owner; None: they are free."""

    first: date
    nights: int
    owner: OwnerT | None
    began_before: bool = False  # it has nights before the window too
    goes_on: bool = False  # and after it

    @property
    def end(self) -> date:
        """The morning on which it ends, as far as it is shown."""
        return self.first + timedelta(days=self.nights)


def lay_out(owners: Mapping[date, OwnerT], window: Window) -> list[Strip[OwnerT]]:
    """What stands in one row: strips that together are exactly as long as the window.

    `owners` says whose each taken night is. One night before the window and one after it tell which strips go on there.
    """
    strips, last = [], window.end - _ONE_DAY
    for owner, run in groupby(window.days, owners.get):
        days = list(run)
        began = owner is not None and days[0] == window.first and owners.get(window.first - _ONE_DAY) == owner
        goes_on = owner is not None and days[-1] == last and owners.get(window.end) == owner
        strips.append(Strip(days[0], len(days), owner, began, goes_on))
    return strips
