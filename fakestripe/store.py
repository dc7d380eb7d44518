"""All state: records by kind and id, one lock, and a mirror in one SQLite file.

A kind is a Stripe object name (`refund`) or, with an underscore, a kind of our own (`_job`).
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fakestripe.errors import ApiError
from fakestripe.mirror import Mirror
from fakestripe.shelf import Record, Shelf, Timetable

__all__ = ["Record", "Store", "Timetable"]


@dataclass(frozen=True)
class Before:
    """What one write replaced, to put it back should the change fail."""

    kind: str
    id: str
    record: Record | None
    number: int


class Store:
    """Reads give copies. A write is seen at once by its own thread, by others when the change ended."""

    def __init__(self, path: str | None = None) -> None:
        self.lock = threading.RLock()
        self.after_commit: list[Callable[[], None]] = []
        self._shelves: dict[str, Shelf] = {}
        self._undo: list[Before] = []
        self._depth = 0
        self._last_number = 0
        self._mirror = Mirror(path) if path else None
        self._read_mirror()

    @contextmanager
    def change(self) -> Iterator[None]:
        """One atomic change; inside another it joins that one.

        An error undoes what was written since this `change()` began, except an error that says
        its effects stay.
        """
        with self.lock:
            before = len(self._undo)
            self._depth += 1
            try:
                yield
            except BaseException as error:
                if not (isinstance(error, ApiError) and error.keep_effects):
                    self._undo_to(before)
                self._leave()
                raise
            self._leave()

    def get(self, kind: str, record_id: str) -> Record | None:
        with self.lock:
            found = self._shelf(kind).get(record_id)
            return None if found is None else copied(found)

    def put(self, kind: str, record: Record) -> None:
        self._write(kind, record["id"], copied(record))

    def delete(self, kind: str, record_id: str) -> None:
        self._write(kind, record_id, None)

    # What follows gives the records themselves, not copies: read them, never change them.

    def all(self, kind: str) -> list[Record]:
        """Oldest first."""
        with self.lock:
            return self._shelf(kind).all()

    def where(self, kind: str, field: str, value: str | int) -> list[Record]:
        """Those whose field has this value, oldest first, without a walk over the others."""
        with self.lock:
            return self._shelf(kind).where(field, value)

    def pick(
        self,
        kind: str,
        fits: Callable[[Record], bool],
        limit: int,
        *,
        group: tuple[str, str | int] | None = None,
        beyond: str | None = None,
        newest_first: bool = True,
    ) -> list[Record]:
        """The first few that fit, from the record after `beyond` on; `group` is a field and its value."""
        with self.lock:
            walk = self._shelf(kind).walk(group, beyond, newest_first=newest_first)
            return list(itertools.islice(filter(fits, walk), limit))

    def until(self, timetable: Timetable, moment: float, limit: int | None = None) -> list[Record]:
        """Those in the timetable whose moment has come, soonest first."""
        with self.lock:
            return self._shelf(timetable.kind).until(timetable, moment, limit)

    def soonest(self, timetable: Timetable, after: float = -math.inf) -> Record | None:
        """The first in the timetable, or the first whose moment lies after the one given."""
        with self.lock:
            return self._shelf(timetable.kind).soonest(timetable, after)

    def count(self, what: str | Timetable) -> int:
        """How many there are of a kind, or in a timetable."""
        with self.lock:
            return len(self._shelf(what)) if isinstance(what, str) else self._shelf(what.kind).size(what)

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self.lock:
            self._shelves.clear()
            self._undo.clear()
            if self._mirror:
                self._mirror.clear()

    def close(self) -> None:
        with self.lock:
            if self._mirror:
                self._mirror.close()
                self._mirror = None

    def _shelf(self, kind: str) -> Shelf:
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[kind] = Shelf()
        return shelf

    def _read_mirror(self) -> None:
        for number, kind, record in self._mirror.read() if self._mirror else ():
            self._shelf(kind).place(record["id"], record, number)
            self._last_number = number

    def _write(self, kind: str, record_id: str, record: Record | None) -> None:
        assert self._depth, "writes belong inside change()"
        shelf = self._shelf(kind)
        number = shelf.number(record_id)
        if number is None:
            self._last_number += 1
            number = self._last_number
        self._undo.append(Before(kind, record_id, shelf.get(record_id), number))
        shelf.place(record_id, record, number)

    def _undo_to(self, length: int) -> None:
        while len(self._undo) > length:
            before = self._undo.pop()
            self._shelf(before.kind).place(before.id, before.record, before.number)

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth or not self._undo:
            return
        try:
            self._write_mirror()
        except BaseException:
            self._undo_to(0)
            raise
        self._undo.clear()
        for notify in self.after_commit:
            notify()

    def _write_mirror(self) -> None:
        if not self._mirror:
            return
        touched = dict.fromkeys((before.kind, before.id) for before in self._undo)
        self._mirror.write(
            (kind, key, self._shelf(kind).number(key), self._shelf(kind).get(key)) for kind, key in touched
        )


def copied(value: Any) -> Any:
    """A copy of JSON data; many times faster than `copy.deepcopy`."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, dict | list) else item for key, item in value.items()}
    return [copied(item) if isinstance(item, dict | list) else item for item in value]
