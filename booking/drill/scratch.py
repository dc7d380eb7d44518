"""Scratch databases: a file in a folder of our own, or databases on a PostgreSQL server that are dropped afterwards."""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from booking.drill.evidence import DrillRefused

_PREFIX = "holdfast_drill"


class Scratch(Protocol):
    """One database that can be kept under a name and brought back. Nobody may be connected while it is."""

    kind: str

    @property
    def url(self) -> str: ...

    def keep(self, name: str) -> None:
        """Keep the database as it is now."""

    def bring_back(self, name: str) -> None:
        """Throw away what there is, and begin anew with what was kept."""

    def drop(self) -> None:
        """Leave nothing behind."""


class SqliteScratch:
    """A file in a folder which somebody else removes."""

    kind = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self._file('shop')}"

    def keep(self, name: str) -> None:
        self._copy("shop", name)

    def bring_back(self, name: str) -> None:
        self._copy(name, "shop")

    def drop(self) -> None:
        for name in self._folder.glob("*.db*"):
            name.unlink()

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.db"

    def _copy(self, name: str, other: str) -> None:
        for left_over in self._folder.glob(f"{other}.db*"):
            left_over.unlink()
        with closing(sqlite3.connect(self._file(name))) as source, closing(sqlite3.connect(self._file(other))) as copy:
            source.backup(copy)


class PostgresScratch:
    """Databases with names that nobody else has. The database that the address names is only used to say so."""

    kind = "PostgreSQL"

    def __init__(self, server: str) -> None:
        self._server = _with_driver(server)
        self._base = f"{_PREFIX}_{secrets.token_hex(6)}"
        self._made: set[str] = set()
        self._create("shop", "template0")

    @property
    def url(self) -> str:
        return self._server.set(database=self._name("shop")).render_as_string(hide_password=False)

    def keep(self, name: str) -> None:
        self._drop(name)
        self._create(name, self._name("shop"))

    def bring_back(self, name: str) -> None:
        self._drop("shop")
        self._create("shop", self._name(name))

    def drop(self) -> None:
        for name in sorted(self._made):
            self._drop(name)

    def _name(self, name: str) -> str:
        return f"{self._base}_{name}"

    def _create(self, name: str, template: str) -> None:
        self._say(f'CREATE DATABASE "{self._name(name)}" TEMPLATE "{template}"')
        self._made.add(name)

    def _drop(self, name: str) -> None:
        self._say(f'DROP DATABASE IF EXISTS "{self._name(name)}" WITH (FORCE)')
        self._made.discard(name)

    def _say(self, statement: str) -> None:
        engine = _engine(self._server)
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        except SQLAlchemyError as error:
            raise DrillRefused(f"no scratch database on that PostgreSQL server ({_reason(error)})") from error


def may_create_databases(url: str) -> bool:
    """Whether the role of this address may create databases on its server. Reads one row of the server's own."""
    wanted = text("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user")
    try:
        with _engine(_with_driver(url)).connect() as connection:
            return bool(connection.scalar(wanted))
    except SQLAlchemyError:
        return False


def _engine(url: URL) -> Engine:
    options = {"isolation_level": "AUTOCOMMIT", "connect_args": {"connect_timeout": 5}}
    return create_engine(url, poolclass=NullPool, **options)


def _with_driver(url: str) -> URL:
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    if parsed.get_backend_name() != "postgresql":
        raise DrillRefused("--postgresql takes an address like postgresql://user@host/postgres")
    return parsed.set(drivername="postgresql+psycopg", database=parsed.database or "postgres")


def _reason(error: SQLAlchemyError) -> str:
    # Only the kind: the text of an error may name the password.
    return type(getattr(error, "orig", None) or error).__name__
