"""How near the shop comes to what its own stack can do: `make bench`, `make bench-quick`.

Everything is a ratio of two things measured in turn in one run, so that it holds on another machine too. The table of
docs/performance.md is written by the run; exit code 1 where a goal is missed by more than the noise of the run.
"""

import argparse
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from benchmarks import engine, growth, herd, news, pages
from benchmarks.places import DATABASES, ROOT, places
from benchmarks.ratios import Goal, Measured
from tests.support.figures import fill

PAGE, CURVE = ROOT / "docs/performance.md", ROOT / "docs/performance-growth.svg"
SMALL, LARGE = 100, 10_000
GOALS = (
    Goal("confirm", "news of a payment taken in, checked and settled, against the floor", 0.60, "postgresql"),
    Goal("confirm", "news of a payment taken in, checked and settled, against the floor", 0.55, "sqlite"),
    Goal("webhook", "the whole of such news through gunicorn, against hello", 0.25, "sqlite"),
    Goal("webhook", "the whole of such news through gunicorn, against hello", 0.20, "postgresql"),
    Goal("webhook floor", "the floor of a confirmation alone through gunicorn, against hello", None),
    Goal("hold", "a hold of four nights, against the floor", 0.55),
    Goal("refuse", "refusals of taken nights in the time of one hold, 16 clients", 4.0),
    Goal("rush", "64 clients for one unit, against 64 for different ones", 0.5),
    Goal("search", "slowest hundredth of searches, against that of one look by an index", 20.0, is_least=False),
    Goal("growth", "a search at 100,000 units, against one at 10,000", 12.0, is_least=False),
    Goal("results", "results, 20 cards with exact totals, against hello", 0.20, units=SMALL),
    Goal("results", "results, 20 cards with exact totals, against hello", 0.15, units=LARGE),
    Goal("stay", "a stay with its calendar and prices, against hello", 0.25),
    Goal("results new", "results that nobody asked for before, against hello", None),
    Goal("stay new", "a stay that nobody asked for before, against hello", None),
    Goal("herd views", "2,000 pages, 300 bookings in 10 s: seconds, slowest hundredth of pages", 3.0, is_least=False),
    Goal("herd presses", "the same, slowest hundredth of bookings", 3.0, is_least=False),
    Goal(
        "herd errors",
        "of these, answers that are no page, no handoff and no 503 with Retry-After",
        0,
        is_least=False,
    ),
    Goal("memory", "megabytes of a web process", 150.0, is_least=False),
    Goal("import", "milliseconds of processor time to import the shop", 700.0, is_least=False),
)


def run(sizes: tuple[int, ...], rounds: int, times: int) -> list[Measured]:
    """All that can be measured in shops of these sizes."""
    found = [_import_time(rounds)]
    with places(DATABASES, sizes) as shops:
        found += _told(pages.measure(shops, rounds, 2 * times))
        for place in shops:
            found += _told(engine.measure(place, rounds, times))
            found += _told(news.measure(place, rounds, times))
    if LARGE in sizes:
        found += _told(herd.measure(2000, 300, 10.0))
    return found


def _grow(rounds: int) -> Iterable[Measured]:
    """How a search grows with the shop; the curve is drawn."""
    grown = growth.measure(DATABASES, growth.SIZES, rounds)
    CURVE.write_text(growth.drawing(grown.curve), "utf-8")
    fill(PAGE, "growth", f"![Milliseconds of one search in shops of 100 to 100,000 units]({CURVE.name})\n")
    return grown.measured


def _told(measured: Iterable[Measured]) -> Iterator[Measured]:
    for one in measured:
        print(f"  {one.what:12} {one.database:11}{one.units:7,}  {one.ratio:9.3f}  ±{one.noise:.3f}", file=sys.stderr)
        yield one


def _import_time(rounds: int) -> Measured:
    taken = []
    for _ in range(rounds + 1):
        before = os.times()
        subprocess.run([sys.executable, "-c", "import booking"], cwd=ROOT, check=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        taken.append(1000 * spent)
    return Measured("import", "", 0, taken[1:], 0.0)  # the first one fills the disk's memory


def table(found: list[Measured]) -> str:
    """Each goal beside what was measured, as Markdown."""
    rows = [
        "| What | Shop | Database | Goal | Measured | Noise | Own cost |",
        "|---|---|---|---|---|---|---|",
    ]
    for goal in GOALS:
        for one in filter(goal.is_about, found):
            rows.append(_row(goal, one))
    today = datetime.now(UTC).date().isoformat()
    rows += ["", f"Measured {today}, {os.cpu_count()} cores, Python {platform.python_version()}.", ""]
    return "\n".join(rows)


def _row(goal: Goal, one: Measured) -> str:
    seen, wanted = f"{one.ratio:.3g}", ""
    if goal.limit is not None:
        seen = f"**{seen}** {'missed' if goal.is_missed(one) else 'reached'}"
        wanted = f"{'at least' if goal.is_least else 'at most'} {goal.limit:g}"
    cost = f"{one.cost:.1f} ms" if one.cost and goal.what != "memory" else ""
    size = f"{one.units:,} units" if one.units else ""
    return f"| {goal.words} | {size} | {one.database} | {wanted} | {seen} | {one.noise:.2g} | {cost} |"


def main() -> None:
    """Measure, tell, and end with 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small shops alone, in about a minute; writes nothing")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--times", type=int, default=50, help="how often each thing is done in a round")
    wanted = parser.parse_args()
    logging.disable(logging.CRITICAL)
    found = run((SMALL,), 3, 20) if wanted.quick else run((SMALL, LARGE), wanted.rounds, wanted.times)
    if not wanted.quick:
        found += _told(_grow(wanted.rounds))
    print(text := table(found))
    if not wanted.quick:
        fill(PAGE, "ratios", text)
    sys.exit(any(goal.is_missed(one) for goal in GOALS for one in found if goal.is_about(one)))


if __name__ == "__main__":
    main()
