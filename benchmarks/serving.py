"""Which settings of gunicorn serve best: `python -m benchmarks.serving` measures them in turn, for docs/performance.md.

Each setting serves the same shop of 100 units on SQLite, anew in each round, to sixteen clients that look around; then
to as many again while others send half a request and no more. Told are medians of the rounds.
"""

import argparse
import contextlib
import itertools
import logging
import math
import os
import platform
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from benchmarks.clients import Ask, ask_all
from benchmarks.pages import pages_of
from benchmarks.performance import PAGE
from benchmarks.places import Place, places, serving
from tests.support.figures import fill

CLIENTS, IDLERS = 16, 64
HALF = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@dataclass(frozen=True, slots=True)
class Setting:
    """What gunicorn is told. `keepalive` in seconds, `worker` where it is not the shop's own."""

    workers: int
    threads: int
    keepalive: int = 5
    worker: str = ""

    @property
    def words(self) -> str:
        said = f"{self.workers} × {self.threads}"
        said += "" if self.keepalive == 5 else f", lines kept {self.keepalive} s"
        return said + (f", plain {self.worker}" if self.worker else "")


SETTINGS = (
    Setting(1, 8),
    *(Setting(2, threads) for threads in (2, 4, 8, 16)),
    Setting(3, 8),
    Setting(4, 8),
    Setting(2, 8, keepalive=0),
    Setting(2, 8, keepalive=60),
    Setting(2, 8, worker="gthread"),
)


@dataclass(frozen=True, slots=True)
class Round:
    """One look at a setting: pages a second, and waits in milliseconds; `slow_p99` while others send half requests."""

    a_second: float
    p50: float
    p99: float
    slow_p99: float
    megabytes: float


def measure(rounds: int, pages: int) -> dict[Setting, list[Round]]:
    """Each setting once in each round."""
    found: dict[Setting, list[Round]] = {setting: [] for setting in SETTINGS}
    with places(("sqlite",), (100,)) as (shop,):
        looked_at = pages_of(shop)
        kinds = (itertools.repeat("/"), looked_at["results"], looked_at["stay"])
        asks = [Ask(next(kind)) for _ in range(pages // 3) for kind in kinds]
        for _ in range(rounds):
            for setting in SETTINGS:
                found[setting].append(_look(shop, setting, asks))
    return found


def _look(shop: Place, setting: Setting, asks: list[Ask]) -> Round:
    options = ["--keep-alive", str(setting.keepalive)]
    options += ["--worker-class", setting.worker] if setting.worker else []
    told = {"WEB_WORKERS": str(setting.workers), "WEB_THREADS": str(setting.threads)}
    with serving("wsgi:app", shop, options=options, **told) as server:
        ask_all(server.url, asks[:60], CLIENTS)
        began = time.perf_counter()
        waits = sorted(ask_all(server.url, asks, CLIENTS))
        took = time.perf_counter() - began
        with _idlers(server.url):
            slow = _p99_or_never(server.url, asks)
        return Round(len(asks) / took, _part(waits, 50), _part(waits, 99), slow, server.megabytes())


def _p99_or_never(url: str, asks: list[Ask]) -> float:
    try:
        return _part(sorted(ask_all(url, asks, CLIENTS, patience=10)), 99)
    except TimeoutError:
        return math.inf


def _part(waits: list[float], hundredths: int) -> float:
    return 1000 * waits[len(waits) * hundredths // 100]


@contextlib.contextmanager
def _idlers(url: str) -> Iterator[None]:
    """Visitors who say half of what they want."""
    address = urlsplit(url)
    with contextlib.ExitStack() as stack:
        for _ in range(IDLERS):
            line = stack.enter_context(socket.create_connection((address.hostname or "", address.port or 0)))
            line.sendall(HALF)
        yield


def table(found: dict[Setting, list[Round]]) -> str:
    """As Markdown, medians of the rounds."""
    rows = [
        "| Workers × threads | Pages a second | p50 | p99 | p99 beside 64 half requests | Memory of a worker |",
        "|---|---|---|---|---|---|",
    ]
    for setting, looks in found.items():
        a_second, p50, p99, slow, size = (
            statistics.median(getattr(one, name) for one in looks) for name in Round.__slots__
        )
        beside = "no answer in 10 s" if math.isinf(slow) else f"{slow:.0f} ms"
        rows.append(f"| {setting.words} | {a_second:.0f} | {p50:.0f} ms | {p99:.0f} ms | {beside} | {size:.0f} MB |")
    today, rounds = datetime.now(UTC).date().isoformat(), len(next(iter(found.values())))
    python = platform.python_version()
    rows += ["", f"Measured {today}, {rounds} rounds, {CLIENTS} clients, {os.cpu_count()} cores, Python {python}.", ""]
    return "\n".join(rows)


def main() -> None:
    """Measure, print, and write the table down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=240, help="looked at in each measurement")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(text := table(measure(wanted.rounds, wanted.pages)))
    if not wanted.dry:
        fill(PAGE, "serving", text)


if __name__ == "__main__":
    main()
