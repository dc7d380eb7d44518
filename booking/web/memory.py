"""The last things that a process made, for all its threads: what nobody asked for longest goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class LastUsed(Generic[_Value]):
    """So many values by their keys. A key holds all that its value was made of, so that no value is ever too old."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> _Value | None:
        """What was kept under a key; None where nothing is."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def set(self, key: Hashable, value: _Value) -> None:
        """Keep a value instead of what was there, and let go of the one that was not used longest."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self.most:
                self._values.popitem(last=False)
