"""Filters and globals of the templates: how money, days and nights are written, and the name over the door."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency
from flask import Flask, current_app, g, url_for
from sqlalchemy.exc import SQLAlchemyError

from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import LineKind, Quote, QuoteLine
from booking.extensions import db
from booking.queries.search import find_property, from_price

LOCALE = "en"
MOST_STRIP_NIGHTS = 14  # a longer ribbon would not fit a telephone
_SHOP = "holdfast_shop_name"
_asset_versions: dict[str, str] = {}


def install(app: Flask) -> None:
    """Give the app's templates their words."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    filters: list[Callable[..., str]] = [money, short_money, day, short_day, weekday, month_name, iso_month]
    filters += [night_word, guest_word, grouped, local_clock]
    app.jinja_env.filters.update({function.__name__: function for function in filters})
    names: list[Callable[..., object]] = [shop_name, asset, from_price, line_label, stay_words, strip_nights]
    app.jinja_env.globals.update({function.__name__: function for function in names})


def money(amount: Money) -> str:
    """An amount with its symbol: "€420.00"."""
    return format_currency(amount.major, amount.currency.upper(), locale=LOCALE)


def short_money(amount: Money) -> str:
    """An amount for narrow cells: "€128", with decimals only where there are any."""
    has_rest = amount.major != amount.major.to_integral_value()
    return (
        money(amount)
        if has_rest
        else format_currency(amount.major, amount.currency.upper(), "¤#,##0", locale=LOCALE, currency_digits=False)
    )


def day(value: date) -> str:
    """A whole date: "Friday 12 March 2027"."""
    return format_date(value, "EEEE d MMMM y", locale=LOCALE)


def short_day(value: date) -> str:
    """A date where the year is plain: "Fri 12 March"."""
    return format_date(value, "EEE d MMMM", locale=LOCALE)


def weekday(value: date) -> str:
    """A date for the ear: "Friday 12 March"."""
    return format_date(value, "EEEE d MMMM", locale=LOCALE)


def month_name(value: date) -> str:
    """A month: "March 2027"."""
    return format_date(value, "MMMM y", locale=LOCALE)


def iso_month(value: date) -> str:
    """A month for an address: "2027-03"."""
    return f"{value:%Y-%m}"


def night_word(nights: int) -> str:
    """ "1 night", "4 nights"."""
    return f"{nights} night" if nights == 1 else f"{nights} nights"


def guest_word(guests: int) -> str:
    """ "1 guest", "2 guests"."""
    return f"{guests} guest" if guests == 1 else f"{guests} guests"


def grouped(reference: str) -> str:
    """A reference in groups that can be read out: "H7K2-M9QX"."""
    return "-".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def local_clock(instant: datetime, timezone: str) -> str:
    """An instant on a place's own clock: "14:35"."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%H:%M}"


def line_label(line: QuoteLine, quote: Quote) -> str:
    """What a line of a quote charges for: "2 weekend nights × €164.00"."""
    match line.kind:
        case LineKind.NIGHT:
            return f"{night_word(line.quantity)} × {money(line.unit)}"
        case LineKind.WEEKEND_NIGHT:
            return f"{line.quantity} weekend {'night' if line.quantity == 1 else 'nights'} × {money(line.unit)}"
        case LineKind.CLEANING:
            return "Cleaning"
        case LineKind.TOURIST_TAX:
            return f"Tourist tax, {guest_word(quote.guests)} × {night_word(quote.nights)} × {money(line.unit)}"


def stay_words(stay: Stay) -> str:
    """A stay in a few words: "Fri 12 to Tue 16 March 2027"."""
    same_year = stay.arrive.year == stay.leave.year
    pattern = "EEE d" if same_year and stay.arrive.month == stay.leave.month else "EEE d MMMM"
    start = format_date(stay.arrive, pattern if same_year else "EEE d MMMM y", locale=LOCALE)
    return f"{start} to {format_date(stay.leave, 'EEE d MMMM y', locale=LOCALE)}"


def strip_nights(stay: Stay) -> int:
    """How many lozenges the ribbon of a stay is drawn with."""
    return min(stay.nights, MOST_STRIP_NIGHTS)


def asset(path: str) -> str:
    """The address of a static file, with a mark that changes with its content."""
    if path not in _asset_versions or current_app.debug:
        file = Path(str(current_app.static_folder)) / path
        _asset_versions[path] = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"
    return url_for("static", filename=path, v=_asset_versions[path])


def shop_name() -> str:
    """The name over the door. Pages about a dead database use the last one known, and ask nobody."""
    if "shop_name" not in g:
        g.shop_name = _last_known() if g.get("no_database") else _ask_shop_name()
    return str(g.shop_name)


def _ask_shop_name() -> str:
    try:
        place = find_property(db.session())
    except SQLAlchemyError:
        db.session.rollback()
        return _last_known()
    name = place.name if place else "Holdfast"
    current_app.extensions[_SHOP] = name
    return name


def _last_known() -> str:
    return str(current_app.extensions.get(_SHOP, "Holdfast"))
