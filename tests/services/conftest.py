"""Fixtures for tests of services that need no server."""

from collections.abc import Iterator

import pytest

from tests.support.memory_shop import MemoryShop, open_memory_shop


@pytest.fixture
def desk() -> Iterator[MemoryShop]:
    """A shop in memory with one unit."""
    yield from open_memory_shop()


@pytest.fixture
def two_units() -> Iterator[MemoryShop]:
    """The same with two equal units."""
    yield from open_memory_shop(units=2)


@pytest.fixture
def club_desk() -> Iterator[MemoryShop]:
    """A shop in memory with a club: plan 1 is on sale, and accounts 1 to 4 can join."""
    yield from open_memory_shop(club=True)
