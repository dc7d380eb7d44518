"""The simulator's own time: the machine's, moved forward by `POST /_fake/clock`."""

from __future__ import annotations

import time


class Clock:
    """Wall time plus an offset that only grows."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def timestamp(self) -> int:
        """Whole seconds, as in each `created` field of the API."""
        return int(self.now())

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self.offset += seconds
