"""`python -m tests.mutation`: change the code of the money in thousands of small ways, and judge what no test noticed.

mutmut makes the changes and runs the tests (its settings stand in pyproject.toml). What lives is either killed by a
better test or listed in `survivors.toml` with a reason. The exit status says whether the score is good enough and the
list is true. `--keep` goes on where the last run stopped, and believes its verdicts: good enough while writing tests.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.mutation.report import judge, read_results, write_page
from tests.support.figures import note_figures

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "mutants" / "run.log"


def main(arguments: list[str]) -> int:
    """Run and judge; 0 where all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", action="store_true", help="go on where the last run stopped")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants tried at once")
    parser.add_argument("--judge-only", action="store_true", help="run nothing, judge what was run last")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    if not chosen.judge_only:
        _run(chosen.keep, chosen.workers)
    results = read_results(ROOT)
    problems = judge(results)
    if not chosen.keep and not chosen.judge_only and results.is_complete:
        write_page(results)
        minutes = round((time.monotonic() - began) / 60, 1)
        note_figures("mutation", **results.figures, minutes=minutes, workers=chosen.workers)
    print(results.table())
    print("\n".join(problems) or "Every mutant that lives has its reason.")
    return 1 if problems else 0


def _run(is_kept: bool, workers: int) -> None:
    if not is_kept:
        shutil.rmtree(LOG.parent, ignore_errors=True)
    LOG.parent.mkdir(exist_ok=True)
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(workers)]
    print(f"Trying mutants; progress is written to {LOG.relative_to(ROOT)}.", flush=True)
    with LOG.open("w", encoding="utf-8") as log:
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
