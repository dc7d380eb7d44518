"""The processes that the stories of this folder die in, one for each database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.killing import Driver, driving
from tests.support.databases import on_postgres, sqlite_file
from tests.support.servers import FakeStripe


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Where the workers of one run keep for each other how the stories end."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "told"
    for kind in ("sqlite", "postgresql"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sqlite_driver(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, fakestripe_process: FakeStripe, told: Path
) -> Iterator[Driver]:
    """It dies in an SQLite file."""
    folder = tmp_path_factory.mktemp("crash")
    database = sqlite_file(folder / "shop.db", sqlite_template)
    with driving(database, fakestripe_process, folder, told / "sqlite") as driver:
        yield driver


@pytest.fixture(scope="session")
def postgresql_driver(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory, fakestripe_process: FakeStripe, told: Path
) -> Iterator[Driver]:
    """It dies in a database of a PostgreSQL server, which lives on."""
    folder = tmp_path_factory.mktemp("crash")
    with driving(on_postgres(postgres_server), fakestripe_process, folder, told / "postgresql") as driver:
        yield driver
