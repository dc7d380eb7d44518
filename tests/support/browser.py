"""Debian's Chromium, as tests and tools start it: no network of its own, and nothing but what it is told to open."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = """
--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update
--disable-sync
""".split()


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """The browser, for as long as it is needed; a process can have one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def press_first(button: Locator, link: Locator) -> None:
    """Press the button; where the page has none, follow the link. The page may still be on its way."""
    button.or_(link).first.wait_for(state="attached")
    (button if button.count() else link).first.click()
