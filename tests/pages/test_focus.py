"""Whoever uses the keyboard sees where they are: each stop has a visible ring, and no bar lies over it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.pages.archive import Archive
from tests.pages.catalogue import NAMES

pytestmark = pytest.mark.browser
MOST_STOPS = 160
# Where the focus is; how it is drawn, also around the card that it stands for; and whether anything lies over it.
STOP = """() => {
    const at = document.activeElement;
    if (at === document.body || !at) return null;
    const drawn = (it) => {
        if (!it) return false;
        const style = getComputedStyle(it);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
    };
    const label = at.matches("input") ? at.labels?.[0] : null;
    const box = at.getBoundingClientRect();
    const spots = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2], [0.5, 0.8]].map(([x, y]) =>
        document.elementFromPoint(box.left + box.width * x, box.top + box.height * y));
    const free = spots.filter((seen) => seen && (at.contains(seen) || seen.contains(at) || seen === label
        || seen.closest("a, button, label") === at || at.closest(".card")?.contains(seen)));
    return { name: `${at.tagName.toLowerCase()}.${at.className}: ${(at.innerText || at.name || "").slice(0, 40)}`,
             isDrawn: drawn(at) || drawn(label) || drawn(at.closest(".card")), isFree: free.length > 0,
             isIn: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0 };
}"""


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", NAMES)
def test_the_focus_is_seen_at_every_stop(show: Callable[..., Page], archive: Archive, name: str, width: int) -> None:
    page = show(archive.page(name), width=width)

    stops = _walk(page)

    assert len(stops) > 5
    assert [stop["name"] for stop in stops if not stop["isDrawn"]] == [], "no ring"
    assert [stop["name"] for stop in stops if not (stop["isIn"] and stop["isFree"])] == [], "covered or out of sight"


def _walk(page: Page) -> list[dict[str, Any]]:
    """Every stop of the Tab key, once round."""
    stops: list[dict[str, Any]] = []
    page.evaluate("document.activeElement?.blur()")
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        stops.append(stop)
    return stops


def test_control_a_page_without_rings_and_with_a_bar_over_all_would_be_found(
    show: Callable[..., Page], archive: Archive
) -> None:
    page = show(archive.page("find my booking"))
    page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("* { outline: none !important; box-shadow: none !important }"
            + "#bar { position: fixed; inset: 0; background: red; z-index: 9 }");
        document.adoptedStyleSheets = [sheet];
        document.body.insertAdjacentHTML("beforeend", "<div id=bar></div>");
    }""")

    stops = _walk(page)

    assert not any(stop["isDrawn"] or stop["isFree"] for stop in stops)
