"""The process is killed by SIGKILL at each named point, starts again, and ends where it would have ended.

`points.txt` names every point that the stories reach, each with the story it is killed in. A boundary that is added to
the shop must be added there, or the first test fails; `python -m tests.crash.test_crash_points` writes the file anew.
`CRASH_DATABASES=sqlite,postgresql` dies on both databases.
"""

import os
import tempfile
from pathlib import Path

import pytest

from tests.crash.killing import Driver, driving, what_differs
from tests.crash.stories import STORIES
from tests.support.figures import note_figures

DATABASES = os.environ.get("CRASH_DATABASES", "sqlite").split(",")
POINTS_FILE = Path(__file__).with_name("points.txt")
POINTS = [tuple(line.split(" | ")) for line in POINTS_FILE.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.postgresql] * (name != "sqlite")) for name in DATABASES],
    scope="session",
)
def driver(request: pytest.FixtureRequest) -> Driver:
    """The process that dies, on one database after the other."""
    found: Driver = request.getfixturevalue(f"{request.param}_driver")
    return found


def test_every_boundary_that_the_stories_reach_is_named(driver: Driver) -> None:
    named = {point for _, point in POINTS}
    reached = {story: set(driver.undisturbed(story).points) for story in STORIES}

    assert {story: points - named for story, points in reached.items() if points - named} == {}
    assert named - set().union(*reached.values()) == set()
    assert len(POINTS) >= 40
    note_figures("crash", points=len(POINTS), killed=0)


@pytest.mark.parametrize("story", STORIES)
def test_undisturbed_story_keeps_every_promise(driver: Driver, story: str) -> None:
    found = driver.undisturbed(story)

    assert what_differs(found, found, story) == []


@pytest.mark.parametrize(("story", "point"), POINTS)
def test_killed_there_it_ends_where_it_would_have_ended(
    request: pytest.FixtureRequest, driver: Driver, tmp_path: Path, story: str, point: str
) -> None:
    end = driver.tell(story, tmp_path, point)

    assert what_differs(end, driver.undisturbed(story), story) == []
    part = f"{request.node.callspec.params['driver']} {story} at {point}"
    note_figures("crash", part=part.replace("/", " "), points=0, killed=1)


def _write_points() -> None:
    """Tell every story and write down which points it reaches first."""
    from tests.conftest import _migrate
    from tests.support import servers
    from tests.support.databases import sqlite_file

    folder = Path(tempfile.mkdtemp())
    _migrate(f"sqlite:///{folder / 'template.db'}")
    first: dict[str, str] = {}
    database = sqlite_file(folder / "shop.db", folder / "template.db")
    with servers.fakestripe() as stripe, driving(database, stripe, folder) as driver:
        for story in STORIES:
            for point in driver.undisturbed(story).points:
                first.setdefault(point, story)
    POINTS_FILE.write_text("".join(f"{story} | {point}\n" for point, story in first.items()), encoding="utf-8")


if __name__ == "__main__":
    _write_points()
