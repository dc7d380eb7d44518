"""What an owner says of a property and of its listings, and what of it cannot be: in words, by the field."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from zoneinfo import ZoneInfo

from booking.domain.amenities import AMENITIES
from booking.domain.money import Money, step

# In which currencies a house may sell: those in which Stripe takes money nearly everywhere.
CURRENCIES = tuple(
    """eur usd gbp chf dkk sek nok isk pln czk huf ron bgn try ils cad aud nzd jpy krw sgd hkd twd thb myr idr php vnd
    inr aed sar qar kwd bhd omr jod tnd mad egp zar kes ugx xof xaf brl mxn clp cop pen ars uyu crc dop""".split()
)
MOST_GUESTS, MOST_ROOMS, MOST_AREA, MOST_UNITS = 99, 50, 10_000, 50
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PHONE = re.compile(r"[0-9+()./ -]{5,40}", re.ASCII)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 80
# What no decomposition makes plain letters of.
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "þ": "th", "ð": "d"})
_HOUSE_TEXTS = {"name": 120, "tagline": 200, "address": 300, "contact_email": 254, "house_rules": 4000}
_HOUSE_TEXTS |= {"directions": 2000}
_LISTING_TEXTS = {"name": 120, "summary": 200, "description": 4000, "beds": 200, "access_notes": 1000}
_LISTING_TEXTS |= {"registration": 80}

Translations = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseFacts:
    """A property as its owner describes it. `translations` are by language and field."""

    name: str
    tagline: str = ""
    address: str = ""
    timezone: str
    currency: str
    contact_email: str
    contact_phone: str = ""
    check_in_from: str = "15:00"
    check_out_by: str = "11:00"
    house_rules: str = ""
    directions: str = ""
    translations: Translations = field(default_factory=dict)

    def as_values(self) -> dict[str, object]:
        """The facts by their names, as a row keeps them."""
        return {part.name: getattr(self, part.name) for part in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFacts:
    """A listing as its owner describes it; prices and rules have pages of their own."""

    name: str
    slug: str
    summary: str = ""
    description: str = ""
    bedrooms: int = 1
    beds: str = ""
    area_m2: int | None = None
    max_guests: int
    amenities: tuple[str, ...] = ()
    access_notes: str = ""
    registration: str = ""
    translations: Translations = field(default_factory=dict)

    def as_values(self) -> dict[str, object]:
        """The facts by their names, as a row keeps them."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {**values, "amenities": list(self.amenities)}


def check_house(facts: HouseFacts) -> dict[str, str]:
    """What cannot be, by the field; nothing where all is well."""
    problems = dict(_text_problems(facts, _HOUSE_TEXTS))
    if not facts.name:
        problems["name"] = "Type the name of the house."
    if not is_zone(facts.timezone):
        problems["timezone"] = "This is no time zone. It looks like Europe/Berlin or America/New_York."
    if facts.currency not in CURRENCIES:
        problems["currency"] = "Choose a currency from the list."
    if not facts.contact_email:
        problems["contact_email"] = "Type the address that guests may write to."
    if facts.contact_phone and not _PHONE.fullmatch(facts.contact_phone):
        problems["contact_phone"] = "Type a telephone number like +49 171 5550123, or leave it empty."
    for name in ("check_in_from", "check_out_by"):
        if not _CLOCK.fullmatch(getattr(facts, name)):
            problems[name] = "Type a time of the day like 15:00."
    return problems


def check_listing(facts: ListingFacts) -> dict[str, str]:
    """What cannot be, by the field; nothing where all is well."""
    problems = dict(_text_problems(facts, _LISTING_TEXTS))
    if not facts.name:
        problems["name"] = "Type the name under which guests book it."
    if not _SLUG.fullmatch(facts.slug) or len(facts.slug) > LONGEST_SLUG:
        problems["slug"] = "Use small letters, digits and single hyphens, such as harbour-loft."
    if not 1 <= facts.max_guests <= MOST_GUESTS:
        problems["max_guests"] = f"Type how many guests may stay, 1 to {MOST_GUESTS}."
    if not 0 <= facts.bedrooms <= MOST_ROOMS:
        problems["bedrooms"] = f"Type the number of bedrooms, 0 to {MOST_ROOMS}."
    if facts.area_m2 is not None and not 1 <= facts.area_m2 <= MOST_AREA:
        problems["area_m2"] = "Type the area in square metres as a whole number, or leave it empty."
    if set(facts.amenities) - {amenity.key for amenity in AMENITIES}:
        problems["amenities"] = "Choose from the list."
    return problems


def check_nightly(price: Money | None) -> str:
    """What cannot be of the price of a night; empty where it can."""
    if price is None or price.minor <= 0:
        return "Type the price of a night as a plain number, such as 120."
    if not price.is_movable:
        smallest = Money(step(price.currency), price.currency)
        return f"{price.currency.upper()} is charged in steps of {smallest.major}."
    return "This is more than can be charged." if price.minor > 99_999_999 else ""


def is_zone(name: str) -> bool:
    """Whether the world's list of time zones has this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of the list
        return False
    return "/" in name or name == "UTC"


def slug_of(name: str) -> str:
    """A name as it can stand in an address: "Café am Hafen" becomes "cafe-am-hafen". Empty where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).casefold().translate(_LETTERS)
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in plain if _is_seen(letter))
    return "-".join(letters.split())[:LONGEST_SLUG].removesuffix("-")


def _is_seen(letter: str) -> bool:
    # Accents that decomposition has set apart, and apostrophes: "Grace's" is one word.
    return not unicodedata.combining(letter) and letter not in ("'", "\u2019")


def _text_problems(facts: HouseFacts | ListingFacts, longest: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for name, most in longest.items():
        if len(getattr(facts, name)) > most:
            yield name, f"Use at most {most} characters."
        for code, texts in facts.translations.items():
            if len(texts.get(name, "")) > most:
                yield f"{name}_{code}", f"Use at most {most} characters."
