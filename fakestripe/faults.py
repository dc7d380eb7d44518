"""Faults to order: the next matching API requests fail in the way asked for."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any

KINDS = (
    "status_429",
    "status_500",
    "status_500_after_effect",
    "timeout_before",
    "timeout_after_effect",
    "reset",
    "slow",
    "garbage",
    "lock_timeout",
)
BEFORE_WORK = frozenset({"status_429", "status_500", "timeout_before", "reset", "lock_timeout"})


@dataclass
class Fault:
    """One order. `stored` makes a `status_500` stick to its idempotency key without an effect.

    `method` may be `*`; `path` is the whole path, `path_prefix` its beginning; the first `skip`
    requests that fit go through.
    """

    kind: str
    method: str = "POST"
    path_prefix: str = "/v1/"
    path: str | None = None
    skip: int = 0
    times: int = 1
    seconds: float = 30.0
    stored: bool = False

    def fits(self, method: str, path: str) -> bool:
        if self.times < 1 or self.method not in ("*", method):
            return False
        return path == self.path if self.path else path.startswith(self.path_prefix)

    def strikes(self) -> bool:
        """Count a request that fits; False for those let through."""
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Faults:
    """The orders not used up yet, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def order(self, wanted: list[dict[str, Any]]) -> None:
        """Replace all orders."""
        faults = [_read(item) for item in wanted]
        with self._lock:
            self._faults = faults

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.fits(method, path):
                    return fault if fault.strikes() else None
        return None

    def show(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times > 0]


def _read(item: dict[str, Any]) -> Fault:
    fault = Fault(**item)
    if fault.kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    fault.method = fault.method.upper()
    if min(fault.times, fault.skip, fault.seconds) < 0:
        raise ValueError("times, skip and seconds must not be below zero")
    return fault
