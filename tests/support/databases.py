"""Databases under one address that can be made new again and again, on both engines."""

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import _on_server


@dataclass(frozen=True)
class Renewable:
    """A database's address; `renew` makes it as new, also where somebody died in it, and `drop` ends it."""

    url: str
    renew: Callable[[], None]
    drop: Callable[[], None]


def sqlite_file(path: Path, template: Path) -> Renewable:
    """A file in a folder that exists, copied from a migrated one."""

    def drop() -> None:
        for end in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)

    def renew() -> None:
        drop()
        shutil.copy(template, path)

    return Renewable(f"sqlite:///{path}", renew, drop)


def on_postgres(server: str) -> Renewable:
    """A database of its own on the fixture's server, copied from its migrated template."""
    url, template = server.split("|")
    name = f"shop_{uuid.uuid4().hex[:12]}"

    def drop() -> None:
        _on_server(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def renew() -> None:
        drop()
        _on_server(url, f"CREATE DATABASE {name} TEMPLATE {template}")

    return Renewable(f"{url}/{name}", renew, drop)
