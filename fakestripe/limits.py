"""How many requests a second the API takes: docs.stripe.com/rate-limits. Without a limit at first."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable


class RateLimit:
    """Counts the requests of the last second, by the machine's time: load is real, not simulated."""

    def __init__(self, per_second: int | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._now = now
        self._taken: deque[float] = deque()
        self.per_second = per_second
        self.refused = 0

    def set(self, per_second: int | None) -> None:
        """Another limit, or none; the count begins anew."""
        with self._lock:
            self._taken.clear()
            self.per_second = per_second
            self.refused = 0

    def take(self) -> bool:
        """Whether one more request fits into the running second."""
        if self.per_second is None:
            return True
        with self._lock:
            now = self._now()
            while self._taken and self._taken[0] <= now - 1:
                self._taken.popleft()
            if len(self._taken) >= self.per_second:
                self.refused += 1
                return False
            self._taken.append(now)
            return True

    def show(self) -> dict[str, int | None]:
        return {"per_second": self.per_second, "refused": self.refused}
