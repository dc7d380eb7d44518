"""Fixtures for all tests. No network but loopback, no mail, no sleep; both databases wherever rows are written."""

import gc
import os
import shutil
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser
from stripe import HTTPClient

from booking import create_app, database
from booking.gateways import stripe_gateway
from tests.stripe_judges import verdicts
from tests.support import servers
from tests.support.browser import CHROMIUM, open_chromium
from tests.support.compiled import compile_once
from tests.support.recordings import recordings
from tests.support.servers import FakeStripe
from tests.support.shop import SECRET, MemoryMailer, ShiftedClock, Shop, add_listing, dispose, make_settings, outfit
from tests.support.stray import watch_for_strays

# Between two tries Stripe's library waits; a test need not.
HTTPClient.INITIAL_DELAY = HTTPClient.MAX_DELAY = 0.01

# Collecting garbage as often as Python does by itself is a twelfth of the run.
gc.set_threshold(20_000, 50, 100)

# The same examples in each run: a red run must be a bug, not a busy machine or bad luck.
hypothesis_settings.register_profile("holdfast", deadline=None, derandomize=True)
hypothesis_settings.load_profile("holdfast")

compile_once()
watch_for_strays()

# A part that cannot run is skipped with its reason on a laptop, and fails where everything must be there.
IS_CI = os.environ.get("CI") == "true"


# Whose tests say which lines of domain and services are covered. Tracing makes a test half as slow again, and one that
# tries hundreds of examples three times as slow; on the second database the lines are the same.
TRACED = {"cli", "domain", "queries", "scenarios", "services", "web"}
UNTRACED = ("hypothesis", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    """The pictures of the demo are made once for the whole run, in whose workers this is set already."""
    if "DEMO_MEDIA" not in os.environ:
        folder = os.environ["DEMO_MEDIA"] = tempfile.mkdtemp(prefix="holdfast-media-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_finish() -> None:
    """Thousands of tests stay until the end: what looks for garbage need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace no lines where no coverage is looked for.

    Not by pytest-cov's own marker: in the workers of a run it leaves a tracer behind, and never counts the fixtures.
    """
    folder = item.path.relative_to(servers.ROOT / "tests").parts[0]
    if folder in TRACED and not any(map(item.get_closest_marker, UNTRACED)):
        yield
        return
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    yield
    sys.settrace(tracer)
    threading.settrace(of_threads)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Not pytest-flask's: a context around the whole test would leak logins and hide a missing commit."""


@pytest.fixture(autouse=True)
def _stripes_own_words() -> Iterator[None]:
    """Whatever a fakestripe was asked, answered or told in a test must be as Stripe's own descriptions say."""
    yield
    assert verdicts.on_fresh(recordings) == set()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database at the newest migration, to be copied: `SQLITE_TEMPLATE`, or made here."""
    given = os.environ.get("SQLITE_TEMPLATE")
    if given:
        return Path(given)
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that holds a migrated template."""
    try:
        with servers.postgres() as url:
            template = f"template_{uuid.uuid4().hex[:8]}"
            _on_server(url, f"CREATE DATABASE {template}")
            _migrate(f"{url}/{template}")
            yield f"{url}|{template}"
            _on_server(url, f"DROP DATABASE {template} WITH (FORCE)")
    except servers.NoPostgres as missing:
        if IS_CI:
            raise
        pytest.skip(str(missing))


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh SQLite database."""
    path = tmp_path / "shop.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh PostgreSQL database."""
    url, template = postgres_server.split("|")
    name = f"shop_{uuid.uuid4().hex[:12]}"
    _on_server(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield f"{url}/{name}"
    _on_server(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database: each test that asks for it runs on both engines."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up waiting for a lock or for Stripe; to be asked for with `usefixtures`, before there is a shop.

    In production a page gives up after some seconds, and answers 503. A machine that is busy with other things may be
    slower than that, which says nothing of what is done at the same moment.
    """
    monkeypatch.setattr(database, "LOCK_WAIT_MS", 60_000)
    monkeypatch.setattr(database, "TURN_WAIT_SECONDS", 60)
    monkeypatch.setattr(stripe_gateway, "CONNECT_SECONDS", 60)
    monkeypatch.setattr(stripe_gateway, "WEB_READ_SECONDS", 60)


@pytest.fixture(scope="session")
def fakestripe_process() -> Iterator[FakeStripe]:
    """A fakestripe for all tests of this worker."""
    with servers.fakestripe() as stripe:
        yield stripe


@pytest.fixture
def stripe(fakestripe_process: FakeStripe) -> FakeStripe:
    """The fakestripe, as if it had just been started."""
    fakestripe_process.post("reset")
    return fakestripe_process


@pytest.fixture
def app(sqlite_url: str) -> Iterator[Flask]:
    """The app on a fresh SQLite database, with no Stripe behind it."""
    app = create_app(make_settings(sqlite_url, stripe_api_base="http://127.0.0.1:1"))
    outfit(app, ShiftedClock(), MemoryMailer())
    yield app
    dispose(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that knows nothing yet."""
    return app.test_client()


@pytest.fixture
def shop(database_url: str, stripe: FakeStripe) -> Iterator[Shop]:
    """A whole shop with one listing of one unit, on each database in turn."""
    yield from _open_shop(database_url, stripe)


@pytest.fixture
def small_shop(sqlite_url: str, stripe: FakeStripe) -> Iterator[Shop]:
    """The same on SQLite alone, for what no database can change."""
    yield from _open_shop(sqlite_url, stripe)


def _open_shop(
    database_url: str, stripe: FakeStripe, bring_events: Callable[[FakeStripe, str], str] | None = None
) -> Iterator[Shop]:
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    secret = (bring_events or _by_webhook)(stripe, f"{url}/webhooks/stripe/")
    addresses = {"stripe_api_base": stripe.url, "app_base_url": url}
    app = create_app(make_settings(database_url, stripe_webhook_secrets=(secret,), **addresses))
    clock, mailer = ShiftedClock(), MemoryMailer()
    outfit(app, clock, mailer)
    shop = Shop(app, stripe, clock, mailer, url, add_listing(app))
    with servers.serving(app, port):
        yield shop
        stripe.post("delivery", {"mode": "drop"})
    broken = shop.broken_promises()
    dispose(app)
    assert broken == []


def _by_webhook(stripe: FakeStripe, address: str) -> str:
    """Events come straight from Stripe; the secret they are signed with."""
    stripe.post("webhook", {"url": address, "secrets": [SECRET]})
    return SECRET


def _migrate(url: str) -> None:
    app = create_app(make_settings(url))
    with app.app_context():
        flask_migrate.upgrade()
    dispose(app)


def _on_server(url: str, statement: str) -> None:
    address = url.replace("postgresql+psycopg://", "postgresql://") + "/postgres"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once in each worker."""
    if not shutil.which(CHROMIUM):
        if IS_CI:
            pytest.fail(f"there is no browser at {CHROMIUM}: install Debian's package chromium")
        pytest.skip(f"there is no browser at {CHROMIUM}: install Debian's package chromium")
    with open_chromium() as browser:
        yield browser
