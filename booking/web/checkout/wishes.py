"""What a guest chooses beside nights and guests, as addresses and forms carry it: ages of children, extras, a code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from booking.domain.money import Money
from booking.domain.pricing import Wishes
from booking.domain.rates import Fee
from booking.extensions import db
from booking.queries.coupons import has_coupons, normal_code
from booking.queries.search import Offer
from booking.queries.wishes import Wished, price_wishes
from booking.web.language import current_language
from booking.web.templating import said
from booking.web.text import one_line
from booking.wiring import current_runtime

EXTRA = "extra-"
OLDEST_CHILD = 17
_LONGEST = 40
_MOST_EXTRAS = 30
_KEY, _COUNT = re.compile(r"\d{1,9}", re.ASCII), re.compile(r"\d{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Typed:
    """Wishes as they were typed, and as far as they could be read; `errors` go by field, in the page's language."""

    child_ages: str
    code: str
    wishes: Wishes
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One extra on offer, and how many of it are chosen."""

    extra: Fee
    price: Money
    name: str
    chosen: int

    @property
    def field(self) -> str:
        return f"{EXTRA}{self.extra.key}"


@dataclass(frozen=True, slots=True)
class WishPage:
    """What a page needs to know: the offer as this guest would have it, what was typed, and what there is to choose."""

    offer: Offer
    wishes: Wishes  # those that the offer has in it
    typed: Typed
    errors: Mapping[str, str]
    asks_code: bool  # whether there is any code: without one the field would only make guests look for one

    @property
    def args(self) -> dict[str, Any]:
        """For an address or hidden fields: what was read of the wishes, refused or not."""
        return wish_args(self.typed.wishes)

    @property
    def choices(self) -> list[Choice]:
        """The extras of the house."""
        card = self.offer.listing.rates
        words, chosen = card.glossary.get(current_language().code, {}), self.wishes.extras
        return [
            Choice(
                extra,
                Money(extra.amount_minor, card.currency),
                words.get(extra.name, extra.name),
                chosen.get(extra.key, 0),
            )
            for extra in card.extras
        ]

    @property
    def young(self) -> int | None:
        """Under which age the tourist tax spares a child; None where nobody needs to be asked."""
        card = self.offer.listing.rates
        return card.tourist_tax.from_age if card.tourist_tax and card.asks_ages and self.offer.guests > 1 else None


def read_wishes(args: MultiDict[str, str]) -> Typed:
    """The wishes in an address or a form; what cannot be read becomes an error, never an exception."""
    ages, code = (one_line(args.get(name, ""))[:_LONGEST] for name in ("child_ages", "code"))
    read = _read_ages(ages)
    wrong = gettext("Write the ages as whole numbers from 0 to %(oldest)s, such as 4, 9.", oldest=OLDEST_CHILD)
    errors = {} if read is not None else {"child_ages": wrong}
    return Typed(ages, code, Wishes(read or (), _read_extras(args), normal_code(code)), errors)


def wish_args(wishes: Wishes) -> dict[str, Any]:
    """Wishes for an address or hidden fields; nothing where there are none."""
    args: dict[str, Any] = {"child_ages": ",".join(map(str, wishes.child_ages)), "code": wishes.code}
    args |= {f"{EXTRA}{key}": count for key, count in wishes.extras.items()}
    return {name: value for name, value in args.items() if value}


def grant(offer: Offer, typed: Typed) -> WishPage:
    """The offer with all that was wished for and can be had."""
    wished: Wished = price_wishes(db.session(), offer, typed.wishes, current_runtime().clock.now())
    refused = {name: said(words) for name, words in wished.refusals.items()}
    asks_code = bool(typed.code) or has_coupons(db.session(), offer.listing.property_id)
    return WishPage(wished.offer, wished.wishes, typed, {**refused, **typed.errors}, asks_code)


def _read_ages(text: str) -> tuple[int, ...] | None:
    parts = text.replace(",", " ").split()
    if any(not _COUNT.fullmatch(part) or int(part) > OLDEST_CHILD for part in parts):
        return None
    return tuple(int(part) for part in parts)


def _read_extras(args: MultiDict[str, str]) -> dict[str, int]:
    named = [(name.removeprefix(EXTRA), args[name]) for name in args if name.startswith(EXTRA)][:_MOST_EXTRAS]
    chosen = {key: int(count) for key, count in named if _KEY.fullmatch(key) and _COUNT.fullmatch(count)}
    return {key: count for key, count in chosen.items() if count}
