"""What was asked of the API, so that a test can count session creations. Kept in memory only."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 5000


@dataclass
class LoggedRequest:
    id: str
    at: float
    method: str
    path: str
    params: dict[str, Any]
    idempotency_key: str | None
    version: str | None
    status: int | None = None
    replayed: bool = False
    fault: str | None = None


class RequestLog:
    """The last few thousand requests to `/v1`, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=KEPT)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: LoggedRequest) -> None:
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()

    def show(self, method: str | None, path: str | None) -> list[dict[str, Any]]:
        return [
            asdict(entry)
            for entry in list(self._entries)
            if (not method or entry.method == method.upper()) and (not path or entry.path.startswith(path))
        ]
