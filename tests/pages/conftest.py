"""The pages of the catalogue, made once for the whole run, and the tools that judge them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import IS_CI
from tests.pages.archive import Archive, Kept
from tests.pages.making import make_archive, shared_archive
from tests.stripe_judges.fetching import NotFetched
from tests.support import npm


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Archive:
    """Every page in every state."""
    own = tmp_path_factory.getbasetemp()
    return shared_archive((own if worker_id == "master" else own.parent) / "pages", make_archive)


@pytest.fixture(scope="session")
def fetched() -> Callable[[str], Path]:
    """Gets a package from npm; without npm or a network its tests are skipped on a laptop and fail elsewhere."""

    def get(name_and_version: str) -> Path:
        try:
            return npm.package(name_and_version)
        except NotFetched as missing:
            if IS_CI:
                raise
            pytest.skip(str(missing))

    return get


@pytest.fixture(scope="session")
def window(chromium: Browser) -> Iterator[Page]:
    """A window with JavaScript and no wish for motion; one for all pages, for a new one takes longer than a look."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def show(window: Page, archive: Archive) -> Iterator[Callable[..., Page]]:
    """Opens a page of the catalogue; nothing of the page before is left: no cookie, nothing kept, no focus."""

    def open_page(kept: Kept, width: int = 1280, scheme: str = "light") -> Page:
        window.goto("about:blank")
        archive.serve_to(window.context, kept)
        window.set_viewport_size({"width": width, "height": 800})
        window.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        window.goto(kept.url)
        return window

    yield open_page
    window.context.clear_cookies()
