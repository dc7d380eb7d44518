"""axe-core looks at every page in every state, light and dark, on narrow and wide screens: no violation."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.pages.archive import Archive
from tests.pages.catalogue import NAMES
from tests.pages.looks import ALL_RULES, Look, looks
from tests.support.figures import note_figures

pytestmark = pytest.mark.browser
AXE_CORE = "axe-core@4.14.1"
LOOKS = looks(320, 768, 1280)
# What it says of one thing that breaks one rule, on a line.
LOOK = """(options) => axe.run(document, options).then((results) => results.violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.id}: ${node.target.join(" ")}: ${node.failureSummary}`)))"""


@pytest.fixture(scope="session")
def axe(fetched: Callable[[str], Path]) -> str:
    """axe-core as its makers publish it."""
    return (fetched(AXE_CORE) / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_no_violation(show: Callable[..., Page], archive: Archive, axe: str, name: str) -> None:
    page = show(archive.page(name))
    page.evaluate(axe)

    found = [f"{look[0]}, {look[1]}: {told}" for look in LOOKS for told in take(look, page)]

    note_figures("pages_axe", part=name.replace("/", " "), states=1, looks=len(LOOKS), violations=len(found))
    assert found == []


def take(look: Look, page: Page) -> list[str]:
    """What axe-core says of a page."""
    scheme, width, asked = look
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    return page.evaluate(LOOK, asked)


def test_control_a_field_without_a_label_would_be_found(show: Callable[..., Page], archive: Archive, axe: str) -> None:
    page = show(archive.page("find my booking"))
    page.evaluate("document.querySelectorAll('main label').forEach((label) => label.remove())")
    page.evaluate(axe)

    assert any(told.startswith("label: ") for told in take(("light", 320, ALL_RULES), page))
