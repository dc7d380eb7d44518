"""The demo shop behind real gunicorn, as a visitor meets it: for measuring what travels and how fast it shows."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate

from booking import create_app
from booking.domain.dates import Stay
from booking.extensions import db
from booking.services.demo import seed_demo
from tests.support import servers
from tests.support.gunicorn import environment, log_of
from tests.support.servers import FakeStripe
from tests.support.shop import SECRET, Visitor, make_settings

LISTING = "harbour-loft"


@dataclass(frozen=True)
class Demo:
    """Where the shop and its Stripe are."""

    url: str
    stripe: FakeStripe

    @property
    def stay(self) -> Stay:
        """Nights that the demo keeps free."""
        arrive = datetime.now(UTC).date() + timedelta(days=80)
        return Stay(arrive, arrive + timedelta(days=3))

    @property
    def first_views(self) -> dict[str, str]:
        """The pages at which a visitor may begin, by name."""
        asked = f"arrive={self.stay.arrive}&leave={self.stay.leave}&guests=2"
        return {
            "home": "/",
            "results": f"/stays?{asked}",
            "stay": f"/stays/{LISTING}?{asked}",
            "details": f"/stays/{LISTING}/book?{asked}",
        }

    def book(self) -> tuple[str, str]:
        """Book the nights that follow and pay; the path of the booking's page, and the cookie that opens it."""
        visitor, leave = Visitor(self.url), self.stay.leave
        # Not the nights of the first views, whose pages would then tell that these are gone.
        answer = visitor.book_and_pay(LISTING, Stay(leave, leave + timedelta(days=3)))
        session_id = answer.headers["Location"].rpartition("/")[2]
        self.stripe.pay(session_id)
        self.stripe.settle_down()
        page = visitor.get("/pay/return", session_id=session_id).headers["Location"]
        return page, "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.web.cookies)


def media_folder(folder: Path) -> Path:
    """Where the demo's pictures are: in a run of the tests for all that show it, for making them takes long."""
    return Path(os.environ.get("DEMO_MEDIA") or folder / "media")


@contextlib.contextmanager
def served_demo(folder: Path, **changes: str) -> Iterator[Demo]:
    """The demo on a fresh database."""
    port, database = servers.lasting_port(), f"sqlite:///{folder / 'demo.db'}"
    url = f"http://127.0.0.1:{port}"
    media = media_folder(folder)
    _seed(database, media)
    with servers.fakestripe() as stripe:
        stripe.post("webhook", {"url": f"{url}/webhooks/stripe/", "secrets": [SECRET]})
        addresses = {
            "PORT": str(port),
            "APP_BASE_URL": url,
            "STRIPE_API_BASE": stripe.url,
            "MEDIA_DIR": str(media),
        }
        env = environment(database, folder, **{**addresses, **changes})
        with servers.running([sys.executable, "-m", "gunicorn", "wsgi:app"], f"{url}/healthz", env, log_of(folder)):
            yield Demo(url, stripe)
            stripe.post("delivery", {"mode": "drop"})


def _seed(database: str, media: Path) -> None:
    app = create_app(make_settings(database, media_dir=media))
    with app.app_context():
        flask_migrate.upgrade()
        seed_demo(app.extensions["holdfast"])
        db.session.remove()
        db.engine.dispose()
