"""A copy of a shop's database, taken and brought back the way an operator would."""

import sqlite3
from collections.abc import Callable

import psycopg

from booking.extensions import db
from tests.support.shop import Shop


def take(shop: Shop) -> Callable[[], None]:
    """Copy the database as it is now; what is given back brings that copy back, over whatever is there by then."""
    url = shop.runtime.settings.database_url
    return _take_sqlite(url) if url.startswith("sqlite") else _take_postgres(shop, url)


def _take_sqlite(url: str) -> Callable[[], None]:
    path = url.removeprefix("sqlite:///")

    def copy(source: str, target: str) -> None:
        ours, theirs = sqlite3.connect(source), sqlite3.connect(target)
        ours.backup(theirs)
        ours.close()
        theirs.close()

    copy(path, f"{path}.backup")
    return lambda: copy(f"{path}.backup", path)


def _take_postgres(shop: Shop, url: str) -> Callable[[], None]:
    server, _, name = url.replace("postgresql+psycopg://", "postgresql://").rpartition("/")

    def run(*statements: str) -> None:
        with shop.app.app_context():
            db.engine.dispose()
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    run(f"CREATE DATABASE {name}_backup TEMPLATE {name}")
    return lambda: run(f"DROP DATABASE {name} WITH (FORCE)", f"ALTER DATABASE {name}_backup RENAME TO {name}")
