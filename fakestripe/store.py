"""All state: records by kind and id, one lock, and a mirror in one SQLite file.

A kind is a Stripe object name (`refund`) or, with an underscore, a kind of our own (`_job`).
"""

from __future__ import annotations

import copy
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fakestripe.errors import ApiError

Record = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id))
"""
UPSERT = """
INSERT INTO record (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
"""


class Store:
    """Reads give copies; writes wait in a stage until the outermost `change()` ends well."""

    def __init__(self, path: str | None = None) -> None:
        self.lock = threading.RLock()
        self.after_commit: list[Callable[[], None]] = []
        self._kinds: dict[str, dict[str, Record]] = {}
        self._stage: dict[tuple[str, str], Record | None] = {}
        self._depth = 0
        self._file = self._open(path) if path else None

    @contextmanager
    def change(self) -> Iterator[None]:
        """One atomic change. An error undoes it, except one that says its effects stay."""
        with self.lock:
            self._depth += 1
            try:
                yield
            except ApiError as error:
                self._leave(keep=error.keep_effects)
                raise
            except BaseException:
                self._leave(keep=False)
                raise
            self._leave(keep=True)

    def get(self, kind: str, record_id: str) -> Record | None:
        with self.lock:
            return copy.deepcopy(self._peek(kind, record_id))

    def put(self, kind: str, record: Record) -> None:
        assert self._depth, "writes belong inside change()"
        self._stage[kind, record["id"]] = copy.deepcopy(record)

    def delete(self, kind: str, record_id: str) -> None:
        assert self._depth, "writes belong inside change()"
        self._stage[kind, record_id] = None

    def all(self, kind: str) -> list[Record]:
        """Oldest first. These are the records themselves: read them, never change them."""
        with self.lock:
            merged: dict[str, Record | None] = dict(self._kinds.get(kind, {}))
            merged.update({key[1]: body for key, body in self._stage.items() if key[0] == kind})
            return [record for record in merged.values() if record is not None]

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self.lock:
            self._kinds.clear()
            self._stage.clear()
            if self._file:
                with self._file:
                    self._file.execute("DELETE FROM record")

    def close(self) -> None:
        with self.lock:
            if self._file:
                self._file.close()
                self._file = None

    def _open(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(SCHEMA)
        for kind, key, body in connection.execute("SELECT kind, id, body FROM record ORDER BY seq"):
            self._kinds.setdefault(kind, {})[key] = json.loads(body)
        return connection

    def _peek(self, kind: str, record_id: str) -> Record | None:
        if (kind, record_id) in self._stage:
            return self._stage[kind, record_id]
        return self._kinds.get(kind, {}).get(record_id)

    def _leave(self, *, keep: bool) -> None:
        self._depth -= 1
        if not keep:
            self._stage.clear()
        elif self._depth == 0 and self._stage:
            self._commit()

    def _commit(self) -> None:
        stage, self._stage = self._stage, {}
        self._write_file(stage)
        for (kind, key), record in stage.items():
            records = self._kinds.setdefault(kind, {})
            if record is None:
                records.pop(key, None)
            else:
                records[key] = record
        for notify in self.after_commit:
            notify()

    def _write_file(self, stage: dict[tuple[str, str], Record | None]) -> None:
        if not self._file:
            return
        with self._file:
            for (kind, key), record in stage.items():
                if record is None:
                    self._file.execute("DELETE FROM record WHERE kind = ? AND id = ?", (kind, key))
                else:
                    self._file.execute(UPSERT, (kind, key, json.dumps(record)))
