"""The processes that the stories of this folder die in, one for each database."""

from collections.abc import Iterator

import pytest

from tests.crash.killing import Driver, driving
from tests.support.databases import on_postgres, sqlite_file
from tests.support.servers import FakeStripe


@pytest.fixture(scope="session")
def sqlite_driver(
    sqlite_template, tmp_path_factory: pytest.TempPathFactory, fakestripe_process: FakeStripe
) -> Iterator[Driver]:
    """It dies in an SQLite file."""
    folder = tmp_path_factory.mktemp("crash")
    with driving(sqlite_file(folder / "shop.db", sqlite_template), fakestripe_process, folder) as driver:
        yield driver


@pytest.fixture(scope="session")
def postgresql_driver(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory, fakestripe_process: FakeStripe
) -> Iterator[Driver]:
    """It dies in a database of a PostgreSQL server, which lives on."""
    with driving(on_postgres(postgres_server), fakestripe_process, tmp_path_factory.mktemp("crash")) as driver:
        yield driver
