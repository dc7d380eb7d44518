"""Filters and globals of the templates: how money, days and nights are written, and the name over the door."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g
from sqlalchemy.exc import SQLAlchemyError

from booking.domain.charging import Consent
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import IncludedTax, Quote, QuoteLine
from booking.domain.words import Said
from booking.extensions import db
from booking.language import Language, grouped, language, strip_nights
from booking.queries import search
from booking.queries.search import find_property
from booking.services.cards import name_of
from booking.web.language import address_in, current_language, other_languages
from booking.wiring import current_runtime

_SHOP, _EMAIL = "holdfast_shop_name", "holdfast_house_email"
_asset_versions: dict[str, str] = {}


def install(app: Flask) -> None:
    """Give the app's templates their words."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    filters: list[Callable[..., str]] = [money, short_money, money_words, day, short_day, weekday, month_name]
    filters += [iso_month, local_moment, moment_at, night_word, guest_word, grouped, said, consent_name]
    app.jinja_env.filters.update({function.__name__: function for function in filters})
    names: list[Callable[..., object]] = [
        shop_name,
        has_club,
        asset,
        from_price,
        line_label,
        included_label,
        stay_words,
    ]
    names += [has_club, strip_nights, weekday_names, other_languages, address_in]
    app.jinja_env.globals.update({function.__name__: function for function in names})
    app.context_processor(lambda: {"language": current_language().code})


def money(amount: Money) -> str:
    """An amount with its symbol: "€420.00"."""
    return _written(Language.money, current_language().code, amount)


def short_money(amount: Money) -> str:
    """An amount for narrow cells: "€128", with decimals only where there are any."""
    return _written(Language.short_money, current_language().code, amount)


def money_words(amount: Money) -> str:
    """An amount for the ear: "140 euros"."""
    return _written(Language.money_words, current_language().code, amount)


# A calendar writes the same few prices a hundred times, and looking up how is a fifth of its page's time.
@lru_cache(maxsize=2_000)
def _written(write: Callable[[Language, Money], str], code: str, amount: Money) -> str:
    return write(language(code), amount)


def day(value: date) -> str:
    """A whole date: "Friday 12 March 2027"."""
    return current_language().day(value)


def short_day(value: date) -> str:
    """A date where the year is plain: "Fri 12 March"."""
    return current_language().short_day(value)


def weekday(value: date) -> str:
    """A date for the ear: "Friday 12 March"."""
    return current_language().weekday(value)


def moment_at(value: datetime, timezone: str) -> str:
    """An instant on a place's own clock: "12 March 2027, 14:05"."""
    return current_language().moment(value, timezone)


def local_moment(value: datetime) -> str:
    """An instant on the clock that it was told by: "12 March 2027, 14:05"."""
    return current_language().local_moment(value)


def weekday_names() -> list[tuple[str, str]]:
    """The heads of a calendar: short and whole names from Monday."""
    return current_language().weekdays()


def month_name(value: date) -> str:
    """A month: "March 2027"."""
    return current_language().month_name(value)


def iso_month(value: date) -> str:
    """A month for an address: "2027-03"."""
    return f"{value:%Y-%m}"


def night_word(nights: int) -> str:
    """ "1 night", "4 nights"."""
    return current_language().nights(nights)


def guest_word(guests: int) -> str:
    """ "1 guest", "2 guests"."""
    return current_language().guests(guests)


def consent_name(consent: Consent) -> str:
    """What a form brings back of the words about a card that stood on its page, in the page's language."""
    return name_of(consent, current_language().code)


def said(sentence: Said) -> str:
    """A sentence of the domain, in the reader's language."""
    return current_language().speak(sentence)


def from_price(listing: Any) -> Money:
    """What a night of a listing costs at least, on some day that is sold now."""
    return search.from_price(listing, current_runtime().clock.now())


def included_label(tax: IncludedTax, quote: Quote) -> str:
    """A tax that the total holds already: "including VAT, 7 %"."""
    return current_language().included_label(tax, quote)


def line_label(line: QuoteLine, quote: Quote) -> str:
    """What a line of a quote charges for: "2 weekend nights × €164.00"."""
    return current_language().line_label(line, quote)


def stay_words(stay: Stay) -> str:
    """A stay in a few words: "Fri 12 to Tue 16 March 2027"."""
    return current_language().stay_words(stay)


def asset(path: str) -> str:
    """The address of a static file, with a mark that changes with its content."""
    if path not in _asset_versions or current_app.debug:
        file = Path(str(current_app.static_folder)) / path
        _asset_versions[path] = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"
    # Not url_for: the same file must not have an address, and a place in the browser's cache, for each language.
    return f"{current_app.static_url_path}/{path}?v={_asset_versions[path]}"


def shop_name() -> str:
    """The name over the door. Pages about a dead database use the last one known, and ask nobody."""
    if "shop_name" not in g:
        g.shop_name = _last_known() if g.get("no_database") else _ask_shop_name()
    return str(g.shop_name)


def has_club() -> bool:
    """Whether the house takes part in a club, so that pages may speak of it. As careful as `shop_name`."""
    shop_name()
    return bool(g.get("has_club"))


def house_email() -> str:
    """Where to write to the house; empty where nobody knows yet. As careful with the database as `shop_name`."""
    shop_name()
    return str(current_app.extensions.get(_EMAIL, ""))


def _ask_shop_name() -> str:
    try:
        place = find_property(db.session())
    except SQLAlchemyError:
        db.session.rollback()
        return _last_known()
    name = place.name if place else "Holdfast"
    g.has_club = place is not None and place.in_club
    current_app.extensions[_SHOP], current_app.extensions[_EMAIL] = name, place.contact_email if place else ""
    return name


def _last_known() -> str:
    return str(current_app.extensions.get(_SHOP, "Holdfast"))
