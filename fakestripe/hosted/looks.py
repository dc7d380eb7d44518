"""How templates write moments and amounts: filters that every page may use."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask

from fakestripe import money


def register(app: Flask) -> None:
    """Give the filters to the application's templates."""
    app.add_template_filter(moment)
    app.add_template_filter(span)
    app.add_template_filter(short)
    app.add_template_filter(money.show, "money")


def moment(timestamp: float, form: str = "%d %b %Y %H:%M:%S") -> str:
    """A time of the simulator's clock, in UTC, as it is shown everywhere."""
    return datetime.fromtimestamp(timestamp, UTC).strftime(form)


def span(seconds: float) -> str:
    """A length of time in its two largest units, such as "1 d 3 h"."""
    parts, rest = [], int(seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def short(record_id: str) -> str:
    """An id for a narrow place: its prefix, and enough of its end to tell it from others."""
    prefix, mark, rest = record_id.partition("_")
    return f"{prefix}_…{rest[-8:]}" if mark and len(rest) > 12 else record_id
