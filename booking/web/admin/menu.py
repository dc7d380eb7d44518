"""The menu of the staff pages: a table of groups and pages, of which everybody sees what they may open."""

from dataclasses import dataclass

from flask import request, url_for

from booking.web.admin.permits import can_open

# A group is shown by its first page that may be opened; with one page alone it has no second line.
MENU: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Today", (("admin.today", "Today"),)),
    ("Bookings", (("admin.bookings", "Bookings"), ("admin.requests", "Requests"))),
    ("Calendar", (("admin.calendar", "Chart"), ("admin.closures", "Closures"))),
    (
        "Rates",
        (
            ("admin.rates", "Prices"),
            ("admin.rules", "Stay rules"),
            ("admin.policies", "Policies"),
            ("admin.payment_plans", "Payment plans"),
            ("admin.club", "Guest club"),
        ),
    ),
    (
        "House",
        (
            ("admin.listings", "Listings"),
            ("admin.house", "Settings"),
            ("admin.card_rules", "Cards"),
            ("admin.setup", "Set-up"),
        ),
    ),
    (
        "Money",
        (
            ("admin.payments", "Payments"),
            ("admin.refunds", "Refunds"),
            ("admin.payouts", "Payouts"),
            ("admin.disputes", "Disputes"),
            ("admin.reports", "Reports"),
            ("admin.payment_health", "Success"),
        ),
    ),
    ("People", (("admin.people", "People"), ("admin.audit", "Audit log"))),
    (
        "System",
        (
            ("admin.system", "Health"),
            ("admin.webhooks", "Webhooks"),
            ("admin.reconcile", "Comparing"),
            ("admin.mails", "Mail"),
        ),
    ),
    ("Account", (("auth.account", "Your account"),)),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the menu."""

    label: str
    path: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Menu:
    """The groups, and the pages of the group that is open where it has more than one."""

    groups: tuple[Entry, ...]
    pages: tuple[Entry, ...]


def menu() -> Menu:
    """The menu as whoever is signed in sees it on this page."""
    found = [(label, [(name, url_for(endpoint)) for endpoint, name in pages if can_open(endpoint)])
             for label, pages in MENU]  # fmt: skip
    groups = [(label, pages) for label, pages in found if pages]
    here = max((path for _label, pages in groups for _name, path in pages if _is_below(path)), key=len, default="")
    tops = tuple(Entry(label, pages[0][1], here in [path for _name, path in pages]) for label, pages in groups)
    opened = next((pages for _label, pages in groups if here in [path for _name, path in pages]), [])
    shown = tuple(Entry(name, path, path == here) for name, path in opened)
    return Menu(tops, shown if len(shown) > 1 else ())


def _is_below(path: str) -> bool:
    """Whether the page at hand belongs to a page of the menu: it is that page, or lies below its address."""
    return request.path == path or (not path.endswith("/") and request.path.startswith(f"{path}/"))
