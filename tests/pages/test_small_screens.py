"""Every page on the narrowest phone: nothing scrolls sideways, nothing is cut off, also with text twice as large.

In every language, because words differ in length.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from booking.language import LANGUAGES
from tests.pages.archive import Archive
from tests.pages.catalogue import NAMES
from tests.pages.looks import each_or_one

pytestmark = pytest.mark.browser
NARROWEST = 320
WIDTH = "document.scrollingElement.scrollWidth"
# What a person sets who reads with twice the size of text; the window stays as it is.
LARGE_TEXT = "document.documentElement.style.fontSize = '200%'"
USUAL_TEXT = "document.documentElement.style.fontSize = ''"
# What stands out over the right edge, to be told who is to blame.
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest(".vh, .scroll"))
    .slice(0, 4).map((it) => `${it.tagName.toLowerCase()}.${it.className}: ${(it.innerText || "").slice(0, 40)}`)"""
# Spacing that WCAG 1.4.12 asks pages to bear.
AIRY = """() => { for (const it of document.querySelectorAll("body *")) Object.assign(it.style,
    { lineHeight: "1.5", letterSpacing: "0.12em", wordSpacing: "0.16em" }) }"""
# Text of a card that stands out over the card's edge, and so is cut off.
OVER_THE_EDGE = """() => [...document.querySelectorAll(".card :is(h2, h3, p)")].filter((it) => {
        const text = it.getBoundingClientRect(), card = it.closest(".card").getBoundingClientRect();
        return text.top < card.top || text.bottom > card.bottom || text.left < card.left || text.right > card.right;
    }).map((it) => it.innerText)"""
# Text that is cut off by its own box.
CUT = """() => [...document.querySelectorAll("a, button, dt, dd, th, td, h1, h2, h3, p, label, li, legend, summary")]
    .filter((it) => it.checkVisibility() && it.clientWidth > 1 && getComputedStyle(it).overflow !== "visible"
        && (it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 2))
    .map((it) => `${it.tagName.toLowerCase()}.${it.className}: ${it.innerText.slice(0, 40)}`)"""


@pytest.mark.parametrize(("name", "code"), each_or_one(NAMES, list(LANGUAGES)))
def test_a_page_fits_the_narrowest_phone(show: Callable[..., Page], archive: Archive, name: str, code: str) -> None:
    page = show(archive.page(name, code), width=NARROWEST)

    assert page.evaluate(WIDTH) <= NARROWEST, page.evaluate(TOO_WIDE)
    assert page.evaluate(CUT) == []

    page.evaluate(LARGE_TEXT)
    assert page.evaluate(WIDTH) <= NARROWEST, f"with large text: {page.evaluate(TOO_WIDE)}"

    page.evaluate(USUAL_TEXT)
    page.evaluate(AIRY)
    assert page.evaluate(WIDTH) <= NARROWEST, f"with airy text: {page.evaluate(TOO_WIDE)}"


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", ["home", "results, offers", "results, some too small", "stay, chosen"])
def test_a_card_holds_its_text_on_every_width(
    show: Callable[..., Page], archive: Archive, name: str, code: str
) -> None:
    page = show(archive.page(name, code))

    for width in (320, 480, 640, 800, 1000, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(OVER_THE_EDGE) == [], width


def test_control_a_wide_table_would_be_found(show: Callable[..., Page], archive: Archive) -> None:
    page = show(archive.page("terms"), width=NARROWEST)

    page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<pre>' + 'x'.repeat(90) + '</pre>')")

    assert page.evaluate(WIDTH) > NARROWEST


def test_control_a_card_too_low_for_its_text_would_be_found(show: Callable[..., Page], archive: Archive) -> None:
    page = show(archive.page("home"))

    page.evaluate("document.querySelector('.card').style.maxHeight = '300px'")

    assert page.evaluate(OVER_THE_EDGE) != []
