"""The SQLite file that a store's records are kept in. A killed process loses no answered request."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator

from fakestripe.shelf import Record

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id))
"""
UPSERT = """
INSERT INTO record (seq, kind, id, body) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET seq = excluded.seq, body = excluded.body
"""
DELETE = "DELETE FROM record WHERE kind = ? AND id = ?"
Change = tuple[str, str, int | None, Record | None]


class UnusableFile(Exception):
    """The file is held by another process, or is none of ours."""


class Mirror:
    """One process for one file: the lock falls when the process ends, however it ends."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=1)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            busy = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            why = "another process has it open" if busy else str(error)
            raise UnusableFile(f"cannot use {path}: {why}") from error

    def read(self) -> Iterator[tuple[int, str, Record]]:
        """Everything, in the order of numbers."""
        for seq, kind, body in self._connection.execute("SELECT seq, kind, body FROM record ORDER BY seq"):
            yield seq, kind, json.loads(body)

    def write(self, changes: Iterable[Change]) -> None:
        """All of them or none."""
        with self._connection:
            for kind, key, number, record in changes:
                if record is None:
                    self._connection.execute(DELETE, (kind, key))
                else:
                    self._connection.execute(UPSERT, (number, kind, key, json.dumps(record)))

    def clear(self) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM record")

    def close(self) -> None:
        self._connection.close()

    def _prepare(self) -> None:
        """WAL survives `kill -9` without waiting for the disk at each write (sqlite.org/wal.html)."""
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(SCHEMA)
