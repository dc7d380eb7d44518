"""Billing periods: when the next one begins.

Source: docs.stripe.com/billing/subscriptions/billing-cycle. A month is counted from the anchor, so
one that began on 31 January goes on at 28 February and then at 31 March.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

from fakestripe.store import Record

DAY = 24 * 3600
FIXED = {"day": DAY, "week": 7 * DAY}
MONTHS = {"month": 1, "year": 12}


def next_boundary(recurring: Record, anchor: int, after: int) -> int:
    """The first moment after `after` that lies whole intervals from the anchor."""
    unit, count = recurring["interval"], recurring["interval_count"]
    if unit in FIXED:
        seconds: int = FIXED[unit] * count
        return anchor + ((after - anchor) // seconds + 1) * seconds
    months: int = MONTHS[unit] * count
    number = max(0, _months_between(anchor, after) // months)
    while (moment := _add_months(anchor, number * months)) <= after:
        number += 1
    return moment


def day(moment: int) -> str:
    """As invoice lines write it: 03 Mar 2026."""
    return f"{datetime.fromtimestamp(moment, UTC):%d %b %Y}"


def _months_between(anchor: int, moment: int) -> int:
    first, second = datetime.fromtimestamp(anchor, UTC), datetime.fromtimestamp(moment, UTC)
    return (second.year - first.year) * 12 + second.month - first.month


def _add_months(anchor: int, months: int) -> int:
    start = datetime.fromtimestamp(anchor, UTC)
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    last = calendar.monthrange(year, month + 1)[1]
    moved = start.replace(year=year, month=month + 1, day=1) + timedelta(days=min(start.day, last) - 1)
    return int(moved.timestamp())
