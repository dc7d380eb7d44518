"""Gathers the staff pages: importing this module puts all of them on the blueprint."""

from booking.web.admin import bookings, closures, disputes, inbox, money  # noqa: F401  (they register themselves)
from booking.web.admin.blueprint import blueprint

__all__ = ["blueprint"]
