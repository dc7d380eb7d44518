"""Each guard is taken away once, and the test that is named for it must fail: a test nobody saw fail proves nothing.

`make guards` prints the table of all. `make test` takes every second one away, for each is a run of its own; the others
when `GUARDS` is `all`.
"""

import marshal
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.guards.guards import GUARDS, Guard
from tests.support import servers
from tests.support.servers import ROOT, FakeStripe

SOME = GUARDS if os.environ.get("GUARDS") == "all" else GUARDS[::2]


def run_without(guard: Guard, **lent: str) -> subprocess.CompletedProcess[str]:
    """Run the guard's test in a process where the guard is gone, with what it is lent instead of starting its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.guards.removal", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, guard.test],
        cwd=ROOT,
        env={**os.environ, **lent, "GUARD": guard.name},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def lent() -> Iterator[FakeStripe]:
    """A fakestripe for all of these runs: a shop without one of its guards may say to it what it should not."""
    with servers.fakestripe(is_honest=False) as stripe:
        yield stripe


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_lines_of_a_guard_stand_where_they_stood(guard: Guard) -> None:
    spec = find_spec(guard.module)

    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).read_text("utf-8").count(guard.without[0]) == 1


def _is_cached_as_written(guard: Guard) -> bool:
    spec = find_spec(guard.module)
    assert spec is not None
    assert spec.origin is not None
    assert spec.cached is not None
    cached, source = Path(spec.cached), Path(spec.origin)
    if not cached.exists():
        return True
    code = marshal.loads(cached.read_bytes()[16:])
    return bool(code == compile(source.read_text("utf-8"), str(source), "exec", dont_inherit=True))


@pytest.mark.parametrize("guard", SOME, ids=lambda guard: guard.name)
def test_a_guard_that_is_taken_away_is_missed(guard: Guard, sqlite_template: Path, lent: FakeStripe) -> None:
    done = run_without(guard, SQLITE_TEMPLATE=str(sqlite_template), FAKESTRIPE_URL=lent.url)

    assert _is_cached_as_written(guard), "what is left in the cache is the shop without its guard"
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-2000:]
    assert "GuardHasChanged" not in done.stdout + done.stderr, done.stdout[-2000:]
    assert f"{guard.test.rpartition('::')[2]}" in done.stdout.rpartition("short test summary")[2], done.stdout[-3000:]


def main() -> int:
    """The table: every guard, and the test that misses it."""
    missed = 0
    for guard in GUARDS:
        done = run_without(guard)
        is_missed = done.returncode == 1 and "GuardHasChanged" not in done.stdout
        missed += is_missed
        print(
            f"{'missed    ' if is_missed else 'NOT MISSED'}  {guard.name}  <- {guard.test.rpartition('/')[2]}",
            flush=True,
        )
    print(f"{missed} of {len(GUARDS)} guards are missed when they are taken away.")
    return 0 if missed == len(GUARDS) else 1


if __name__ == "__main__":
    sys.exit(main())
