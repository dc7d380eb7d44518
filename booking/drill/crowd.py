"""Doing things at the same moment: everybody waits at a barrier, and goes."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 60


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """What each got, in order. The first error that one met is raised."""
    barrier = threading.Barrier(len(acts))

    def go(act: Callable[[], T]) -> T:
        barrier.wait(timeout=PATIENCE_SECONDS)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))
