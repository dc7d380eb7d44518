"""What several stories begin or end with."""

from collections.abc import Iterator

import pytest

from tests.support.shop import Shop


@pytest.fixture
def verified(shop: Shop) -> Iterator[Shop]:
    """At the end `flask verify --stripe` finds nothing."""
    yield shop
    shop.work()
    shop.stripe.settle_down()
    result = shop.app.test_cli_runner().invoke(args=["verify", "--stripe"])
    assert result.exit_code == 0, result.output
