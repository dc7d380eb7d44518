"""The shop without its guard against double booking, for a control: `gunicorn tests.concurrency.unguarded_app:app`."""

from booking.services import nights
from tests.concurrency.moved import app
from tests.concurrency.unguarded import look_then_write

nights._insert_nights = look_then_write

__all__ = ["app"]
