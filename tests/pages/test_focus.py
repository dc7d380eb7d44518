"""Whoever uses the keyboard sees where they are: each stop has a visible ring, and no bar lies over it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.pages.archive import Archive
from tests.pages.catalogue import NAMES
from tests.pages.looks import each_or_one

pytestmark = pytest.mark.browser
MOST_STOPS = 160
# Where the focus is, also within the calendar's own elements; how it is drawn, also around the card that it stands for;
# and whether anything lies over it.
STOP = """() => {
    let at = document.activeElement;
    if (at === document.body || !at) return null;
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const drawn = (it) => {
        if (!it) return false;
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(it);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && outlineColor !== "rgba(0, 0, 0, 0)";
    };
    const label = at.matches("input") ? at.labels?.[0] : null;
    const box = at.getBoundingClientRect();
    const spots = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2], [0.5, 0.8]].map(([x, y]) =>
        at.getRootNode().elementFromPoint(box.left + box.width * x, box.top + box.height * y));
    const free = spots.filter((seen) => seen && (at.contains(seen) || seen.contains(at) || seen === label
        || seen.closest("a, button, label") === at || at.closest(".card")?.contains(seen)));
    const told = (at.innerText || at.ariaLabel || at.name || "").slice(0, 40);
    return { name: `${at.tagName.toLowerCase()}.${at.className}: ${told}`,
             isDrawn: drawn(at) || drawn(label) || drawn(at.closest(".card")), isFree: free.length > 0,
             isIn: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0 };
}"""


@pytest.mark.parametrize(("name", "width"), each_or_one(NAMES, [320, 1280]))
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("name", ["home", "results, offers"])
def test_the_focus_is_seen_in_the_two_months_under_a_date(
    show: Callable[..., Page], archive: Archive, name: str, width: int, scheme: str
) -> None:
    page = show(archive.page(name), width=width, scheme=scheme)
    if not page.locator("#arrive").is_visible():
        page.locator(".change > summary").click()
    page.focus("#arrive")
    page.wait_for_selector(".range:popover-open")

    stops = [page.evaluate(STOP), *_press(page, "Alt+ArrowDown", "ArrowRight", "ArrowDown", "Enter", "ArrowRight")]
    stops += _press(page, "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab")

    assert [stop["name"].partition(".")[0] for stop in stops] == ["input"] + 9 * ["button"]
    assert [stop for stop in stops if not (stop["isDrawn"] and stop["isIn"] and stop["isFree"])] == []


def _press(page: Page, *keys: str) -> list[dict[str, Any]]:
    """The stop after each of these keys, drawn."""
    stops = []
    for key in keys:
        page.keyboard.press(key)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        stops.append(page.evaluate(STOP))
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
