"""Gathers the pages of a guest's own booking: importing this module puts all of them on the blueprint."""

from booking.web.manage import cards, changes, dues, links, on_page, pages, privacy  # noqa: F401  (they register themselves)
from booking.web.manage.blueprint import blueprint

__all__ = ["blueprint"]
