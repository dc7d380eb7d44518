"""The programs of a shop as the Procfile runs them, kept up like a service manager does: what ends is started again."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from booking.extensions import db
from tests.support.gunicorn import unserved_shop
from tests.support.servers import ROOT, FakeStripe, answers, wait_until
from tests.support.shop import Shop

PATIENCE = 120
NO_LIMIT = resource.RLIM_INFINITY


@dataclass
class Program:
    """One of them: a process that leads a group of its own, with all its children in it."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def keep_up(self) -> None:
        """Start it, unless it runs."""
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as out:
                self.process = subprocess.Popen(
                    self.command, cwd=ROOT, env=self.env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
                )
            self.starts += 1

    def kill(self) -> bool:
        """SIGKILL for the whole group; back when they are gone. Whether there was anything to kill."""
        if self.process is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait() is not None

    def kill_leader(self) -> bool:
        """SIGKILL for the one that the manager started; its children find out by themselves."""
        if self.process is None:
            return False
        self.process.kill()
        return self.process.wait() is not None

    def members(self) -> list[int]:
        """All processes of the group, the leader first."""
        leader = self.process.pid if self.process is not None else 0
        found = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _group_of(entry) == leader]
        return sorted(found, key=lambda pid: pid != leader)

    def limit_files(self, size: int) -> None:
        """From now on none of its processes can write a byte of a file beyond `size`: a full disk, to them alone."""
        for pid in self.members():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, NO_LIMIT))


def _group_of(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:  # it has just ended
        return -1


@dataclass
class Running:
    """A shop with its programs."""

    shop: Shop
    web: Program
    worker: Program

    @property
    def programs(self) -> tuple[Program, Program]:
        return self.web, self.worker

    def keep_up(self) -> None:
        for program in self.programs:
            program.keep_up()

    def wait_until_ready(self) -> None:
        """Until the web answers and the worker's pulse is there."""

        def is_up() -> bool:
            self.keep_up()
            return answers(f"{self.shop.url}/readyz")

        wait_until(is_up, PATIENCE, f"the shop at {self.shop.url}")

    def said(self) -> str:
        """What both programs have said so far."""
        return "".join(p.log.read_text(errors="replace") for p in self.programs if p.log.exists())


@contextlib.contextmanager
def running_shop(database_url: str, stripe: FakeStripe, folder: Path, *, units: int = 1) -> Iterator[Running]:
    """A shop in production's programs, killed at the end."""
    shop, env = unserved_shop(database_url, stripe, folder, units=units)
    web = Program("web", [sys.executable, "-m", "gunicorn", "wsgi:app"], env, folder / "web.log")
    worker = Program("worker", [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], env, folder / "worker.log")
    running = Running(shop, web, worker)
    try:
        yield running
    finally:
        for program in running.programs:
            program.kill()
        with shop.app.app_context():
            db.session.remove()
            db.engine.dispose()
