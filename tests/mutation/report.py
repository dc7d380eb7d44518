"""What became of the mutants: scores by file, the survivors with their reasons, and what is wrong with either."""

import os
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support import figures

SURVIVORS = Path(__file__).with_name("survivors.toml")
LEAST_PERCENT = 90.0
KILLED = ("killed", "timeout", "segfault", "caught by type check")
LIVING = ("survived", "no tests")

Reasons = dict[str, str]  # mutant -> why it may live


@dataclass(frozen=True)
class Results:
    """`by_file` counts what became of the mutants of each file; `living` names those that no test noticed."""

    by_file: dict[str, Counter[str]]
    living: tuple[str, ...]

    @property
    def total(self) -> Counter[str]:
        return sum(self.by_file.values(), Counter())

    @property
    def is_complete(self) -> bool:
        return bool(self.by_file) and not set(self.total) - {*KILLED, *LIVING}

    @property
    def figures(self) -> dict[str, int | float]:
        """What docs/reliability.md tells of the run."""
        return {"mutants": self.total.total(), "killed": killed(self.total), "percent": percent(self.total)}

    def table(self) -> str:
        """Scores by file."""
        lines = ["| File | Mutants | Killed | Score |", "|---|---:|---:|---:|"]
        rows = [*sorted(self.by_file.items()), ("All", self.total)]
        lines += [f"| {name} | {row.total()} | {killed(row)} | {percent(row)} % |" for name, row in rows]
        return "\n".join(lines)


def killed(outcomes: Counter[str]) -> int:
    """How many a test noticed; one that runs for ever is noticed too."""
    return sum(outcomes[outcome] for outcome in KILLED)


def percent(outcomes: Counter[str]) -> float:
    """The score, cut to one decimal and never rounded up to a goal."""
    return int(1000 * killed(outcomes) / outcomes.total()) / 10 if outcomes else 0.0


def judge(results: Results, reasons: Reasons | None = None) -> list[str]:
    """What is wrong: a score that is too low, a survivor without a reason, a reason without its survivor."""
    known = read_reasons() if reasons is None else reasons
    low = [
        f"{name}: {percent(row)} % of its mutants are killed; {LEAST_PERCENT:g} % is asked for"
        for name, row in sorted(results.by_file.items())
        if percent(row) < LEAST_PERCENT
    ]
    unfinished = [] if results.is_complete else ["Not every mutant was tried: run again with --keep."]
    unexplained = [f"No test notices, and no reason is given: {name}" for name in results.living if name not in known]
    stale = [
        f"A reason is given for a mutant that does not live: {name}" for name in known if name not in results.living
    ]
    return [*unfinished, *low, *unexplained, *(stale if results.is_complete else [])]


def read_reasons(path: Path = SURVIVORS) -> Reasons:
    """The list of those that may live."""
    groups = tomllib.loads(path.read_text("utf-8"))["may_live"]
    return {mutant: str(group["why"]) for group in groups for mutant in group["mutants"]}


def write_page(results: Results, reasons: Reasons | None = None, page: Path = figures.PAGE) -> None:
    """The scores and the survivors, between their marks in docs/reliability.md."""
    known = read_reasons() if reasons is None else reasons
    by_reason: dict[str, list[str]] = {}
    for mutant in results.living:
        by_reason.setdefault(known.get(mutant, "No reason is known."), []).append(mutant)
    text = [
        results.table(),
        *(f"### {why}\n\n" + "\n".join(f"- `{mutant}`" for mutant in lines) for why, lines in by_reason.items()),
    ]
    figures.fill(page, "survivors", "\n\n".join(text) + "\n")


# --- what mutmut has kept -------------------------------------------------------------------------------------------


def read_results(root: Path) -> Results:
    """The verdicts of the last run. mutmut reads its settings from the working directory, so it is changed to there."""
    os.chdir(root)
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.file_utils import walk_mutatable_files

    by_file: dict[str, Counter[str]] = {}
    living: list[str] = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        outcomes = {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
        if outcomes:
            by_file[path.as_posix()] = Counter(outcomes.values())
        living += [_describe(path, name) for name, outcome in outcomes.items() if outcome in LIVING]
    return Results(by_file, tuple(sorted(set(living))))


def _describe(path: Path, name: str) -> str:
    """A mutant by its place and its words: mutmut's own numbers change with each edit of the function."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    diff = get_diff_for_mutant(name, path=path).splitlines()
    added = [line[1:].strip() for line in diff if line.startswith("+") and not line.startswith("+++")]
    removed = [line[1:].strip() for line in diff if line.startswith("-") and not line.startswith("---")]
    return f"{path.as_posix()} {_function(name)}: {' / '.join(added) or 'without ' + ' / '.join(removed)}"


def _function(name: str) -> str:
    """`booking.domain.dates.xǁStayǁoverlaps__mutmut_2` is in `Stay.overlaps`."""
    mangled = name.rpartition("__mutmut_")[0].rpartition(".")[2]
    return ".".join(mangled.split("ǁ")[1:]) if "ǁ" in mangled else mangled.removeprefix("x_")
