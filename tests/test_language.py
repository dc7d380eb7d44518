"""Languages: how things are written, which one a page is in, and that the catalogues are whole."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from booking.domain.coupons import Coupon
from booking.domain.dates import Stay
from booking.domain.money import Money
from booking.domain.pricing import Ask, quote
from booking.domain.rates import (
    ROOM,
    Discount,
    Fee,
    LineKind,
    Party,
    Per,
    Prices,
    RateCard,
    Season,
    Tax,
    TouristTax,
    plain_card,
)
from booking.domain.stay_rules import StayRules, longest, shortest
from booking.domain.words import Said, say, say_count
from booking.language import DEFAULT, LANGUAGES, TRANSLATIONS, language, localised
from booking.translations.collect import collect

ENGLISH, GERMAN = language("en"), language("de")
STAY = Stay(date(2027, 3, 12), date(2027, 3, 16))
OTHERS = [code for code in LANGUAGES if code != DEFAULT]
GAPS = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


# --- how things are written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "english", "german"),
    [
        (Money(42000, "eur"), "€420.00", "420,00\xa0€"),
        (Money(123456, "eur"), "€1,234.56", "1.234,56\xa0€"),
        (Money(5000, "jpy"), "¥5,000", "5.000\xa0¥"),
        (Money(12345, "kwd"), "KWD12.345", "12,345\xa0KWD"),
    ],
)
def test_money_is_written_as_the_language_writes_it(amount: Money, english: str, german: str) -> None:
    assert (ENGLISH.money(amount), GERMAN.money(amount)) == (english, german)


def test_narrow_cells_drop_decimals_only_where_there_are_none() -> None:
    assert (ENGLISH.short_money(Money(12800, "eur")), GERMAN.short_money(Money(12800, "eur"))) == ("€128", "128\xa0€")
    assert (ENGLISH.short_money(Money(12850, "eur")), GERMAN.short_money(Money(12850, "eur"))) == (
        "€128.50",
        "128,50\xa0€",
    )


def test_days_are_written_as_the_language_writes_them() -> None:
    assert (ENGLISH.day(STAY.arrive), GERMAN.day(STAY.arrive)) == ("Friday 12 March 2027", "Freitag, 12. März 2027")
    assert (ENGLISH.short_day(STAY.arrive), GERMAN.short_day(STAY.arrive)) == ("Fri 12 March", "Fr. 12. März")
    assert (ENGLISH.weekdays()[0], GERMAN.weekdays()[6]) == (("Mo", "Monday"), ("So", "Sonntag"))


@pytest.mark.parametrize(
    ("leave", "words", "dates"),
    [
        (date(2027, 3, 16), "Fri 12 to Tue 16 March 2027", "12-16 March 2027"),
        (date(2027, 4, 2), "Fri 12 March to Fri 2 April 2027", "12 March - 2 April 2027"),
        (date(2028, 1, 2), "Fri 12 March 2027 to Sun 2 January 2028", "12 March 2027 - 2 January 2028"),
    ],
)
def test_a_stay_says_month_and_year_once_where_that_is_enough(leave: date, words: str, dates: str) -> None:
    stay = Stay(STAY.arrive, leave)

    assert (ENGLISH.stay_words(stay), ENGLISH.dates(stay)) == (words, dates)


def test_each_kind_of_line_is_named_in_both_languages() -> None:
    card = RateCard(
        "eur",
        Prices(100_00),
        seasons=(Season("Summer", STAY.arrive, STAY.arrive, Prices(150_00)),),
        included_guests=2,
        more_guests_minor=20_00,
        discounts=(Discount("A week", 10_00, min_nights=2),),
        fees=(Fee(LineKind.CLEANING, 50_00, name="Deep cleaning"), Fee(LineKind.FEE, 6_00, Per.NIGHT, "Resort fee")),
        extras=(Fee(LineKind.EXTRA, 15_00, name="Cot", key="cot"),),
        tourist_tax=TouristTax(3_00, from_age=18),
        taxes=(Tax("VAT", 7_50, ROOM, is_included=True), Tax("City tax", 5_00, ROOM, is_included=False)),
    )
    asked = Ask(Stay(STAY.arrive, STAY.arrive + timedelta(days=2)), Party(2, (4,)), 0, {"cot": 1}, Coupon("TEN", 10_00))

    priced = quote(card, asked)

    assert [ENGLISH.line_label(line, priced) for line in priced.lines] == [
        "1 night × €150.00, Summer", "1 night × €100.00", "More guests, 2 × €20.00", "A week", "Code TEN",
        "Deep cleaning", "Resort fee, 2 × €6.00", "Cot", "Tourist tax, 4 × €3.00", "City tax",
    ]  # fmt: skip
    assert [ENGLISH.included_label(tax, priced) for tax in priced.included] == ["including VAT, 7.5 %"]
    assert [GERMAN.included_label(tax, priced) for tax in priced.included] == ["darin VAT, 7,5 %"]
    assert GERMAN.line_label(priced.lines[2], priced) == "Weitere Gäste, 2 × 20,00\xa0€"


def test_an_instant_is_told_on_the_clock_of_the_place() -> None:
    assert ENGLISH.moment(datetime(2027, 3, 12, 13, 5, tzinfo=UTC), "Europe/Copenhagen") == "12 March 2027, 14:05"


def test_every_line_of_a_quote_has_words() -> None:
    priced = quote(plain_card("eur", 12800, 16400, 4500, 350), Ask(STAY, Party(2)))

    assert [ENGLISH.line_label(line, priced) for line in priced.lines] == [
        "2 weekend nights × €164.00",
        "2 nights × €128.00",
        "Cleaning",
        "Tourist tax, 2 guests × 4 nights × €3.50",
    ]


def test_what_a_rule_says_fits_its_number_and_its_facts() -> None:
    rules = StayRules(max_guests=4, min_nights=1, max_nights=30)

    assert str(shortest(rules)) == ENGLISH.speak(shortest(rules)) == "The shortest stay here is 1 night."
    assert str(longest(rules)) == ENGLISH.speak(longest(rules)) == "The longest stay here is 30 nights."
    assert ENGLISH.speak(say("From {day}.", day=STAY.arrive)) == str(say("From {day}.", day=STAY.arrive))
    assert ENGLISH.speak(say("For {sum}.", sum=Money(42000, "eur"))) == "For €420.00."
    assert ENGLISH.speak(say("It says: {what}", what=say_count("{count} cat", "{count} cats", 2))) == "It says: 2 cats"


def test_braces_in_somebodys_text_are_no_gaps() -> None:
    assert ENGLISH.speak(say("{text}", text="{0} {count}")) == "{0} {count}"
    assert str(Said("{text}", None, {"text": "{x}"})) == "{x}"


def test_nothing_said_is_nothing_in_every_language() -> None:
    assert (ENGLISH.gettext(""), GERMAN.gettext("")) == ("", "")


def test_a_language_that_nobody_here_speaks_is_answered_in_english() -> None:
    assert language("xx").code == language("").code == DEFAULT
    assert (localised("/manage", "en"), localised("/manage", "de")) == ("/manage", "/de/manage")


# --- which language a page is in ------------------------------------------------------------------------------------


def _language_of(client: FlaskClient, path: str, asked: str = "") -> str:
    page = client.get(path, headers={"Accept-Language": asked} if asked else {})
    found = re.search(r'<html lang="([a-z]+)"', page.text)
    assert found, page.text[:200]
    return found.group(1)


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
    [
        ("/terms", "", "en"),
        ("/terms", "de-AT,de;q=0.9,en;q=0.5", "de"),
        ("/terms", "fr,de;q=0.4,en;q=0.3", "de"),
        ("/terms", "fr", "en"),
        ("/terms", "%&/(;;q=", "en"),
        ("/de/terms", "en", "de"),
        ("/en/terms", "de", "en"),
        ("/de/", "", "de"),
        ("/de", "", "de"),
        ("/de/nothing-there", "", "de"),
    ],
)
def test_the_address_decides_and_then_the_browser(client: FlaskClient, path: str, asked: str, expected: str) -> None:
    assert _language_of(client, path, asked) == expected


def test_links_stay_in_the_language_of_the_address(client: FlaskClient) -> None:
    page = client.get("/de/terms").text
    inner = [link for link in re.findall(r'(?:href|action)="(/[^"]*)"', page) if not link.startswith("/static/")]

    assert inner
    assert {link.split("/")[1].split("?")[0] for link in inner} <= {"de", "en"}  # "en" leads to this page in English
    assert 'href="/en/terms"' in page


def test_a_question_is_kept_when_the_language_is_changed(client: FlaskClient) -> None:
    page = client.get("/de/stays?arrive=2030-03-12&leave=2030-03-16&guests=3").text

    assert 'href="/en/stays?arrive=2030-03-12&amp;leave=2030-03-16&amp;guests=3"' in page


@pytest.mark.parametrize("path", ["/de/admin/", "/de/webhooks/stripe/", "/de/healthz", "/de/static/css/base.css"])
def test_what_is_not_for_guests_has_one_address(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/dex/terms", "/DE/terms", "/de/de/terms", "/de/%2e%2e/terms"])
def test_only_one_language_at_the_very_beginning_counts(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (301, 308, 404)


def test_caches_are_told_where_the_browser_was_asked(client: FlaskClient) -> None:
    assert "Accept-Language" in client.get("/terms").headers.get("Vary", "")
    assert "Accept-Language" not in client.get("/de/terms").headers.get("Vary", "")


def test_staff_pages_are_in_english(client: FlaskClient) -> None:
    assert _language_of(client, "/admin/login", "de") == "en"


# --- the catalogues -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Everything that the program says to guests, collected anew."""
    file = tmp_path_factory.mktemp("sentences") / "messages.pot"
    collect(file)
    with file.open("rb") as stream:
        return read_po(stream)


def _catalogue(code: str) -> Catalog:
    with (TRANSLATIONS / code / "LC_MESSAGES" / "messages.po").open("rb") as stream:
        return read_po(stream, locale=code)


def _ids(catalogue: Catalog) -> set[object]:
    return set(_said(catalogue))


def _said(catalogue: Catalog) -> dict[object, tuple[str, ...]]:
    return {(tuple(_texts(message.id)), message.context): tuple(_texts(message.string)) for message in _all(catalogue)}


def _all(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def _texts(value: str | list[str] | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_has_every_sentence_and_no_other(sentences: Catalog, code: str) -> None:
    """`make translations` collects them."""
    assert _ids(sentences) - _ids(_catalogue(code)) == set()
    assert _ids(_catalogue(code)) - _ids(sentences) == set()


@pytest.mark.parametrize("code", OTHERS)
def test_every_sentence_is_translated_with_the_same_gaps(code: str) -> None:
    for message in _all(_catalogue(code)):
        gaps = [set(GAPS.findall(text)) for text in _texts(message.id)]
        assert not message.fuzzy, message.id
        for form in _texts(message.string):
            assert form.strip(), f"not translated: {message.id}"
            assert set(GAPS.findall(form)) in gaps, f"other gaps: {message.id} / {form}"


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_says_its_sentence_twice(code: str) -> None:
    """A script that fills in translations and is run again has done that once."""
    said = [text for message in _all(_catalogue(code)) for text in _texts(message.string)]

    assert [text for text in said if len(text) > 20 and text in (text + text)[1:-1]] == []


@pytest.mark.parametrize("code", OTHERS)
def test_the_compiled_catalogue_is_of_today(code: str) -> None:
    with (TRANSLATIONS / code / "LC_MESSAGES" / "messages.mo").open("rb") as stream:
        compiled = read_mo(stream)

    assert _said(compiled) == _said(_catalogue(code))


def test_pages_find_the_catalogues_wherever_they_are_started(app: Flask) -> None:
    assert Path(app.config["BABEL_TRANSLATION_DIRECTORIES"]) == TRANSLATIONS
