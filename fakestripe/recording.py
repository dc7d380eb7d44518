"""Writes each exchange under `/v1` and each event to a file, a line of JSON each, for others to judge (`--record`)."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from fakestripe.requestlog import LoggedRequest

Line = dict[str, Any]


class Recording:
    """Grows until the program ends; without a path it writes nothing."""

    def __init__(self, path: str | None = None) -> None:
        self._lock = threading.Lock()
        self._file: TextIO | None = open(path, "a", encoding="utf-8", buffering=1) if path else None  # noqa: SIM115

    def exchange(self, request: LoggedRequest, answer: str) -> None:
        """What was asked, and the body of the answer."""
        if self._file:
            asked = {"method": request.method, "path": request.path, "version": request.version}
            fate = {"status": request.status, "fault": request.fault}
            self._write({"kind": "exchange", **asked, "params": request.params, **fate, "body": answer})

    def event(self, event: dict[str, Any]) -> None:
        """An event as it was made, whether or not anybody is told of it."""
        if self._file:
            self._write({"kind": "event", "event": event})

    def _write(self, line: Line) -> None:
        """One write for one line, so that lines of two threads never mix and a reader sees whole ones."""
        text = json.dumps(line) + "\n"
        with self._lock:
            if self._file and not self._file.closed:
                self._file.write(text)
