"""Telling a story on a fresh database, over as many deaths as are asked for; and how it must end all the same."""

import fcntl
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.databases import Renewable
from tests.support.servers import ROOT, FakeStripe

# What these compile is nearly all that the others say.
TOLD_FIRST = ("refunds", "a dispute is answered", "a deposit and its balance", "a request is accepted")
# The process died between sending a letter and writing that down: it is sent again, with the same Message-ID.
AT_LEAST_ONCE = ("after letter", "services.outbox.finish before commit")
# What these stories break on purpose: a row changed by hand, mail that no server will ever take.
BROKEN_ON_PURPOSE = {"a person decides": "I9", "mail is down": "I5"}


@dataclass(frozen=True)
class End:
    """What came of a story, and every point that its last life went by."""

    found: dict[str, Any]
    visited: tuple[str, ...]
    died_at: tuple[str, ...] = ()

    @property
    def points(self) -> list[str]:
        """Each point once, in the order in which they were first reached."""
        return list(dict.fromkeys(self.visited))


class Driver:
    """The process whose children are killed, and the database that they die in."""

    def __init__(self, database: Renewable, stripe: FakeStripe, folder: Path, shared: Path) -> None:
        self._database, self._stripe, self._folder, self._shared = database, stripe, folder, shared
        self._undisturbed: dict[str, End] = {}
        command = [sys.executable, "-m", "tests.crash.driver"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._warm_up()

    def undisturbed(self, story: str) -> End:
        """How it ends when nobody dies, told when it is first asked for by any driver that shares the folder."""
        if story not in self._undisturbed:
            path = self._shared / f"{story}.pickle"
            with path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():
                    path.write_bytes(pickle.dumps(self.tell(story, Path(tempfile.mkdtemp(dir=self._folder)))))
            self._undisturbed[story] = pickle.loads(path.read_bytes())  # noqa: S301  (written by this very run)
        return self._undisturbed[story]

    def tell(self, story: str, folder: Path, *deaths: str | int) -> End:
        """Tell a story to its end, over deaths: each at the first of a named point of a life, or at the n-th of any."""
        self._database.renew()
        self._stripe.post("reset")
        died_at = tuple(self._die(story, folder, death) for death in deaths)
        lived = self._live(story, folder, None)
        assert lived["exit"] == 0, self._trouble(folder, f"the story did not end after dying at {died_at}")
        return End(json.loads((folder / "result.json").read_text(encoding="utf-8")), _visited(folder), died_at)

    def _warm_up(self) -> None:
        """Tell a few stories in the process itself, so that no child has to compile what they say."""
        for story in TOLD_FIRST:
            self._database.renew()
            self._stripe.post("reset")
            self._order(story=story, folder="")

    def _die(self, story: str, folder: Path, death: str | int) -> str:
        died = self._live(story, folder, death)
        assert died["exit"] == -9, self._trouble(folder, f"{death!r} was never reached")
        return _visited(folder)[-1]

    def _live(self, story: str, folder: Path, kill_at: str | int | None) -> dict[str, Any]:
        return self._order(story=story, folder=str(folder), kill_at=kill_at)

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        addresses = {"stripe_url": self._stripe.url, "database_url": self._database.url}
        self._process.stdin.write(json.dumps({**order, **addresses}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    @staticmethod
    def _trouble(folder: Path, what: str) -> str:
        trace = folder / "trace"
        return f"{what}\n{trace.read_text(encoding='utf-8') if trace.exists() else ''}"

    def stop(self) -> None:
        self._process.communicate()


@contextmanager
def driving(database: Renewable, stripe: FakeStripe, folder: Path, shared: Path | None = None) -> Iterator[Driver]:
    """A driver, and its database, for as long as they are needed."""
    driver = Driver(database, stripe, folder, shared or folder)
    try:
        yield driver
    finally:
        driver.stop()
        database.drop()


def what_differs(end: End, undisturbed: End, story: str) -> list[str]:
    """Every promise that is broken, everything lost or done twice, and each way in which the end is another."""
    purpose, found, wanted = BROKEN_ON_PURPOSE.get(story, "nothing"), end.found, undisturbed.found
    wrong = [line for line in found["broken"] if not line.startswith(purpose)]
    wrong += [f"Stripe's ledger: {line}" for line in found["differences"]]
    wrong += [f"answered, and lost: {event}" for event in found["lost"]]
    if found["most_copies"] > 1 + _letters_in_doubt(end.died_at):
        wrong.append(f"a letter came {found['most_copies']} times")
    return wrong + [
        f"{key}: {found[key]}, not {wanted[key]}"
        for key in ("bookings", "letters", "club")
        if found[key] != wanted[key]
    ]


def _letters_in_doubt(died_at: Sequence[str]) -> int:
    return sum(point.endswith(AT_LEAST_ONCE) for point in died_at)


def _visited(folder: Path) -> tuple[str, ...]:
    return tuple((folder / "visited").read_text(encoding="utf-8").splitlines())
