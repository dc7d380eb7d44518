"""Every word that the program says goes through the catalogue, on every page in every state and in every mail.

The shop is made to speak a made-up language: each sentence of the catalogue stands in brackets. What a guest then reads
outside of brackets is the host's own words, or a day or a sum, or it was left out and could never be translated.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
from babel.dates import get_day_names, get_month_names
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import booking.language
import booking.web.language
from booking.services import demo, demo_shop
from booking.translations.collect import collect
from tests.pages.archive import Archive, words_of
from tests.pages.catalogue import CLUB, DECLINED_WITH
from tests.pages.making import make_archive
from tests.support.shop import GRACE, LINUS

OPEN, CLOSE = "\N{LEFT DOUBLE PARENTHESIS}", "\N{RIGHT DOUBLE PARENTHESIS}"
SPOKEN = re.compile(r"\s(?:aria-label|title|alt|placeholder)=\"([^\"]*)\"")
DESCRIBED = re.compile(r"<meta (?:name|property)=\"(?:description|og:title|og:description)\" content=\"([^\"]*)\"")
WORD = re.compile(r"[^\W\d_]{3,}")
# References of bookings, ids of requests, and what a guest typed in a field for long texts.
NO_WORDS = re.compile(r"\b[0-9A-Z]{4}-?[0-9A-Z]{4}\b|\b[0-9a-f]{16}\b|x{40,}")
# Not said by the program: names of this shop, of its guests, of languages and of firms, and what an address is made of.
NAMES = {"Stripe", "Visa", "English", "Deutsch", "EUR", "PDF", "UTC", "Holdfast", "https", "http", "www", "ics"}
TYPED = set("Can the dog come We come by the last ferry Is there cot".split())
# WTForms brings its own German.
LIBRARY = {"Keine", "gültige", "Auswahl"}


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """All pages and mails in the made-up language, under the address of German."""
    folder = tmp_path_factory.mktemp("made-up")
    _write_catalogue(folder)
    with pytest.MonkeyPatch.context() as patch:
        for module in (booking.language, booking.web.language):
            patch.setattr(module, "TRANSLATIONS", folder)
        patch.setattr("tests.pages.making.LANGUAGES", {"de": "Deutsch"})
        booking.language.language.cache_clear()
        yield make_archive(folder, languages=("de",))
    booking.language.language.cache_clear()


def _write_catalogue(folder: Path) -> None:
    (folder / "de" / "LC_MESSAGES").mkdir(parents=True)
    collect(folder / "messages.pot")
    with (folder / "messages.pot").open("rb") as stream:
        sentences = read_po(stream)
    made_up = Catalog(locale="de")
    for message in (message for message in sentences if message.id):
        made_up.add(message.id, _bracketed(message), context=message.context)
    with (folder / "de" / "LC_MESSAGES" / "messages.mo").open("wb") as stream:
        write_mo(stream, made_up)


def _bracketed(message: Message) -> str | tuple[str, ...]:
    if isinstance(message.id, str):
        return f"{OPEN}{message.id}{CLOSE}"
    return tuple(f"{OPEN}{text}{CLOSE}" for text in message.id)


def test_no_page_says_a_word_that_cannot_be_translated(made_up: Archive) -> None:
    assert made_up.pages
    left_out = {name: _left_out(kept.body) for (name, _), kept in made_up.pages.items()}

    assert {name: words for name, words in left_out.items() if words} == {}


def test_no_mail_to_a_guest_says_a_word_that_cannot_be_translated(made_up: Archive) -> None:
    mails = {name: markup for name, markup in made_up.mails.items() if "staff" not in name}
    guests = {name: _left_out(markup) for name, markup in mails.items() if OPEN in markup}

    assert len(guests) > 5
    assert {name: words for name, words in guests.items() if words} == {}


def test_control_a_word_outside_of_the_catalogue_is_found() -> None:
    assert _left_out(f'<p>{OPEN}Pay{CLOSE} now</p><img alt="zebra"><p>{OPEN}in {OPEN}two{CLOSE} days{CLOSE}</p>') == {
        "now",
        "zebra",
    }


def _left_out(markup: str) -> set[str]:
    spoken = SPOKEN.findall(markup) + DESCRIBED.findall(markup)
    told = _outside(" | ".join([words_of(markup), *(words_of(value) for value in spoken)]))
    for text in _texts_of_the_host():
        told = told.replace(text, " ")
    return set(WORD.findall(NO_WORDS.sub(" ", told))) - _known()


def _outside(text: str) -> str:
    """A text without what stands in brackets, brackets within brackets included."""
    kept, depth = [], 0
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE)
        kept.append(letter if depth == 0 and letter != CLOSE else " ")
    return "".join(kept)


@cache
def _known() -> set[str]:
    """Single words that are not the program's own."""
    days = [name for width in ("wide", "abbreviated", "short") for name in get_day_names(width, locale="de").values()]
    months = [name for width in ("wide", "abbreviated") for name in get_month_names(width, locale="de").values()]
    guests = [GRACE.name, GRACE.email, LINUS.name, LINUS.email]
    return NAMES | TYPED | LIBRARY | set(WORD.findall(" ".join([*days, *months, *guests])))


@cache
def _texts_of_the_host() -> tuple[str, ...]:
    """All that the demo's hosts wrote, in both of their languages, longest first; each line for itself."""
    place = vars(demo._seal_harbour()).values()
    sold = (asdict(each) for each in (*demo_shop.DEMO_LISTINGS, *demo_shop.EXTRAS))
    texts = _strings([*place, demo_shop.TEXTS, demo_shop.GERMAN, *sold, DECLINED_WITH, CLUB])
    lines = {" ".join(line.split()).replace("\u2019", "'").rstrip(".") for text in texts for line in text.splitlines()}
    return tuple(sorted((line for line in lines if WORD.search(line)), key=len, reverse=True))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings(list(value.values()))
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)
