"""The shop as it runs in production: real gunicorn with the project's own settings, threads and two workers."""

import contextlib
import mmap
import os
import struct
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from booking import create_app
from booking.extensions import db
from tests.support import servers
from tests.support.servers import FakeStripe
from tests.support.shop import SECRET, MemoryMailer, ShiftedClock, Shop, add_listing, make_settings, outfit

WORKERS, THREADS = 2, 8
# Where a server that wants to be told the time (tests.concurrency.moved) finds it.
CLOCK_FILE = "CLOCK_FILE"


class SharedClock(ShiftedClock):
    """The real time, moved by what a test says, in every process that opens the same file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._seconds = mmap.mmap(file.fileno(), 8)

    @property
    def offset(self) -> timedelta:
        return timedelta(seconds=struct.unpack("d", self._seconds[:])[0])

    @offset.setter
    def offset(self, value: timedelta) -> None:
        self._seconds[:] = struct.pack("d", value.total_seconds())


def environment(database_url: str, folder: Path, **changes: str) -> dict[str, str]:
    """All that a server of a test shop is told. Nothing of a person's own environment or `.env` shines through."""
    settings = make_settings(database_url)
    values = {
        "APP_ENV": "test",
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": database_url,
        "QUEUE_URL": f"sqlite:///{folder / 'queue.db'}",
        "STRIPE_SECRET_KEY": settings.stripe_secret_key,
        "STRIPE_PUBLISHABLE_KEY": "",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_API_BASE": "http://127.0.0.1:1",
        "RATE_LIMITS": "off",
        "WEB_WORKERS": str(WORKERS),
        "WEB_THREADS": str(THREADS),
        "MAIL_URL": "",
        "TRUSTED_HOSTS": "",
        "PROXY_HOPS": "0",
        "HOLD_MINUTES": "35",
        "INSTANCE_ID": "",
        "APP_BASE_URL": "http://127.0.0.1:8000",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **values, **changes}


def unserved_shop(
    database_url: str, stripe: FakeStripe, folder: Path, *, units: int = 1, **changes: str
) -> tuple[Shop, dict[str, str]]:
    """A shop that no program serves yet, and what its programs are to be told; the test reads it by its own app."""
    port = servers.lasting_port()
    url = f"http://127.0.0.1:{port}"
    addresses = {"PORT": str(port), "APP_BASE_URL": url, "STRIPE_API_BASE": stripe.url}
    app = create_app(make_settings(database_url, stripe_api_base=stripe.url, app_base_url=url))
    clock, mailer = SharedClock(folder / "clock"), MemoryMailer()
    outfit(app, clock, mailer)
    shop = Shop(app, stripe, clock, mailer, url, add_listing(app, units=units))  # type: ignore[arg-type]
    addresses[CLOCK_FILE] = str(folder / "clock")
    stripe.post("webhook", {"url": f"{url}/webhooks/stripe/", "secrets": [SECRET]})
    return shop, environment(database_url, folder, **{**addresses, **changes})


@contextlib.contextmanager
def gunicorn_shop(
    database_url: str, stripe: FakeStripe, folder: Path, *, module: str = "wsgi:app", units: int = 1, **changes: str
) -> Iterator[Shop]:
    """A shop whose web side is gunicorn; what it wrote is read through an app of the test's own on the same rows.

    Moving the shop's clock moves the server's too if the module is `tests.concurrency.moved:app`.
    """
    shop, env = unserved_shop(database_url, stripe, folder, units=units, **changes)
    command = [sys.executable, "-m", "gunicorn", module]
    with servers.running(command, f"{shop.url}/healthz", env, log_of(folder)):
        yield shop
        stripe.post("delivery", {"mode": "drop"})
    with shop.app.app_context():
        db.session.remove()
        db.engine.dispose()


def log_of(folder: Path) -> Path:
    """Where the server of `gunicorn_shop` writes what it says."""
    return folder / "gunicorn.log"
