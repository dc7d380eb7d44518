"""The process is killed by SIGKILL at each named point, starts again, and ends where it would have ended.

`points.txt` names every point that the stories reach, each with the story it is killed in. A boundary that is added to
the shop must be added there, or the first test fails; `python -m tests.crash.test_crash_points` writes the file anew.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.stories import STORIES
from tests.support.servers import ROOT, FakeStripe

POINTS_FILE = Path(__file__).with_name("points.txt")
POINTS = [tuple(line.split(" | ")) for line in POINTS_FILE.read_text(encoding="utf-8").splitlines()]
# The process died between sending a letter and writing that down: it is sent again, with the same Message-ID.
AT_LEAST_ONCE = ("after letter", "services.outbox.finish before commit")


class Driver:
    """The process whose children are killed."""

    def __init__(self, template: Path, stripe: FakeStripe) -> None:
        self._template, self._stripe = template, stripe
        command = [sys.executable, "-m", "tests.crash.driver"]
        self.popen = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, story: str, folder: Path, kill_at: str | None = None) -> dict[str, Any]:
        """Tell a story to its end, over a death if one is asked for; what came of it."""
        shutil.copy(self._template, folder / "shop.db")
        self._stripe.post("reset")
        if kill_at:
            died = self._live(story, folder, kill_at)
            assert died["exit"] == -9, self._trouble(folder, f"{kill_at!r} was never reached")
        lived = self._live(story, folder, None)
        assert lived["exit"] == 0, self._trouble(folder, f"the story did not end after {kill_at!r}")
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))

    def _live(self, story: str, folder: Path, kill_at: str | None) -> dict[str, Any]:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        order = {"story": story, "folder": str(folder), "kill_at": kill_at, "stripe_url": self._stripe.url}
        self.popen.stdin.write(json.dumps({**order, "database_url": f"sqlite:///{folder / 'shop.db'}"}) + "\n")
        self.popen.stdin.flush()
        return json.loads(self.popen.stdout.readline())

    @staticmethod
    def _trouble(folder: Path, what: str) -> str:
        trace = folder / "trace"
        return f"{what}\n{trace.read_text(encoding='utf-8') if trace.exists() else ''}"

    def stop(self) -> None:
        self.popen.communicate()


@pytest.fixture(scope="session")
def driver(sqlite_template: Path, fakestripe_process: FakeStripe) -> Iterator[Driver]:
    driver = Driver(sqlite_template, fakestripe_process)
    yield driver
    driver.stop()


@pytest.fixture(scope="session")
def undisturbed(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """How each story ends when nobody dies, told when it is first asked for."""

    class Ends(dict[str, dict[str, Any]]):
        def __missing__(self, story: str) -> dict[str, Any]:
            folder = tmp_path_factory.mktemp("undisturbed")
            self[story] = {**driver.tell(story, folder), "visited": _visited(folder)}
            return self[story]

    return Ends()


def _visited(folder: Path) -> list[str]:
    return list(dict.fromkeys((folder / "visited").read_text(encoding="utf-8").splitlines()))


# What these stories break on purpose: a row changed by hand, mail that no server will ever take.
BROKEN_ON_PURPOSE = {"a person decides": "I9", "mail is down": "I5"}


def _check(found: dict[str, Any], story: str) -> None:
    purpose = BROKEN_ON_PURPOSE.get(story, "nothing")
    assert [line for line in found["broken"] if not line.startswith(purpose)] == []
    assert found["differences"] == []
    assert found["lost"] == []


def test_every_boundary_that_the_stories_reach_is_named(undisturbed: dict[str, dict[str, Any]]) -> None:
    reached = {point: story for story in reversed(STORIES) for point in reversed(undisturbed[story]["visited"])}

    assert {point for _, point in POINTS} == set(reached)
    assert len(POINTS) >= 40


@pytest.mark.parametrize("story", STORIES)
def test_undisturbed_story_keeps_every_promise(undisturbed: dict[str, dict[str, Any]], story: str) -> None:
    found = undisturbed[story]

    _check(found, story)
    assert found["most_copies"] <= 1


@pytest.mark.parametrize(("story", "point"), POINTS)
def test_killed_there_it_ends_where_it_would_have_ended(
    driver: Driver, undisturbed: dict[str, dict[str, Any]], tmp_path: Path, story: str, point: str
) -> None:
    found = driver.tell(story, tmp_path, kill_at=point)

    _check(found, story)
    assert found["bookings"] == undisturbed[story]["bookings"]
    assert found["letters"] == undisturbed[story]["letters"]
    assert found["most_copies"] <= (2 if point.endswith(AT_LEAST_ONCE) else 1)


def _write_points() -> None:
    """Tell every story and write down which points it reaches first."""
    import tempfile

    from tests.support import servers

    template = Path(tempfile.mkdtemp()) / "template.db"
    from tests.conftest import _migrate

    _migrate(f"sqlite:///{template}")
    with servers.fakestripe() as stripe:
        driver, first = Driver(template, stripe), {}
        for story in STORIES:
            folder = Path(tempfile.mkdtemp())
            driver.tell(story, folder)
            for point in _visited(folder):
                first.setdefault(point, story)
        driver.stop()
    POINTS_FILE.write_text("".join(f"{story} | {point}\n" for point, story in first.items()), encoding="utf-8")


if __name__ == "__main__":
    _write_points()
