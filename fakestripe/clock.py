"""The simulator's own time: the machine's, moved forward by `POST /_fake/clock`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LATEST = 32_503_680_000
"""The first second of the year 3000: calendars of this machine and of browsers end somewhere."""
_moment: ContextVar[float | None] = ContextVar("moment", default=None)


class Clock:
    """Wall time plus an offset that only grows."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        moment = _moment.get()
        return time.time() + self.offset if moment is None else moment

    def timestamp(self) -> int:
        """Whole seconds, as in each `created` field of the API."""
        return int(self.now())

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        if not self.now() + seconds < LATEST:
            raise ValueError("the clock ends with the year 2999")
        self.offset += seconds

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """For this thread it is that moment: what was due last month happens last month."""
        token = _moment.set(moment)
        try:
            yield
        finally:
            _moment.reset(token)
