"""`make lighthouse`: Google's Lighthouse on the pages at which visitors begin, and on the page of a booking.

Against real gunicorn with the demo, as a telephone on a slow line, the median of three runs. Prints the table, puts it
into docs/pages.md, and ends with 1 where a page is below the bar.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pages.demo import LISTING, Demo, served_demo
from tests.support import figures, npm

LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = {"performance": 97, "accessibility": 100, "best-practices": 100, "seo": 100}
RUNS, TRIES = 3, 4
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
METRICS = {"lcp_ms": "largest-contentful-paint", "cls": "cumulative-layout-shift", "tbt_ms": "total-blocking-time"}


@dataclass(frozen=True)
class Look:
    """One page to be looked at. Of one that is kept from search engines on purpose, SEO is not asked."""

    name: str
    url: str
    is_found: bool = True
    cookie: str = ""

    @property
    def bars(self) -> dict[str, int]:
        return {name: bar for name, bar in CATEGORIES.items() if self.is_found or name != "seo"}


@dataclass(frozen=True)
class Result:
    """The medians of one page."""

    look: Look
    scores: dict[str, int]
    metrics: dict[str, float]

    @property
    def is_below(self) -> bool:
        return any(self.scores[name] < bar for name, bar in self.look.bars.items())


def main() -> int:
    """Measure, tell, keep; 1 where a page is below the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="the name of one page")
    parser.add_argument("--dry-run", action="store_true", help="leave docs/pages.md alone")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder, served_demo(Path(folder)) as demo:
        looks = [look for look in _looks(demo) if asked.only in ("", look.name)]
        results = [_measure(look, asked.runs, Path(folder)) for look in looks]
    print(_table(results), end="")
    if not asked.dry_run and not asked.only:
        _keep(results)
    return int(any(result.is_below for result in results))


def _looks(demo: Demo) -> list[Look]:
    # Every choice of dates makes an address of its own: search engines are shown the pages without any.
    views = {**demo.first_views, "results": "/stays", "stay": f"/stays/{LISTING}"}
    looks = [Look(name, demo.url + path, is_found=name != "details") for name, path in views.items()]
    chosen = [Look(f"{name}, chosen", demo.url + demo.first_views[name], False) for name in ("results", "stay")]
    page, cookie = demo.book()
    return [*looks, *chosen, Look("booking", demo.url + page, False, cookie)]


def _measure(look: Look, runs: int, folder: Path) -> Result:
    reports = [_run(look, folder) for _ in range(runs)]
    scores = {
        name: round(100 * statistics.median(report["categories"][name]["score"] or 0 for report in reports))
        for name in look.bars
    }
    metrics = {
        name: round(statistics.median(report["audits"][audit]["numericValue"] for report in reports), 3)
        for name, audit in METRICS.items()
    }
    for report in reports[:1]:
        _tell_of_faults(look, report)
    return Result(look, scores, metrics)


def _run(look: Look, folder: Path) -> dict[str, Any]:
    program = npm.package(LIGHTHOUSE) / "cli" / "index.js"
    headers = ["--extra-headers", json.dumps({"Cookie": look.cookie})] if look.cookie else []
    command = ["node", str(program), look.url, "--quiet", "--output=json", f"--output-path={folder / 'report.json'}"]
    command += [f"--chrome-flags={FLAGS}", f"--only-categories={','.join(look.bars)}", "--locale=en", *headers]
    env = {**os.environ, "CHROME_PATH": shutil.which("chromium") or "/usr/bin/chromium"}
    for tries_left in reversed(range(TRIES)):
        # On a busy machine the browser at times records nothing of the page, which is no measurement at all.
        if subprocess.run(command, env=env, check=not tries_left, timeout=180).returncode == 0:
            break
    return dict(json.loads((folder / "report.json").read_text("utf-8")))


def _tell_of_faults(look: Look, report: dict[str, Any]) -> None:
    """What costs points, on a line each, so that nobody needs to run it by hand."""
    for category, bar in look.bars.items():
        refs = report["categories"][category]["auditRefs"]
        audits = [report["audits"][ref["id"]] for ref in refs if ref["weight"]]
        if round(100 * (report["categories"][category]["score"] or 0)) < bar:
            for audit in audits:
                if audit["score"] is not None and audit["score"] < 1:
                    said = audit.get("displayValue") or audit["title"]
                    print(f"{look.name}: {category}: {audit['id']}: {said}", file=sys.stderr)


def _keep(results: list[Result]) -> None:
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        os.environ["FIGURES"] = folder
        for result in results:
            scores = {name.replace("-", "_"): score for name, score in result.scores.items()}
            name = figures.OF_LIGHTHOUSE + result.look.name.replace(" ", "_")
            figures.note_figures(name, **scores, **result.metrics)
        figures.take_over(Path(folder))


def _table(results: list[Result]) -> str:
    head = f"{'page':<20}" + "".join(f"{name:>16}" for name in CATEGORIES) + f"{'LCP':>9}{'CLS':>7}{'TBT':>8}\n"
    return head + "".join(_line(result) for result in results)


def _line(result: Result) -> str:
    scores = "".join(f"{result.scores.get(name, '-'):>16}" for name in CATEGORIES)
    metrics = result.metrics
    told = f"{metrics['lcp_ms'] / 1000:>8.2f}s{metrics['cls']:>7.3f}{metrics['tbt_ms']:>6.0f}ms"
    return f"{result.look.name:<20}{scores}{told}{'   below the bar' if result.is_below else ''}\n"


if __name__ == "__main__":
    sys.exit(main())
