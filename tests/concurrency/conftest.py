"""What the races need besides the fixtures of all tests."""

from collections.abc import Iterator

import pytest

from tests.conftest import _open_shop
from tests.support.servers import FakeStripe
from tests.support.shop import Shop


@pytest.fixture
def postgres_shop(postgres_url: str, stripe: FakeStripe) -> Iterator[Shop]:
    """A shop on PostgreSQL, for what only transactions that run side by side can show."""
    yield from _open_shop(postgres_url, stripe)
