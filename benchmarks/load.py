"""Whole visits by more and more people (`make load`): how soon the shop answers, what it loses, what is full first.

Starts a shop on SQLite with gunicorn, its worker and fakestripe, sends locust's visitors in steps, and writes its table
into docs/scaling.md. Afterwards every promise must hold (`flask verify`), or it ends with exit code 1.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.places import ROOT, empty_places, family, seconds_of
from tests.support import servers
from tests.support.figures import fill
from tests.support.gunicorn import unserved_shop
from tests.support.shop import add_listing, dispose

PAGE = ROOT / "docs/scaling.md"
STAYS = 10  # as benchmarks/visits.py looks for
UNITS = 40  # of each stay, so that the nights do not run out before the machine does
# Apart from all else: it brings gevent, which other libraries use as soon as they find it.
LOCUST = ROOT / ".venv/load/bin/locust"


@dataclass(frozen=True, slots=True)
class Running:
    """A whole shop. `programs` are processes by their names; `env` is what they were told."""

    url: str
    env: dict[str, str]
    programs: dict[str, int]

    def seconds(self) -> dict[str, float]:
        """Of processor time that each program has taken, its children included."""
        return {name: sum(map(seconds_of, family(process))) for name, process in self.programs.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """What so many visitors at a time met. Waits in milliseconds; `busy` is the share of one core for each program."""

    visitors: int
    a_second: float
    failed: int
    p50: float
    p95: float
    p99: float
    busy: dict[str, float]


@contextmanager
def whole_shop() -> Iterator[Running]:
    """A shop with gunicorn, worker and fakestripe, on a real disk."""
    with ExitStack() as stack:
        place = stack.enter_context(empty_places(("sqlite",)))("sqlite")
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-load-")))
        stripe_port = servers.free_port()
        stripe_url = f"http://127.0.0.1:{stripe_port}"
        command = [sys.executable, "-m", "fakestripe", "--port", str(stripe_port)]
        stripe = stack.enter_context(servers.running(command, f"{stripe_url}/_fake/healthz"))
        shop, env = unserved_shop(place.url, servers.FakeStripe(stripe_url), folder)
        for number in range(1, STAYS + 1):
            add_listing(shop.app, f"stay-{number}", units=UNITS, name=f"Stay {number}")
        dispose(shop.app)
        env = {**env, "FLASK_RUN_FROM_CLI": ""}
        web = stack.enter_context(
            servers.running([sys.executable, "-m", "gunicorn", "wsgi:app"], f"{shop.url}/healthz", env, folder / "web")
        )
        worker = stack.enter_context(
            servers.running([*_FLASK, "worker"], f"{shop.url}/healthz", env, folder / "worker")
        )
        yield Running(shop.url, env, {"web": web.pid, "worker": worker.pid, "fakestripe": stripe.pid})


_FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")


def measure(steps: list[int], seconds: int) -> tuple[list[Step], str]:
    """Each number of visitors for so many seconds; then what `flask verify` finds broken, as it says it."""
    with whole_shop() as shop:
        found = [_step(shop, visitors, seconds) for visitors in steps]
        time.sleep(5)  # the worker does what is left
        verified = subprocess.run(
            [*_FLASK, "verify"], cwd=ROOT, env=shop.env, capture_output=True, text=True, check=False
        )
        return found, "" if verified.returncode == 0 else verified.stdout + verified.stderr


def _step(shop: Running, visitors: int, seconds: int) -> Step:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(LOCUST), "-f", "benchmarks/visits.py", "--headless", "--host", shop.url]
        command += [
            "-u",
            str(visitors),
            "-r",
            str(max(5, visitors // 2)),
            "-t",
            f"{seconds}s",
            "--csv",
            f"{folder}/load",
        ]
        before = shop.seconds()
        env = {**shop.env, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        busy = {name: (taken - before[name]) / seconds for name, taken in shop.seconds().items()}
        stats = Path(folder) / "load_stats.csv"
        if not stats.is_file():
            raise RuntimeError(done.stderr[-2000:])
        print(f"  {visitors} visitors: {busy}", file=sys.stderr, flush=True)
        return _read(visitors, stats, busy)


def _read(visitors: int, stats: Path, busy: dict[str, float]) -> Step:
    with stats.open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    p50, p95, p99 = (float(row[part]) for part in ("50%", "95%", "99%"))
    return Step(visitors, float(row["Requests/s"]), int(row["Failure Count"]), p50, p95, p99, busy)


def table(steps: list[Step]) -> str:
    """As Markdown."""
    rows = ["| Visitors | Answers a second | Failed | p50 | p95 | p99 | Web | Worker | fakestripe |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    for step in steps:
        busy = " | ".join(f"{100 * share:.0f} %" for share in step.busy.values())
        waits = " | ".join(f"{wait:.0f} ms" for wait in (step.p50, step.p95, step.p99))
        rows.append(f"| {step.visitors} | {step.a_second:.1f} | {step.failed} | {waits} | {busy} |")
    today = datetime.now(UTC).date().isoformat()
    rows += ["", f"Measured {today}, {os.cpu_count()} cores, Python {platform.python_version()}.", ""]
    return "\n".join(rows)


def main() -> None:
    """Measure, tell, and end with 1 where a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="25,100,200,400", help="visitors at a time")
    parser.add_argument("--seconds", type=int, default=25, help="of each step")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    wanted = parser.parse_args()
    steps, broken = measure([int(step) for step in wanted.steps.split(",")], wanted.seconds)
    print(text := table(steps))
    if broken:
        sys.exit(broken)
    if not wanted.dry:
        fill(PAGE, "load", text)


if __name__ == "__main__":
    main()
