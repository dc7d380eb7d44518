"""What the first view of a page costs a telephone, measured on the wire of the real server. KB are 1,000 bytes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.pages.demo import Demo, served_demo
from tests.support.figures import note_figures

pytestmark = [pytest.mark.browser, pytest.mark.gunicorn]
FIRST_VIEWS = ("home", "results", "stay", "details")
# What each kind of file may weigh on one page, and all but the photos together.
MOST_BYTES = {"Document": 14_000, "Stylesheet": 14_000, "Script": 8_000, "Font": 40_000}
MOST_IN_ALL, MOST_REQUESTS = 90_000, 12
MOST_WITH_PHOTOS = {"home": 300_000, "stay": 450_000}


@dataclass
class Weighed:
    """Bytes by the kind of file, and what was asked for."""

    kinds: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def photos(self) -> int:
        return self.kinds.get("Image", 0)

    @property
    def without_photos(self) -> int:
        return sum(self.kinds.values()) - self.photos


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with served_demo(tmp_path_factory.mktemp("demo")) as shop:
        yield shop


@pytest.fixture(scope="module")
def weighed(demo: Demo, chromium: Browser) -> dict[str, Weighed]:
    """Each page opened once by a telephone that has never been here."""
    return {name: _weigh(chromium, demo.url + path) for name, path in demo.first_views.items()}


def _weigh(chromium: Browser, url: str) -> Weighed:
    context = chromium.new_context(viewport={"width": 412, "height": 823}, device_scale_factor=1.75, is_mobile=True)
    page, weighed, kinds = context.new_page(), Weighed(), dict[str, str]()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")

    def note_answer(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]
        weighed.asked.append(event["response"]["url"])

    def note_end(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        weighed.kinds[kind] = weighed.kinds.get(kind, 0) + int(event["encodedDataLength"])

    devtools.on("Network.responseReceived", note_answer)
    devtools.on("Network.loadingFinished", note_end)
    page.goto(url, wait_until="networkidle")
    context.close()
    return weighed


@pytest.mark.parametrize("name", FIRST_VIEWS)
def test_a_first_view_is_light(weighed: dict[str, Weighed], name: str) -> None:
    view = weighed[name]
    note_figures(f"pages_first_view_{name}", requests=len(view.asked), bytes=view.without_photos, photos=view.photos)

    too_heavy = {kind: size for kind, size in view.kinds.items() if size > MOST_BYTES.get(kind, 10**9)}

    assert too_heavy == {}, view
    assert view.without_photos <= MOST_IN_ALL, view
    assert len(view.asked) <= MOST_REQUESTS, view.asked
    assert view.without_photos + view.photos <= MOST_WITH_PHOTOS.get(name, 10**9), view


@pytest.mark.parametrize("name", FIRST_VIEWS)
def test_a_first_view_asks_nobody_but_the_shop(weighed: dict[str, Weighed], demo: Demo, name: str) -> None:
    hosts = {urlsplit(url).netloc for url in weighed[name].asked if not url.startswith("data:")}

    assert hosts == {urlsplit(demo.url).netloc}
