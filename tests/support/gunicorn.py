"""The shop as it runs in production: real gunicorn with the project's own settings, threads and two workers."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from booking import create_app
from booking.extensions import db
from tests.support import servers
from tests.support.servers import FakeStripe
from tests.support.shop import SECRET, MemoryMailer, ShiftedClock, Shop, add_listing, make_settings, outfit

WORKERS, THREADS = 2, 8


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


@contextlib.contextmanager
def gunicorn_shop(
    database_url: str, stripe: FakeStripe, folder: Path, *, module: str = "wsgi:app", units: int = 1, **changes: str
) -> Iterator[Shop]:
    """A shop whose web side is gunicorn; what it wrote is read through an app of the test's own on the same rows."""
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    addresses = {"PORT": str(port), "APP_BASE_URL": url, "STRIPE_API_BASE": stripe.url}
    app = create_app(make_settings(database_url, stripe_api_base=stripe.url, app_base_url=url))
    clock, mailer = ShiftedClock(), MemoryMailer()
    outfit(app, clock, mailer)
    shop = Shop(app, stripe, clock, mailer, url, add_listing(app, units=units))
    stripe.post("webhook", {"url": f"{url}/webhooks/stripe/", "secrets": [SECRET]})
    env = environment(database_url, folder, **{**addresses, **changes})
    command = [sys.executable, "-m", "gunicorn", module]
    with servers.running(command, f"{url}/healthz", env, log_of(folder)):
        yield shop
        stripe.post("delivery", {"mode": "drop"})
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def log_of(folder: Path) -> Path:
    """Where the server of `gunicorn_shop` writes what it says."""
    return folder / "gunicorn.log"
