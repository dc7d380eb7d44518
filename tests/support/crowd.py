"""Many guests at once: everybody is made ready first, waits at a barrier, and goes at the same moment."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def prepare(make: Callable[[S], T], seeds: Sequence[S], at_a_time: int = 12) -> list[T]:
    """Make something for each, a few at a time; in order."""
    with ThreadPoolExecutor(at_a_time) as pool:
        return list(pool.map(make, seeds))


def rush(act: Callable[[S], T], crowd: Sequence[S]) -> list[T | Exception]:
    """Everybody acts at the same moment, each in a thread; what each got, or the error each met, in order."""
    barrier = threading.Barrier(len(crowd))

    def go(one: S) -> T | Exception:
        barrier.wait(timeout=60)
        try:
            return act(one)
        except Exception as error:  # part of the result: the test looks at it
            return error

    with ThreadPoolExecutor(len(crowd)) as pool:
        return list(pool.map(go, crowd))
