"""Gathers the pages of signing in and of one's own account: importing this module puts them on the blueprint."""

from booking.web.auth import account, links, login  # noqa: F401  (they register themselves)
from booking.web.auth.blueprint import blueprint

__all__ = ["blueprint"]
