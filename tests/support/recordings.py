"""What the fakestripes of a test run said, and what Stripe's own descriptions say to that."""

import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What differs from one exchange to the next of the same kind: ids, tokens, references, then all numbers and times.
_IDS = re.compile(rb"(?<=_)[A-Za-z0-9]{10,}|\b[0-9a-f]{32}\b|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9A-Z]{8}\b")
_NUMBERS = re.compile(rb"\d+")


def shape_of(line: bytes) -> bytes:
    """An exchange without what cannot make a difference to its judges; those that are alike are judged once."""
    return _NUMBERS.sub(b"0", _IDS.sub(b"~", line))


@dataclass
class Recording:
    """What one fakestripe has written so far. Whoever says it is honest sends no bad request on purpose."""

    path: Path
    is_honest: bool
    read_to: int = 0

    def fresh(self) -> Iterator[dict[str, Any]]:
        """What has been written since the last look."""
        return map(json.loads, self.fresh_lines())

    def fresh_lines(self) -> Iterator[bytes]:
        """The same as it was written; a line that is not whole yet waits."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self.read_to += len(line)
                yield line


@dataclass
class Recordings:
    """One file for each fakestripe that this process starts."""

    folder: Path | None = None
    kept: list[Recording] = field(default_factory=list)
    seen: set[tuple[int, bool]] = field(default_factory=set)

    def new(self, *, is_honest: bool = False) -> list[str]:
        """The arguments that make a fakestripe write its own."""
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="recordings-"))
            atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        path = self.folder / f"{len(self.kept)}.jsonl"
        self.kept.append(Recording(path, is_honest))
        return ["--record", str(path)]

    def fresh(self) -> Iterator[tuple[dict[str, Any], bool]]:
        """Each line of a shape not seen before, with whether its requests were honest."""
        for recording in self.kept:
            for line in recording.fresh_lines():
                shape = (hash(shape_of(line)), recording.is_honest)
                if shape not in self.seen:
                    self.seen.add(shape)
                    yield json.loads(line), recording.is_honest


recordings = Recordings()
