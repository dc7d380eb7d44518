"""Every page of the desk: as asked for, without a violation for axe-core, and on a phone without sideways scrolling."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from tests.desk.catalogue import DESK, NAMES
from tests.pages.archive import Archive
from tests.pages.looks import looks
from tests.pages.test_axe import take
from tests.pages.test_small_screens import CUT, LARGE_TEXT, TOO_WIDE, WIDTH
from tests.support.figures import note_figures

pytestmark = pytest.mark.browser
LOOKS = looks(360, 1280)
# Files, and pages that a browser never stays on.
NO_PAGES: set[str] = set()


@pytest.mark.parametrize("state", DESK, ids=NAMES)
def test_a_page_comes_as_it_should(archive: Archive, state: object) -> None:
    kept = archive.page(state.name)  # type: ignore[attr-defined]

    assert kept.status == state.status, kept.words[:300]  # type: ignore[attr-defined]
    assert kept.body.count("<h1") == 1
    assert "None" not in kept.words.split()


def test_every_page_of_the_desk_is_in_the_catalogue(archive: Archive, app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/admin") and _is_page(rule)}

    seen = set()
    for name in NAMES:
        try:
            seen.add(routes.match(urlsplit(archive.page(name).url).path, method="GET")[0])
        except HTTPException:
            continue  # an address that only takes forms, or none at all

    assert pages - seen - NO_PAGES == set()


def _is_page(rule: object) -> bool:
    return "GET" in (rule.methods or ()) and not rule.rule.endswith((".csv", ".<ending>"))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_violation(show: Callable[..., Page], archive: Archive, axe: str, name: str) -> None:
    page = show(archive.page(name))
    page.evaluate(axe)

    found = [f"{look[0]}, {look[1]}: {told}" for look in LOOKS for told in take(look, page)]

    note_figures("desk_axe", part=name.replace("/", " "), states=1, looks=len(LOOKS), violations=len(found))
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_a_phone(show: Callable[..., Page], archive: Archive, name: str) -> None:
    page = show(archive.page(name), width=320)

    assert page.evaluate(WIDTH) <= 320, page.evaluate(TOO_WIDE)
    assert page.evaluate(CUT) == []

    page.evaluate(LARGE_TEXT)
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate(WIDTH) <= 360, f"with large text: {page.evaluate(TOO_WIDE)}"


def test_the_checker_finds_no_error(archive: Archive, errors_in: Callable[[dict[str, str]], list[str]]) -> None:
    assert errors_in({name: archive.page(name).body for name in NAMES}) == []
