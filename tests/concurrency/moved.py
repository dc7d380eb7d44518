"""The shop with a clock that tests move while it runs, and with patience: `gunicorn tests.concurrency.moved:app`.

In production a page gives up waiting for a lock or for Stripe after some seconds, and answers 503. A machine that runs
other tests beside this one may be slower than that, which says nothing of the shop.
"""

import os
from dataclasses import replace
from pathlib import Path

from booking import database
from booking.gateways import stripe_gateway
from tests.support.gunicorn import CLOCK_FILE, SharedClock

PATIENCE_SECONDS = 60
database.LOCK_WAIT_MS, database.TURN_WAIT_SECONDS = PATIENCE_SECONDS * 1000, PATIENCE_SECONDS
stripe_gateway.CONNECT_SECONDS = stripe_gateway.WEB_READ_SECONDS = PATIENCE_SECONDS

from wsgi import app  # noqa: E402  (its engine and its client are made with what was set above)

app.extensions["holdfast"] = replace(app.extensions["holdfast"], clock=SharedClock(Path(os.environ[CLOCK_FILE])))

__all__ = ["app"]
