"""axe-core looks at every page in every state, light and dark, on three widths: no violation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.pages.archive import Archive
from tests.pages.catalogue import NAMES
from tests.support.figures import note_figures

pytestmark = pytest.mark.browser
AXE_CORE = "axe-core@4.14.1"
WINDOWS = [(scheme, width) for scheme in ("light", "dark") for width in (320, 768, 1280)]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
OPTIONS: dict[str, Any] = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
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

    found = [f"{scheme}, {width}: {told}" for scheme, width in WINDOWS for told in _look(page, scheme, width)]

    note_figures("pages_axe", part=name.replace("/", " "), states=1, looks=len(WINDOWS), violations=len(found))
    assert found == []


def _look(page: Page, scheme: str, width: int) -> list[str]:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    return page.evaluate(LOOK, OPTIONS)


def test_control_a_field_without_a_label_would_be_found(show: Callable[..., Page], archive: Archive, axe: str) -> None:
    page = show(archive.page("find my booking"))
    page.evaluate("document.querySelectorAll('main label').forEach((label) => label.remove())")
    page.evaluate(axe)

    assert any(told.startswith("label: ") for told in _look(page, "light", 320))
