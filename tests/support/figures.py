"""What docs/reliability.md and docs/pages.md say that no hand should: figures of runs, and the table of promises.

Figures are written by the tests that measure them, and only where the run asks.

`FIGURES=folder make ...` has the tests leave what they measured in that folder; `python -m tests.support.figures
folder` then takes it over into docs/reliability/latest.json and into the tables of the two pages.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from booking.queries.invariants import PROMISES

Figures = dict[str, float | int | str]

DOCS = Path(__file__).resolve().parents[2] / "docs"
LATEST, PAGE = DOCS / "reliability" / "latest.json", DOCS / "reliability.md"
GUEST_PAGES = DOCS / "pages.md"
# Figures whose names begin so are told in docs/pages.md: those of Lighthouse in a table of their own.
OF_PAGES, OF_LIGHTHOUSE = "pages_", "pages_lighthouse_"


def note_figures(name: str, *, part: str = "", **figures: float | int | str) -> None:
    """Keep what a test measured in the folder that `FIGURES` names; nothing where it names none.

    Where several tests measure one thing, each tells its `part`; their whole numbers are added up.
    """
    folder = os.environ.get("FIGURES")
    if folder:
        path = Path(folder).resolve() / f"{name}.{part or 'whole'}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**figures, **_circumstances()}, sort_keys=True) + "\n", "utf-8")


def _circumstances() -> Figures:
    return {
        "measured": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
    }


def take_over(folder: Path, latest: Path = LATEST, page: Path = PAGE, guest_pages: Path = GUEST_PAGES) -> None:
    """Put new figures in the place of older ones of the same name; others stay, with their date."""
    known = read_latest(latest) | _read(folder)
    latest.parent.mkdir(parents=True, exist_ok=True)
    latest.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")
    fill(page, "promises", promises())
    fill(page, "figures", table(known))
    fill(guest_pages, "figures", table(known, of_pages=True))
    fill(guest_pages, "lighthouse", lighthouse_table(known))


def read_latest(path: Path = LATEST) -> dict[str, Figures]:
    """The figures as they were kept last."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def block(text: str, name: str) -> str:
    """What a page holds between the marks of that name."""
    return text.partition(f"<!-- {name} begin -->\n")[2].partition(f"<!-- {name} end -->")[0]


def fill(page: Path, name: str, lines: str) -> None:
    """Put new lines between the marks of that name."""
    begin, end = f"<!-- {name} begin -->\n", f"<!-- {name} end -->"
    before, _, rest = page.read_text("utf-8").partition(begin)
    page.write_text(before + begin + lines + end + rest.partition(end)[2], "utf-8")


def promises() -> str:
    """The promises of the code, and whether a database can show that they are kept."""
    head = "| | Promise | `flask verify` can see it |\n|---|---|---|\n"
    return head + "".join(f"| {p.code} | {p.text} | {'yes' if p.looks else 'no'} |\n" for p in PROMISES)


def _read(folder: Path) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for path in sorted(folder.glob("*.json")):
        name, part = path.name.partition(".")[0], json.loads(path.read_text("utf-8"))
        found[name] = _add(found[name], part) if name in found else part
    return found


def _add(one: Figures, other: Figures) -> Figures:
    def added(key: str, value: float | int | str) -> float | int | str:
        return value + one[key] if isinstance(value, int) and isinstance(one.get(key), int) else value

    return {key: added(key, value) for key, value in other.items()}


def table(known: dict[str, Figures], *, of_pages: bool = False) -> str:
    """The figures as they stand in docs/reliability.md, or in docs/pages.md."""
    head = "| Programme | Figures | Measured |\n|---|---|---|\n"
    told = [name for name in sorted(known) if name.startswith(OF_PAGES) == of_pages and OF_LIGHTHOUSE not in name]
    return head + "".join(_row(name.removeprefix(OF_PAGES), dict(known[name])) for name in told)


def lighthouse_table(known: dict[str, Figures]) -> str:
    """What Lighthouse said of each page, as it stands in docs/pages.md."""
    head = "| Page | Performance | Accessibility | Best practices | SEO | LCP ms | CLS | TBT ms | Measured |\n"
    columns = ["performance", "accessibility", "best_practices", "seo", "lcp_ms", "cls", "tbt_ms", "measured"]
    rows = [
        " | ".join([_words(name.removeprefix(OF_LIGHTHOUSE)), *(str(row.get(column, "-")) for column in columns)])
        for name, row in sorted(known.items())
        if name.startswith(OF_LIGHTHOUSE)
    ]
    return head + "|---" * 9 + "|\n" + "".join(f"| {row} |\n" for row in rows)


def _row(name: str, figures: Figures) -> str:
    when = f"{figures.pop('measured')}, {figures.pop('machine')}"
    told = ", ".join(f"{_words(key)} {_number(value)}" for key, value in figures.items())
    return f"| {_words(name)} | {told} | {when} |\n"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float | int | str) -> str:
    return f"{value:,}" if isinstance(value, int | float) else value


if __name__ == "__main__":
    take_over(Path(sys.argv[1]))
