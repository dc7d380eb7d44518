"""Where it is measured: a big shop on either database, programs that serve it, and what these cost the processor."""

import contextlib
import gc
import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate
import psycopg
from flask import Flask
from sqlalchemy.engine import make_url

from benchmarks.big_shop import DAYS, BigShop, fill
from booking import create_app
from tests.support import servers
from tests.support.gunicorn import environment
from tests.support.shop import dispose, make_settings

ROOT = Path(__file__).resolve().parents[1]
DATABASES = ("sqlite", "postgresql")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Place:
    """A database with a shop of so many units in it. `server` is the process of PostgreSQL, 0 for SQLite."""

    database: str
    units: int
    url: str
    server: int


@contextlib.contextmanager
def places(databases: tuple[str, ...], sizes: tuple[int, ...]) -> Iterator[list[Place]]:
    """A shop of each size on each database."""
    with empty_places(databases) as make:
        found = []
        for units in sizes:
            for database in databases:
                print(f"  filling {units:,} units on {database}", file=sys.stderr, flush=True)
                found.append(replace(make(database), units=units))
                _fill(found[-1].url, units)
        yield found


@contextlib.contextmanager
def empty_places(databases: tuple[str, ...]) -> Iterator[Callable[[str], Place]]:
    """Makes a database at the newest migration, with nothing in it, in a scratch folder on a real disk."""
    with contextlib.ExitStack() as stack:
        (ROOT / "var").mkdir(exist_ok=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=ROOT / "var")))
        cluster = stack.enter_context(servers.own_postgres(is_durable=True)) if "postgresql" in databases else None
        numbers = itertools.count(1)

        def make(database: str) -> Place:
            name = f"shop_{next(numbers)}"
            place = Place(database, 0, f"sqlite:///{folder / name}.db", 0)
            if database == "postgresql" and cluster:
                _create(cluster.url, name)
                place = Place(database, 0, f"{cluster.url}/{name}", _process_of(cluster))
            app = create_app(make_settings(place.url))
            with app.app_context():
                flask_migrate.upgrade()
            dispose(app)
            return place

        yield make


def _process_of(cluster: servers.Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def _create(server_url: str, name: str) -> None:
    address = make_url(server_url).set(drivername="postgresql", database="postgres").render_as_string()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())


def _fill(url: str, units: int) -> None:
    app = create_app(make_settings(url))
    fill(app, BigShop(units, datetime.now(UTC).date() - timedelta(days=DAYS // 2)))
    dispose(app)


@contextlib.contextmanager
def shop_in(place: Place, **changes: str) -> Iterator[Flask]:
    """The shop in this process."""
    app = create_app(make_settings(place.url, **changes))
    gc.collect()
    gc.freeze()  # as wsgi.py does
    with app.app_context():
        yield app
    dispose(app)


# --- programs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Server:
    """A gunicorn with the shop's own settings. What it costs is its own time on the processor and its database's."""

    url: str
    process: int
    database_server: int

    def seconds(self) -> float:
        """Of processor time since it began, the database's included."""
        own = family(self.process)
        return sum(seconds_of(process) for process in (*own, *family(self.database_server)))

    def megabytes(self) -> float:
        """Resident memory of the largest worker."""
        sizes = [_resident(process) for process in family(self.process) if process != self.process]
        return max(sizes) / 1e6


@contextlib.contextmanager
def serving(
    module: str,
    place: Place | None = None,
    stripe_url: str = "http://127.0.0.1:1",
    options: Sequence[str] = (),
    **more: str,
) -> Iterator[Server]:
    """A program under gunicorn: `wsgi:app` on a shop, or another one that needs none."""
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        changes = {"PORT": str(port), "APP_BASE_URL": url, "STRIPE_API_BASE": stripe_url, "PYTHONPATH": str(ROOT)}
        changes |= more
        if place:
            changes["APP_ENV"] = "development"  # under test it would load its commands, too
        settings = environment(place.url if place else "sqlite:////nonexistent/none.db", Path(folder), **changes)
        command = [sys.executable, "-m", "gunicorn", *options, module]
        log = Path(folder) / "log"
        with servers.running(command, f"{url}/healthz", settings, log) as process:
            yield Server(url, process.pid, place.server if place else 0)


def family(process: int) -> list[int]:
    """A process and its children."""
    if not process:
        return []
    told = subprocess.run(["ps", "--ppid", str(process), "-o", "pid="], capture_output=True, text=True, check=False)
    return [process, *map(int, told.stdout.split())]


def seconds_of(process: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


def _resident(process: int) -> float:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0.0
