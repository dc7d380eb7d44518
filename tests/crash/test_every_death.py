"""Killed at every point that a story goes by, and once more while it recovers, a story ends where it would have ended.

Some deaths of one short story in each run. `CRASH_DEATHS=all` dies all of them, `CRASH_STORIES=all` tells all stories
(or name some, with semicolons between), `CRASH_DATABASES=sqlite,postgresql` on both databases, and `CRASH_TWICE=3`
draws three second deaths for each first one. What is drawn hangs on `CRASH_SEED`, which every failure names.
"""

import os
from pathlib import Path
from random import Random

import pytest

from tests.crash.killing import Driver, End, what_differs
from tests.crash.stories import STORIES
from tests.support.figures import note_figures

DATABASES = os.environ.get("CRASH_DATABASES", "sqlite").split(",")
NAMED = os.environ.get("CRASH_STORIES", "never paid")
CHOSEN = list(STORIES) if NAMED == "all" else NAMED.split(";")
DEATHS = os.environ.get("CRASH_DEATHS", "6")
TWICE = int(os.environ.get("CRASH_TWICE", "1"))
SEED = os.environ.get("CRASH_SEED", "1")


class Executioner:
    """Kills one story again and again, and keeps what went wrong."""

    def __init__(self, driver: Driver, end: End, story: str, folder: Path) -> None:
        self._driver, self._end, self._story, self._folder = driver, end, story, folder
        self.killed = 0
        self.wrong: list[str] = []

    def kill_everywhere(self) -> None:
        """Once at each point, and so many times more in the life that follows."""
        for point in self._draw_first():
            recovery = self._kill(point)
            for second in self._draw_second(point, len(recovery)):
                self._kill(point, second)

    def _draw_first(self) -> list[str]:
        points = self._end.points
        return points if DEATHS == "all" else Random(f"{SEED} {self._story}").sample(points, int(DEATHS))

    def _draw_second(self, point: str, length: int) -> list[int]:
        """By its number among the points that the first recovery went by, so that each visit of a point may be one."""
        return Random(f"{SEED} {self._story} {point}").sample(range(1, length + 1), min(TWICE, length))

    def _kill(self, *deaths: str | int) -> tuple[str, ...]:
        """What the last life went by."""
        self.killed += 1
        folder = self._folder / str(self.killed)
        folder.mkdir()
        try:
            end = self._driver.tell(self._story, folder, *deaths)
        except AssertionError as trouble:
            self.wrong.append(f"{deaths}, seed {SEED}: {trouble}")
            return ()
        wrong = what_differs(end, self._end, self._story)
        self.wrong += [f"{deaths} at {end.died_at}, seed {SEED}: {what}" for what in wrong]
        return end.visited


@pytest.mark.parametrize("story", CHOSEN)
@pytest.mark.parametrize(
    "database", [pytest.param(name, marks=[pytest.mark.postgresql] * (name != "sqlite")) for name in DATABASES]
)
def test_killed_anywhere_and_again_while_it_recovers_it_ends_where_it_would_have_ended(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, story: str
) -> None:
    driver: Driver = request.getfixturevalue(f"{database}_driver")
    end = driver.undisturbed(story)
    executioner = Executioner(driver, end, story, tmp_path)

    executioner.kill_everywhere()

    assert executioner.wrong == []
    assert executioner.killed > min(TWICE, 1) * (len(end.points) if DEATHS == "all" else int(DEATHS))
    note_figures("crash", part=f"{database} {story}", points=0, killed=executioner.killed)
