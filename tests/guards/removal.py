"""A pytest plugin that takes one guard away: the shop's source is changed as it is imported, never on disk.

`python -m pytest -p tests.guards.removal` with GUARD set to a guard's name.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tests.guards.guards import GUARDS, Guard
from tests.stripe_judges import verdicts


class GuardHasChanged(Exception):
    """The lines that a guard is made of are not there (once) any more: mend the list of guards."""


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads one module of the shop without its guard."""

    guard: Guard

    def get_data(self, path: str) -> bytes:
        if not path.endswith(".py"):
            raise OSError("no cached bytecode of a changed source")
        source, (there, instead) = super().get_data(path).decode(), self.guard.without
        if source.count(there) != 1:
            raise GuardHasChanged(f"{self.guard.name}: {self.guard.module} has its lines {source.count(there)} times")
        return source.replace(there, instead).encode()

    def set_data(self, path: str, data: bytes, *, _mode: int = 0o666) -> None:
        """Never: whoever imports the shop next would find it in the cache, and be without the guard too."""


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if name != self._guard.module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        loader = _Loader(name, spec.origin)
        loader.guard = self._guard
        return importlib.util.spec_from_loader(name, loader)


def _take_away(name: str) -> None:
    (guard,) = [guard for guard in GUARDS if guard.name == name]
    assert guard.module not in sys.modules, "the plugin must be loaded before the shop"
    sys.meta_path.insert(0, _Finder(guard))


verdicts.on_fresh = lambda _recordings: set()  # what the shop says to Stripe is judged where its guards stand
_take_away(os.environ["GUARD"])  # as a plugin is imported: before any conftest imports the shop
