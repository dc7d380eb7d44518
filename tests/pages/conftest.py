"""The pages of the catalogue, made once for the whole run, and the tools that judge them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import IS_CI
from tests.pages.archive import Archive, Kept
from tests.pages.making import shared_archive
from tests.stripe_judges.fetching import NotFetched
from tests.support import npm


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Archive:
    """Every page in every state."""
    own = tmp_path_factory.getbasetemp()
    return shared_archive((own if worker_id == "master" else own.parent) / "pages")


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


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A window with JavaScript, no cookies, and no wish for motion."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def show(context: BrowserContext, archive: Archive) -> Callable[..., Page]:
    """Opens a page of the catalogue."""
    page = context.new_page()

    def open_page(kept: Kept, width: int = 1280, scheme: str = "light") -> Page:
        archive.serve_to(context, kept)
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(kept.url)
        return page

    return open_page
