"""The records of one kind, and the ways to them that do not walk over all: age, a field, a moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

Record = dict[str, Any]
Place = tuple[float, int]


@dataclass(frozen=True, eq=False)
class Timetable:
    """Records of a kind by a moment of theirs; those for which `moment` gives None are left out."""

    kind: str
    moment: Callable[[Record], float | None]


class Shelf:
    """Each record has a number that grows with age of birth; every index is a sorted list of numbers.

    An index is built when it is first asked for, and kept from then on.
    """

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._numbers: dict[str, int] = {}
        self._ids: dict[int, str] = {}
        self._ages: list[int] = []
        self._groups: dict[str, dict[Any, list[int]]] = {}
        self._times: dict[Timetable, list[Place]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def get(self, record_id: str) -> Record | None:
        return self._records.get(record_id)

    def number(self, record_id: str) -> int | None:
        return self._numbers.get(record_id)

    def all(self) -> list[Record]:
        """Oldest first."""
        return [self._records[self._ids[number]] for number in self._ages]

    def place(self, record_id: str, record: Record | None, number: int) -> None:
        """Put, replace or (with None) remove one record."""
        old = self._records.get(record_id)
        if old is not None:
            self._remove_from_indexes(old, self._numbers[record_id], keep_age=record is not None)
        if record is None:
            self._records.pop(record_id, None)
            self._numbers.pop(record_id, None)
            return
        if old is None:
            _add(self._ages, number)
        self._records[record_id] = record
        self._numbers[record_id] = number
        self._ids[number] = record_id
        self._add_to_indexes(record, number)

    def where(self, field: str, value: Any) -> list[Record]:
        """Those whose field has this value, oldest first."""
        return [self._records[self._ids[number]] for number in self._group(field, value)]

    def until(self, timetable: Timetable, moment: float, limit: int | None) -> list[Record]:
        """Those whose moment has come, soonest first."""
        places = self._timetable(timetable)
        end = bisect_right(places, moment, key=lambda place: place[0])
        return [
            self._records[self._ids[number]]
            for _, number in islice(places, 0, end if limit is None else min(end, limit))
        ]

    def soonest(self, timetable: Timetable, after: float) -> Record | None:
        places = self._timetable(timetable)
        position = bisect_right(places, after, key=lambda place: place[0])
        return self._records[self._ids[places[position][1]]] if position < len(places) else None

    def size(self, timetable: Timetable) -> int:
        return len(self._timetable(timetable))

    def walk(self, group: tuple[str, Any] | None, beyond: str | None, *, newest_first: bool) -> Iterator[Record]:
        """From the record after `beyond`, or from the end, one by one in the direction asked for."""
        numbers = self._group(*group) if group else self._ages
        if newest_first:
            start = len(numbers) if beyond is None else bisect_left(numbers, self._numbers[beyond])
            positions: Iterable[int] = range(start - 1, -1, -1)
        else:
            start = 0 if beyond is None else bisect_right(numbers, self._numbers[beyond])
            positions = range(start, len(numbers))
        return (self._records[self._ids[numbers[position]]] for position in positions)

    def _group(self, field: str, value: Any) -> list[int]:
        if field not in self._groups:
            self._groups[field] = {}
            for number in self._ages:
                self._join(field, self._records[self._ids[number]].get(field), number)
        return self._groups[field].get(value, [])

    def _timetable(self, timetable: Timetable) -> list[Place]:
        if timetable not in self._times:
            moments = ((timetable.moment(self._records[self._ids[number]]), number) for number in self._ages)
            self._times[timetable] = sorted((moment, number) for moment, number in moments if moment is not None)
        return self._times[timetable]

    def _add_to_indexes(self, record: Record, number: int) -> None:
        for field in self._groups:
            self._join(field, record.get(field), number)
        for timetable, places in self._times.items():
            moment = timetable.moment(record)
            if moment is not None:
                _add(places, (moment, number))

    def _remove_from_indexes(self, record: Record, number: int, *, keep_age: bool) -> None:
        for field, groups in self._groups.items():
            value = record.get(field)
            if _can_be_asked_for(value):
                _discard(groups[value], number)
        for timetable, places in self._times.items():
            moment = timetable.moment(record)
            if moment is not None:
                _discard(places, (moment, number))
        if not keep_age:
            _discard(self._ages, number)
            del self._ids[number]

    def _join(self, field: str, value: Any, number: int) -> None:
        if _can_be_asked_for(value):
            _add(self._groups[field].setdefault(value, []), number)


def _can_be_asked_for(value: Any) -> bool:
    return isinstance(value, str | int)


def _add(places: list[Any], place: Any) -> None:
    """Mostly the newest comes last, which needs no search."""
    if not places or places[-1] < place:
        places.append(place)
    else:
        insort(places, place)


def _discard(places: list[Any], place: Any) -> None:
    position = bisect_left(places, place)
    assert places[position] == place, "an index lost a record"
    del places[position]
