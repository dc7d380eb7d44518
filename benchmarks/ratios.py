"""What is measured is a ratio, with its noise, against a goal."""

import statistics
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Measured:
    """One ratio in several rounds of one run. `cost` is the own side in milliseconds (or megabytes), for the reader."""

    what: str
    database: str
    units: int
    ratios: list[float]
    cost: float

    @classmethod
    def against(cls, floor: list[float], spent: list[float], what: str, database: str, units: int) -> Self:
        """What something costs in seconds, round by round, against the least that it could."""
        shares = [least / one for least, one in zip(floor, spent, strict=True)]
        return cls(what, database, units, shares, statistics.median(spent) * 1000)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def noise(self) -> float:
        """Half the distance between the quarters of the rounds: what a second run may differ by."""
        if len(self.ratios) < 4:
            return 0.0
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return (high - low) / 2


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that must be reached, `is_least` or at most, by a shop of so many units (0: of any size).

    `limit` is None for what is told beside the goals, so that nobody takes them for more than they say.
    """

    what: str
    words: str
    limit: float | None
    database: str = ""
    units: int = 0
    is_least: bool = True

    def is_about(self, measured: Measured) -> bool:
        same_place = self.database in ("", measured.database) and self.units in (0, measured.units)
        return self.what == measured.what and same_place

    def is_missed(self, measured: Measured) -> bool:
        """By more than the noise of the run."""
        if self.limit is None:
            return False
        short = self.limit - measured.ratio if self.is_least else measured.ratio - self.limit
        return short > measured.noise
